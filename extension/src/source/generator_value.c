/*
 * generator_value.c
 *	  Making up records.
 *
 * A value is drawn by its column (generator_chance.c).  The column's name and not its
 * place decides, so that adding a column leaves the others' values alone.
 */
#include "postgres.h"

#include "source/generator_private.h"

#include <access/htup_details.h>
#include <catalog/pg_enum.h>
#include <catalog/pg_type.h>
#include <common/int.h>
#include <math.h>
#include <mb/pg_wchar.h>
#include <utils/array.h>
#include <utils/builtins.h>
#include <utils/catcache.h>
#include <utils/date.h>
#include <utils/guc.h>
#include <utils/jsonb.h>
#include <utils/lsyscache.h>
#include <utils/numeric.h>
#include <utils/syscache.h>
#include <utils/timestamp.h>
#include <utils/typcache.h>
#include <utils/uuid.h>

#include "base/option.h"

static const char *const words[] = {"amber",   "birch",	 "cedar",  "delta",	 "ember",	"fjord",
									"grove",   "heron",	 "indigo", "jasper", "kestrel", "lotus",
									"maple",   "nectar", "onyx",   "pearl",	 "quartz",	"raven",
									"saffron", "tulip",	 "umber",  "violet", "willow",	"xenon",
									"yarrow",  "zephyr", "aspen",  "basalt", "coral",	"dune",
									"elm",	   "flint"};

/* --- values ----------------------------------------------------------------- */

static int64
invent_integer(Column *column, int64 n)
{
	return column->low_int + (int64) velo_source_chance_choose(column, n, column->span);
}

static Datum
invent_int2(VeloGenerator *generator, Column *column, int64 n)
{
	return Int16GetDatum((int16) invent_integer(column, n));
}

static Datum
invent_int4(VeloGenerator *generator, Column *column, int64 n)
{
	return Int32GetDatum((int32) invent_integer(column, n));
}

static Datum
invent_int8(VeloGenerator *generator, Column *column, int64 n)
{
	return Int64GetDatum(invent_integer(column, n));
}

static double
invent_double(Column *column, int64 n)
{
	if (column->hints->is_sequential)
		return column->low + n;
	if (column->hints->cardinality > 0)
		return column->low + (column->high - column->low) *
								 velo_source_chance_choose(column, n, column->hints->cardinality) /
								 column->hints->cardinality;
	return column->low +
		   (column->high - column->low) * velo_source_chance_fraction(column, n, 1000);
}

static Datum
invent_float4(VeloGenerator *generator, Column *column, int64 n)
{
	return Float4GetDatum((float4) invent_double(column, n));
}

static Datum
invent_float8(VeloGenerator *generator, Column *column, int64 n)
{
	return Float8GetDatum(invent_double(column, n));
}

/* Exact: an integer counts the last decimal. */
static Datum
invent_numeric(VeloGenerator *generator, Column *column, int64 n)
{
	return NumericGetDatum(int64_div_fast_to_numeric(invent_integer(column, n), column->scale));
}

static Datum
invent_bool(VeloGenerator *generator, Column *column, int64 n)
{
	return BoolGetDatum(draw(column, n, 0) >> 63);
}

static Datum
invent_uuid(VeloGenerator *generator, Column *column, int64 n)
{
	pg_uuid_t *uuid = palloc(sizeof(pg_uuid_t));
	uint64 k = velo_source_chance_choose(column, n, PG_UINT64_MAX);
	uint64 parts[2] = {mix(column->hash ^ mix(k)), mix((column->hash + 1) ^ mix(k))};

	memcpy(uuid->data, parts, UUID_LEN);
	uuid->data[6] = (uuid->data[6] & 0x0f) | 0x40;
	uuid->data[8] = (uuid->data[8] & 0x3f) | 0x80;
	return UUIDPGetDatum(uuid);
}

static TimestampTz
invent_time(VeloGenerator *generator, Column *column, int64 n)
{
	if (column->hints->low == NULL && column->hints->high == NULL)
		return velo_source_generator_time(generator, n);
	return (TimestampTz) (column->low + (column->high - column->low) *
											velo_source_chance_fraction(column, n, 1000));
}

static Datum
invent_timestamptz(VeloGenerator *generator, Column *column, int64 n)
{
	return TimestampTzGetDatum(invent_time(generator, column, n));
}

/* As at UTC: a record must not depend on the session's time zone. */
static Datum
invent_timestamp(VeloGenerator *generator, Column *column, int64 n)
{
	return TimestampGetDatum((Timestamp) invent_time(generator, column, n));
}

static Datum
invent_date(VeloGenerator *generator, Column *column, int64 n)
{
	TimestampTz time = invent_time(generator, column, n);
	int64 day = time / USECS_PER_DAY;

	if (time % USECS_PER_DAY < 0)
		day--;
	return DateADTGetDatum((DateADT) day);
}

/* "#" a digit, "?" a letter, "{n}" the record's number, "\" takes the next as it is. */
static char *
invent_pattern(Column *column, int64 n)
{
	StringInfoData text;
	int64 k = column->hints->cardinality > 0
				  ? (int64) velo_source_chance_choose(column, n, column->hints->cardinality)
				  : n;
	uint64 bits = draw(column, k, 2);

	initStringInfo(&text);
	for (const char *c = column->hints->pattern; *c; c++)
	{
		if (*c == '#' || *c == '?')
		{
			bits = mix(bits);
			appendStringInfoChar(&text, *c == '#' ? '0' + (char) to_index(bits, 10)
												  : 'a' + (char) to_index(bits, 26));
		}
		else if (strncmp(c, "{n}", 3) == 0)
		{
			appendStringInfo(&text, INT64_FORMAT, k);
			c += 2;
		}
		else
		{
			if (*c == '\\' && c[1])
				c++;
			appendStringInfoChar(&text, *c);
		}
	}
	return text.data;
}

static char *
invent_words(Column *column, int64 n)
{
	uint64 k;

	if (column->hints->pattern)
		return invent_pattern(column, n);
	if (column->hints->is_sequential)
		return psprintf("%s-" INT64_FORMAT, column->name, n);
	k = velo_source_chance_choose(column, n,
								  column->hints->cardinality > 0 ? PG_UINT64_MAX : lengthof(words));
	if (k < lengthof(words))
		return pstrdup(words[k]);
	return psprintf("%s-" UINT64_FORMAT, words[k % lengthof(words)], k / lengthof(words));
}

static Datum
invent_text(VeloGenerator *generator, Column *column, int64 n)
{
	char *text = invent_words(column, n);
	size_t length = strlen(text);

	/* varchar(n) */
	if (column->typmod >= (int32) VARHDRSZ)
		length = pg_mbcharcliplen(text, length, column->typmod - VARHDRSZ);
	return PointerGetDatum(cstring_to_text_with_len(text, length));
}

/* Types that are made from a text by their own input function. */
static Datum
invent_input(VeloGenerator *generator, Column *column, int64 n)
{
	return InputFunctionCall(&column->input, invent_words(column, n), column->input_param,
							 column->typmod);
}

static void
push_key(JsonbParseState **state, const char *key)
{
	JsonbValue value = {.type = jbvString};

	value.val.string.val = unconstify(char *, key);
	value.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &value);
}

static Datum
invent_jsonb(VeloGenerator *generator, Column *column, int64 n)
{
	JsonbParseState *state = NULL;
	JsonbValue number = {.type = jbvNumeric};
	JsonbValue string = {.type = jbvString};
	const char *word = words[to_index(draw(column, n, 1), lengthof(words))];

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_key(&state, "id");
	number.val.numeric = int64_to_numeric(n);
	pushJsonbValue(&state, WJB_VALUE, &number);
	push_key(&state, "value");
	number.val.numeric = int64_div_fast_to_numeric(to_index(draw(column, n, 0), 10000), 2);
	pushJsonbValue(&state, WJB_VALUE, &number);
	push_key(&state, "tag");
	string.val.string.val = unconstify(char *, word);
	string.val.string.len = strlen(word);
	pushJsonbValue(&state, WJB_VALUE, &string);
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

static Datum
invent_json(VeloGenerator *generator, Column *column, int64 n)
{
	Jsonb *jsonb = DatumGetJsonbP(invent_jsonb(generator, column, n));

	return CStringGetTextDatum(JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb)));
}

static Datum
invent_bytea(VeloGenerator *generator, Column *column, int64 n)
{
	bytea *bytes = palloc(VARHDRSZ + 16);
	uint64 parts[2] = {draw(column, n, 0), draw(column, n, 1)};

	SET_VARSIZE(bytes, VARHDRSZ + 16);
	memcpy(VARDATA(bytes), parts, 16);
	return PointerGetDatum(bytes);
}

static Datum
invent_interval(VeloGenerator *generator, Column *column, int64 n)
{
	Interval *interval = palloc0(sizeof(Interval));

	interval->time = (int64) to_index(draw(column, n, 0), 3600) * USECS_PER_SEC;
	return IntervalPGetDatum(interval);
}

static Datum
invent_array(VeloGenerator *generator, Column *column, int64 n)
{
	return PointerGetDatum(construct_empty_array(get_element_type(column->type)));
}

static Datum
invent_choice(VeloGenerator *generator, Column *column, int64 n)
{
	if (column->cumulative)
	{
		double u = to_unit(draw(column, n, 0));
		int i = 0;

		while (i < column->nchoices - 1 && u >= column->cumulative[i])
			i++;
		return column->choices[i];
	}
	return column->choices[velo_source_chance_choose(column, n, column->nchoices)];
}

/* --- preparing columns ------------------------------------------------------ */

static void
refuse_range(const Column *column)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid range for column \"%s\": [%s,%s]", column->name,
						   column->hints->low ? column->hints->low : "",
						   column->hints->high ? column->hints->high : ""),
					errhint("Give the least and the greatest value, in the column's type.")));
}

static double
range_number(const Column *column, const char *text, double standard)
{
	char *end;
	double number;

	if (text == NULL)
		return standard;
	number = strtod(text, &end);
	if (end == text || *end != '\0' || !isfinite(number))
		refuse_range(column);
	return number;
}

static void
set_numbers(Column *column, double low, double high)
{
	column->low = range_number(column, column->hints->low, low);
	column->high = range_number(column, column->hints->high, Max(high, column->low));
	if (column->low > column->high)
		refuse_range(column);
}

/* Integers, and numerics counted in their last decimal. */
static void
set_integers(Column *column, double low, double high, double least, double greatest)
{
	double unit = pow(10, column->scale);

	/* A sequence without an end goes on until the type ends. */
	if (column->hints->is_sequential && column->hints->high == NULL)
		high = greatest / unit;
	set_numbers(column, low, Min(high, greatest / unit));
	if (column->low * unit < least || column->high * unit > greatest)
		refuse_range(column);
	column->low_int = (int64) ceil(column->low * unit);
	column->span = column->high * unit >= 9.2e18
					   ? (uint64) (PG_INT64_MAX - column->low_int)
					   : (uint64) ((int64) floor(column->high * unit) - column->low_int) + 1;
	if (column->hints->is_sequential && column->scale > 0)
		column->span = PG_INT64_MAX;
}

static void
set_times(Column *column)
{
	const VeloHints *hints = column->hints;

	if (hints->low == NULL && hints->high == NULL)
		return;
	if (hints->low == NULL || hints->high == NULL)
		refuse_range(column);
	column->low = (double) velo_source_generator_read_time(hints->low);
	column->high = (double) velo_source_generator_read_time(hints->high);
	if (column->low > column->high)
		refuse_range(column);
}

static void
set_input(Column *column)
{
	Oid input;

	getTypeInputInfo(column->type, &input, &column->input_param);
	fmgr_info(input, &column->input);
}

static void
set_choices(Column *column)
{
	ListCell *cell;
	double sum = 0;

	set_input(column);
	column->nchoices = list_length(column->hints->choices);
	column->choices = palloc(sizeof(Datum) * column->nchoices);
	foreach(cell, column->hints->choices)
		column->choices[foreach_current_index(cell)] = InputFunctionCall(&column->input,
																		 lfirst(cell),
																		 column->input_param,
																		 column->typmod);
	if (column->hints->weights)
		column->cumulative = palloc(sizeof(double) * column->nchoices);
	foreach(cell, column->hints->weights)
	{
		sum += strtod(lfirst(cell), NULL);
		column->cumulative[foreach_current_index(cell)] = sum;
	}
	column->invent = invent_choice;
}

/* The labels of an enum type are its choices. */
static bool
add_labels(Column *column)
{
	CatCList *labels;

	if (get_typtype(column->type) != TYPTYPE_ENUM)
		return false;
	labels = SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(column->type));
	for (int i = 0; i < labels->n_members; i++)
	{
		Form_pg_enum label = (Form_pg_enum) GETSTRUCT(&labels->members[i]->tuple);

		column->hints->choices = lappend(column->hints->choices,
										 pstrdup(NameStr(label->enumlabel)));
	}
	ReleaseSysCacheList(labels);
	return column->hints->choices != NIL;
}

static void
set_inventor(Column *column)
{
	double first = column->hints->is_sequential ? 1 : 0;

	if (column->hints->choices != NIL || add_labels(column))
	{
		set_choices(column);
		return;
	}
	switch (column->type)
	{
		case INT2OID:
			set_integers(column, first, 999, PG_INT16_MIN, PG_INT16_MAX);
			column->invent = invent_int2;
			break;
		case INT4OID:
			set_integers(column, first, 999, PG_INT32_MIN, PG_INT32_MAX);
			column->invent = invent_int4;
			break;
		case INT8OID:
			set_integers(column, first, 999, (double) PG_INT64_MIN, (double) PG_INT64_MAX);
			column->invent = invent_int8;
			break;
		case FLOAT4OID:
		case FLOAT8OID:
			set_numbers(column, first, 100);
			column->invent = column->type == FLOAT4OID ? invent_float4 : invent_float8;
			break;
		case NUMERICOID:
		{
			double greatest = 9.2e18;

			column->scale = 2;
			if (column->typmod >= (int32) VARHDRSZ)
			{
				int packed = column->typmod - VARHDRSZ;
				int precision = (packed >> 16) & 0xffff;
				int scale = ((packed & 0x7ff) ^ 1024) - 1024;

				column->scale = Max(0, Min(scale, 15));
				greatest = Min(greatest, pow(10, precision - scale + column->scale) - 1);
			}
			set_integers(column, first, 1000, -greatest, greatest);
			column->invent = invent_numeric;
			break;
		}
		case BOOLOID:
			column->invent = invent_bool;
			break;
		case UUIDOID:
			column->invent = invent_uuid;
			break;
		case TIMESTAMPTZOID:
		case TIMESTAMPOID:
		case DATEOID:
			set_times(column);
			column->invent = column->type == TIMESTAMPTZOID ? invent_timestamptz
							 : column->type == TIMESTAMPOID ? invent_timestamp
															: invent_date;
			break;
		case TEXTOID:
		case VARCHAROID:
			column->invent = invent_text;
			break;
		case BPCHAROID:
		case NAMEOID:
			set_input(column);
			column->invent = invent_input;
			break;
		case JSONBOID:
			column->invent = invent_jsonb;
			break;
		case JSONOID:
			column->invent = invent_json;
			break;
		case BYTEAOID:
			column->invent = invent_bytea;
			break;
		case INTERVALOID:
			column->invent = invent_interval;
			break;
		default:
			if (OidIsValid(get_element_type(column->type)))
				column->invent = invent_array;
			else if (column->hints->pattern)
			{
				set_input(column);
				column->invent = invent_input;
			}
			else
				ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
								errmsg("cannot generate values of type %s for column \"%s\"",
									   format_type_be(column->type), column->name),
								errhint("Name values to choose from with 'data.%s.enum', or give a "
										"'data.%s.pattern'.",
										column->name, column->name)));
	}
}

/* --- interface -------------------------------------------------------------- */

VeloGenerator *
velo_source_generator_make(TupleDesc desc, int natts, const Bitmapset *needed, List *options,
						   TimestampTz base)
{
	VeloGenerator *generator = palloc0(sizeof(VeloGenerator));
	uint64 seed;
	int level = NewGUCNestLevel();

	/* Times in hints must not mean something else in another session. */
	(void) set_config_option("timezone", "UTC", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
							 0, false);
	(void) set_config_option("datestyle", "ISO, MDY", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	generator->context = CurrentMemoryContext;
	generator->natts = natts;
	generator->base = base;
	generator->columns = palloc0(sizeof(Column) * Max(natts, 1));
	velo_source_generator_set_clock(generator, options);
	seed = (uint64) velo_source_generator_read_count(options, "seed", 0);

	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Column *column = &generator->columns[generator->ncolumns];

		if (att->attisdropped || (needed && !bms_is_member(i, needed)))
			continue;
		column->place = i;
		column->name = pstrdup(NameStr(att->attname));
		column->typmod = att->atttypmod;
		column->type = getBaseTypeAndTypmod(att->atttypid, &column->typmod);
		column->domain = column->type != att->atttypid ? att->atttypid : InvalidOid;
		column->hash = mix(seed);
		for (const char *c = column->name; *c; c++)
			column->hash = mix(column->hash ^ (unsigned char) *c);
		column->hints = velo_source_generator_hints(options, column->name);
		set_inventor(column);
		generator->ncolumns++;
	}
	AtEOXact_GUC(true, level);
	return generator;
}

void
velo_source_generator_fill(VeloGenerator *generator, int64 n, Datum *values, bool *nulls)
{
	memset(nulls, true, generator->natts);
	for (int i = 0; i < generator->ncolumns; i++)
	{
		Column *column = &generator->columns[i];
		double p = column->hints->null_probability;

		if (p > 0 && to_unit(draw(column, n, 3)) < p)
			continue;
		values[column->place] = column->invent(generator, column, n);
		nulls[column->place] = false;
		if (OidIsValid(column->domain))
			domain_check(values[column->place], false, column->domain, &column->domain_cache,
						 generator->context);
	}
}
