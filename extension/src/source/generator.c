/*
 * generator.c
 *	  Source type "generator": records made up at a given rate.
 *
 * A position is the number of the next record, the time at which record 0 was due
 * and the rate; with them a restarted job goes on where it was, including the
 * records that became due while it was down.  A rate altered in between holds
 * from the position on.
 *
 * A bounded read does not wait: it takes what plain SQL would show, all of
 * record_count, else what has become due since the stream was declared.
 *
 * The stream's relation is a view over velo._generator_rows, which carries the
 * options and the time of declaration as constants: so it works after a restore,
 * and pg_dump needs to know nothing.
 */
#include "postgres.h"

#include "source/source.h"

#include <access/table.h>
#include <access/xact.h>
#include <catalog/namespace.h>
#include <limits.h>
#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/timestamp.h>

#include "base/clock.h"
#include "base/setting.h"
#include "meta/meta.h"
#include "source/generator.h"
#include "source/native_storage.h"

int velo_source_generator_read_max;

static const VeloSetting read_max_setting = {
	.name = "velo.generator_read_max",
	.description = "Most records that reading a generator stream without a record_count shows.",
	.type = VELO_SETTING_INT,
	.variable = &velo_source_generator_read_max,
	.boot = 100000,
	.min = 1,
	.max = INT_MAX,
	.context = PGC_USERSET,
};
VELO_SETTING(read_max_setting);

static const VeloOption rate_option = {
	.name = "rows_per_second",
	.scopes = VELO_OPTION_SOURCE,
	.types = "generator",
	.type = VELO_OPTION_FLOAT,
	.standard = "10",
	.min = 0,
	.max = 1e9,
	.alterable = true,
	.description = "Records a second; 0: as many as are read.",
};
VELO_OPTION(rate_option);

static const VeloOption count_option = {
	.name = "record_count",
	.scopes = VELO_OPTION_SOURCE,
	.types = "generator",
	.type = VELO_OPTION_INT,
	.min = 0,
	.max = 9e15,
	.description = "Number of records after which the stream ends; not given: endless.",
};
VELO_OPTION(count_option);

static const VeloOption seed_option = {
	.name = "seed",
	.scopes = VELO_OPTION_SOURCE,
	.types = "generator",
	.type = VELO_OPTION_INT,
	.standard = "0",
	.description = "Another seed gives other records, the same seed the same ones.",
};
VELO_OPTION(seed_option);

static const VeloOption start_option = {
	.name = "time_start",
	.scopes = VELO_OPTION_SOURCE,
	.types = "generator",
	.type = VELO_OPTION_TEXT,
	.description = "Time of the first record: a timestamp, or an offset such as -1h from when "
				   "reading begins; not given: when it is due.",
};
VELO_OPTION(start_option);

static const VeloOption end_option = {
	.name = "time_end",
	.scopes = VELO_OPTION_SOURCE,
	.types = "generator",
	.type = VELO_OPTION_TEXT,
	.description = "Records' times are spread from time_start up to this; without a record_count "
				   "the stream ends there.",
};
VELO_OPTION(end_option);

static const VeloOption hint_option = {
	.name = "data.*",
	.scopes = VELO_OPTION_SOURCE,
	.types = "generator",
	.type = VELO_OPTION_TEXT,
	.description = "Hints for the values of a column: data.<column>.range, .enum, .weights, "
				   ".distribution, .null_probability, .sequential, .pattern, .cardinality.",
};
VELO_OPTION(hint_option);

typedef struct GeneratorSource
{
	VeloSource source;
	MemoryContext context;
	VeloGenerator *generator;
	TimestampTz base; /* when record 0 was due */
	int64 next;		  /* number of the next record */
	int64 batch_end;  /* the batch stops before this one */
	int64 end;		  /* of a bounded read; -1: not known yet */
	bool has_waited;  /* a batch has been begun */
	Datum topic;	  /* 0: not needed */
} GeneratorSource;

static const VeloSourceOps generator_source;

/* --- opening ---------------------------------------------------------------- */

static void
make_generator(GeneratorSource *source, TimestampTz base)
{
	const VeloSourceSpec *spec = source->source.spec;
	MemoryContext old = MemoryContextSwitchTo(source->context);

	source->base = base;
	source->generator = velo_source_generator_make(spec->desc, spec->user_natts, spec->needed,
												   spec->options, base);
	MemoryContextSwitchTo(old);
}

static TimestampTz
declared_at(Oid relation)
{
	VeloMetaScope scope;
	const char *args[1] = {velo_meta_oid_text(relation)};
	TimestampTz at = velo_clock_now();
	bool is_null;

	if (!OidIsValid(relation))
		return at;
	velo_meta_begin(&scope);
	if (velo_meta_run("SELECT created_at FROM velo.stream WHERE relation = $1::oid::regclass", 1,
					  args) > 0)
		at = DatumGetTimestampTz(velo_meta_datum(0, 1, &is_null));
	velo_meta_end(&scope);
	return at;
}

static VeloSource *
generator_open(const VeloSourceSpec *spec)
{
	GeneratorSource *source = palloc0(sizeof(GeneratorSource));

	source->source.ops = &generator_source;
	source->source.spec = spec;
	source->context = CurrentMemoryContext;
	source->end = -1;
	make_generator(source, spec->bounded ? declared_at(spec->relation) : velo_clock_now());
	if (bms_is_member(spec->user_natts + VELO_TOPIC, spec->needed))
		source->topic = CStringGetTextDatum(spec->name);
	return &source->source;
}

static int
generator_partitions(VeloSource *base)
{
	return 1;
}

static void
generator_seek(VeloSource *base, int partition, const char *position, VeloStartFrom from,
			   TimestampTz from_time)
{
	GeneratorSource *source = (GeneratorSource *) base;
	TimestampTz first_due;
	double rate;
	int used = 0;

	Assert(partition == 0);
	if (position == NULL)
	{
		/* There is no past to begin with: record 0 is due now, or has its time. */
		if (from == VELO_START_TIMESTAMP)
			source->next = velo_source_generator_first_at(source->generator, from_time);
		return;
	}
	if (sscanf(position, INT64_FORMAT "/" INT64_FORMAT "/%lf%n", &source->next, &first_due, &rate,
			   &used) != 3 ||
		position[used] != '\0' || source->next < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" is not a position of a generator", position)));
	make_generator(source, first_due);
	if (rate > 0 && rate != velo_source_generator_rate(source->generator) &&
		velo_source_generator_rate(source->generator) > 0)
	{
		/* The next record is due when it was due at the old rate. */
		double new_rate = velo_source_generator_rate(source->generator);

		source->base = first_due + (TimestampTz) (source->next / rate * USECS_PER_SEC) -
					   (TimestampTz) (source->next / new_rate * USECS_PER_SEC);
		velo_source_generator_set_base(source->generator, source->base);
	}
}

/* --- batches ---------------------------------------------------------------- */

/* How many records there are for a bounded read. */
static int64
bounded_end(const VeloGenerator *generator)
{
	int64 n = velo_source_generator_record_count(generator);

	if (n >= 0)
		return n;
	return Min(velo_source_generator_count(generator, velo_clock_now()),
			   velo_source_generator_read_max);
}

static bool
generator_begin_batch(VeloSource *base)
{
	GeneratorSource *source = (GeneratorSource *) base;

	source->has_waited = true;
	if (base->spec->bounded)
	{
		if (source->end < 0)
			source->end = bounded_end(source->generator);
		source->batch_end = source->end;
	}
	else
		source->batch_end = velo_source_generator_count(source->generator, velo_clock_now());
	return source->next < source->batch_end;
}

static int
generator_poll(VeloSource *base, VeloChunk *chunk, int limit)
{
	GeneratorSource *source = (GeneratorSource *) base;
	MemoryContext old = MemoryContextSwitchTo(chunk->context);
	int before = chunk->nrows;

	limit = Min(limit, VELO_CHUNK_ROWS);
	while (chunk->nrows < limit && source->next < source->batch_end)
	{
		int row = velo_row_append(chunk);
		int64 n = source->next++;
		Datum time = TimestampTzGetDatum(velo_source_generator_time(source->generator, n));

		velo_source_generator_fill(source->generator, n, velo_row_values(chunk, row),
								   velo_row_nulls(chunk, row));
		velo_row_set_system(chunk, row, VELO_TIMESTAMP, time);
		velo_row_set_system(chunk, row, VELO_EVENT_TIME, time);
		velo_row_set_system(chunk, row, VELO_PARTITION, Int32GetDatum(0));
		velo_row_set_system(chunk, row, VELO_OFFSET, Int64GetDatum(n));
		if (source->topic)
			velo_row_set_system(chunk, row, VELO_TOPIC, source->topic);
	}
	MemoryContextSwitchTo(old);
	return chunk->nrows - before;
}

static const char *
generator_tell(VeloSource *base, int partition)
{
	GeneratorSource *source = (GeneratorSource *) base;

	return psprintf(INT64_FORMAT "/" INT64_FORMAT "/%.17g", source->next, source->base,
					velo_source_generator_rate(source->generator));
}

static bool
generator_is_ended(VeloSource *base)
{
	GeneratorSource *source = (GeneratorSource *) base;
	int64 end = base->spec->bounded ? source->end
									: velo_source_generator_record_count(source->generator);

	return source->has_waited && end >= 0 && source->next >= end;
}

static TimestampTz
generator_next_due(VeloSource *base)
{
	GeneratorSource *source = (GeneratorSource *) base;

	if (generator_is_ended(base))
		return DT_NOEND;
	return velo_source_generator_due(source->generator, source->next);
}

static TimestampTz
generator_watermark_limit(VeloSource *base)
{
	GeneratorSource *source = (GeneratorSource *) base;

	if (generator_is_ended(base))
		return DT_NOEND;
	return velo_source_generator_time(source->generator, source->next);
}

static int64
generator_lag(VeloSource *base)
{
	GeneratorSource *source = (GeneratorSource *) base;
	int64 n;

	if (base->spec->bounded)
		n = source->end >= 0 ? source->end : bounded_end(source->generator);
	else
		n = velo_source_generator_count(source->generator, velo_clock_now());
	return n == PG_INT64_MAX ? -1 : Max(0, n - source->next);
}

static void
generator_close(VeloSource *base)
{
	/* All of it is memory of the caller's context. */
}

static Oid
generator_create(const VeloStreamSpec *stream, Oid *storage)
{
	*storage = InvalidOid;
	return velo_source_generator_create(stream->schema, stream->name, stream->columns,
										stream->options, stream->owner);
}

static const VeloSourceOps generator_source = {
	.type = "generator",
	.create = generator_create,
	.open = generator_open,
	.partitions = generator_partitions,
	.seek = generator_seek,
	.begin_batch = generator_begin_batch,
	.poll = generator_poll,
	.tell = generator_tell,
	.is_ended = generator_is_ended,
	.next_due = generator_next_due,
	.watermark_limit = generator_watermark_limit,
	.lag = generator_lag,
	.close = generator_close,
};
VELO_SOURCE(generator_source);

/* --- the stream's relation -------------------------------------------------- */

/* FROM velo._generator_rows('{…}', '…') AS r (a integer, …) */
static void
append_from(StringInfo sql, List *columns, List *options, TimestampTz base)
{
	ListCell *cell;

	appendStringInfo(sql, " FROM velo._generator_rows(%s::jsonb, %s::timestamptz) AS r (",
					 quote_literal_cstr(velo_meta_options_text(options)),
					 quote_literal_cstr(timestamptz_to_str(base)));
	foreach(cell, columns)
	{
		if (foreach_current_index(cell) > 0)
			appendStringInfoString(sql, ", ");
		velo_source_append_column(sql, lfirst(cell));
	}
	appendStringInfoChar(sql, ')');
}

static TupleDesc
describe(List *columns)
{
	TupleDesc desc = CreateTemplateTupleDesc(list_length(columns));
	ListCell *cell;

	foreach(cell, columns)
	{
		VeloColumn *column = lfirst(cell);

		TupleDescInitEntry(desc, foreach_current_index(cell) + 1, column->name, column->type,
						   column->typmod, 0);
	}
	return desc;
}

Oid
velo_source_generator_create(Oid schema, const char *name, List *columns, List *options, Oid owner)
{
	char *view = quote_qualified_identifier(get_namespace_name(schema), name);
	TimestampTz base = velo_clock_is_virtual() ? velo_clock_now()
											   : GetCurrentTransactionStartTimestamp();
	StringInfoData sql;

	/* Complains about hints that make no sense. */
	(void) velo_source_generator_make(describe(columns), list_length(columns), NULL, options, base);

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE VIEW %s AS SELECT *", view);
	append_from(&sql, columns, options, base);
	appendStringInfo(&sql,
					 "; COMMENT ON VIEW %s IS 'Generated stream: records made up by rule.'; "
					 "ALTER VIEW %s OWNER TO %s",
					 view, view, quote_identifier(GetUserNameFromId(owner, false)));
	(void) velo_meta_run_once(sql.data);
	return get_relname_relid(name, schema);
}

void
velo_source_generator_alter(Oid relation, List *options)
{
	Relation view = table_open(relation, AccessExclusiveLock);
	TupleDesc desc = RelationGetDescr(view);
	List *columns = NIL;
	StringInfoData sql;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		VeloColumn *column = palloc0(sizeof(VeloColumn));

		column->name = pstrdup(NameStr(att->attname));
		column->type = att->atttypid;
		column->typmod = att->atttypmod;
		column->collation = att->attcollation;
		columns = lappend(columns, column);
	}
	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE OR REPLACE VIEW %s AS SELECT *",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(view)),
												RelationGetRelationName(view)));
	append_from(&sql, columns, options, declared_at(relation));
	table_close(view, NoLock);

	velo_source_native_is_altering = true;
	PG_TRY();
	{
		(void) velo_meta_run_once(sql.data);
	}
	PG_FINALLY();
	{
		velo_source_native_is_altering = false;
	}
	PG_END_TRY();
}
