/*
 * events.c
 *	  What librdkafka's threads have to say, kept until the backend looks.
 *
 * Log lines and states of connections come from the library's own threads, errors and
 * deliveries from the backend's thread while it serves the handle, in the middle of the
 * library's code, where no error may be raised.  None of them may run PostgreSQL's code.
 * So all callbacks write into memory from malloc, behind one mutex, with fixed bounds;
 * what does not fit is counted.
 *
 * Is a broker connected?  The library has no such call; an interceptor for changes of
 * connections tells it.  A client with more connections than BROKERS_MAX counts only
 * those first seen, which is enough for "none is up".
 */
#include "postgres.h"

#include <pthread.h>
#include <time.h>

#include "kafka/internal.h"

#define LINES_MAX 64
#define BROKERS_MAX 64
#define BROKER_NAME_MAX 128

/*
 * A connection that lasts so long is one.  A listener that wants passwords lets others
 * connect and then hangs up, again and again, and the library says why only once in 30 s.
 */
#define STABLE_MS 1000

typedef struct Line
{
	int level;
	char text[VELO_KAFKA_LINE_MAX];
} Line;

typedef struct Broker
{
	char name[BROKER_NAME_MAX];
	int port;
	int id;
	bool is_up;
} Broker;

struct VeloKafkaEvents
{
	pthread_mutex_t lock;
	Line lines[LINES_MAX]; /* a ring */
	int first;
	int nlines;
	int64 dropped;
	Broker brokers[BROKERS_MAX];
	int nbrokers;
	int nup;
	int64 up_at;   /* when a connection was made last, in ms */
	int64 down_at; /* likewise, when one ended */
	VeloKafkaState state;
};

VeloKafkaEvents *
velo_kafka_events_new(void)
{
	VeloKafkaEvents *events = calloc(1, sizeof(VeloKafkaEvents));

	if (events)
		pthread_mutex_init(&events->lock, NULL);
	return events;
}

void
velo_kafka_events_free(VeloKafkaEvents *events)
{
	pthread_mutex_destroy(&events->lock);
	free(events);
}

/* --- callbacks: no PostgreSQL below, but for memory and macros -------------------- */

static int64
milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
copy(char *to, const char *from, size_t size)
{
	size_t length = strnlen(from, size - 1);

	memcpy(to, from, length);
	to[length] = '\0';
}

/* Errors that end connections; while there is none, any error says why. */
static bool
is_trouble(int error)
{
	switch (error)
	{
		case RD_KAFKA_RESP_ERR__TRANSPORT:
		case RD_KAFKA_RESP_ERR__RESOLVE:
		case RD_KAFKA_RESP_ERR__TIMED_OUT:
		case RD_KAFKA_RESP_ERR__SSL:
		case RD_KAFKA_RESP_ERR__AUTHENTICATION:
		case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
		case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
		case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
			return true;
		default:
			return false;
	}
}

/*
 * From TLS 1.3 on a client learns only after its own handshake that its certificate was
 * refused; librdkafka then tells a failed read.
 */
static int
true_error(int error, const char *reason)
{
	return error == RD_KAFKA_RESP_ERR__TRANSPORT && strstr(reason, "SSL routines") &&
				   strstr(reason, " alert ")
			   ? RD_KAFKA_RESP_ERR__SSL
			   : error;
}

/* With the lock. */
static void
note_trouble(VeloKafkaEvents *events, int error, const char *reason)
{
	char *tail;

	/* The library's guess at the cause says more than the next broken pipe. */
	if (error == RD_KAFKA_RESP_ERR__TRANSPORT && strstr(events->state.trouble, "security.protocol"))
		return;
	events->state.error = true_error(error, reason);
	copy(events->state.trouble, reason, sizeof(events->state.trouble));
	/* "(after 12ms in state CONNECT)" makes equal errors look different. */
	tail = strstr(events->state.trouble, " (after ");
	if (tail)
		*tail = '\0';
}

/* A log line of a connection that ended; the library has no error for those it closes. */
static void
note_failure(VeloKafkaEvents *events, const char *text)
{
	const char *reason = strncmp(text, "[thrd:", 6) == 0 ? strstr(text, "]: ") : NULL;

	note_trouble(events, RD_KAFKA_RESP_ERR__TRANSPORT, reason ? reason + 3 : text);
}

static void
on_log(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
	VeloKafkaEvents *events = rd_kafka_opaque(handle);

	pthread_mutex_lock(&events->lock);
	if (strcmp(facility, "FAIL") == 0)
		note_failure(events, text);
	if (events->nlines < LINES_MAX)
	{
		Line *line = &events->lines[(events->first + events->nlines++) % LINES_MAX];

		line->level = level;
		copy(line->text, text, sizeof(line->text));
	}
	else
		events->dropped++;
	pthread_mutex_unlock(&events->lock);
}

static void
on_error(rd_kafka_t *handle, int error, const char *reason, void *opaque)
{
	VeloKafkaEvents *events = opaque;

	pthread_mutex_lock(&events->lock);
	if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
		/* Served late, it may be about a time that is over. */
		events->state.is_all_down = events->down_at >= events->up_at;
	else if (is_trouble(error) || (events->nup == 0 && error != RD_KAFKA_RESP_ERR__FATAL))
		note_trouble(events, error, reason);
	pthread_mutex_unlock(&events->lock);
}

static void
on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
	VeloKafkaEvents *events = opaque;
	VeloKafkaReceipt *receipt = message->_private;

	if (receipt)
	{
		receipt->error = message->err;
		receipt->partition = message->partition;
		receipt->offset = message->offset;
		receipt->is_done = true;
	}
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	pthread_mutex_lock(&events->lock);
	if (events->state.failed++ == 0)
		events->state.failed_error = message->err;
	pthread_mutex_unlock(&events->lock);
}

static Broker *
find_broker(VeloKafkaEvents *events, const char *name, int port, int id)
{
	Broker *broker;

	for (int i = 0; i < events->nbrokers; i++)
	{
		broker = &events->brokers[i];
		if (broker->port == port && broker->id == id &&
			strncmp(broker->name, name, BROKER_NAME_MAX - 1) == 0)
			return broker;
	}
	if (events->nbrokers == BROKERS_MAX)
		return NULL;
	broker = &events->brokers[events->nbrokers++];
	copy(broker->name, name, sizeof(broker->name));
	broker->port = port;
	broker->id = id;
	return broker;
}

static rd_kafka_resp_err_t
on_connection(rd_kafka_t *handle, int32_t id, const char *protocol, const char *name, int port,
			  const char *state, void *opaque)
{
	VeloKafkaEvents *events = opaque;
	bool is_up = strcmp(state, "UP") == 0;
	Broker *broker;

	pthread_mutex_lock(&events->lock);
	broker = find_broker(events, name, port, id);
	if (broker && broker->is_up != is_up)
	{
		broker->is_up = is_up;
		events->nup += is_up ? 1 : -1;
	}
	if (is_up)
	{
		events->state.was_up = true;
		events->state.is_all_down = false;
		events->up_at = milliseconds();
	}
	else if (strcmp(state, "DOWN") == 0)
		events->down_at = milliseconds();
	pthread_mutex_unlock(&events->lock);
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t
on_new(rd_kafka_t *handle, const rd_kafka_conf_t *conf, void *opaque, char *errstr, size_t size)
{
	return rd_kafka_interceptor_add_on_broker_state_change(handle, "velo", on_connection, opaque);
}

void
velo_kafka_events_listen(VeloKafkaEvents *events, rd_kafka_conf_t *conf, bool wants_deliveries)
{
	rd_kafka_conf_set_opaque(conf, events);
	rd_kafka_conf_set_log_cb(conf, on_log);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_interceptor_add_on_new(conf, "velo", on_new, events);
	if (wants_deliveries)
		rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
}

/* --- the backend looks ------------------------------------------------------------ */

bool
velo_kafka_events_line(VeloKafkaEvents *events, char *text, int *level)
{
	bool is_there;

	pthread_mutex_lock(&events->lock);
	is_there = events->nlines > 0;
	if (is_there)
	{
		Line *line = &events->lines[events->first];

		*level = line->level;
		copy(text, line->text, VELO_KAFKA_LINE_MAX);
		events->first = (events->first + 1) % LINES_MAX;
		events->nlines--;
	}
	pthread_mutex_unlock(&events->lock);
	return is_there;
}

int64
velo_kafka_events_dropped(VeloKafkaEvents *events)
{
	int64 dropped;

	pthread_mutex_lock(&events->lock);
	dropped = events->dropped;
	events->dropped = 0;
	pthread_mutex_unlock(&events->lock);
	return dropped;
}

void
velo_kafka_events_state(VeloKafkaEvents *events, VeloKafkaState *state)
{
	pthread_mutex_lock(&events->lock);
	if (events->nup > 0 && !events->state.is_all_down && milliseconds() - events->up_at > STABLE_MS)
	{
		events->state.error = 0;
		events->state.trouble[0] = '\0';
	}
	*state = events->state;
	/* A broker that got another number while it was connected is never seen to go. */
	state->is_up = events->nup > 0 && !events->state.is_all_down;
	pthread_mutex_unlock(&events->lock);
}
