/*
 * produce.c
 *	  Fills a topic with what bench/bench.py reads, as fast as librdkafka can.
 *
 *		produce BROKERS TOPIC RECORDS KEYS
 *
 * Values are {"key":"k000003","v":523.93,"ts":1767225600000}; keys of records are the same
 * keys, and decide the partition.  Keys come in a fixed pseudo-random order, uniformly;
 * time goes on by 10,000 records a second.  Everything is the same in each run.
 *
 * Prints seconds and the process's CPU seconds.
 */
#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define PARTITIONS 4
#define EVENTS_PER_MS 10
#define FIRST_MS INT64_C(1767225600000)
#define FLUSH_MS 60000
/* How long to wait when librdkafka's queue is full. */
#define FULL_MS 5

/* Order must not change and nothing may come twice: the results are checked. */
static const char *const properties[] = {"enable.idempotence",
										 "true",
										 "linger.ms",
										 "20",
										 "batch.size",
										 "1000000",
										 "queue.buffering.max.messages",
										 "1000000",
										 "socket.nagle.disable",
										 "true",
										 "enable.metrics.push",
										 "false",
										 NULL};

static int64_t failed;

static void
die(const char *what, const char *text)
{
	fprintf(stderr, "produce: %s: %s\n", what, text);
	exit(1);
}

static void
delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *arg)
{
	(void) handle;
	(void) arg;
	failed += message->err != 0;
}

static rd_kafka_t *
make_producer(const char *brokers)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[512];
	rd_kafka_t *handle;

	if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof(text)))
		die("bootstrap.servers", text);
	for (int i = 0; properties[i]; i += 2)
		if (rd_kafka_conf_set(conf, properties[i], properties[i + 1], text, sizeof(text)))
			die(properties[i], text);
	rd_kafka_conf_set_dr_msg_cb(conf, delivered);
	handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	if (handle == NULL)
		die("librdkafka", text);
	return handle;
}

static void
send_one(rd_kafka_t *handle, rd_kafka_topic_t *topic, int64_t n, int key)
{
	char value[96];
	int cents = (int) (n * 7919 % 100000);
	int length = snprintf(value, sizeof(value), "{\"key\":\"k%06d\",\"v\":%d.%02d,\"ts\":%lld}",
						  key, cents / 100, cents % 100,
						  (long long) (FIRST_MS + n / EVENTS_PER_MS));

	while (rd_kafka_produce(topic, key % PARTITIONS, RD_KAFKA_MSG_F_COPY, value, length, value + 8,
							7, NULL) == -1)
	{
		if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			die("produce", rd_kafka_err2str(rd_kafka_last_error()));
		rd_kafka_poll(handle, FULL_MS);
	}
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static double
cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	double begin = seconds();
	uint64_t random = 1;
	int64_t records = argc == 5 ? atoll(argv[3]) : 0;
	int keys = argc == 5 ? atoi(argv[4]) : 0;
	rd_kafka_t *handle;
	rd_kafka_topic_t *topic;

	/* Seven characters are what "k%06d" has. */
	if (records < 1 || keys < 1 || keys > 1000000)
		die("arguments", "BROKERS TOPIC RECORDS KEYS (at most 1000000)");
	handle = make_producer(argv[1]);
	topic = rd_kafka_topic_new(handle, argv[2], NULL);
	for (int64_t n = 0; n < records; n++)
	{
		random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		send_one(handle, topic, n, (int) ((random >> 33) % (uint64_t) keys));
		if (n % 1000 == 0)
			rd_kafka_poll(handle, 0);
	}
	if (rd_kafka_flush(handle, FLUSH_MS) || failed)
		die("produce", "not everything was delivered");
	printf("%.3f %.3f\n", seconds() - begin, cpu_seconds());
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(handle);
	return 0;
}
