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
#include <utils/queryenvironment.h>
#include <utils/tuplestore.h>

struct VeloStatement
{
	const char *sql;
	TupleDesc	desc;
	bool		by_index;
	SPIPlanPtr	plan;			/* NULL until first used */
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
		int			row = rows ? rows[i] : i;

		tuplestore_putvalues(store, statement->desc, velo_row_values(chunk, row),
							 velo_row_nulls(chunk, row));
	}
	return store;
}

static void
forbid_full_scans(void)
{
	static const char *const settings[] = {
		"enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_material"
	};

	for (int i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i], "off", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

static void
check_result(VeloStatement *statement, int result)
{
	if (result < 0)
		elog(ERROR, "could not run \"%s\": %s", statement->sql, SPI_result_code_string(result));
}

void
velo_sink_statement_run(VeloStatement *statement, const VeloChunk *chunk,
						const int *rows, int nrows)
{
	EphemeralNamedRelationData relation = {0};
	Tuplestorestate *store = store_rows(statement, chunk, rows, nrows);
	int			guc_level = 0;

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
	if (statement->by_index)
	{
		guc_level = NewGUCNestLevel();
		forbid_full_scans();
	}
	if (statement->plan == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(statement->sql, 0, NULL);

		if (plan == NULL)
			check_result(statement, SPI_result);
		SPI_keepplan(plan);
		statement->plan = plan;
	}
	check_result(statement, SPI_execute_plan(statement->plan, NULL, NULL, false, 0));
	if (statement->by_index)
		AtEOXact_GUC(false, guc_level);
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
