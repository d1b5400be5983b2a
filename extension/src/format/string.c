/*
 * string.c
 *	  Formats "string" and "bytes": the whole value is the only column.
 *
 * A string column may have any type: the value is what the type's input function reads
 * and its output function writes.  For text and bytea neither is called.
 */
#include "postgres.h"

#include "format/format.h"

#include <catalog/pg_type.h>
#include <fmgr.h>
#include <mb/pg_wchar.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>

#include "base/compat.h"

static const VeloFormatOps string_ops;
static const VeloFormatOps bytes_ops;

typedef struct StringDecoder
{
	VeloDecoder decoder;
	int number; /* of the column in desc */
	bool is_needed;
	bool is_text; /* text without a limit */
	Oid parameter;
	int32 typmod;
	FmgrInfo input;
} StringDecoder;

typedef struct StringEncoder
{
	VeloEncoder encoder;
	int number;
	bool is_text;
	FmgrInfo output;
} StringEncoder;

/* The number of the only column; raises if there are more or none. */
static int
only_column(const VeloFormatSpec *spec, const VeloFormatOps *ops)
{
	int number = -1;
	int n = 0;

	for (int i = 0; i < spec->natts; i++)
	{
		if (TupleDescAttr(spec->desc, i)->attisdropped)
			continue;
		number = i;
		n++;
	}
	if (n != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TABLE_DEFINITION),
						errmsg("format \"%s\" needs exactly one column, and \"%s\" has %d",
							   ops->name, spec->name, n),
						errhint("The whole value is that column; use format \"json\" for more.")));
	if (ops == &bytes_ops && getBaseType(TupleDescAttr(spec->desc, number)->atttypid) != BYTEAOID)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TABLE_DEFINITION),
						errmsg("column \"%s\" of \"%s\" must be of type bytea for format \"bytes\"",
							   NameStr(TupleDescAttr(spec->desc, number)->attname), spec->name),
						errhint("Declare it as bytea, or use format \"string\".")));
	return number;
}

static StringDecoder *
make_decoder(const VeloFormatSpec *spec, const VeloFormatOps *ops)
{
	StringDecoder *decoder = palloc0(sizeof(StringDecoder));
	Form_pg_attribute attribute;
	Oid input;

	decoder->decoder.ops = ops;
	decoder->decoder.spec = spec;
	decoder->number = only_column(spec, ops);
	decoder->is_needed = velo_format_is_needed(spec, decoder->number);
	attribute = TupleDescAttr(spec->desc, decoder->number);
	decoder->is_text = attribute->atttypid == TEXTOID ||
					   (attribute->atttypid == VARCHAROID && attribute->atttypmod < 0);
	decoder->typmod = attribute->atttypmod;
	getTypeInputInfo(attribute->atttypid, &input, &decoder->parameter);
	fmgr_info(input, &decoder->input);
	return decoder;
}

static VeloDecoder *
string_decoder(const VeloFormatSpec *spec)
{
	return &make_decoder(spec, &string_ops)->decoder;
}

static VeloDecoder *
bytes_decoder(const VeloFormatSpec *spec)
{
	return &make_decoder(spec, &bytes_ops)->decoder;
}

static bool
string_decode(VeloDecoder *base, const char *data, int length, Datum *values, bool *nulls,
			  VeloDecodeError *error)
{
	StringDecoder *decoder = (StringDecoder *) base;
	char *text = unconstify(char *, data);
	int valid = pg_encoding_verifymbstr(PG_UTF8, data, length);

	if (valid < length)
		return velo_format_fail(error, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE, valid,
								"invalid UTF-8 in the value");
	if (!decoder->is_needed)
		return true;
	nulls[decoder->number] = false;
	if (GetDatabaseEncoding() != PG_UTF8)
	{
		text = pg_any_to_server(pnstrdup(data, length), length, PG_UTF8);
		length = strlen(text);
	}
	if (decoder->is_text)
		values[decoder->number] = PointerGetDatum(cstring_to_text_with_len(text, length));
	else
		values[decoder->number] = InputFunctionCall(&decoder->input, pnstrdup(text, length),
													decoder->parameter, decoder->typmod);
	return true;
}

static bool
bytes_decode(VeloDecoder *base, const char *data, int length, Datum *values, bool *nulls,
			 VeloDecodeError *error)
{
	StringDecoder *decoder = (StringDecoder *) base;

	if (!decoder->is_needed)
		return true;
	/* A bytea is laid out as a text is. */
	values[decoder->number] = PointerGetDatum(cstring_to_text_with_len(data, length));
	nulls[decoder->number] = false;
	return true;
}

static StringEncoder *
make_encoder(const VeloFormatSpec *spec, const VeloFormatOps *ops)
{
	StringEncoder *encoder = palloc0(sizeof(StringEncoder));
	Oid type;
	Oid output;
	bool is_varlena;

	encoder->encoder.ops = ops;
	encoder->encoder.spec = spec;
	encoder->number = only_column(spec, ops);
	type = getBaseType(TupleDescAttr(spec->desc, encoder->number)->atttypid);
	encoder->is_text = type == TEXTOID || type == VARCHAROID;
	getTypeOutputInfo(type, &output, &is_varlena);
	fmgr_info(output, &encoder->output);
	return encoder;
}

static VeloEncoder *
string_encoder(const VeloFormatSpec *spec)
{
	return &make_encoder(spec, &string_ops)->encoder;
}

static VeloEncoder *
bytes_encoder(const VeloFormatSpec *spec)
{
	return &make_encoder(spec, &bytes_ops)->encoder;
}

/* A NULL has no bytes, and a record without a value is a tombstone: it means something else. */
static void
refuse_null(const StringEncoder *encoder)
{
	const VeloFormatSpec *spec = encoder->encoder.spec;

	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("column \"%s\" of \"%s\" is NULL, which format \"%s\" cannot write",
						   NameStr(TupleDescAttr(spec->desc, encoder->number)->attname), spec->name,
						   encoder->encoder.ops->name)));
}

static void
append_bytes(StringInfo out, Datum value)
{
	text *bytes = DatumGetTextPP(value);

	appendBinaryStringInfo(out, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

static void
string_encode(VeloEncoder *base, const Datum *values, const bool *nulls, StringInfo out)
{
	StringEncoder *encoder = (StringEncoder *) base;
	int start = out->len;

	if (nulls[encoder->number])
		refuse_null(encoder);
	if (encoder->is_text)
		append_bytes(out, values[encoder->number]);
	else
		appendStringInfoString(out, OutputFunctionCall(&encoder->output, values[encoder->number]));
	velo_format_to_utf8(out, start);
}

static void
bytes_encode(VeloEncoder *base, const Datum *values, const bool *nulls, StringInfo out)
{
	StringEncoder *encoder = (StringEncoder *) base;

	if (nulls[encoder->number])
		refuse_null(encoder);
	append_bytes(out, values[encoder->number]);
}

static const VeloFormatOps string_ops = {
	.name = "string",
	.decoder = string_decoder,
	.decode = string_decode,
	.encoder = string_encoder,
	.encode = string_encode,
};
VELO_FORMAT(string_ops);

static const VeloFormatOps bytes_ops = {
	.name = "bytes",
	.decoder = bytes_decoder,
	.decode = bytes_decode,
	.encoder = bytes_encoder,
	.encode = bytes_encode,
};
VELO_FORMAT(bytes_ops);
