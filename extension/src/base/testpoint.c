/*
 * testpoint.c
 *	  Arming test points, and what happens at one.
 */
#include "postgres.h"

#include "base/testpoint.h"

#include <funcapi.h>
#include <miscadmin.h>
#include <storage/lwlock.h>
#include <storage/spin.h>
#include <utils/builtins.h>
#include <utils/guc.h>

#include <signal.h>
#include <unistd.h>

#include "base/function.h"
#include "base/module.h"

#ifdef VELO_TESTPOINTS

#define MAX_ARMED 16
#define NAME_LENGTH 64

typedef struct Armed
{
	char name[NAME_LENGTH]; /* "": free */
	char action[NAME_LENGTH];
	char process[NAME_LENGTH]; /* application_name of who is meant; "": anybody */
	int passes;				   /* to be let through before it acts */
} Armed;

typedef struct Testpoints
{
	slock_t lock;
	int narmed; /* read without the lock: nothing is armed, mostly */
	Armed armed[MAX_ARMED];
} Testpoints;

VELO_REGISTRY(testpoint, VeloTestpoint);

static Testpoints *points = NULL;

static Size
points_size(void)
{
	return sizeof(Testpoints);
}

static void
points_attach(void *memory, bool is_new)
{
	points = memory;
	if (is_new)
	{
		memset(points, 0, sizeof(Testpoints));
		SpinLockInit(&points->lock);
	}
}

static const VeloShared testpoints_shared = {
	.name = "velo test points",
	.size = points_size,
	.attach = points_attach,
};
VELO_SHARED(testpoints_shared);

/* Takes the arming of a point off, if it is this pass's turn. */
static bool
take_arming(const char *name, char *action)
{
	bool acts = false;

	SpinLockAcquire(&points->lock);
	for (int i = 0; i < MAX_ARMED && !acts; i++)
	{
		Armed *armed = &points->armed[i];

		if (strcmp(armed->name, name) != 0 ||
			(armed->process[0] != '\0' && strcmp(armed->process, application_name) != 0) ||
			armed->passes-- > 0)
			continue;
		strlcpy(action, armed->action, NAME_LENGTH);
		armed->name[0] = '\0';
		points->narmed--;
		acts = true;
	}
	SpinLockRelease(&points->lock);
	return acts;
}

void
velo_base_testpoint_pass(const VeloTestpoint *point)
{
	char action[NAME_LENGTH];

	if (points == NULL || points->narmed == 0 || !take_arming(point->name, action))
		return;
	/* Nobody survives to tell: with %a in log_line_prefix the log says who died where. */
	ereport(LOG, (errmsg("test point \"%s\": %s", point->name, action)));
	if (strcmp(action, "kill") == 0)
		kill(getpid(), SIGKILL);
	else if (strcmp(action, "kill_postmaster") == 0)
	{
		kill(PostmasterPid, SIGKILL);
		kill(getpid(), SIGKILL);
	}
	else if (strcmp(action, "stop") == 0)
		kill(getpid(), SIGSTOP);
	else
		ereport(ERROR, (errcode(ERRCODE_IO_ERROR), errmsg("test point \"%s\"", point->name)));
}

#endif

#ifndef VELO_TESTPOINTS
static void
refuse(void)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("this server was built without test points")));
}
#endif

/* velo._testpoint_arm(name text, action text, passes int, process text) */
VELO_FUNCTION(velo_testpoint_arm)
{
#ifdef VELO_TESTPOINTS
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *action = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char *process = text_to_cstring(PG_GETARG_TEXT_PP(3));
	bool known = false;
	bool armed = false;

	velo_base_require_preload();
	VELO_FOREACH(testpoint, VeloTestpoint, point)
		known = known || strcmp(point->name, name) == 0;
	if (!known)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("test point \"%s\" does not exist", name)));
	SpinLockAcquire(&points->lock);
	for (int i = 0; i < MAX_ARMED && !armed; i++)
	{
		if (points->armed[i].name[0] != '\0')
			continue;
		strlcpy(points->armed[i].name, name, NAME_LENGTH);
		strlcpy(points->armed[i].action, action, NAME_LENGTH);
		strlcpy(points->armed[i].process, process, NAME_LENGTH);
		points->armed[i].passes = PG_GETARG_INT32(2);
		points->narmed++;
		armed = true;
	}
	SpinLockRelease(&points->lock);
	PG_RETURN_BOOL(armed);
#else
	refuse();
	PG_RETURN_NULL();
#endif
}

/* velo._testpoints() → setof text: their names */
VELO_FUNCTION(velo_testpoints)
{
#ifdef VELO_TESTPOINTS
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	List *seen = NIL;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	VELO_FOREACH(testpoint, VeloTestpoint, point)
	{
		Datum value = CStringGetTextDatum(point->name);
		bool is_null = false;
		ListCell *cell;
		bool again = false;

		foreach(cell, seen)
			again = again || strcmp(lfirst(cell), point->name) == 0;
		if (again)
			continue;
		seen = lappend(seen, unconstify(char *, point->name));
		tuplestore_putvalues(result->setResult, result->setDesc, &value, &is_null);
	}
	return (Datum) 0;
#else
	refuse();
	PG_RETURN_NULL();
#endif
}
