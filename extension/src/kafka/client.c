/*
 * client.c
 *	  Handles of librdkafka inside a backend: made, served and ended.
 *
 * THREADS.  They are made with all signals blocked, so that PostgreSQL's signals are
 * always taken by the backend's own thread, whose handlers rely on that.  Clients are
 * made in backends and workers only, after the fork; the postmaster must never have
 * threads.
 *
 * THE END of a handle is its owner's memory context's.  Destroying joins the library's
 * threads.  They stop within milliseconds, but not when one sits in name resolution, or
 * when somebody still holds a message: so a helper thread destroys, we wait for it for
 * CLOSE_MS, and then rather leave it behind than stop an error's clean-up.  What the
 * threads write to then stays as well (events.c).
 *
 * At the end of the process it is done in on_proc_exit, not earlier: only after
 * before_shmem_exit the transaction's contexts are gone, whose callbacks give messages
 * back that they hold.  The threads never touch shared memory.  A producer's open
 * transaction is left to its successor, which fences this one by its transactional id.
 */
#include "postgres.h"

#include <lib/ilist.h>
#include <lib/stringinfo.h>
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <pthread.h>
#include <signal.h>
#include <storage/ipc.h>
#include <time.h>
#include <utils/memutils.h>
#include <utils/timestamp.h>

#include "base/errors.h"
#include "kafka/internal.h"

/* How long the end of a handle may hold up the backend. */
#define CLOSE_MS 2000

/* Lines a second that go to the server's log, of one client; others are counted. */
#define VELO_KAFKA_LOGS_MAX 10

/* Shorter values could be anything; they are not looked for in texts. */
#define SECRET_LENGTH_MIN 4

struct VeloKafkaClient
{
	dlist_node node; /* in clients, while handle is not NULL */
	VeloKafkaKind kind;
	rd_kafka_t *handle;
	VeloKafkaEvents *events;
	List *secrets; /* char *: what must not appear in texts */
	MemoryContextCallback callback;
	TimestampTz log_second; /* when the present second of the log began */
	int logged;				/* lines in it */
	int64 dropped;			/* lines left out since the last report */
};

/* All that have a handle, for the end of the process. */
static dlist_head clients = DLIST_STATIC_INIT(clients);

/*
 * What librdkafka would do otherwise, and why not: the callers' properties come after
 * these.  Memory is bounded for each handle: jobs share the server with everybody else.
 */
static const struct
{
	VeloKafkaUse use;
	const char *name;
	const char *value;
} defaults[] = {
	{VELO_KAFKA_BOTH, "client.id", "velostream"},
	{VELO_KAFKA_BOTH, "client.software.name", "velostream"},
	{VELO_KAFKA_BOTH, "socket.keepalive.enable", "true"},
	/* Requests are whole when they are written; waiting for more only delays them. */
	{VELO_KAFKA_BOTH, "socket.nagle.disable", "true"},
	{VELO_KAFKA_BOTH, "reconnect.backoff.ms", "100"},
	{VELO_KAFKA_BOTH, "reconnect.backoff.max.ms", "2000"},
	/* A wrong topic name must be an error, not a new topic. */
	{VELO_KAFKA_BOTH, "allow.auto.create.topics", "false"},
	/* Idle connections that end are silent anyway; others tell of a wrong protocol. */
	{VELO_KAFKA_BOTH, "log.connection.close", "true"},
	/* Nobody asked us to send statistics to the broker. */
	{VELO_KAFKA_BOTH, "enable.metrics.push", "false"},
	{VELO_KAFKA_OF_CONSUMER, "queued.max.messages.kbytes", "65536"},
	{VELO_KAFKA_OF_CONSUMER, "enable.auto.commit", "false"},
	{VELO_KAFKA_OF_PRODUCER, "queue.buffering.max.kbytes", "131072"},
	{VELO_KAFKA_OF_PRODUCER, "queue.buffering.max.messages", "1000000"},
};

/* --- the end ---------------------------------------------------------------------- */

/* A handle on its way out; freed by the last of the two threads. */
typedef struct Closing
{
	pthread_mutex_t lock;
	pthread_cond_t changed;
	rd_kafka_t *handle;
	VeloKafkaEvents *events;
	VeloKafkaKind kind;
	bool is_done;
	bool is_left; /* the backend no longer waits */
} Closing;

static void
closing_free(Closing *closing)
{
	velo_kafka_events_free(closing->events);
	pthread_cond_destroy(&closing->changed);
	pthread_mutex_destroy(&closing->lock);
	free(closing);
}

/* In the helper thread: nothing of PostgreSQL. */
static void *
destroy(void *arg)
{
	Closing *closing = arg;
	bool is_left;

	if (closing->kind == VELO_KAFKA_PRODUCER)
		rd_kafka_purge(closing->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
											RD_KAFKA_PURGE_F_NON_BLOCKING);
	/* Consumers leave no group: we only show our offsets in one. */
	rd_kafka_destroy_flags(closing->handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	pthread_mutex_lock(&closing->lock);
	closing->is_done = true;
	is_left = closing->is_left;
	pthread_cond_signal(&closing->changed);
	pthread_mutex_unlock(&closing->lock);
	if (is_left)
		closing_free(closing);
	return NULL;
}

/* Runs a thread that takes no signals; false if there can be none. */
static bool
start_thread(void *(*function)(void *), void *arg)
{
	sigset_t all;
	sigset_t before;
	pthread_t thread;
	int failure;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failure = pthread_create(&thread, NULL, function, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failure == 0)
		pthread_detach(thread);
	return failure == 0;
}

static Closing *
closing_new(VeloKafkaClient *client)
{
	Closing *closing = calloc(1, sizeof(Closing));
	pthread_condattr_t attributes;

	if (closing == NULL)
		return NULL;
	pthread_mutex_init(&closing->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&closing->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	closing->handle = client->handle;
	closing->events = client->events;
	closing->kind = client->kind;
	return closing;
}

/* Waits for the helper; says whether it has come to its end. */
static bool
closing_wait(Closing *closing)
{
	struct timespec until;
	bool is_done;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CLOSE_MS / 1000;
	pthread_mutex_lock(&closing->lock);
	while (!closing->is_done)
		if (pthread_cond_timedwait(&closing->changed, &closing->lock, &until) != 0)
			break;
	is_done = closing->is_done;
	closing->is_left = !is_done;
	pthread_mutex_unlock(&closing->lock);
	return is_done;
}

/* Raises nothing: it runs while errors are cleaned up. */
void
velo_kafka_close(VeloKafkaClient *client)
{
	Closing *closing;

	if (client->handle == NULL)
		return;
	dlist_delete(&client->node);
	closing = closing_new(client);
	client->handle = NULL;
	client->events = NULL;
	if (closing == NULL || !start_thread(destroy, closing))
		elog(LOG, "could not end a Kafka client: no memory or thread; it stays until this "
				  "process ends");
	else if (closing_wait(closing))
		closing_free(closing);
	else
		elog(LOG, "a Kafka client did not end within %d ms and is left behind", CLOSE_MS);
}

static void
close_by_context(void *arg)
{
	velo_kafka_close(arg);
}

static void
close_all(int code, Datum arg)
{
	while (!dlist_is_empty(&clients))
		velo_kafka_close(dlist_container(VeloKafkaClient, node, dlist_head_node(&clients)));
}

/* --- the beginning ---------------------------------------------------------------- */

/* The library's text about a refused property, without the value if that is secret. */
static void
refuse_property(VeloKafkaClient *client, const char *name, const char *text)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid value for Kafka property \"%s\"", name),
					errdetail_internal("%s", velo_kafka_clean(client, text))));
}

static bool
is_of_kind(VeloKafkaUse use, VeloKafkaKind kind)
{
	return use == VELO_KAFKA_BOTH ||
		   use == (kind == VELO_KAFKA_CONSUMER ? VELO_KAFKA_OF_CONSUMER : VELO_KAFKA_OF_PRODUCER);
}

static rd_kafka_conf_t *
make_conf(VeloKafkaClient *client, List *properties)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[512];
	ListCell *cell;

	velo_kafka_events_listen(client->events, conf, client->kind == VELO_KAFKA_PRODUCER);
	for (int i = 0; i < lengthof(defaults); i++)
		if (is_of_kind(defaults[i].use, client->kind) &&
			rd_kafka_conf_set(conf, defaults[i].name, defaults[i].value, text, sizeof(text)) ==
				RD_KAFKA_CONF_INVALID)
		{
			rd_kafka_conf_destroy(conf);
			refuse_property(client, defaults[i].name, text);
		}
	foreach(cell, properties)
	{
		VeloOptionValue *property = lfirst(cell);

		if (property->value && is_of_kind(velo_kafka_property_use(property->name), client->kind) &&
			rd_kafka_conf_set(conf, property->name, property->value, text, sizeof(text)) !=
				RD_KAFKA_CONF_OK)
		{
			rd_kafka_conf_destroy(conf);
			refuse_property(client, property->name, text);
		}
	}
	return conf;
}

static List *
collect_secrets(List *properties)
{
	List *secrets = NIL;
	ListCell *cell;

	foreach(cell, properties)
	{
		VeloOptionValue *property = lfirst(cell);

		if (property->value && strlen(property->value) >= SECRET_LENGTH_MIN &&
			velo_kafka_is_secret(property->name))
			secrets = lappend(secrets, pstrdup(property->value));
	}
	return secrets;
}

/*
 * librdkafka up to 2.12 at least frees the configuration's interceptors when rd_kafka_new
 * fails, and again with the configuration: a crash.  So the empty shell, some kB, stays;
 * what was put into it goes.
 */
static void
abandon_conf(rd_kafka_conf_t *conf, List *properties)
{
	char text[512];
	ListCell *cell;

	foreach(cell, properties)
		(void) rd_kafka_conf_set(conf, ((VeloOptionValue *) lfirst(cell))->name, NULL, text,
								 sizeof(text));
}

static bool
uses_tokens(List *properties)
{
	const char *mechanism = velo_base_option_text(properties, "sasl.mechanism");

	return mechanism && pg_strcasecmp(mechanism, "OAUTHBEARER") == 0;
}

static void
make_handle(VeloKafkaClient *client, List *properties)
{
	rd_kafka_conf_t *conf = make_conf(client, properties);
	char text[512];
	sigset_t all;
	sigset_t before;

	/* Asking for tokens blocks; so not while the backend serves, but in a thread. */
	if (uses_tokens(properties))
		rd_kafka_conf_enable_sasl_queue(conf, 1);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	client->handle = rd_kafka_new(client->kind == VELO_KAFKA_CONSUMER ? RD_KAFKA_CONSUMER
																	  : RD_KAFKA_PRODUCER,
								  conf, text, sizeof(text));
	if (client->handle && uses_tokens(properties))
		rd_kafka_error_destroy(rd_kafka_sasl_background_callbacks_enable(client->handle));
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (client->handle)
		return;
	abandon_conf(conf, properties);
	ereport(ERROR, (errcode(rd_kafka_last_error() == RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE
								? ERRCODE_INSUFFICIENT_RESOURCES
								: ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("could not make a Kafka client"),
					errdetail_internal("%s", velo_kafka_clean(client, text))));
}

VeloKafkaClient *
velo_kafka_open(VeloKafkaKind kind, List *properties)
{
	static bool is_registered = false;
	VeloKafkaClient *client = palloc0(sizeof(VeloKafkaClient));

	Assert(IsUnderPostmaster);
	if (!is_registered)
	{
		on_proc_exit(close_all, (Datum) 0);
		is_registered = true;
	}
	client->kind = kind;
	client->secrets = collect_secrets(properties);
	client->events = velo_kafka_events_new();
	if (client->events == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	PG_TRY();
	{
		make_handle(client, properties);
	}
	PG_CATCH();
	{
		velo_kafka_events_free(client->events);
		PG_RE_THROW();
	}
	PG_END_TRY();
	dlist_push_tail(&clients, &client->node);
	client->callback.func = close_by_context;
	client->callback.arg = client;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &client->callback);
	return client;
}

rd_kafka_t *
velo_kafka_handle(VeloKafkaClient *client)
{
	return client->handle;
}

/* --- serving ---------------------------------------------------------------------- */

static char *
replace_secret(char *text, const char *secret)
{
	StringInfoData result;
	char *from = text;
	char *at;

	if (strstr(text, secret) == NULL)
		return text;
	initStringInfo(&result);
	while ((at = strstr(from, secret)) != NULL)
	{
		appendBinaryStringInfo(&result, from, at - from);
		appendStringInfoString(&result, "***");
		from = at + strlen(secret);
	}
	appendStringInfoString(&result, from);
	return result.data;
}

char *
velo_kafka_clean(VeloKafkaClient *client, const char *text)
{
	char *clean = pstrdup(text);
	size_t length = strlen(clean);
	ListCell *cell;

	/* A broker's text may be in any encoding, and may have been cut. */
	if (!pg_verifymbstr(clean, length, true))
		for (size_t i = 0; i < length; i++)
			if (IS_HIGHBIT_SET(clean[i]))
				clean[i] = '?';
	while (length > 0 && (clean[length - 1] == '\n' || clean[length - 1] == ' '))
		clean[--length] = '\0';
	if (client)
		foreach(cell, client->secrets)
			clean = replace_secret(clean, lfirst(cell));
	return clean;
}

/* Errors and warnings (0 to 4 of syslog) are news; the rest is for who looks for it. */
static int
log_level(int level)
{
	return level <= 4 ? LOG_SERVER_ONLY : level <= 6 ? DEBUG1 : DEBUG2;
}

static void
write_log(VeloKafkaClient *client)
{
	char text[VELO_KAFKA_LINE_MAX];
	int level;
	TimestampTz now = GetCurrentTimestamp();

	if (now - client->log_second >= USECS_PER_SEC)
	{
		client->log_second = now;
		client->logged = 0;
		if (client->dropped > 0)
			ereport(LOG_SERVER_ONLY,
					(errmsg_internal("kafka: " INT64_FORMAT " lines left out", client->dropped),
					 errhidestmt(true), errhidecontext(true)));
		client->dropped = 0;
	}
	client->dropped += velo_kafka_events_dropped(client->events);
	while (velo_kafka_events_line(client->events, text, &level))
	{
		char *clean;

		if (client->logged++ >= VELO_KAFKA_LOGS_MAX)
		{
			client->dropped++;
			continue;
		}
		clean = velo_kafka_clean(client, text);
		ereport(log_level(level),
				(errmsg_internal("kafka: %s", clean), errhidestmt(true), errhidecontext(true)));
		pfree(clean);
	}
}

void
velo_kafka_serve(VeloKafkaClient *client)
{
	char text[512];
	int fatal;

	rd_kafka_poll(client->handle, 0);
	write_log(client);
	fatal = rd_kafka_fatal_error(client->handle, text, sizeof(text));
	if (fatal)
		velo_kafka_raise_text(client, fatal, text, "Kafka client cannot go on");
}

void
velo_kafka_state(VeloKafkaClient *client, VeloKafkaState *state)
{
	velo_kafka_events_state(client->events, state);
}

const char *
velo_kafka_trouble(VeloKafkaClient *client)
{
	VeloKafkaState state;

	velo_kafka_state(client, &state);
	return state.is_up || state.trouble[0] == '\0' ? NULL : velo_kafka_clean(client, state.trouble);
}

int64
velo_kafka_failed(VeloKafkaClient *client, int *error)
{
	VeloKafkaState state;

	velo_kafka_state(client, &state);
	*error = state.failed_error;
	return state.failed;
}
