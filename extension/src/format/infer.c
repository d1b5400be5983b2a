/*
 * infer.c
 *	  Columns for JSON records that nobody has described.
 *
 * Of each field it is kept what its values were; the type is chosen at the end, as the
 * narrowest one that held all of them.
 */
#include "postgres.h"

#include "format/infer.h"

#include <catalog/pg_type.h>
#include <mb/pg_wchar.h>
#include <utils/builtins.h>
#include <utils/formatting.h>
#include <utils/memutils.h>

#include "format/json_scan.h"
#include "format/json_time.h"
#include "row/row.h"

/* Decimals of a number in a string that still is taken for a numeric. */
#define DECIMALS_MAX 18

typedef enum Seen
{
	SEEN_INTEGER = 1,
	SEEN_BIG_INTEGER = 2, /* does not fit a bigint */
	SEEN_NUMBER = 4,
	SEEN_DECIMAL = 8, /* "12.50" */
	SEEN_TIME = 16,
	SEEN_TEXT = 32,
	SEEN_BOOL = 64,
	SEEN_NESTED = 128
} Seen;

typedef struct InferredField
{
	char *name; /* in the database's encoding */
	int seen;	/* Seen, or'ed */
	int64 samples;
	int64 last_sample;	 /* that had the field, null or not */
	bool last_had_value; /* in it; the last one of the same name counts */
} InferredField;

struct VeloInference
{
	MemoryContext context;
	int64 samples;
	List *fields; /* InferredField * */
	VeloJsonScanner scanner;
};

VeloInference *
velo_format_infer_begin(void)
{
	VeloInference *inference = palloc0(sizeof(VeloInference));

	inference->context = CurrentMemoryContext;
	velo_format_json_scanner_init(&inference->scanner, NULL, 0);
	return inference;
}

/* -?digits.digits */
static bool
is_decimal(const VeloJsonValue *string)
{
	VeloJsonValue number;
	const char *point = memchr(string->start, '.', string->length);

	if (point == NULL || memchr(string->start, 'e', string->length) ||
		memchr(string->start, 'E', string->length))
		return false;
	if (point + DECIMALS_MAX + 1 < string->start + string->length)
		return false;
	return velo_format_json_number(string->start, string->length, &number);
}

static Seen
classify_string(const VeloJsonValue *string)
{
	VeloJsonTime time;

	if (string->has_escapes)
		return SEEN_TEXT;
	if (is_decimal(string))
		return SEEN_DECIMAL;
	/* Without a zone it is not RFC 3339's, and what time it is nobody knows. */
	if (velo_format_time_parse(string->start, string->length, &time) && time.has_zone)
		return SEEN_TIME;
	return SEEN_TEXT;
}

static int
classify(const VeloJsonValue *value)
{
	switch (value->type)
	{
		case VELO_JSON_NUMBER:
			if (!value->is_integer)
				return SEEN_NUMBER;
			return value->is_exact && value->mantissa <= (uint64) PG_INT64_MAX + value->is_negative
					   ? SEEN_INTEGER
					   : SEEN_BIG_INTEGER;
		case VELO_JSON_STRING:
			return classify_string(value);
		case VELO_JSON_TRUE:
		case VELO_JSON_FALSE:
			return SEEN_BOOL;
		case VELO_JSON_OBJECT:
		case VELO_JSON_ARRAY:
			return SEEN_NESTED;
		default:
			return 0;
	}
}

static InferredField *
get_field(VeloInference *inference, const char *name)
{
	InferredField *field;
	MemoryContext old;
	ListCell *cell;

	foreach(cell, inference->fields)
	{
		field = lfirst(cell);
		if (strcmp(field->name, name) == 0)
			return field;
	}
	if (list_length(inference->fields) >= VELO_INFER_COLUMNS_MAX)
		return NULL;
	old = MemoryContextSwitchTo(inference->context);
	field = palloc0(sizeof(InferredField));
	field->name = pstrdup(name);
	inference->fields = lappend(inference->fields, field);
	MemoryContextSwitchTo(old);
	return field;
}

static bool
add_field(void *arg, const char *name, size_t length, bool has_escapes, const VeloJsonValue *value)
{
	VeloInference *inference = arg;
	InferredField *field;
	char text[NAMEDATALEN * 6];
	long n = length;
	int seen = classify(value);
	char *column;

	if (length >= sizeof(text))
		return true;
	if (has_escapes)
		n = velo_format_json_unescape(name, length, text);
	else
		memcpy(text, name, length);
	if (n <= 0)
		return true;
	text[n] = '\0';
	column = pg_any_to_server(text, n, PG_UTF8);
	if (strlen(column) >= NAMEDATALEN || velo_row_system_column(column) >= 0)
		return true;
	field = get_field(inference, column);
	if (field == NULL)
		return true;
	if (field->last_sample == inference->samples && field->last_had_value)
		field->samples--;
	field->seen |= seen;
	field->samples += seen != 0;
	field->last_sample = inference->samples;
	field->last_had_value = seen != 0;
	return true;
}

bool
velo_format_infer_add(VeloInference *inference, const char *data, int length,
					  VeloDecodeError *error)
{
	VeloJsonScanner *scanner = &inference->scanner;

	if (!velo_format_json_scan(scanner, data, length))
		return velo_format_fail(error,
								scanner->error_is_utf8 ? ERRCODE_CHARACTER_NOT_IN_REPERTOIRE
													   : ERRCODE_INVALID_JSON_TEXT,
								scanner->error_at, "invalid JSON: %s", scanner->error);
	if (scanner->root.type != VELO_JSON_OBJECT)
		return velo_format_fail(error, ERRCODE_INVALID_JSON_TEXT, 0,
								"the record is no JSON object");
	inference->samples++;
	velo_format_json_visit(&scanner->root, add_field, inference);
	return true;
}

static Oid
choose_type(int seen)
{
	switch (seen)
	{
		case SEEN_INTEGER:
			return INT8OID;
		case SEEN_BIG_INTEGER:
		case SEEN_BIG_INTEGER | SEEN_INTEGER:
		case SEEN_DECIMAL:
			return NUMERICOID;
		case SEEN_NUMBER:
		case SEEN_NUMBER | SEEN_INTEGER:
		case SEEN_NUMBER | SEEN_BIG_INTEGER:
		case SEEN_NUMBER | SEEN_BIG_INTEGER | SEEN_INTEGER:
			return FLOAT8OID;
		case SEEN_TIME:
			return TIMESTAMPTZOID;
		case SEEN_BOOL:
			return BOOLOID;
		case SEEN_NESTED:
			return JSONBOID;
		default:
			return TEXTOID;
	}
}

/* Does another field differ from this one in case only? */
static bool
has_twin(const VeloInference *inference, const InferredField *field)
{
	ListCell *cell;

	foreach(cell, inference->fields)
	{
		InferredField *other = lfirst(cell);

		if (other != field && pg_strcasecmp(other->name, field->name) == 0)
			return true;
	}
	return false;
}

List *
velo_format_infer_columns(VeloInference *inference)
{
	List *columns = NIL;
	ListCell *cell;

	foreach(cell, inference->fields)
	{
		InferredField *field = lfirst(cell);
		VeloInferredColumn *column = palloc0(sizeof(VeloInferredColumn));

		/* ASCII only: the decoder compares names no other way. */
		column->name = has_twin(inference, field) ? pstrdup(field->name)
												  : asc_tolower(field->name, strlen(field->name));
		column->type = choose_type(field->seen);
		column->is_nullable = field->samples < inference->samples;
		column->samples = field->samples;
		columns = lappend(columns, column);
	}
	return columns;
}
