/*
 * native_position.c
 *	  Pairs of snapshots and their texts.
 *
 * Only top-level transactions matter here: a row carries the id of its top-level
 * transaction, whatever savepoint wrote it.
 */
#include "postgres.h"

#include "source/native_position.h"

#include <access/xact.h>
#include <lib/qunique.h>

bool
velo_source_snapshot_sees(const VeloSnapshot *snapshot, uint64 xid)
{
	int low = 0;
	int high = snapshot->nxip;

	if (xid < snapshot->xmin)
		return true;
	if (xid == snapshot->own)
		return true;
	if (xid >= snapshot->xmax)
		return false;
	while (low < high)
	{
		int middle = (low + high) / 2;

		if (snapshot->xip[middle] < xid)
			low = middle + 1;
		else
			high = middle;
	}
	return low == snapshot->nxip || snapshot->xip[low] != xid;
}

bool
velo_source_snapshot_equal(const VeloSnapshot *a, const VeloSnapshot *b)
{
	return a->xmin == b->xmin && a->xmax == b->xmax && a->own == b->own && a->nxip == b->nxip &&
		   (a->nxip == 0 || memcmp(a->xip, b->xip, sizeof(uint64) * a->nxip) == 0);
}

static int
compare_xids(const void *a, const void *b)
{
	uint64 x = *(const uint64 *) a;
	uint64 y = *(const uint64 *) b;

	return x < y ? -1 : x > y;
}

static void
make_room(VeloSnapshot *snapshot, int n, MemoryContext context)
{
	if (n <= snapshot->max_xip)
		return;
	if (snapshot->xip)
		pfree(snapshot->xip);
	snapshot->max_xip = n + n / 2;
	snapshot->xip = MemoryContextAlloc(context, sizeof(uint64) * snapshot->max_xip);
}

void
velo_source_snapshot_take_nothing(VeloSnapshot *to)
{
	to->xmin = to->xmax = FirstNormalTransactionId;
	to->own = 0;
	to->nxip = 0;
}

void
velo_source_snapshot_take(VeloSnapshot *to, Snapshot from, bool with_own, MemoryContext context)
{
	FullTransactionId next = ReadNextFullTransactionId();
	uint64 own = U64FromFullTransactionId(GetTopFullTransactionIdIfAny());

	make_room(to, from->xcnt + 1, context);
	to->nxip = 0;
	to->own = 0;
	if (from->takenDuringRecovery)
	{
		/*
		 * Such a snapshot does not tell top-level transactions from others, and
		 * may have lost some.  Only bounded reads run on a standby, under one
		 * snapshot, which hides from them what they must not see.
		 */
		to->xmin = to->xmax = PG_UINT64_MAX;
		return;
	}
	to->xmax = U64FromFullTransactionId(velo_source_widen_xid(from->xmax, next));
	for (uint32 i = 0; i < from->xcnt; i++)
		to->xip[to->nxip++] = U64FromFullTransactionId(velo_source_widen_xid(from->xip[i], next));
	if (own != 0 && with_own)
		to->own = own;
	else if (own != 0 && own < to->xmax)
	{
		/* A snapshot leaves its own transaction out; others would call it ended. */
		to->xip[to->nxip++] = own;
	}
	if (to->nxip > 1)
	{
		qsort(to->xip, to->nxip, sizeof(uint64), compare_xids);
		to->nxip = qunique(to->xip, to->nxip, sizeof(uint64), compare_xids);
	}
	to->xmin = to->nxip > 0 ? to->xip[0] : to->xmax;
}

void
velo_source_snapshot_copy(VeloSnapshot *to, const VeloSnapshot *from, MemoryContext context)
{
	make_room(to, from->nxip, context);
	to->xmin = from->xmin;
	to->xmax = from->xmax;
	to->own = from->own;
	to->nxip = from->nxip;
	if (from->nxip > 0)
		memcpy(to->xip, from->xip, sizeof(uint64) * from->nxip);
}

uint64
velo_source_snapshot_next(const VeloSnapshot *seen, const VeloSnapshot *target, uint64 xid)
{
	uint64 found = VELO_NO_XID;

	/* What ran then and has ended since. */
	if (xid < seen->xmax)
	{
		for (int i = 0; i < seen->nxip && found == VELO_NO_XID; i++)
		{
			if (seen->xip[i] >= xid && velo_source_snapshot_sees(target, seen->xip[i]))
				found = seen->xip[i];
		}
		xid = seen->xmax;
	}
	/* What has begun since. */
	if (found == VELO_NO_XID)
	{
		while (xid < target->xmax && !velo_source_snapshot_sees(target, xid))
			xid++;
		if (xid < target->xmax)
			found = xid;
	}
	if (target->own != 0 && target->own >= xid && target->own < found &&
		!velo_source_snapshot_sees(seen, target->own))
		found = target->own;
	return found;
}

/* --- text ------------------------------------------------------------------- */

static void
write_snapshot(StringInfo text, const VeloSnapshot *snapshot)
{
	appendStringInfo(text, UINT64_FORMAT ":" UINT64_FORMAT ":", snapshot->xmin, snapshot->xmax);
	for (int i = 0; i < snapshot->nxip; i++)
		appendStringInfo(text, "%s" UINT64_FORMAT, i > 0 ? "," : "", snapshot->xip[i]);
}

char *
velo_source_position_write(const VeloNativePosition *position)
{
	StringInfoData text;

	initStringInfo(&text);
	write_snapshot(&text, &position->seen);
	if (position->is_between)
	{
		appendStringInfoChar(&text, '/');
		write_snapshot(&text, &position->target);
		appendStringInfo(&text, "/" INT64_FORMAT "," UINT64_FORMAT "," INT64_FORMAT,
						 position->lower, position->xid, position->seq);
	}
	if (position->from_time != DT_NOBEGIN)
		appendStringInfo(&text, "@" INT64_FORMAT, position->from_time);
	return text.data;
}

/* Readers of one part each: they move *at on and return false if it is not there. */
static bool
read_char(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static bool
read_unsigned(const char **at, uint64 *value)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*value = strtou64(*at, &end, 10);
	*at = end;
	return errno == 0;
}

static bool
read_signed(const char **at, int64 *value)
{
	char *end;

	if (**at != '-' && (**at < '0' || **at > '9'))
		return false;
	errno = 0;
	*value = strtoi64(*at, &end, 10);
	*at = end;
	return errno == 0;
}

static bool
read_snapshot(const char **at, VeloSnapshot *snapshot, MemoryContext context)
{
	int n = 1;

	snapshot->own = 0;
	snapshot->nxip = 0;
	if (!read_unsigned(at, &snapshot->xmin) || !read_char(at, ':') ||
		!read_unsigned(at, &snapshot->xmax) || !read_char(at, ':') ||
		snapshot->xmin > snapshot->xmax)
		return false;
	for (const char *p = *at; *p && *p != '/' && *p != '@'; p++)
		n += *p == ',';
	make_room(snapshot, n, context);
	while (**at >= '0' && **at <= '9')
	{
		uint64 xid;

		if (!read_unsigned(at, &xid) || xid < snapshot->xmin || xid >= snapshot->xmax ||
			(snapshot->nxip > 0 && xid <= snapshot->xip[snapshot->nxip - 1]))
			return false;
		snapshot->xip[snapshot->nxip++] = xid;
		if (!read_char(at, ','))
			break;
	}
	return true;
}

bool
velo_source_position_parse(const char *text, VeloNativePosition *position, MemoryContext context)
{
	const char *at = text;
	bool is_good;

	memset(position, 0, sizeof(*position));
	position->from_time = DT_NOBEGIN;
	is_good = read_snapshot(&at, &position->seen, context);
	if (is_good && read_char(&at, '/'))
	{
		position->is_between = true;
		is_good = read_snapshot(&at, &position->target, context) && read_char(&at, '/') &&
				  read_signed(&at, &position->lower) && read_char(&at, ',') &&
				  read_unsigned(&at, &position->xid) && read_char(&at, ',') &&
				  read_signed(&at, &position->seq);
	}
	if (is_good && read_char(&at, '@'))
		is_good = read_signed(&at, &position->from_time);
	return is_good && *at == '\0';
}

void
velo_source_position_read(const char *text, VeloNativePosition *position, MemoryContext context)
{
	if (!velo_source_position_parse(text, position, context))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a position of a native stream", text),
				 errhint("Give a snapshot, as pg_current_snapshot() returns, to read what was "
						 "committed after it.")));
}

bool
velo_source_position_is_past(const VeloNativePosition *position, uint64 xid)
{
	/* Within a difference partitions are read one by one; only its end is certain. */
	return xid < position->seen.xmin;
}
