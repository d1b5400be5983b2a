/*
 * properties.c
 *	  Which of librdkafka's properties there are for users, and where they may stand.
 *
 * An allow-list: librdkafka loads plug-ins, runs commands and reads files by properties,
 * and new versions bring new ones.  What is not listed here cannot be set.
 */
#include "postgres.h"

#include "kafka/internal.h"

#define ANY VELO_KAFKA_BOTH
#define IN VELO_KAFKA_OF_CONSUMER
#define OUT VELO_KAFKA_OF_PRODUCER

/* Where each may stand. */
#define SERVER VELO_KAFKA_IN_SERVER
#define MAPPING VELO_KAFKA_IN_MAPPING
#define STREAM VELO_KAFKA_IN_STREAM
#define PASSED VELO_KAFKA_IN_PASSED
#define EVERYWHERE (SERVER | MAPPING | STREAM)

static const VeloKafkaProperty properties[] = {
	/* Who and how: the connection. */
	{"bootstrap.servers", ANY, SERVER | STREAM},
	{"security.protocol", ANY, SERVER | STREAM},
	{"sasl.mechanism", ANY, EVERYWHERE},
	{"sasl.username", ANY, EVERYWHERE},
	{"sasl.password", ANY, MAPPING | STREAM, .is_secret = true},
	{"sasl.oauthbearer.method", ANY, EVERYWHERE},
	{"sasl.oauthbearer.client.id", ANY, EVERYWHERE},
	{"sasl.oauthbearer.client.secret", ANY, MAPPING | STREAM, .is_secret = true},
	{"sasl.oauthbearer.scope", ANY, EVERYWHERE},
	{"sasl.oauthbearer.extensions", ANY, EVERYWHERE},
	{"sasl.oauthbearer.token.endpoint.url", ANY, SERVER | STREAM},
	{"ssl.ca.pem", ANY, SERVER | STREAM},
	{"ssl.ca.location", ANY, SERVER | STREAM, .is_path = true},
	{"ssl.crl.location", ANY, SERVER | STREAM, .is_path = true},
	{"ssl.certificate.pem", ANY, EVERYWHERE},
	{"ssl.certificate.location", ANY, EVERYWHERE, .is_path = true},
	{"ssl.key.pem", ANY, MAPPING | STREAM, .is_secret = true},
	{"ssl.key.location", ANY, EVERYWHERE, .is_path = true},
	{"ssl.key.password", ANY, MAPPING | STREAM, .is_secret = true},
	{"ssl.endpoint.identification.algorithm", ANY, SERVER | STREAM},
	{"ssl.cipher.suites", ANY, SERVER | STREAM},
	{"ssl.curves.list", ANY, SERVER | STREAM},
	{"ssl.sigalgs.list", ANY, SERVER | STREAM},

	/* Passed on as kafka.<name>. */
	{"client.id", ANY, PASSED},
	{"client.rack", ANY, PASSED},
	{"client.dns.lookup", ANY, PASSED},
	{"broker.address.family", ANY, PASSED},
	{"broker.address.ttl", ANY, PASSED},
	{"api.version.request.timeout.ms", ANY, PASSED},
	{"connections.max.idle.ms", ANY, PASSED},
	{"message.max.bytes", ANY, PASSED},
	{"receive.message.max.bytes", ANY, PASSED},
	{"max.in.flight.requests.per.connection", ANY, PASSED},
	{"metadata.max.age.ms", ANY, PASSED},
	{"metadata.recovery.strategy", ANY, PASSED},
	{"topic.metadata.refresh.interval.ms", ANY, PASSED},
	{"topic.metadata.refresh.fast.interval.ms", ANY, PASSED},
	{"topic.metadata.refresh.sparse", ANY, PASSED},
	{"topic.metadata.propagation.max.ms", ANY, PASSED},
	{"reconnect.backoff.ms", ANY, PASSED},
	{"reconnect.backoff.max.ms", ANY, PASSED},
	{"retry.backoff.ms", ANY, PASSED},
	{"retry.backoff.max.ms", ANY, PASSED},
	{"request.timeout.ms", OUT, PASSED},
	{"socket.timeout.ms", ANY, PASSED},
	{"socket.send.buffer.bytes", ANY, PASSED},
	{"socket.receive.buffer.bytes", ANY, PASSED},
	{"socket.keepalive.enable", ANY, PASSED},
	{"socket.nagle.disable", ANY, PASSED},
	{"socket.max.fails", ANY, PASSED},
	{"socket.connection.setup.timeout.ms", ANY, PASSED},
	{"check.crcs", IN, PASSED},
	{"fetch.wait.max.ms", IN, PASSED},
	{"fetch.queue.backoff.ms", IN, PASSED},
	{"fetch.message.max.bytes", IN, PASSED},
	{"max.partition.fetch.bytes", IN, PASSED},
	{"fetch.max.bytes", IN, PASSED},
	{"fetch.min.bytes", IN, PASSED},
	{"fetch.error.backoff.ms", IN, PASSED},
	{"queued.min.messages", IN, PASSED},
	{"queued.max.messages.kbytes", IN, PASSED},
	{"queue.buffering.max.messages", OUT, PASSED},
	{"queue.buffering.max.kbytes", OUT, PASSED},
	{"queue.buffering.max.ms", OUT, PASSED},
	{"batch.num.messages", OUT, PASSED},
	{"compression.level", OUT, PASSED},
	{"delivery.timeout.ms", OUT, PASSED},
	{"message.timeout.ms", OUT, PASSED},
	{"partitioner", OUT, PASSED},
	{"sticky.partitioning.linger.ms", OUT, PASSED},
	{"transaction.timeout.ms", OUT, PASSED},

	/* Never given by users, but by our own sources and sinks; listed for their use. */
	{"group.id", IN, 0},
	{"enable.auto.commit", IN, 0},
	{"enable.auto.offset.store", IN, 0},
	{"enable.partition.eof", IN, 0},
	{"auto.offset.reset", IN, 0},
	{"isolation.level", IN, 0},
	{"session.timeout.ms", IN, 0},
	{"heartbeat.interval.ms", IN, 0},
	{"transactional.id", OUT, 0},
	{"enable.idempotence", OUT, 0},
	{"acks", OUT, 0},
	{"linger.ms", OUT, 0},
	{"compression.type", OUT, 0},
};

const VeloKafkaProperty *
velo_kafka_property_find(const char *name)
{
	if (pg_strcasecmp(name, "brokers") == 0)
		name = "bootstrap.servers";
	if (pg_strcasecmp(name, "sasl.mechanisms") == 0)
		name = "sasl.mechanism";
	for (int i = 0; i < lengthof(properties); i++)
		if (pg_strcasecmp(properties[i].name, name) == 0)
			return &properties[i];
	return NULL;
}

VeloKafkaUse
velo_kafka_property_use(const char *name)
{
	const VeloKafkaProperty *property = velo_kafka_property_find(name);

	return property ? property->use : VELO_KAFKA_BOTH;
}

static bool
ends_in(const char *name, const char *end)
{
	size_t n = strlen(name);
	size_t m = strlen(end);

	return n >= m && pg_strcasecmp(name + n - m, end) == 0;
}

/* By its ending too: options of others (registries) and of later versions. */
bool
velo_kafka_is_secret(const char *name)
{
	const VeloKafkaProperty *property = velo_kafka_property_find(name);

	return (property && property->is_secret) || ends_in(name, "password") ||
		   ends_in(name, "secret") || ends_in(name, "token") || ends_in(name, "jaas.config") ||
		   ends_in(name, "key.pem");
}

/* --- as properties of statements --------------------------------------------------------- */

#define OPTION(instance, ...)                                                                      \
	static const VeloOption instance = {.scopes = VELO_OPTION_SOURCE | VELO_OPTION_SINK,           \
										.types = "kafka",                                          \
										.type = VELO_OPTION_TEXT,                                  \
										__VA_ARGS__};                                              \
	VELO_OPTION(instance)

OPTION(topic_option, .name = "topic", .aliases = "topic.name",
	   .description = "The topic; without it, the topic of the stream's own name.");
OPTION(connection_option, .name = "connection",
	   .description =
		   "A SERVER of the foreign data wrapper velo_kafka: brokers and how to log in.");
OPTION(servers_option, .name = "bootstrap.servers", .aliases = "brokers",
	   .standard = "localhost:9092",
	   .description = "Brokers to begin with, host:port, separated by commas.");
static const VeloOption protocol_option = {
	.name = "security.protocol",
	.scopes = VELO_OPTION_SOURCE | VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_CHOICE,
	.standard = "PLAINTEXT",
	.choices = "PLAINTEXT SSL SASL_PLAINTEXT SASL_SSL",
	.description = "Whether the connection is encrypted (SSL) and who we are is proved (SASL).",
};
VELO_OPTION(protocol_option);
static const VeloOption mechanism_option = {
	.name = "sasl.mechanism",
	.aliases = "sasl.mechanisms",
	.scopes = VELO_OPTION_SOURCE | VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_CHOICE,
	.choices = "PLAIN SCRAM-SHA-256 SCRAM-SHA-512 OAUTHBEARER",
	.description = "How it is proved.",
};
VELO_OPTION(mechanism_option);
OPTION(username_option, .name = "sasl.username", .description = "User name at the broker.");
OPTION(password_option, .name = "sasl.password",
	   .description = "Password at the broker; better in a USER MAPPING, or as ${secret:name}. A "
					  "password in a statement is moved to a user mapping.");
OPTION(oauth_option, .name = "sasl.oauthbearer.*",
	   .description = "Of mechanism OAUTHBEARER: method (oidc), client.id, client.secret, scope, "
					  "extensions, token.endpoint.url.");
OPTION(ssl_option, .name = "ssl.*",
	   .description = "Certificates: ssl.ca.pem, ssl.certificate.pem, ssl.key.pem, "
					  "ssl.key.password, the same as files (.location), and "
					  "ssl.endpoint.identification.algorithm (https, none).");
OPTION(passed_option, .name = "kafka.*",
	   .description = "Given to the Kafka client library; only those that are known to be safe.");
