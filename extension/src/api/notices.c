/*
 * notices.c
 *	  Collecting the warnings and notices of statements.
 *
 * PostgreSQL shows each report that is bound for the server log to a hook, which
 * may also take it away.  So while collecting, notices are made to count as bound
 * for the log, and the hook keeps them and takes away what was not asked for.
 */
#include "postgres.h"

#include "api/notices.h"

#include <utils/guc.h>

#include "base/module.h"

static VeloNotices *collecting = NULL;
static int usual_log_level;
static emit_log_hook_type previous_hook;

static void
collect(ErrorData *edata)
{
	VeloNotices *notices = collecting;

	if (notices && edata->elevel >= NOTICE && edata->elevel < ERROR)
	{
		MemoryContext old = MemoryContextSwitchTo(notices->context);
		ErrorData *copy = palloc0(sizeof(ErrorData));

		copy->elevel = edata->elevel;
		copy->sqlerrcode = edata->sqlerrcode;
		copy->internalpos = edata->internalpos;
		copy->message = edata->message ? pstrdup(edata->message) : NULL;
		copy->detail = edata->detail ? pstrdup(edata->detail) : NULL;
		copy->hint = edata->hint ? pstrdup(edata->hint) : NULL;
		notices->list = lappend(notices->list, copy);
		MemoryContextSwitchTo(old);
		if (notices->quietly)
			edata->output_to_client = false;
		if (notices->quietly || edata->elevel < usual_log_level)
		{
			edata->output_to_server = false;
			return;
		}
	}
	if (previous_hook)
		previous_hook(edata);
}

static void
install_hook(bool preloaded)
{
	previous_hook = emit_log_hook;
	emit_log_hook = collect;
}

static const VeloStart notices_start = {"notices", install_hook};
VELO_START(notices_start);

void
velo_api_notices_begin(VeloNotices *notices, bool quietly)
{
	notices->list = NIL;
	notices->context = CurrentMemoryContext;
	notices->quietly = quietly;
	notices->outer = collecting;
	if (collecting == NULL)
		usual_log_level = log_min_messages;
	notices->guc_level = NewGUCNestLevel();
	if (log_min_messages > NOTICE || log_min_messages == LOG)
		(void) set_config_option("log_min_messages", "notice", PGC_SUSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	collecting = notices;
}

void
velo_api_notices_end(VeloNotices *notices)
{
	collecting = notices->outer;
	AtEOXact_GUC(true, notices->guc_level);
}

void
velo_api_notices_abandon(VeloNotices *notices)
{
	/* The transaction's abort restores the setting. */
	collecting = notices->outer;
}
