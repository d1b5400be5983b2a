/*
 * kafka_position.c
 *	  Positions in topics as text, and those that are not to be had any more.
 */
#include "postgres.h"

#include "source/kafka_position.h"

#include "base/errors.h"

/* --- as text ---------------------------------------------------------------------- */

char *
velo_source_kafka_position_write(const VeloKafkaPosition *position)
{
	char epoch[16] = "-";

	if (position->epoch >= 0)
		snprintf(epoch, sizeof(epoch), "%d", position->epoch);
	return psprintf("%lld %s%s%s", (long long) position->offset, epoch,
					position->topic_id[0] ? " " : "", position->topic_id);
}

bool
velo_source_kafka_position_parse(const char *text, VeloKafkaPosition *position)
{
	long long offset;
	char epoch[16] = "-";
	char id[33] = "";
	int used[3] = {0, 0, 0};
	int n = sscanf(text, "%lld%n %15[0-9-]%n %32[0-9a-f]%n", &offset, &used[0], epoch, &used[1], id,
				   &used[2]);

	if (n < 1 || offset < 0 || text[used[n - 1]] != '\0')
		return false;
	position->offset = offset;
	position->epoch = strcmp(epoch, "-") == 0 ? -1 : atoi(epoch);
	strlcpy(position->topic_id, id, sizeof(position->topic_id));
	return true;
}

/* --- positions that are gone ---------------------------------------------------- */

static int
lost_hint(void)
{
	return errhint("Decide where to go on: stop the job, then RESET JOB ... TO EARLIEST, LATEST "
				   "or OFFSETS '{\"partition\": offset}'.");
}

void
velo_source_kafka_raise_made_anew(const VeloKafkaReader *reader)
{
	ereport(ERROR,
			(errcode(ERRCODE_VELO_POSITION_LOST),
			 errmsg("topic \"%s\" was deleted and made again", reader->topic.name),
			 errdetail("The saved positions belong to the topic that is gone."), lost_hint()));
}

/* What is wrong with an offset, as far as the broker can tell now. */
void
velo_source_kafka_raise_lost(VeloKafkaReader *reader, int number, int64 offset, const char *reason)
{
	VeloKafkaPart *part = &reader->parts[number];
	VeloKafkaTopic now = velo_kafka_topic(reader->client, reader->topic.name);

	if (now.exists && strcmp(now.id, reader->topic.id) != 0)
		velo_source_kafka_raise_made_anew(reader);
	velo_source_kafka_reader_ranges(reader);
	if (offset < part->low)
		ereport(ERROR,
				(errcode(ERRCODE_VELO_POSITION_LOST),
				 errmsg("records of topic \"%s\", partition %d, were removed before they were read",
						reader->topic.name, number),
				 errdetail("The next record to read is %lld, the first there is is %lld: %lld "
						   "records are gone.",
						   (long long) offset, (long long) part->low,
						   (long long) (part->low - offset)),
				 lost_hint()));
	ereport(ERROR, (errcode(ERRCODE_VELO_POSITION_LOST),
					errmsg("position in topic \"%s\", partition %d, does not exist any more",
						   reader->topic.name, number),
					errdetail("The next record to read is %lld, the topic ends at %lld; %s.",
							  (long long) offset, (long long) part->high,
							  reason ? reason : "its log was cut"),
					lost_hint()));
}

void
velo_source_kafka_check_position(VeloKafkaReader *reader, int number,
								 const VeloKafkaPosition *position)
{
	if (position->topic_id[0] && reader->topic.id[0] &&
		strcmp(position->topic_id, reader->topic.id) != 0)
		velo_source_kafka_raise_made_anew(reader);
	if (position->offset < reader->parts[number].low)
		velo_source_kafka_raise_lost(reader, number, position->offset, NULL);
}
