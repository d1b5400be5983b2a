/*
 * live_frame.c
 *	  The small messages of the live protocol.
 */
#include "gateway/src/live_frame.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_SQLSTATE "VE900"

/* object becomes ours. */
static void
add(VgText *out, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	json_decref(object);
	if (text == NULL)
		abort(); /* as vg_alloc does: all that we put in can be written */
	vg_text_add(out, text);
	free(text);
}

void
vg_live_frame_error(VgText *out, const VcError *error, bool is_running)
{
	json_t *object = json_pack("{s:s, s:o}", "type", "error", "error", vc_error_json(error));

	if (is_running)
		json_object_set_new(object, "running", json_true());
	add(out, object);
}

void
vg_live_frame_complete(VgText *out, int64_t rows, const char *reason)
{
	add(out, json_pack("{s:s, s:I, s:s}", "type", "complete", "rows", (json_int_t) rows, "reason",
					   reason));
}

bool
vg_live_is_progress(const PGresult *notice)
{
	const char *sqlstate = PQresultErrorField(notice, PG_DIAG_SQLSTATE);

	return sqlstate && strcmp(sqlstate, PROGRESS_SQLSTATE) == 0;
}

/* Anybody's function may RAISE with that code, so only what we know is passed on. */
static json_t *
progress(const PGresult *notice)
{
	static const char *const members[] = {"rows", "records", "lag_records", "watermark"};
	const char *detail = PQresultErrorField(notice, PG_DIAG_MESSAGE_DETAIL);
	json_t *figures = detail ? json_loads(detail, 0, NULL) : NULL;
	json_t *object = json_pack("{s:s}", "type", "progress");

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
	{
		json_t *value = json_object_get(figures, members[i]);

		json_object_set_new(object, members[i], value ? json_incref(value) : json_null());
	}
	json_decref(figures);
	return object;
}

static void
add_field(json_t *object, const char *name, const PGresult *notice, int field)
{
	const char *value = PQresultErrorField(notice, field);
	json_t *text = value ? json_string(value) : NULL;

	if (value)
		json_object_set_new(object, name, text ? text : json_string("(not UTF-8)"));
}

void
vg_live_frame_notice(VgText *out, const PGresult *notice)
{
	json_t *object;

	if (vg_live_is_progress(notice))
	{
		add(out, progress(notice));
		return;
	}
	object = json_pack("{s:s}", "type", "notice");
	add_field(object, "severity", notice, PG_DIAG_SEVERITY_NONLOCALIZED);
	add_field(object, "code", notice, PG_DIAG_SQLSTATE);
	add_field(object, "message", notice, PG_DIAG_MESSAGE_PRIMARY);
	add_field(object, "detail", notice, PG_DIAG_MESSAGE_DETAIL);
	add_field(object, "hint", notice, PG_DIAG_MESSAGE_HINT);
	add(out, object);
}
