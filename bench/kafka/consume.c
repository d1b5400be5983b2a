/*
 * consume.c
 *	  Reads a topic with nothing but librdkafka: what any consumer costs at least.
 *
 *		consume BROKERS TOPIC FROM TO
 *
 * All partitions from their beginnings, with the properties of the extension's source
 * (extension/src/source/kafka_reader.c); messages are taken in batches and given back at
 * once.  Prints seconds and CPU seconds of the whole process, all threads, between
 * message FROM and message TO.  The topic should have more than TO: towards its end the
 * threads have less and less to fetch ahead.
 */
#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PARTITIONS 4
#define BATCH 4096
#define WAIT_MS 100
/* Nothing has come for so long: give up. */
#define IDLE_MS 30000

static const char *const properties[] = {"group.id",
										 "velo-bench",
										 "enable.auto.commit",
										 "false",
										 "enable.auto.offset.store",
										 "false",
										 "auto.offset.reset",
										 "error",
										 "enable.partition.eof",
										 "true",
										 "isolation.level",
										 "read_committed",
										 "queued.max.messages.kbytes",
										 "32768",
										 "queued.min.messages",
										 "100000",
										 "fetch.max.bytes",
										 "16777216",
										 "fetch.wait.max.ms",
										 "20",
										 "fetch.queue.backoff.ms",
										 "5",
										 "check.crcs",
										 "true",
										 "socket.nagle.disable",
										 "true",
										 "enable.metrics.push",
										 "false",
										 NULL};

static void
die(const char *what, const char *text)
{
	fprintf(stderr, "consume: %s: %s\n", what, text);
	exit(1);
}

static rd_kafka_t *
make_consumer(const char *brokers, const char *topic)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
	char text[512];
	rd_kafka_t *handle;

	if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof(text)))
		die("bootstrap.servers", text);
	for (int i = 0; properties[i]; i += 2)
		if (rd_kafka_conf_set(conf, properties[i], properties[i + 1], text, sizeof(text)))
			die(properties[i], text);
	handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
	if (handle == NULL)
		die("librdkafka", text);
	for (int i = 0; i < PARTITIONS; i++)
		rd_kafka_topic_partition_list_add(list, topic, i)->offset = 0;
	if (rd_kafka_assign(handle, list))
		die("assign", topic);
	rd_kafka_topic_partition_list_destroy(list);
	return handle;
}

static double
clock_seconds(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* Reads until so many have been read in all; those before count. */
static int64_t
read_to(rd_kafka_queue_t *queue, int64_t done, int64_t to)
{
	rd_kafka_message_t *messages[BATCH];
	int idle = 0;

	while (done < to)
	{
		ssize_t arrived = rd_kafka_consume_batch_queue(queue, WAIT_MS, messages, BATCH);

		idle = arrived > 0 ? 0 : idle + WAIT_MS;
		if (arrived < 0 || idle > IDLE_MS)
			die("consume", "nothing comes");
		for (ssize_t i = 0; i < arrived; i++)
		{
			rd_kafka_resp_err_t error = messages[i]->err;

			if (error && error != RD_KAFKA_RESP_ERR__PARTITION_EOF)
				die("consume", rd_kafka_err2str(error));
			done += !error;
			rd_kafka_message_destroy(messages[i]);
		}
	}
	return done;
}

int
main(int argc, char **argv)
{
	int64_t from = argc == 5 ? atoll(argv[3]) : 0;
	int64_t to = argc == 5 ? atoll(argv[4]) : 0;
	int64_t first;
	int64_t last;
	double wall;
	double cpu;
	rd_kafka_t *handle;
	rd_kafka_queue_t *queue;

	if (from < 1 || to <= from)
		die("arguments", "BROKERS TOPIC FROM TO");
	handle = make_consumer(argv[1], argv[2]);
	queue = rd_kafka_queue_get_consumer(handle);
	first = read_to(queue, 0, from);
	wall = clock_seconds(CLOCK_MONOTONIC);
	cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
	last = read_to(queue, first, to);
	wall = clock_seconds(CLOCK_MONOTONIC) - wall;
	cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("%lld %.3f %.3f\n", (long long) (last - first), wall, cpu);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(handle);
	return 0;
}
