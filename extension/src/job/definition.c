/*
 * definition.c
 *	  Rows of velo.job: writing them, reading them, planning from them.
 */
#include "postgres.h"

#include "job/job.h"

#include <access/relation.h>
#include <commands/trigger.h>
#include <executor/spi.h>
#include <miscadmin.h>
#include <parser/parser.h>
#include <utils/builtins.h>
#include <utils/guc.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>

#include "base/function.h"
#include "base/try.h"
#include "job/control.h"
#include "meta/meta.h"

static const VeloOption timezone_option = {
	.name = "timezone",
	.scopes = VELO_OPTION_JOB,
	.type = VELO_OPTION_TEXT,
	.standard = "UTC",
	.description = "Time zone in which the job's statement is read and run.",
};
VELO_OPTION(timezone_option);

/* Settings that change what text means; a job keeps those of its creation. */
static const char *const frozen[] = {
	"search_path",
	"DateStyle",
	"IntervalStyle",
	"extra_float_digits",
	"standard_conforming_strings",
	"bytea_output",
	"array_nulls",
};

static List *
freeze_settings(void)
{
	List *settings = NIL;

	for (int i = 0; i < lengthof(frozen); i++)
		settings = velo_base_option_set(settings, frozen[i],
										GetConfigOption(frozen[i], false, false));
	return settings;
}

static VeloJob *
read_job(void)
{
	VeloJob *job = SPI_palloc(sizeof(VeloJob));
	char *oid;

	job->job_id = atoi(velo_meta_value(0, 1));
	job->name = velo_meta_value(0, 2);
	job->kind = velo_meta_value(0, 3);
	oid = velo_meta_value(0, 4);
	job->relation = oid ? atooid(oid) : InvalidOid;
	oid = velo_meta_value(0, 5);
	job->owner = oid ? atooid(oid) : InvalidOid;
	oid = velo_meta_value(0, 6);
	job->target = oid ? atooid(oid) : InvalidOid;
	job->version = velo_meta_value(0, 7);
	job->application = velo_meta_value(0, 8);
	job->sql = velo_meta_value(0, 9);
	job->sources = velo_meta_oid_list(0, 10);
	job->settings = velo_meta_options(0, 11);
	job->options = velo_meta_options(0, 12);
	job->desired = velo_meta_value(0, 13);
	job->status = velo_meta_value(0, 14);
	job->start_from = velo_meta_value(0, 15);
	job->needs_position = strcmp(velo_meta_value(0, 16), "t") == 0;
	return job;
}

#define JOB_COLUMNS                                                                                \
	"SELECT j.job_id, j.name, j.kind, j.relation::oid, coalesce(c.relowner, j.owner::oid), "       \
	"j.target::oid, j.version, j.application, j.sql, j.sources::oid[], j.settings, j.options, "    \
	"j.desired, j.status, j.start_from, j.needs_position "                                         \
	"FROM velo.job j LEFT JOIN pg_catalog.pg_class c ON c.oid = j.relation "

VeloJob *
velo_job_load(int job_id)
{
	VeloMetaScope scope;
	VeloJob *job = NULL;
	const char *args[1] = {psprintf("%d", job_id)};

	velo_meta_begin(&scope);
	if (velo_meta_run(JOB_COLUMNS "WHERE j.job_id = $1::int", 1, args) > 0)
		job = read_job();
	velo_meta_end(&scope);
	return job;
}

VeloJob *
velo_job_find(const char *name)
{
	VeloMetaScope scope;
	VeloJob *job = NULL;
	const char *args[1] = {name};

	velo_meta_begin(&scope);
	if (velo_meta_run(JOB_COLUMNS "WHERE j.name = $1", 1, args) > 0)
		job = read_job();
	velo_meta_end(&scope);
	return job;
}

static void
write_edges(int job_id, const VeloPlan *plan)
{
	ListCell *cell;

	foreach(cell, plan->edges)
	{
		VeloEdge *edge = lfirst(cell);
		const char *args[5] = {
			psprintf("%d", job_id),
			edge->output,
			velo_meta_oid_text(plan->source.relation),
			edge->source_column,
			edge->is_direct ? "direct" : "indirect",
		};

		velo_meta_run("INSERT INTO velo.column_edge (job_id, version, output_column, source, "
					  "source_column, kind) VALUES ($1::int, '1', $2, $3::oid::regclass, $4, $5) "
					  "ON CONFLICT DO NOTHING",
					  5, args);
	}
}

void
velo_job_require_free(const char *name)
{
	VeloMetaScope scope;
	const char *args[1] = {name};
	bool exists;

	velo_meta_begin(&scope);
	exists = velo_meta_run("SELECT FROM velo.job WHERE name = $1", 1, args) > 0;
	velo_meta_end(&scope);
	if (exists)
		ereport(
			ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("job \"%s\" already exists", name),
			 errhint(
				 "Give the statement another name with -- @name: ..., or drop the job's object.")));
}

int
velo_job_define(const VeloJobDefinition *definition)
{
	const VeloPlan *plan = definition->plan;
	VeloMetaScope scope;
	int job_id;
	List *settings = freeze_settings();
	List *options = NIL;
	ListCell *cell;
	Oid user = GetUserId();

	foreach(cell, plan->options)
	{
		VeloOptionValue *value = lfirst(cell);

		options = velo_base_option_set(options, value->name, value->value);
	}
	foreach(cell, plan->sink_options)
	{
		VeloOptionValue *value = lfirst(cell);

		options = velo_base_option_set(options, psprintf("sink.%s", value->name), value->value);
	}

	velo_job_require_free(definition->name);
	velo_meta_begin(&scope);
	{
		char *relation_name = OidIsValid(definition->relation) ? get_rel_name(definition->relation)
															   : NULL;
		const char *args[12] = {
			definition->name,
			definition->kind,
			velo_meta_oid_text(definition->relation),
			OidIsValid(definition->relation) ? NULL : velo_meta_oid_text(user),
			velo_meta_oid_text(definition->target),
			definition->sql,
			velo_meta_oid_array(velo_plan_source_relations(plan)),
			velo_meta_options_text(settings),
			velo_meta_options_text(options),
			definition->application,
			definition->start_from ? definition->start_from : "default",
			relation_name && strcmp(relation_name, definition->name) == 0 ? "true" : "false",
		};

		velo_meta_run("INSERT INTO velo.job (name, kind, relation, owner, target, sql, sources, "
					  "settings, options, application, start_from, is_named_by_relation) "
					  "VALUES ($1, $2, $3::oid::regclass, $4::oid::regrole, $5::oid::regclass, $6, "
					  "$7::oid[]::regclass[], $8::jsonb, $9::jsonb, $10, $11, $12::boolean) "
					  "RETURNING job_id",
					  12, args);
		job_id = atoi(velo_meta_value(0, 1));
	}
	{
		const char *args[5] = {
			psprintf("%d", job_id), definition->sql,		  plan->hash,
			plan->layout,			velo_meta_oid_text(user),
		};

		velo_meta_run("INSERT INTO velo.job_version (job_id, version, sql, plan_hash, layout, "
					  "created_by) VALUES ($1::int, '1', $2, $3, $4, $5::oid::regrole)",
					  5, args);
	}
	write_edges(job_id, plan);
	velo_state_create(job_id, 0);
	velo_meta_end(&scope);
	if (plan->start_from == VELO_START_LATEST)
		velo_job_fix_latest(job_id, plan);
	velo_job_changed();
	return job_id;
}

/* The names in "a, b", read as a select list: so their places come for free. */
static List *
target_names(const char *text, const LiftText *targets)
{
	static const char select[] = "SELECT ";
	VeloErrorMap map;
	List *parsed;
	List *names = NIL;
	ListCell *cell;

	velo_plan_error_map_push(&map, text, targets);
	map.skip = strlen(select);
	parsed = raw_parser(psprintf("%s%s", select, targets->text), RAW_PARSE_DEFAULT);
	velo_plan_error_map_pop(&map);
	foreach(cell, ((SelectStmt *) linitial_node(RawStmt, parsed)->stmt)->targetList)
	{
		ResTarget *item = lfirst_node(ResTarget, cell);

		if (!IsA(item->val, ColumnRef) || !IsA(linitial(((ColumnRef *) item->val)->fields), String))
			ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
							errmsg("a target of INSERT must be a column's name"),
							velo_plan_error_at(text, velo_lift_origin(targets,
																	  item->location -
																		  (int) strlen(select)))));
		names = lappend(names, item->val);
	}
	return names;
}

static int
find_column(TupleDesc columns, const char *name)
{
	for (int i = 0; i < columns->natts; i++)
		if (!TupleDescAttr(columns, i)->attisdropped &&
			strcmp(NameStr(TupleDescAttr(columns, i)->attname), name) == 0)
			return i + 1;
	return 0;
}

TupleDesc
velo_job_insert_columns(const char *text, const LiftStatement *statement, const char *target,
						TupleDesc columns)
{
	const LiftText *targets = statement->insert_targets;
	List *numbers = NIL;
	TupleDesc desc;
	ListCell *cell;

	if (targets)
	{
		foreach(cell, target_names(text, targets))
		{
			ColumnRef *reference = lfirst(cell);
			const char *name = strVal(linitial(reference->fields));
			int number = find_column(columns, name);

			if (number == 0)
				ereport(ERROR,
						(errcode(ERRCODE_UNDEFINED_COLUMN),
						 errmsg("column \"%s\" of relation \"%s\" does not exist", name, target),
						 velo_plan_error_at(text, velo_lift_origin(targets,
																   reference->location -
																	   (int) strlen("SELECT ")))));
			numbers = lappend_int(numbers, number);
		}
	}
	else
	{
		for (int i = 1; i <= columns->natts; i++)
			if (!TupleDescAttr(columns, i - 1)->attisdropped &&
				!TupleDescAttr(columns, i - 1)->attgenerated)
				numbers = lappend_int(numbers, i);
	}
	desc = CreateTemplateTupleDesc(list_length(numbers));
	foreach(cell, numbers)
		TupleDescCopyEntry(desc, foreach_current_index(cell) + 1, columns, lfirst_int(cell));
	return desc;
}

TupleDesc
velo_job_insert_target(const char *text, const LiftStatement *statement, Oid target)
{
	Relation relation = relation_open(target, AccessShareLock);
	TupleDesc desc = velo_job_insert_columns(text, statement, RelationGetRelationName(relation),
											 RelationGetDescr(relation));

	relation_close(relation, NoLock);
	return desc;
}

VeloPlan *
velo_job_plan(const VeloJob *job)
{
	LiftScript *script = velo_plan_lift(job->sql, NULL, true);
	LiftStatement *statement = script->statements;
	VeloPlanRequest request = {.user_text = job->sql};
	VeloStream *target;

	if (statement && statement->kind == LIFT_JOB && statement->body)
		statement = statement->body;
	if (statement == NULL || statement->query == NULL)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("the statement of job \"%s\" cannot be read any more", job->name)));
	if (list_length(job->sources) == 0 || !OidIsValid(linitial_oid(job->sources)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("the source of job \"%s\" does not exist any more", job->name)));
	request.statement = statement;
	request.relations = job->sources;
	request.for_table = strcmp(job->kind, "table") == 0;
	/* INSERT assigns by place: the sink must know the columns, not the query's names. */
	if (strcmp(job->kind, "insert") == 0 && OidIsValid(job->target))
		request.target = velo_job_insert_target(job->sql, statement, job->target);
	target = OidIsValid(job->target) ? velo_meta_stream(job->target) : NULL;
	request.for_stream = !request.for_table && target && !target->is_table;
	request.target_type = request.for_stream ? target->type : NULL;
	return velo_plan_query(&request);
}

void
velo_job_end_restore(const VeloJob *job)
{
	VeloMetaScope scope;
	VeloStream *stream = velo_meta_stream(job->relation);
	const char *args[1] = {velo_meta_oid_text(job->relation)};

	if (stream == NULL || !stream->is_restored || !stream->is_table)
		return;
	velo_meta_begin(&scope);
	velo_meta_run("UPDATE velo.stream SET is_restored = false WHERE relation = $1::oid::regclass",
				  1, args);
	velo_meta_end(&scope);
	velo_meta_streams_changed();
}

typedef struct FixLatest
{
	int job_id;
	const VeloPlan *plan;
} FixLatest;

static void
fix_latest(void *arg)
{
	int job_id = ((FixLatest *) arg)->job_id;
	VeloSource *source = velo_job_open_source(((FixLatest *) arg)->plan);
	VeloMetaScope scope;

	for (int partition = 0; partition < source->ops->partitions(source); partition++)
		source->ops->seek(source, partition, NULL, VELO_START_LATEST, 0);
	(void) source->ops->begin_batch(source);
	for (int partition = 0; partition < source->ops->partitions(source); partition++)
	{
		const char *args[3] = {
			psprintf("%d", job_id),
			psprintf("%d", partition),
			source->ops->tell(source, partition),
		};

		velo_meta_begin(&scope);
		velo_meta_run("INSERT INTO velo.position (job_id, task, source, partition, position) "
					  "VALUES ($1::int, 0, 0, $2::int, $3)",
					  3, args);
		velo_meta_end(&scope);
	}
	source->ops->close(source);
}

static bool
is_connection_error(int sqlstate)
{
	return ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_CONNECTION_EXCEPTION;
}

void
velo_job_fix_latest(int job_id, const VeloPlan *plan)
{
	FixLatest fix = {job_id, plan};
	ErrorData *error = velo_base_try(fix_latest, &fix, is_connection_error);

	if (error)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("could not see where stream \"%s\" ends now: %s", plan->source.name,
						error->message),
				 errdetail("The job begins with what is new when it first reaches the stream.")));
}

/*
 * The sink decides alone where nothing but its rows and the positions would have to be
 * committed: no state, no count for LIMIT, input that can be read again from a position
 * that PostgreSQL does not hold.
 */
static bool
may_lead(const VeloPlan *plan, const VeloSinkSpec *spec, const char *guarantee)
{
	const VeloSinkOps *ops = velo_sink_find(spec->type);

	return ops && ops->commit && guarantee && strcmp(guarantee, "exactly_once") == 0 &&
		   plan->layout[0] == '\0' && plan->limit < 0 && strcmp(plan->source.type, "kafka") == 0;
}

static List *
without(List *options, const char *name)
{
	List *rest = NIL;
	ListCell *cell;

	foreach(cell, options)
		if (strcmp(((VeloOptionValue *) lfirst(cell))->name, name) != 0)
			rest = lappend(rest, lfirst(cell));
	return rest;
}

VeloSinkSpec *
velo_job_sink_spec(const VeloJob *job, const VeloPlan *plan)
{
	VeloSinkSpec *spec = palloc0(sizeof(VeloSinkSpec));
	const char *guarantee;
	VeloStream *stream;
	ListCell *cell;

	spec->name = job->name;
	spec->relation = job->target;
	spec->desc = plan->output;
	spec->payload = plan->output->natts;
	if (plan->keeps_headers)
		spec->headers = spec->payload--;
	if (plan->keeps_event_time)
		spec->event_time = spec->payload--;
	spec->job_id = job->job_id;
	spec->role = job->owner;
	foreach(cell, job->options)
	{
		VeloOptionValue *value = lfirst(cell);

		if (strncmp(value->name, "sink.", 5) == 0)
			spec->options = velo_base_option_set(spec->options, value->name + 5, value->value);
	}
	/* An INSERT writes the way its stream says. */
	stream = velo_meta_stream(job->target);
	if (stream && !stream->is_table && list_length(spec->options) == 0)
	{
		spec->name = get_rel_name(job->target);
		spec->options = stream->options;
	}
	spec->type = velo_base_option_text(spec->options, "type");
	if (spec->type == NULL)
		spec->type = stream && !stream->is_table ? "native" : "table";
	spec->nkeys = plan->nkeys;
	spec->keys = plan->keys;
	/* Into a table of somebody's own others write, too. */
	spec->rows_are_new = plan->rows_are_new && strcmp(job->kind, "table") == 0;
	/* PRIMARY KEY is what the query says of its own rows. */
	if (plan->key_is_primary && velo_base_option_is_set(spec->options, "key.field"))
		spec->options = without(spec->options, "key.field");
	guarantee = velo_base_option_text(job->options, "delivery.guarantee");
	if (guarantee)
		spec->options = velo_base_option_set(list_copy(spec->options), "delivery.guarantee",
											 guarantee);
	spec->leads = may_lead(plan, spec, guarantee);
	return spec;
}

/*
 * Trigger before INSERT on velo.job and velo.stream.  A row that does not come
 * from this library comes from a dump: its positions and transaction ids mean
 * nothing here.
 */
VELO_FUNCTION(velo_restored)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc desc;
	HeapTuple tuple;
	bool is_job;
	int columns[3];
	Datum values[3];
	bool nulls[3] = {false, false, false};

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("this function is internal to velostream")));
	tuple = trigger->tg_trigtuple;
	if (InLocalUserIdChange())
		return PointerGetDatum(tuple);
	desc = RelationGetDescr(trigger->tg_relation);
	is_job = strcmp(RelationGetRelationName(trigger->tg_relation), "job") == 0;
	if (is_job)
	{
		columns[0] = SPI_fnumber(desc, "desired");
		columns[1] = SPI_fnumber(desc, "status");
		columns[2] = SPI_fnumber(desc, "needs_position");
		values[0] = values[1] = CStringGetTextDatum("stopped");
		values[2] = BoolGetDatum(true);
		tuple = heap_modify_tuple_by_cols(tuple, desc, 3, columns, values, nulls);
	}
	else
	{
		columns[0] = SPI_fnumber(desc, "is_restored");
		values[0] = BoolGetDatum(true);
		tuple = heap_modify_tuple_by_cols(tuple, desc, 1, columns, values, nulls);
	}
	return PointerGetDatum(tuple);
}

/* velo._jobs_changed(): launchers look when the transaction commits */
VELO_FUNCTION(velo_jobs_changed)
{
	if (velo_job_shared() != NULL)
		velo_job_changed();
	PG_RETURN_VOID();
}
