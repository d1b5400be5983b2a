/*
 * key.c
 *	  Keys of records: the key columns of a row as bytes, and back.
 */
#include "postgres.h"

#include "format/key.h"

#include <catalog/pg_type.h>
#include <mb/pg_wchar.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>

#include "base/compat.h"
#include "format/json_read.h"
#include "format/json_scan.h"
#include "format/json_write.h"

typedef enum KeyFormat
{
	KEY_STRING,
	KEY_JSON,
	KEY_BYTES
} KeyFormat;

struct VeloKeyWriter
{
	KeyFormat format;
	VeloJsonForm form;
	int nkeys;
	AttrNumber *keys;
	const char **names; /* JSON: {"name": or ,"name": */
	VeloJsonWriter **writers;
	StringInfoData part;
};

struct VeloKeyReader
{
	KeyFormat format;
	int nkeys;
	AttrNumber *keys;
	VeloJsonColumn *columns;
	VeloJsonField *fields;
	VeloJsonScanner scanner;	  /* of the columns, for an object */
	VeloJsonScanner part_scanner; /* of nothing, for parts that are JSON */
};

static KeyFormat
key_format(TupleDesc desc, int nkeys, const AttrNumber *keys, const char *format)
{
	Oid type;

	if (strcmp(format, "string") == 0)
		return KEY_STRING;
	if (strcmp(format, "json") == 0)
		return KEY_JSON;
	if (strcmp(format, "bytes") != 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("key format \"%s\" is not supported", format),
						errhint("Formats of keys are string, json and bytes.")));
	type = nkeys == 1 ? getBaseType(TupleDescAttr(desc, keys[0] - 1)->atttypid) : InvalidOid;
	if (type != BYTEAOID && type != TEXTOID && type != VARCHAROID)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TABLE_DEFINITION),
						errmsg("key format \"bytes\" needs one key column of type bytea or text"),
						errhint("Use key format \"string\" or \"json\".")));
	return KEY_BYTES;
}

/* --- writing ---------------------------------------------------------------- */

VeloKeyWriter *
velo_format_key_writer(TupleDesc desc, int nkeys, const AttrNumber *keys, const char *format)
{
	VeloKeyWriter *writer = palloc0(sizeof(VeloKeyWriter));

	writer->format = key_format(desc, nkeys, keys, format);
	writer->form.is_bare = writer->format == KEY_STRING;
	writer->nkeys = nkeys;
	writer->keys = palloc(sizeof(AttrNumber) * Max(nkeys, 1));
	writer->names = palloc(sizeof(char *) * Max(nkeys, 1));
	writer->writers = palloc(sizeof(VeloJsonWriter *) * Max(nkeys, 1));
	initStringInfo(&writer->part);
	for (int i = 0; i < nkeys; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, keys[i] - 1);
		StringInfoData name;

		initStringInfo(&name);
		appendStringInfoChar(&name, i == 0 ? '{' : ',');
		velo_format_json_write_string(&name, NameStr(attribute->attname),
									  strlen(NameStr(attribute->attname)));
		appendStringInfoChar(&name, ':');
		writer->keys[i] = keys[i];
		writer->names[i] = name.data;
		writer->writers[i] = velo_format_json_writer(attribute->atttypid, &writer->form);
	}
	return writer;
}

static void
write_json(VeloKeyWriter *writer, const Datum *values, const bool *nulls, StringInfo out)
{
	for (int i = 0; i < writer->nkeys; i++)
	{
		int number = writer->keys[i] - 1;

		appendStringInfoString(out, writer->names[i]);
		if (nulls[number])
			appendStringInfoString(out, "null");
		else
			velo_format_json_write(writer->writers[i], values[number], out);
	}
	appendStringInfoString(out, writer->nkeys == 0 ? "{}" : "}");
}

static void
write_part(VeloKeyWriter *writer, int i, const Datum *values, const bool *nulls, StringInfo out)
{
	int number = writer->keys[i] - 1;

	if (nulls[number])
		appendStringInfoString(out, "null");
	else if (writer->nkeys == 1)
		velo_format_json_write(writer->writers[i], values[number], out);
	else
	{
		resetStringInfo(&writer->part);
		velo_format_json_write(writer->writers[i], values[number], &writer->part);
		for (int at = 0; at < writer->part.len; at++)
		{
			char c = writer->part.data[at];

			if (c == '|' || c == '\\')
				appendStringInfoChar(out, '\\');
			appendStringInfoChar(out, c);
		}
	}
}

/* Bytes have no form for NULL: the key is empty, as that of an empty text. */
static void
write_bytes(VeloKeyWriter *writer, const Datum *values, const bool *nulls, StringInfo out)
{
	int number = writer->keys[0] - 1;
	bytea *bytes;

	if (nulls[number])
		return;
	bytes = DatumGetByteaPP(values[number]);
	appendBinaryStringInfo(out, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

void
velo_format_key_write(VeloKeyWriter *writer, const Datum *values, const bool *nulls, StringInfo out)
{
	int start = out->len;

	if (writer->format == KEY_BYTES)
	{
		write_bytes(writer, values, nulls, out);
		return;
	}
	if (writer->format == KEY_JSON)
		write_json(writer, values, nulls, out);
	else
	{
		for (int i = 0; i < writer->nkeys; i++)
		{
			if (i > 0)
				appendStringInfoChar(out, '|');
			write_part(writer, i, values, nulls, out);
		}
	}
	velo_format_to_utf8(out, start);
}

/* --- reading ---------------------------------------------------------------- */

VeloKeyReader *
velo_format_key_reader(TupleDesc desc, int nkeys, const AttrNumber *keys, const char *format)
{
	VeloKeyReader *reader = palloc0(sizeof(VeloKeyReader));

	reader->format = key_format(desc, nkeys, keys, format);
	reader->nkeys = nkeys;
	reader->keys = palloc(sizeof(AttrNumber) * Max(nkeys, 1));
	reader->columns = palloc(sizeof(VeloJsonColumn) * Max(nkeys, 1));
	reader->fields = palloc0(sizeof(VeloJsonField) * Max(nkeys, 1));
	for (int i = 0; i < nkeys; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, keys[i] - 1);
		const char *name = NameStr(attribute->attname);

		reader->keys[i] = keys[i];
		velo_format_json_column_init(&reader->columns[i], attribute);
		reader->fields[i].name = pstrdup(pg_server_to_any(name, strlen(name), PG_UTF8));
		reader->fields[i].name_length = strlen(reader->fields[i].name);
	}
	velo_format_json_scanner_init(&reader->scanner, reader->fields, nkeys);
	velo_format_json_scanner_init(&reader->part_scanner, NULL, 0);
	return reader;
}

static bool
read_value(VeloKeyReader *reader, int i, const VeloJsonValue *value, const char *data,
		   Datum *values, bool *nulls, VeloDecodeError *error)
{
	int number = reader->keys[i] - 1;

	return velo_format_json_read(&reader->columns[i], value, data, NULL, &values[number],
								 &nulls[number], error);
}

static bool
read_json(VeloKeyReader *reader, const char *data, int length, Datum *values, bool *nulls,
		  VeloDecodeError *error)
{
	if (!velo_format_json_scan(&reader->scanner, data, length))
		return velo_format_fail(error, ERRCODE_INVALID_JSON_TEXT, reader->scanner.error_at,
								"key is invalid JSON: %s", reader->scanner.error);
	/* Other producers write a key of one column without an object around it. */
	if (reader->nkeys == 1 && reader->scanner.root.type != VELO_JSON_OBJECT)
		return read_value(reader, 0, &reader->scanner.root, data, values, nulls, error);
	if (reader->scanner.root.type != VELO_JSON_OBJECT)
		return velo_format_fail(error, ERRCODE_INVALID_JSON_TEXT, 0, "the key is no JSON object");
	for (int i = 0; i < reader->nkeys; i++)
		if (!read_value(reader, i, &reader->fields[i].value, data, values, nulls, error))
			return false;
	return true;
}

/* text: of the part, its backslashes resolved. */
static bool
read_part(VeloKeyReader *reader, int i, const char *text, size_t length, Datum *values, bool *nulls,
		  VeloDecodeError *error)
{
	VeloJsonValue value = {.type = VELO_JSON_STRING, .start = text, .length = length};
	VeloJsonKind kind = reader->columns[i].kind;

	if (length == 4 && memcmp(text, "null", 4) == 0)
		value.type = VELO_JSON_NULL;
	else if (kind == VELO_JSON_KIND_NESTED || kind == VELO_JSON_KIND_JSON ||
			 kind == VELO_JSON_KIND_JSONB)
	{
		if (!velo_format_json_scan(&reader->part_scanner, text, length))
			return velo_format_fail(error, ERRCODE_INVALID_JSON_TEXT, reader->part_scanner.error_at,
									"key is invalid JSON: %s", reader->part_scanner.error);
		value = reader->part_scanner.root;
	}
	return read_value(reader, i, &value, text, values, nulls, error);
}

static bool
read_string(VeloKeyReader *reader, const char *data, int length, Datum *values, bool *nulls,
			VeloDecodeError *error)
{
	const char *end = data + length;
	const char *p = data;
	int valid = pg_encoding_verifymbstr(PG_UTF8, data, length);

	if (valid < length)
		return velo_format_fail(error, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE, valid,
								"invalid UTF-8 in the key");
	if (reader->nkeys == 1)
		return read_part(reader, 0, data, length, values, nulls, error);
	for (int i = 0; i < reader->nkeys; i++)
	{
		char *part = palloc(end - p + 1);
		size_t n = 0;

		for (; p < end && *p != '|'; p++)
		{
			if (*p == '\\' && p + 1 < end)
				p++;
			part[n++] = *p;
		}
		if ((p == end) != (i == reader->nkeys - 1))
			return velo_format_fail(error, ERRCODE_INVALID_TEXT_REPRESENTATION, p - data,
									"the key does not have %d parts joined with \"|\"",
									reader->nkeys);
		p++;
		if (!read_part(reader, i, part, n, values, nulls, error))
			return false;
	}
	return true;
}

static bool
read_bytes(VeloKeyReader *reader, const char *data, int length, Datum *values, bool *nulls,
		   VeloDecodeError *error)
{
	int number = reader->keys[0] - 1;

	if (getBaseType(reader->columns[0].type) != BYTEAOID)
		return read_string(reader, data, length, values, nulls, error);
	values[number] = PointerGetDatum(cstring_to_text_with_len(data, length));
	nulls[number] = false;
	return true;
}

bool
velo_format_key_read(VeloKeyReader *reader, const char *data, int length, Datum *values,
					 bool *nulls, VeloDecodeError *error)
{
	switch (reader->format)
	{
		case KEY_JSON:
			return read_json(reader, data, length, values, nulls, error);
		case KEY_BYTES:
			return read_bytes(reader, data, length, values, nulls, error);
		case KEY_STRING:
			break;
	}
	return read_string(reader, data, length, values, nulls, error);
}
