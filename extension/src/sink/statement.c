/*
 * statement.c
 *	  Running kept statements over rows.
 *
 * The rows are handed over as an ephemeral named relation, as PostgreSQL does with
 * transition tables: the planner knows their types, casts and defaults are applied
 * as for any INSERT … SELECT, and no row becomes text or array on the way.
 *
 * Memory: the tuplestore lives in the current context, which the caller resets;
 * the plan in SPI's own.  Nothing is held over a commit but the plan.
 */
#include "postgres.h"

#include "sink/statement.h"

#include <executor/spi.h>
#include <miscadmin.h>
#include <utils/guc.h>
#include <utils/plancache.h>
#include <utils/queryenvironment.h>
#include <utils/resowner.h>
#include <utils/tuplestore.h>

struct VeloStatement
{
	const char *sql;
	TupleDesc desc;
	bool by_index;
	SPIPlanPtr plan; /* NULL until first used */
};

VeloStatement *
velo_sink_statement_create(const char *sql, TupleDesc desc, bool by_index)
{
	VeloStatement *statement = palloc0(sizeof(VeloStatement));

	statement->sql = pstrdup(sql);
	statement->desc = desc;
	statement->by_index = by_index;
	return statement;
}

static Tuplestorestate *
store_rows(VeloStatement *statement, const VeloChunk *chunk, const int *rows, int nrows)
{
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);

	for (int i = 0; i < nrows; i++)
	{
		int row = rows ? rows[i] : i;

		tuplestore_putvalues(store, statement->desc, velo_row_values(chunk, row),
							 velo_row_nulls(chunk, row));
	}
	return store;
}

/*
 * Makes the plan, if there is no valid one.  Settings that shape it must not reach
 * further: during execution triggers plan statements of their own.
 */
static void
make_plan(VeloStatement *statement)
{
	static const char *const settings[] = {"jit", "enable_seqscan", "enable_hashjoin",
										   "enable_mergejoin", "enable_material"};
	int guc_level = NewGUCNestLevel();
	CachedPlan *plan;

	for (int i = 0; i < (statement->by_index ? lengthof(settings) : 1); i++)
		(void) set_config_option(settings[i], "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
	plan = SPI_plan_get_cached_plan(statement->plan);
	if (plan)
		ReleaseCachedPlan(plan, CurrentResourceOwner);
	AtEOXact_GUC(false, guc_level);
}

static void
check_result(VeloStatement *statement, int result)
{
	if (result < 0)
		elog(ERROR, "could not run \"%s\": %s", statement->sql, SPI_result_code_string(result));
}

void
velo_sink_statement_run(VeloStatement *statement, const VeloChunk *chunk, const int *rows,
						int nrows)
{
	EphemeralNamedRelationData relation = {0};
	Tuplestorestate *store = store_rows(statement, chunk, rows, nrows);

	relation.md.name = VELO_STATEMENT_ROWS;
	relation.md.reliddesc = InvalidOid;
	relation.md.tupdesc = statement->desc;
	relation.md.enrtype = ENR_NAMED_TUPLESTORE;
	/* The same for every run: the plan outlives this chunk. */
	relation.md.enrtuples = VELO_CHUNK_ROWS;
	relation.reldata = store;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	check_result(statement, SPI_register_relation(&relation));
	if (statement->plan == NULL)
	{
		SPIPlanPtr plan = SPI_prepare(statement->sql, 0, NULL);

		if (plan == NULL)
			check_result(statement, SPI_result);
		SPI_keepplan(plan);
		statement->plan = plan;
	}
	make_plan(statement);
	check_result(statement, SPI_execute_plan(statement->plan, NULL, NULL, false, 0));
	SPI_finish();
	tuplestore_end(store);
}

void
velo_sink_statement_free(VeloStatement *statement)
{
	if (statement->plan)
		SPI_freeplan(statement->plan);
	pfree(unconstify(char *, statement->sql));
	pfree(statement);
}
