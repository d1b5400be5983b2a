/*
 * live_query.c
 *	  A query over non-blocking libpq in single-row mode, as a state machine.
 *
 *	  OPENING --> RUNNING <--> NAMING --> ENDING
 *
 * OPENING, NAMING and ENDING belong to a helper's thread (live_helper.h): it connects,
 * asks for names of types, cancels and disconnects.  Only in RUNNING does the event thread
 * touch the connection.  So at most one thread uses a query at a time, and what the owner
 * wants meanwhile (pause, cancel, going) is a flag that is looked at when the helper is
 * done.
 *
 * Cancelling.  The cancel request tells a process that is waiting for records; one that
 * is blocked in writing to us ignores it, and ends because the connection closes.  So
 * ending always does both, in that order: after the cancel request nobody reads what the
 * process still has to say.
 */
#include "gateway/src/live_query.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/src/live_frame.h"
#include "gateway/src/live_state.h"
#include "gateway/src/log.h"
#include "gateway/src/memory.h"
#include "gateway/src/metrics.h"
#include "gateway/src/pool.h"

VG_COUNTER(queries_total, "velo_gateway_live_queries_total", "counter",
		   "Live queries that were started.");
VG_COUNTER(queries_open, "velo_gateway_live_queries", "gauge",
		   "Live queries that hold a connection or are getting one.");
VG_COUNTER(failures_total, "velo_gateway_live_query_errors_total", "counter",
		   "Live queries that ended with an error.");

int64_t
vg_live_query_count(void)
{
	return atomic_load(&queries_open.value);
}

/* --- the end -------------------------------------------------------------------------- */

static void
free_query(VgLiveQuery *query)
{
	vg_user_release(query->caller.user);
	json_decref(query->params);
	free(query->sql);
	free(query->statement);
	free(query->rows.bytes);
	PQclear(query->held);
	vg_live_columns_clear(&query->columns);
	vc_error_clear(&query->error);
	vg_count(&queries_open, -1);
	free(query);
}

static void
log_end(const VgLiveQuery *query, const char *reason)
{
	char *rows = vg_format("%lld", (long long) query->row_count);
	char *ms = vg_format("%lld", (long long) (vg_now_ms() - query->started_ms));

	vg_log(VG_LOG_INFO, NULL, "live query ended", "request_id", query->caller.id, "user",
		   vg_user_name(query->caller.user), "reason", reason, "sqlstate",
		   vc_error_is_set(&query->error) ? query->error.sqlstate : NULL, "rows", rows, "ms", ms,
		   NULL);
	free(rows);
	free(ms);
}

/* The connection is closed: says so, and is no more. */
static void
tell_end(VgLiveQuery *query)
{
	const char *reason = !query->owner					  ? "gone"
						 : query->is_cancelled			  ? "cancelled"
						 : vc_error_is_set(&query->error) ? "error"
														  : "end";
	const VgLiveOwner *owner = query->owner;
	void *arg = query->arg;
	VgText frame = {0};

	log_end(query, reason);
	if (vc_error_is_set(&query->error) && !query->is_cancelled)
	{
		vg_count(&failures_total, 1);
		vg_live_frame_error(&frame, &query->error, false);
	}
	else
		vg_live_frame_complete(&frame, query->row_count, reason);
	free_query(query);
	if (owner)
	{
		owner->over(arg);
		owner->send(arg, frame.bytes, frame.size);
	}
	free(frame.bytes);
}

/* On a helper's thread. */
static void
disconnect(VgJob *job)
{
	VgLiveQuery *query = QUERY_OF(job, job);
	PGcancel *cancel = PQgetCancel(query->conn);
	char message[256];

	/* NULL when the connection is lost: nothing to cancel. */
	if (cancel && !PQcancel(cancel, message, sizeof(message)))
		vg_log(VG_LOG_WARNING, NULL, "could not cancel a live query", "request_id",
			   query->caller.id, "detail", message, NULL);
	PQfreeCancel(cancel);
	vg_pool_close(query->caller.user, query->conn);
	query->conn = NULL;
}

static void
disconnected(VgTask *task)
{
	VgLiveQuery *query = QUERY_OF(task, job.done);

	if (query->turn.is_queued)
		vg_loop_post(task); /* behind it */
	else
		tell_end(query);
}

/* From RUNNING: what has been read is sent, then PostgreSQL is told. */
void
vg_live_stop(VgLiveQuery *query)
{
	vg_loop_unwatch(&query->watch);
	vg_live_send_rows(query);
	query->state = QUERY_ENDING;
	query->job.work = disconnect;
	query->job.done.run = disconnected;
	vg_helper_ask(VG_LINE_END, &query->job);
}

/* PostgreSQL has nothing more to say, so closing does not block. */
void
vg_live_finish(VgLiveQuery *query)
{
	vg_loop_unwatch(&query->watch);
	vg_live_send_rows(query);
	query->state = QUERY_ENDING;
	if (query->conn)
		vg_pool_close(query->caller.user, query->conn);
	query->conn = NULL;
	disconnected(&query->job.done);
}

/* --- the start ------------------------------------------------------------------------ */

/*
 * DO LANGUAGE velo $velo$ … $velo$, with a tag that neither occurs in the text nor arises
 * where the text and the tag meet.
 */
static void
make_statement(VgLiveQuery *query)
{
	size_t length = strlen(query->sql);

	for (int i = 0;; i++)
	{
		char *tag = i == 0 ? vg_copy("$velo$") : vg_format("$velo%d$", i);
		char *body = vg_format("%s%s", query->sql, tag);
		bool is_free = strstr(body, tag) == body + length;

		if (is_free)
		{
			query->statement = vg_format("DO LANGUAGE velo %s%s", tag, body);
			query->before = strlen(query->statement) - strlen(body);
		}
		free(tag);
		free(body);
		if (is_free)
			break;
	}
}

/* On a helper's thread. */
static void
open_connection(VgJob *job)
{
	VgLiveQuery *query = QUERY_OF(job, job);

	query->conn = vg_live_connect(&query->caller, query->params, &query->error);
}

static void
opened(VgTask *task)
{
	VgLiveQuery *query = QUERY_OF(task, job.done);

	query->state = QUERY_RUNNING;
	if (query->conn == NULL)
		vg_live_finish(query);
	else if (query->is_cancelled || !query->owner)
		vg_live_stop(query);
	else
	{
		PQsetNoticeReceiver(query->conn, vg_live_take_notice, query);
		if (!PQsendQuery(query->conn, query->statement) || !PQsetSingleRowMode(query->conn))
		{
			vc_error_from_connection(&query->error, query->conn);
			vg_live_finish(query);
			return;
		}
		vg_live_read_first(query);
	}
}

VgLiveQuery *
vg_live_query_start(const VgLiveCaller *caller, const char *sql, json_t *params,
					const VgLiveOwner *owner, void *arg)
{
	VgLiveQuery *query = vg_alloc(sizeof(VgLiveQuery));

	query->caller = *caller;
	(void) vg_user_hold(caller->user);
	query->sql = vg_copy(sql);
	query->params = params;
	query->owner = owner;
	query->arg = arg;
	query->started_ms = vg_now_ms();
	make_statement(query);
	vg_count(&queries_total, 1);
	vg_count(&queries_open, 1);
	query->state = QUERY_OPENING;
	query->job.work = open_connection;
	query->job.done.run = opened;
	vg_helper_ask(VG_LINE_ASK, &query->job);
	return query;
}

/* --- what the owner wants ------------------------------------------------------------- */

void
vg_live_query_pause(VgLiveQuery *query, bool is_paused)
{
	query->is_paused = is_paused;
	if (query->state != QUERY_RUNNING)
		return;
	if (is_paused)
		vg_loop_unwatch(&query->watch);
	else
		vg_loop_post(&query->turn);
}

void
vg_live_query_continue(VgLiveQuery *query)
{
	if (query->state == QUERY_RUNNING)
		vg_loop_post(&query->turn);
}

void
vg_live_query_cancel(VgLiveQuery *query)
{
	if (query->state == QUERY_ENDING)
		return; /* it ends anyway, and says how */
	query->is_cancelled = true;
	if (query->state == QUERY_RUNNING)
		vg_live_stop(query);
}

void
vg_live_query_abandon(VgLiveQuery *query)
{
	query->owner = NULL;
	if (query->state == QUERY_RUNNING)
		vg_live_stop(query);
}
