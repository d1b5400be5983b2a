/*
 * json.c
 *	  Format "json": a record is an object, its members are the columns.
 *
 * A member belongs to the column of its name; where none has just that name, upper and
 * lower case of ASCII letters do not matter, because "userId" would else never reach the
 * column that SQL calls userid.  Members without a column are ignored, but must be valid.
 */
#include "postgres.h"

#include "format/format.h"

#include <mb/pg_wchar.h>

#include "format/json_read.h"
#include "format/json_scan.h"
#include "format/json_write.h"

typedef struct JsonDecoder
{
	VeloDecoder decoder;
	int ncolumns;
	int *numbers;			 /* of desc, by needed column */
	VeloJsonColumn *columns; /* by needed column */
	VeloJsonField *fields;	 /* the same */
	VeloJsonScanner scanner;
} JsonDecoder;

static const VeloFormatOps json_ops;

static VeloDecoder *
json_decoder(const VeloFormatSpec *spec)
{
	JsonDecoder *json = palloc0(sizeof(JsonDecoder));

	json->decoder.ops = &json_ops;
	json->decoder.spec = spec;
	json->numbers = palloc(sizeof(int) * Max(spec->natts, 1));
	json->columns = palloc(sizeof(VeloJsonColumn) * Max(spec->natts, 1));
	json->fields = palloc0(sizeof(VeloJsonField) * Max(spec->natts, 1));
	for (int i = 0; i < spec->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(spec->desc, i);
		VeloJsonField *field = &json->fields[json->ncolumns];
		const char *name = NameStr(attribute->attname);

		if (attribute->attisdropped || !velo_format_is_needed(spec, i))
			continue;
		velo_format_json_column_init(&json->columns[json->ncolumns], attribute);
		field->name = pstrdup(pg_server_to_any(name, strlen(name), PG_UTF8));
		field->name_length = strlen(field->name);
		json->numbers[json->ncolumns++] = i;
	}
	velo_format_json_scanner_init(&json->scanner, json->fields, json->ncolumns);
	return &json->decoder;
}

static bool
fail_scan(const VeloJsonScanner *scanner, VeloDecodeError *error)
{
	return velo_format_fail(error,
							scanner->error_is_utf8 ? ERRCODE_CHARACTER_NOT_IN_REPERTOIRE
												   : ERRCODE_INVALID_JSON_TEXT,
							scanner->error_at, "invalid JSON: %s", scanner->error);
}

/* Texts of a record share one allocation, the most expensive part of reading them. */
static char *
allocate_texts(const JsonDecoder *json)
{
	Size size = 0;

	for (int i = 0; i < json->ncolumns; i++)
		size += velo_format_json_text_room(&json->columns[i], &json->fields[i].value);
	return size > 0 ? palloc(size) : NULL;
}

static bool
json_decode(VeloDecoder *decoder, const char *data, int length, Datum *values, bool *nulls,
			VeloDecodeError *error)
{
	JsonDecoder *json = (JsonDecoder *) decoder;
	char *room;

	if (!velo_format_json_scan(&json->scanner, data, length))
		return fail_scan(&json->scanner, error);
	if (json->scanner.root.type != VELO_JSON_OBJECT)
		return velo_format_fail(error, ERRCODE_INVALID_JSON_TEXT, json->scanner.root.start - data,
								"the record is no JSON object");
	room = allocate_texts(json);
	for (int i = 0; i < json->ncolumns; i++)
	{
		int number = json->numbers[i];

		if (!velo_format_json_read(&json->columns[i], &json->fields[i].value, data, &room,
								   &values[number], &nulls[number], error))
			return false;
	}
	return true;
}

typedef struct JsonEncoder
{
	VeloEncoder encoder;
	VeloJsonForm form;
	const char **names;		  /* by column: {"name": or ,"name":; NULL: dropped */
	int *name_lengths;		  /* in bytes */
	VeloJsonWriter **writers; /* by column */
} JsonEncoder;

static VeloEncoder *
json_encoder(const VeloFormatSpec *spec)
{
	JsonEncoder *json = palloc0(sizeof(JsonEncoder));
	bool is_first = true;

	json->encoder.ops = &json_ops;
	json->encoder.spec = spec;
	json->form = velo_format_json_form(spec->options);
	json->names = palloc0(sizeof(char *) * Max(spec->natts, 1));
	json->name_lengths = palloc0(sizeof(int) * Max(spec->natts, 1));
	json->writers = palloc0(sizeof(VeloJsonWriter *) * Max(spec->natts, 1));
	for (int i = 0; i < spec->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(spec->desc, i);
		StringInfoData name;

		if (attribute->attisdropped)
			continue;
		initStringInfo(&name);
		appendStringInfoChar(&name, is_first ? '{' : ',');
		velo_format_json_write_string(&name, NameStr(attribute->attname),
									  strlen(NameStr(attribute->attname)));
		appendStringInfoChar(&name, ':');
		json->names[i] = name.data;
		json->name_lengths[i] = name.len;
		json->writers[i] = velo_format_json_writer(attribute->atttypid, &json->form);
		is_first = false;
	}
	return &json->encoder;
}

static void
json_encode(VeloEncoder *encoder, const Datum *values, const bool *nulls, StringInfo out)
{
	JsonEncoder *json = (JsonEncoder *) encoder;
	int start = out->len;

	for (int i = 0; i < encoder->spec->natts; i++)
	{
		if (json->names[i] == NULL)
			continue;
		appendBinaryStringInfo(out, json->names[i], json->name_lengths[i]);
		if (nulls[i])
			appendBinaryStringInfo(out, "null", 4);
		else
			velo_format_json_write(json->writers[i], values[i], out);
	}
	if (out->len == start)
		appendStringInfoChar(out, '{');
	appendStringInfoChar(out, '}');
	velo_format_to_utf8(out, start);
}

static const VeloFormatOps json_ops = {
	.name = "json",
	.decoder = json_decoder,
	.decode = json_decode,
	.encoder = json_encoder,
	.encode = json_encode,
};
VELO_FORMAT(json_ops);
