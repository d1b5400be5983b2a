/*
 * format.c
 *	  Finding a format by its name, and the properties that choose one.
 */
#include "postgres.h"

#include "format/format.h"

#include <mb/pg_wchar.h>

VELO_REGISTRY(format, VeloFormatOps);

static const VeloOption format_option = {
	.name = "format",
	.aliases = "value.format value.serializer",
	.scopes = VELO_OPTION_SOURCE | VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_CHOICE,
	.standard = "json",
	.choices = "json string bytes avro protobuf",
	.description = "How the values of records are written.",
};
VELO_OPTION(format_option);

static const VeloOption key_format_option = {
	.name = "key.format",
	.aliases = "key.serializer",
	.scopes = VELO_OPTION_SOURCE | VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_CHOICE,
	.standard = "string",
	.choices = "string json bytes avro",
	.description = "How the keys of records are written.",
};
VELO_OPTION(key_format_option);

static const VeloOption key_field_option = {
	.name = "key.field",
	.aliases = "message.key.field schema.key.field",
	.scopes = VELO_OPTION_SOURCE | VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_TEXT,
	.description = "Column (or columns, separated by commas) that the record's key holds.  Read, a "
				   "record without a value deletes the row of that key; written, it is the key "
				   "instead of the query's grouping.",
};
VELO_OPTION(key_field_option);

static const VeloOption key_in_value_option = {
	.name = "key.in.value",
	.scopes = VELO_OPTION_SOURCE | VELO_OPTION_SINK,
	.types = "kafka",
	.type = VELO_OPTION_BOOL,
	.standard = "true",
	.description = "False: the key's columns stand in the key and are no part of the value.",
};
VELO_OPTION(key_in_value_option);

const VeloFormatOps *
velo_format_find(const char *name)
{
	VELO_FOREACH(format, VeloFormatOps, ops)
	{
		if (strcmp(ops->name, name) == 0)
			return ops;
	}
	return NULL;
}

const VeloFormatOps *
velo_format_of(List *options, const char *stream)
{
	const char *name = velo_base_option_text(options, "format");
	const VeloFormatOps *ops = velo_format_find(name ? name : "json");

	if (ops == NULL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("format \"%s\" of \"%s\" is not supported", name, stream),
						errhint("Formats are json, string and bytes.")));
	return ops;
}

bool
velo_format_fail(VeloDecodeError *error, int sqlstate, int at, const char *message, ...)
{
	va_list args;

	error->sqlstate = sqlstate;
	error->at = at;
	va_start(args, message);
	vsnprintf(error->message, sizeof(error->message), message, args);
	va_end(args);
	return false;
}

void
velo_format_to_utf8(StringInfo out, int start)
{
	int length = out->len - start;
	char *text;

	/* Every encoding of a database has ASCII in it, so syntax is not touched. */
	if (GetDatabaseEncoding() == PG_UTF8)
		return;
	text = pg_server_to_any(out->data + start, length, PG_UTF8);
	if (text == out->data + start)
		return;
	out->len = start;
	appendStringInfoString(out, text);
	pfree(text);
}
