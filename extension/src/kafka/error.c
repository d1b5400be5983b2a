/*
 * error.c
 *	  Errors of librdkafka and of brokers, as errors of PostgreSQL.
 *
 * Who retries looks at the class: 08 (no connection, also when the log-in is refused:
 * passwords are changed on one side first) and 55 may pass by themselves, the others
 * wait for a person.  The message says what could not be done, the detail is the
 * library's own text, and why no broker is connected, which a plain "timed out" hides.
 */
#include "postgres.h"

#include <lib/stringinfo.h>

#include "base/errors.h"
#include "kafka/internal.h"

typedef struct ErrorRow
{
	rd_kafka_resp_err_t error;
	int sqlstate;
	const char *hint;
} ErrorRow;

#define REACH "Check \"bootstrap.servers\", and that the broker runs and can be reached from here."
#define LOGIN "Check the user name, the password and \"sasl.mechanism\" of the connection."
#define TLS                                                                                        \
	"Check \"security.protocol\", the certificates (ssl.ca.pem, ssl.certificate.pem, "             \
	"ssl.key.pem) and the host name in \"bootstrap.servers\"."
#define PROTOCOL                                                                                   \
	"Check \"security.protocol\" of the connection, and the port: brokers have one for each way "  \
	"to log in."
#define TOPIC_HINT                                                                                 \
	"Check the property \"topic\", or create the topic: clients here do not make topics by "       \
	"reading them."
#define ACL_TOPIC "Grant the connection's user access to the topic (an ACL of the broker)."
#define ACL_CLUSTER "Grant the connection's user this operation on the cluster (an ACL)."

static const ErrorRow rows[] = {
	{RD_KAFKA_RESP_ERR__TRANSPORT, ERRCODE_CONNECTION_FAILURE, REACH},
	{RD_KAFKA_RESP_ERR__RESOLVE, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, REACH},
	{RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, ERRCODE_CONNECTION_FAILURE, REACH},
	{RD_KAFKA_RESP_ERR__TIMED_OUT, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR__WAIT_COORD, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, ERRCODE_CONNECTION_FAILURE,
	 "Fewer replicas are in sync than the topic's min.insync.replicas."},
	{RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, ERRCODE_CONNECTION_FAILURE,
	 "Fewer replicas are in sync than the topic's min.insync.replicas."},
	{RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR_NOT_COORDINATOR, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR_NOT_CONTROLLER, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED, ERRCODE_CONNECTION_FAILURE, NULL},
	{RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, ERRCODE_CONNECTION_FAILURE, NULL},

	{RD_KAFKA_RESP_ERR__AUTHENTICATION, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, LOGIN},
	{RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
	 ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, LOGIN},
	{RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM,
	 ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, LOGIN},
	{RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
	 LOGIN},
	{RD_KAFKA_RESP_ERR__SSL, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, TLS},

	{RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERRCODE_INSUFFICIENT_PRIVILEGE, ACL_TOPIC},
	{RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, ERRCODE_INSUFFICIENT_PRIVILEGE,
	 "Grant the connection's user access to the consumer group (an ACL of the broker)."},
	{RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, ERRCODE_INSUFFICIENT_PRIVILEGE, ACL_CLUSTER},
	{RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, ERRCODE_INSUFFICIENT_PRIVILEGE,
	 "Grant the connection's user Write and Describe on the transactional id (an ACL of the "
	 "broker), or set delivery.guarantee to at_least_once."},
	{RD_KAFKA_RESP_ERR_POLICY_VIOLATION, ERRCODE_INSUFFICIENT_PRIVILEGE, NULL},

	{RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ERRCODE_UNDEFINED_TABLE, TOPIC_HINT},
	{RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID, ERRCODE_UNDEFINED_TABLE, TOPIC_HINT},
	{RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, ERRCODE_UNDEFINED_TABLE, TOPIC_HINT},
	{RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, ERRCODE_UNDEFINED_TABLE, TOPIC_HINT},
	{RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, ERRCODE_INVALID_NAME,
	 "A topic's name has at most 249 letters, digits, dots, underscores and hyphens."},
	{RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, ERRCODE_DUPLICATE_TABLE, NULL},

	{RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
	 "Raise the topic's max.message.bytes and the property \"kafka.message.max.bytes\"."},
	{RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
	 "Raise the topic's max.message.bytes, or lower the property \"batch.size\"."},
	{RD_KAFKA_RESP_ERR__QUEUE_FULL, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
	 "Raise the property \"buffer.memory\"."},

	{RD_KAFKA_RESP_ERR__FENCED, ERRCODE_VELO_WORKER_FENCED, NULL},
	{RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, ERRCODE_VELO_WORKER_FENCED, NULL},
	{RD_KAFKA_RESP_ERR_PRODUCER_FENCED, ERRCODE_VELO_WORKER_FENCED, NULL},
	{RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, ERRCODE_VELO_WORKER_FENCED, NULL},

	{RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, ERRCODE_INVALID_PARAMETER_VALUE, NULL},
	{RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, ERRCODE_INVALID_PARAMETER_VALUE,
	 "The property \"replication.factor\" cannot be more than there are brokers."},
	{RD_KAFKA_RESP_ERR_INVALID_CONFIG, ERRCODE_INVALID_PARAMETER_VALUE, NULL},
	{RD_KAFKA_RESP_ERR_INVALID_REQUEST, ERRCODE_INVALID_PARAMETER_VALUE, NULL},
	{RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, ERRCODE_INVALID_PARAMETER_VALUE,
	 "The transaction time-out must not be longer than the broker's "
	 "transaction.max.timeout.ms."},
	{RD_KAFKA_RESP_ERR__INVALID_ARG, ERRCODE_INVALID_PARAMETER_VALUE, NULL},
	{RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, ERRCODE_FEATURE_NOT_SUPPORTED,
	 "The broker is too old for this."},
	{RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, ERRCODE_FEATURE_NOT_SUPPORTED,
	 "The broker is too old for this."},
	{RD_KAFKA_RESP_ERR_SECURITY_DISABLED, ERRCODE_FEATURE_NOT_SUPPORTED, NULL},
	{RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, ERRCODE_INSUFFICIENT_RESOURCES, NULL},
	{RD_KAFKA_RESP_ERR__BAD_MSG, ERRCODE_DATA_CORRUPTED, NULL},
	{RD_KAFKA_RESP_ERR__BAD_COMPRESSION, ERRCODE_DATA_CORRUPTED, NULL},
	{RD_KAFKA_RESP_ERR_INVALID_MSG, ERRCODE_DATA_CORRUPTED, NULL},
	{RD_KAFKA_RESP_ERR_INVALID_RECORD, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
	 "A compacted topic takes only records with a key."},
};

/*
 * What cannot be named is taken for the state of the outside world; not in a class that
 * belongs to a record (base/try.h).
 */
static const ErrorRow other = {RD_KAFKA_RESP_ERR_UNKNOWN, ERRCODE_IO_ERROR, NULL};

static const ErrorRow *
find_row(int error)
{
	for (int i = 0; i < lengthof(rows); i++)
		if (rows[i].error == error)
			return &rows[i];
	return &other;
}

/* Is the connection itself what failed? */
static bool
is_connection(const ErrorRow *row)
{
	return row->sqlstate == ERRCODE_CONNECTION_FAILURE ||
		   row->sqlstate == ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
}

void
velo_kafka_raise_text(VeloKafkaClient *client, int error, const char *text, const char *doing)
{
	const ErrorRow *row = find_row(error);
	VeloKafkaState state = {0};
	int sqlstate = row->sqlstate;
	const char *hint = row->hint;
	StringInfoData detail;

	if (client)
		velo_kafka_state(client, &state);
	initStringInfo(&detail);
	/* "Timed out" is said by the waiting side; why there is no connection says more. */
	if (is_connection(row) && state.trouble[0])
	{
		const ErrorRow *cause = find_row(state.error);

		if (is_connection(cause))
		{
			hint = cause->hint ? cause->hint : REACH;
			if (state.error != RD_KAFKA_RESP_ERR__TIMED_OUT)
				sqlstate = cause->sqlstate;
		}
		appendStringInfoString(&detail, velo_kafka_clean(client, state.trouble));
	}
	else
		appendStringInfoString(&detail, velo_kafka_clean(client, text));
	/* Such a listener lets clients connect and hangs up: nothing that was there was lost. */
	if (is_connection(row) && strstr(detail.data, "security.protocol"))
	{
		sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
		hint = PROTOCOL;
	}
	if (sqlstate == ERRCODE_CONNECTION_FAILURE && client && !state.was_up)
	{
		sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
		hint = hint ? hint : REACH;
	}
	if (detail.len > 0 && detail.data[detail.len - 1] != '.')
		appendStringInfoChar(&detail, '.');
	ereport(ERROR, (errcode(sqlstate), errmsg_internal("%s", doing),
					errdetail_internal("%s", detail.data), hint ? errhint("%s", hint) : 0));
}

void
velo_kafka_raise(VeloKafkaClient *client, int error, const char *doing)
{
	velo_kafka_raise_text(client, error, rd_kafka_err2str(error), doing);
}

void
velo_kafka_check(VeloKafkaClient *client, struct rd_kafka_error_s *error, const char *doing)
{
	rd_kafka_resp_err_t code;
	char text[VELO_KAFKA_LINE_MAX];

	if (error == NULL)
		return;
	code = rd_kafka_error_code(error);
	strlcpy(text, rd_kafka_error_string(error), sizeof(text));
	rd_kafka_error_destroy(error);
	velo_kafka_raise_text(client, code, text, doing);
}
