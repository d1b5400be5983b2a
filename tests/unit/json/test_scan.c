/*
 * test_scan.c
 *	  Does the scanner accept JSON and nothing else, and find the right fields?
 *
 * Every text is copied to a block of exactly its size, so that AddressSanitizer sees a
 * read behind its end.
 */
#include "format/json_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

static int checks;
static int failures;

static void
check(bool is_right, const char *what)
{
	checks++;
	if (!is_right)
	{
		failures++;
		printf("failed: %s\n", what);
	}
}

static VeloJsonScanner scanner;

static bool
scan_copy(const char *text, size_t length)
{
	char *copy = malloc(length ? length : 1);
	bool is_valid;

	memcpy(copy, text, length);
	is_valid = velo_format_json_scan(&scanner, copy, length);
	if (!is_valid && (scanner.error == NULL || scanner.error_at > length))
		check(false, "a failure has a reason and a place");
	free(copy);
	return is_valid;
}

static void
test_cases(void)
{
	velo_format_json_scanner_init(&scanner, NULL, 0);
	for (int i = 0; i < NCASES; i++)
	{
		const char *name = cases[i].name;
		bool wanted = name[0] == 'y' || (name[0] == 'i' && name[2] == 'y');

		check(scan_copy(cases[i].text, cases[i].length) == wanted, name);
		/* As the value of a skipped field, where another loop reads it. */
		if (strchr("[{", cases[i].text[0]) && cases[i].length > 1)
		{
			char nested[1024];
			int n = 0;

			memcpy(nested, "{\"x\":", 5);
			n += 5;
			memcpy(nested + n, cases[i].text, cases[i].length);
			n += cases[i].length;
			nested[n++] = '}';
			check(scan_copy(nested, n) == wanted, name);
		}
	}
}

static void
test_truncations(void)
{
	static const char sample[] =
		"{\"auction\":1001,\"s\":\"a\\u00e4\\ud83d\\ude00\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\","
		"\"n\":-12.5e-3,\"o\":{\"x\":[true,false,null,{\"y\":\"\\n\"}]},\"e\":{},\"l\":[]}";
	size_t length = sizeof(sample) - 1;

	velo_format_json_scanner_init(&scanner, NULL, 0);
	check(scan_copy(sample, length), "the sample is valid");
	for (size_t i = 0; i < length; i++)
		check(!scan_copy(sample, i), "a truncated text is refused");
	/* The same with names that are known. */
	for (size_t i = 1; i < length; i++)
		check(!scan_copy(sample + i, length - i), "a text without its start is refused");
}

/* Any single byte changed: must not read outside, and the verdict must not depend on what
 * was scanned before. */
static void
test_mutations(void)
{
	static const char sample[] = "{\"a\":[1,\"b\\n\xc3\xa4\"],\"c\":{\"d\":-1.5e2},\"e\":null}";
	size_t length = sizeof(sample) - 1;
	char text[sizeof(sample)];

	for (size_t i = 0; i < length; i++)
		for (int byte = 0; byte < 256; byte++)
		{
			bool fresh;

			memcpy(text, sample, length);
			text[i] = (char) byte;
			velo_format_json_scanner_init(&scanner, NULL, 0);
			fresh = scan_copy(text, length);
			velo_format_json_scanner_init(&scanner, NULL, 0);
			scan_copy(sample, length);
			check(scan_copy(text, length) == fresh, "what is known of names changes no verdict");
		}
}

static void
test_depth(void)
{
	char text[4 * VELO_JSON_DEPTH_MAX + 64];

	velo_format_json_scanner_init(&scanner, NULL, 0);
	for (int depth = VELO_JSON_DEPTH_MAX - 1; depth <= VELO_JSON_DEPTH_MAX + 1; depth++)
	{
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		check(scan_copy(text, 2 * depth) == (depth <= VELO_JSON_DEPTH_MAX), "depth of arrays");
		if (depth > VELO_JSON_DEPTH_MAX)
			check(scanner.error_is_depth, "too deep is said to be so");
		memcpy(text, "{\"a\":", 5);
		memset(text + 5, '[', depth - 1);
		memset(text + 5 + depth - 1, ']', depth - 1);
		text[5 + 2 * (depth - 1)] = '}';
		check(scan_copy(text, 6 + 2 * (depth - 1)) == (depth <= VELO_JSON_DEPTH_MAX),
			  "depth inside of a record");
	}
	memset(text, '[', sizeof(text));
	check(!scan_copy(text, sizeof(text)), "deep and unclosed");
}

/* --- fields ----------------------------------------------------------------- */

#define FIELD(name) {name, sizeof(name) - 1, {0}}

static const char *current; /* text that the fields' values point into */

static bool
scan(const char *text)
{
	current = text;
	return velo_format_json_scan(&scanner, text, strlen(text));
}

static bool
is(int field, VeloJsonType type, const char *slice)
{
	const VeloJsonValue *value = &scanner.fields[field].value;

	return value->type == type &&
		   (type == VELO_JSON_MISSING ||
			(value->length == strlen(slice) && memcmp(value->start, slice, value->length) == 0));
}

static void
test_fields(void)
{
	VeloJsonField fields[] = {FIELD("a"), FIELD("userid"), FIELD("a_name_of_many_bytes"),
							  FIELD("\xc3\xa4")};

	velo_format_json_scanner_init(&scanner, fields, 4);
	for (int again = 0; again < 3; again++)
	{
		scan("{\"a\":1,\"userid\":\"x\",\"a_name_of_many_bytes\":[1, 2],\"\xc3\xa4\":{\"a\":2}}");
		check(is(0, VELO_JSON_NUMBER, "1"), "first field");
		check(is(1, VELO_JSON_STRING, "x"), "second field");
		check(is(2, VELO_JSON_ARRAY, "[1, 2]"), "array");
		check(is(3, VELO_JSON_OBJECT, "{\"a\":2}"), "object; its members are not ours");
		scan("{\"z\":0,\"userid\":true,\"a\":false}");
		check(is(0, VELO_JSON_FALSE, "false") && is(1, VELO_JSON_TRUE, "true"), "other order");
		check(is(2, VELO_JSON_MISSING, ""), "missing field");
		scan("{\"a\":1,\"a\":null}");
		check(is(0, VELO_JSON_NULL, "null"), "the last one of a name counts");
		scan("{\"userId\":1}");
		check(is(1, VELO_JSON_NUMBER, "1"), "other case");
		scan("{\"userid\":2,\"userId\":1}");
		check(is(1, VELO_JSON_NUMBER, "2"), "the exact name wins, before");
		scan("{\"USERID\":1,\"userid\":2}");
		check(is(1, VELO_JSON_NUMBER, "2"), "the exact name wins, behind");
		scan("{\"UserId\":1,\"USERID\":3}");
		check(is(1, VELO_JSON_NUMBER, "3"), "of other spellings the last one");
		scan("{\"\\u0061\":5}");
		check(is(0, VELO_JSON_NUMBER, "5"), "a name with an escape");
		scan("{\"\\u00e4\":6}");
		check(is(3, VELO_JSON_NUMBER, "6"), "a name with an escape outside of ASCII");
		scan("{\"\xc3\x84\":6}");
		check(is(3, VELO_JSON_MISSING, ""), "only ASCII letters have a case");
		scan("{\"a_name_of_many_byteS\":7,\"a_name_of_many_bytez\":8}");
		check(is(2, VELO_JSON_NUMBER, "7"), "differs in the last byte");
		scan("{\"userid\" :\t7 , \"a\": 8 }");
		check(is(1, VELO_JSON_NUMBER, "7") && is(0, VELO_JSON_NUMBER, "8"), "with blanks");
		scan("{\"\\ud83d\":1,\"a\":2}");
		check(is(0, VELO_JSON_NUMBER, "2"), "a name that is no text matches nothing");
		check(scan("{}") && is(0, VELO_JSON_MISSING, ""), "empty");
		check(scan("{\"a\":\"x\\\"y\"}") && fields[0].value.has_escapes &&
				  is(0, VELO_JSON_STRING, "x\\\"y"),
			  "escapes are marked");
		check(!scan("{\"a\":1,\"b\":tru}") && scanner.error_at == 11, "place of an error");
	}
}

/* More names than are remembered, and long ones. */
static void
test_many_names(void)
{
	static char names[600][16];
	static VeloJsonField fields[600];
	static char text[600 * 32];

	for (int i = 0; i < 600; i++)
	{
		snprintf(names[i], sizeof(names[i]), "name%d", i);
		fields[i].name = names[i];
		fields[i].name_length = strlen(names[i]);
	}
	velo_format_json_scanner_init(&scanner, fields, 600);
	for (int step = 1; step <= 7; step += 2)
	{
		int n = 0;
		bool is_right = true;

		for (int i = 0; i < 600; i++)
			n += snprintf(text + n, sizeof(text) - n, "%c\"name%d\":%d", i ? ',' : '{',
						  i * step % 600, i);
		snprintf(text + n, sizeof(text) - n, "}");
		check(scan(text), "many names");
		for (int i = 0; i < 600; i++)
		{
			/* With a step that divides 600 the last writer counts. */
			uint64_t value = fields[i * step % 600].value.mantissa;

			if ((int) value * step % 600 != i * step % 600)
				is_right = false;
		}
		check(is_right, "many names find their values");
	}
}

/* --- numbers and strings ---------------------------------------------------- */

static void
test_number(const char *text, bool is_exact, uint64_t mantissa, int exponent, bool is_integer)
{
	VeloJsonValue value;
	char *copy = malloc(strlen(text));

	memcpy(copy, text, strlen(text));
	check(velo_format_json_number(copy, strlen(text), &value), text);
	check(value.is_exact == is_exact && value.is_integer == is_integer, text);
	if (is_exact)
		check(value.mantissa == mantissa && value.exponent == exponent &&
				  value.is_negative == (text[0] == '-'),
			  text);
	free(copy);
}

static void
test_numbers(void)
{
	VeloJsonValue value;

	test_number("0", true, 0, 0, true);
	test_number("-0", true, 0, 0, true);
	test_number("1234567", true, 1234567, 0, true);
	test_number("12345678", true, 12345678, 0, true);
	test_number("-123456789", true, 123456789, 0, true);
	test_number("1767225600000", true, UINT64_C(1767225600000), 0, true);
	test_number("9223372036854775807", true, UINT64_C(9223372036854775807), 0, true);
	test_number("9999999999999999999", true, UINT64_C(9999999999999999999), 0, true);
	test_number("10000000000000000000", false, 0, 0, true);
	test_number("523.93", true, 52393, -2, false);
	test_number("1.50", true, 150, -2, false);
	test_number("0.00000000000000000000001", true, 1, -23, false);
	test_number("0.1234567890123456789", true, UINT64_C(1234567890123456789), -19, false);
	test_number("0.12345678901234567891", false, 0, 0, false);
	test_number("12345678.12345678", true, UINT64_C(1234567812345678), -8, false);
	test_number("1e3", true, 1, 3, false);
	test_number("-1.5E-3", true, 15, -4, false);
	test_number("1e+22", true, 1, 22, false);
	test_number("1e99999999999", false, 0, 0, false);
	check(!velo_format_json_number("", 0, &value), "no number: empty");
	check(!velo_format_json_number(" 1", 2, &value), "no number: blank before");
	check(!velo_format_json_number("1 ", 2, &value), "no number: blank behind");
	check(!velo_format_json_number("1x", 2, &value), "no number: letter");
	check(!velo_format_json_number("+1", 2, &value), "no number: plus");
}

static void
test_unescape(const char *from, const char *to, long length)
{
	char *result = malloc(strlen(from) + 1);
	long n = velo_format_json_unescape(from, strlen(from), result);

	check(n == length && (n < 0 || memcmp(result, to, n) == 0), from);
	free(result);
}

static void
test_escapes(void)
{
	test_unescape("", "", 0);
	test_unescape("abc", "abc", 3);
	test_unescape("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", 8);
	test_unescape("a\\u0041b", "aAb", 3);
	test_unescape("\\u00e4", "\xc3\xa4", 2);
	test_unescape("\\u07ff\\u0800", "\xdf\xbf\xe0\xa0\x80", 5);
	test_unescape("\\u20AC", "\xe2\x82\xac", 3);
	test_unescape("\\uffff", "\xef\xbf\xbf", 3);
	test_unescape("\\ud83d\\ude00", "\xf0\x9f\x98\x80", 4);
	test_unescape("\\udbff\\udfff", "\xf4\x8f\xbf\xbf", 4);
	test_unescape("x\\ud800\\udc00y", "x\xf0\x90\x80\x80y", 6);
	test_unescape("\\u0000", "", VELO_JSON_UNESCAPE_NUL);
	test_unescape("ab\\u0000", "", VELO_JSON_UNESCAPE_NUL);
	test_unescape("\\ud83d", "", VELO_JSON_UNESCAPE_SURROGATE);
	test_unescape("\\ude00", "", VELO_JSON_UNESCAPE_SURROGATE);
	test_unescape("\\ud83dabcdef", "", VELO_JSON_UNESCAPE_SURROGATE);
	test_unescape("\\ud83d\\n12345", "", VELO_JSON_UNESCAPE_SURROGATE);
	test_unescape("\\ud83d\\ud83d", "", VELO_JSON_UNESCAPE_SURROGATE);
}

/* --- members ---------------------------------------------------------------- */

static bool
collect(void *arg, const char *name, size_t name_length, bool has_escapes,
		const VeloJsonValue *value)
{
	char *text = arg;

	sprintf(text + strlen(text), "%.*s%s%d;", (int) name_length, name ? name : "",
			has_escapes ? "!" : "=", value->type);
	return true;
}

static void
test_visit(const char *text, const char *wanted)
{
	char got[256] = "";

	velo_format_json_scanner_init(&scanner, NULL, 0);
	check(scan(text), text);
	velo_format_json_visit(&scanner.root, collect, got);
	check(strcmp(got, wanted) == 0, text);
}

int
main(void)
{
	test_cases();
	test_truncations();
	test_mutations();
	test_depth();
	test_fields();
	test_many_names();
	test_numbers();
	test_escapes();
	test_visit(" { \"a\" : 1 , \"b\\n\":\"x\",\"c\":{\"d\":[]} ,\"e\":null}",
			   "a=4;b\\n!5;c=6;e=1;");
	test_visit("[ 1,[2,3],\"]\" ,true]", "=4;=7;=5;=3;");
	test_visit("{}", "");
	test_visit("[ ]", "");
	printf("%d texts, %d checks, %d failed\n", NCASES, checks, failures);
	return failures != 0;
}
