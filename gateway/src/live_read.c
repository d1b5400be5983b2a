/*
 * live_read.c
 *	  Reading a live query's rows, and how much of them.
 *
 * Back-pressure.  libpq keeps what PQconsumeInput() reads, without a bound.  So it is
 * called only after all that it has kept is used up, and never while the owner is full or
 * paused; then the socket's buffers fill, and the server's process blocks in writing.  One
 * call reads some 16 kB, or what is there of a longer row: what comes without completing
 * a row is counted, and beyond VG_LIVE_ROW_BYTES_MAX the query ends.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "gateway/src/live_frame.h"
#include "gateway/src/live_rows.h"
#include "gateway/src/live_state.h"
#include "gateway/src/memory.h"
#include "gateway/src/metrics.h"

#define FRAMES_A_TURN 4 /* then others have theirs */

/* FIONREAD counts more than a row: what follows it in the socket. */
#define ROW_SLACK (512 * 1024)

VG_COUNTER(rows_total, "velo_gateway_live_rows_total", "counter",
		   "Rows of live queries given to sockets.");

/* --- frames --------------------------------------------------------------------------- */

static void
send(VgLiveQuery *query, VgText *frame)
{
	if (query->owner)
		query->owner->send(query->arg, frame->bytes, frame->size);
}

static void
send_small(VgLiveQuery *query, VgText frame)
{
	send(query, &frame);
	free(frame.bytes);
}

void
vg_live_send_rows(VgLiveQuery *query)
{
	if (query->frame_rows == 0)
		return;
	vg_text_add(&query->rows, "]}");
	send(query, &query->rows);
	vg_count(&rows_total, query->frame_rows);
	query->row_count += query->frame_rows;
	query->rows.size = 0;
	query->frame_rows = 0;
	query->frames++;
}

static void
add_row(VgLiveQuery *query, const PGresult *row)
{
	vg_text_add(&query->rows, query->frame_rows == 0 ? "{\"type\":\"rows\",\"rows\":[" : ",");
	vg_live_append_row(&query->rows, row, 0, query->columns.encodings);
	query->frame_rows++;
	if (query->frame_rows >= VG_LIVE_FRAME_ROWS || query->rows.size >= VG_LIVE_FRAME_BYTES)
		vg_live_send_rows(query);
}

/* libpq's notice receiver. */
void
vg_live_take_notice(void *arg, const PGresult *notice)
{
	VgLiveQuery *query = arg;
	VgText frame = {0};

	vg_live_send_rows(query); /* progress speaks of rows that are there */
	vg_live_frame_notice(&frame, notice);
	send_small(query, frame);
}

/* --- names of types ------------------------------------------------------------------- */

/* On a helper's thread. */
static void
ask_names(VgJob *job)
{
	VgLiveQuery *query = QUERY_OF(job, job);
	VgLiveColumns *columns = &query->columns;

	for (int i = 0; i < columns->count; i++)
	{
		free(columns->names[i]);
		columns->names[i] = NULL;
	}
	(void) vg_live_type_names(query->caller.user, columns->count, columns->types,
							  columns->modifiers, columns->names, &query->error);
}

static void
send_columns(VgLiveQuery *query)
{
	PGresult *result = query->held;
	VgText frame = {0};

	query->held = NULL;
	vg_live_columns_frame(&frame, &query->columns, result);
	send_small(query, frame);
	if (PQresultStatus(result) == PGRES_SINGLE_TUPLE)
		add_row(query, result);
	else
		query->has_columns = false; /* an empty result, and its end */
	PQclear(result);
}

static void
names_are_there(VgTask *task)
{
	VgLiveQuery *query = QUERY_OF(task, job.done);

	query->state = QUERY_RUNNING;
	if (vc_error_is_set(&query->error) || query->is_cancelled || !query->owner)
	{
		vg_live_stop(query);
		return;
	}
	vg_live_columns_keep(&query->columns);
	send_columns(query);
	vg_live_read_on(query);
}

/* result becomes the query's. */
static void
begin_result(VgLiveQuery *query, PGresult *result)
{
	vg_live_send_rows(query);
	query->held = result;
	query->has_columns = true;
	if (vg_live_columns_set(&query->columns, result))
	{
		send_columns(query);
		return;
	}
	vg_loop_unwatch(&query->watch);
	query->state = QUERY_NAMING;
	query->job.work = ask_names;
	query->job.done.run = names_are_there;
	vg_helper_ask(VG_LINE_ASK, &query->job);
}

/* --- reading -------------------------------------------------------------------------- */

static void
fail_row_size(VgLiveQuery *query)
{
	vc_error_set(&query->error, "54000", "a row is too long for a live query",
				 "A row may have 1 MB.", "Select fewer or shorter columns.");
	vg_live_stop(query);
}

static size_t
row_bytes(const PGresult *row)
{
	size_t bytes = 0;

	for (int i = 0; i < PQnfields(row); i++)
		bytes += PQgetlength(row, 0, i);
	return bytes;
}

/* result becomes ours. */
static void
take_result(VgLiveQuery *query, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	query->unparsed = 0;
	if (status == PGRES_SINGLE_TUPLE && row_bytes(result) > VG_LIVE_ROW_BYTES_MAX)
		fail_row_size(query);
	else if ((status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK) && !query->has_columns)
	{
		begin_result(query, result);
		return;
	}
	else if (status == PGRES_SINGLE_TUPLE)
		add_row(query, result);
	else if (status == PGRES_TUPLES_OK)
		query->has_columns = false;
	else if (status == PGRES_FATAL_ERROR && !vc_error_is_set(&query->error))
		vc_error_from_result(&query->error, result, query->sql, query->before);
	else if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
	{
		vc_error_set(&query->error, "0A000", "COPY cannot be used in a live query", NULL, NULL);
		vg_live_stop(query);
	}
	PQclear(result);
}

/*
 * Reads what is in the socket; false: nothing is, or the row is too long.  is_ready: epoll
 * said so, and with nothing to count it is the end of the connection.
 */
static bool
consume(VgLiveQuery *query, bool is_ready)
{
	int waiting = 0;

	if (ioctl(query->watch.fd, FIONREAD, &waiting) == 0 && waiting == 0 && !is_ready)
		return false;
	query->unparsed += waiting;
	if (query->unparsed > VG_LIVE_ROW_BYTES_MAX + ROW_SLACK)
	{
		fail_row_size(query);
		return false;
	}
	if (!PQconsumeInput(query->conn))
	{
		query->is_lost = true;
		vg_loop_unwatch(&query->watch);
	}
	return true;
}

static void
wait_for_more(VgLiveQuery *query)
{
	vg_live_send_rows(query);
	if (!vg_loop_watch(&query->watch, EPOLLIN | (query->is_flushed ? 0 : EPOLLOUT)))
	{
		vc_error_set(&query->error, "53000", "could not wait for the database", strerror(errno),
					 NULL);
		vg_live_stop(query);
	}
}

/* Reads until nothing more is there, the owner is full, or others must have their turn. */
void
vg_live_read_on(VgLiveQuery *query)
{
	query->frames = 0;
	while (query->state == QUERY_RUNNING)
	{
		PGresult *result;

		if (query->is_paused || query->owner->is_full(query->arg))
		{
			vg_live_send_rows(query);
			vg_loop_unwatch(&query->watch);
			break;
		}
		if (query->frames >= FRAMES_A_TURN)
		{
			vg_loop_post(&query->turn);
			break;
		}
		/* When the connection is lost PQgetResult says so; PQisBusy may say yes for ever. */
		if (!query->is_lost && PQisBusy(query->conn))
		{
			if (consume(query, false))
				continue;
			if (query->state == QUERY_RUNNING)
				wait_for_more(query);
			break;
		}
		result = PQgetResult(query->conn);
		if (result == NULL)
			vg_live_finish(query);
		else
			take_result(query, result);
		if (result == NULL)
			break; /* it may be freed */
	}
}

static void
take_turn(VgTask *task)
{
	VgLiveQuery *query = QUERY_OF(task, turn);

	if (query->state == QUERY_RUNNING)
		vg_live_read_on(query);
}

static void
ready(VgWatch *watch, uint32_t events)
{
	VgLiveQuery *query = QUERY_OF(watch, watch);

	if (query->turn.is_queued)
		return; /* libpq still holds rows */
	if (!query->is_flushed)
	{
		int left = PQflush(query->conn);

		query->is_flushed = left == 0;
		query->is_lost = left < 0;
	}
	if (!(events & ~EPOLLOUT) || consume(query, true))
		vg_live_read_on(query);
}

void
vg_live_read_first(VgLiveQuery *query)
{
	query->watch = (VgWatch) {.fd = PQsocket(query->conn), .ready = ready};
	query->turn.run = take_turn;
	query->is_flushed = PQflush(query->conn) == 0;
	wait_for_more(query);
}
