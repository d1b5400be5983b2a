/*
 * json_fuzz.c
 *	  Do our JSON scanner and simdjson agree on any bytes whatever?
 *
 * On what is JSON, and on type, text and number of each wanted field.  The text is
 * scanned three times: alone, by a scanner that has seen many other texts and so predicts
 * names, and by one that has just seen this one.
 *
 * They may differ where RFC 8259 leaves it open.  Those cases are taken out of simdjson's
 * copy of the text beforehand, so that everything else is still compared:
 *	- numbers that its types cannot hold: digits from the third one on are left out of each
 *	  run, which changes no verdict of the grammar;
 *	- escaped surrogates without a partner, which we accept and it refuses: as \u0041;
 *	- a byte order mark at the start, which only some of its versions skip;
 *	- nesting beyond our bound: its own is deeper.
 */
#include "format/json_scan.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_oracle.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELD(name) {name, sizeof(name) - 1, {0}}

static VeloJsonField fields[] = {FIELD("a"), FIELD("b"), FIELD("key"), FIELD("userid"),
								 FIELD("a_longer_name_than_eight")};

#define NFIELDS ((int) (sizeof(fields) / sizeof(fields[0])))

static void
disagree(const char *what)
{
	fprintf(stderr, "disagree: %s\n", what);
	abort();
}

static int
hex_at(const char *p, const char *end)
{
	int code = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++)
	{
		const char *digit = strchr("0123456789abcdef", p[i] | 0x20);

		if (digit == NULL || p[i] == 0 || (p[i] < '0'))
			return -1;
		code = code * 16 + (int) (digit - "0123456789abcdef");
	}
	return code;
}

/* What simdjson gets; *is_same: it is the text itself.  Returns its length. */
static size_t
tame(const char *text, size_t length, char *to, bool *is_same)
{
	const char *p = text;
	const char *end = text + length;
	char *start = to;
	bool in_string = false;
	int digits = 0;

	if (length >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	while (p < end)
	{
		if (in_string && *p == '\\')
		{
			int code = hex_at(p, end);
			int next = hex_at(p + 6, end);

			if (code >= 0xd800 && code <= 0xdbff && next >= 0xdc00 && next <= 0xdfff)
			{
				memcpy(to, p, 12);
				to += 12;
				p += 12;
			}
			else if (code >= 0xd800 && code <= 0xdfff)
			{
				memcpy(to, "\\u0041", 6);
				to += 6;
				p += 6;
			}
			else
			{
				*to++ = *p++;
				if (p < end)
					*to++ = *p++;
			}
			continue;
		}
		if (*p == '"')
			in_string = !in_string;
		digits = !in_string && *p >= '0' && *p <= '9' ? digits + 1 : 0;
		if (digits <= 2)
			*to++ = *p;
		p++;
	}
	*is_same = (size_t) (to - start) == length && memcmp(start, text, length) == 0;
	return (size_t) (to - start);
}

static void
compare_field(const VeloJsonField *field)
{
	static const char types[] = "mnft0\"{[";
	const VeloJsonValue *value = &field->value;
	const char *text = NULL;
	size_t length = 0;
	double number = 0;
	int type = json_oracle_field(field->name, &text, &length, &number);

	/* By another spelling of its name: simdjson knows none. */
	if (type == 'm' && !value->is_exact_name)
		return;
	if (types[value->type] != type)
		disagree("type of a field");
	if (type == '"')
	{
		char *resolved = malloc(value->length + 1);
		long n = velo_format_json_unescape(value->start, value->length, resolved);

		/* The zero character is fine for simdjson. */
		if (n != VELO_JSON_UNESCAPE_NUL &&
			(n != (long) length || memcmp(resolved, text, length) != 0))
			disagree("text of a field");
		if (value->has_escapes != (memchr(value->start, '\\', value->length) != NULL))
			disagree("has_escapes");
		free(resolved);
	}
	if (type == '0')
	{
		double ours = (double) value->mantissa * pow(10, value->exponent);

		if (!value->is_exact || fabs(ours - fabs(number)) > 1e-9 * fabs(number))
			disagree("number of a field");
		if (number != 0 && value->is_negative != (number < 0))
			disagree("sign of a field");
	}
}

static bool
count_member(void *arg, const char *name, size_t name_length, bool has_escapes,
			 const VeloJsonValue *value)
{
	(void) name;
	(void) name_length;
	(void) has_escapes;
	(void) value;
	++*(int *) arg;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static VeloJsonScanner alone;
	static VeloJsonScanner experienced;
	static bool is_experienced;
	char *text = malloc(size ? size : 1);
	char *tamed = malloc(size + 16);
	bool is_same;
	size_t tamed_length;
	bool is_valid;

	memcpy(text, data, size);
	tamed_length = tame(text, size, tamed, &is_same);
	if (!is_experienced)
		velo_format_json_scanner_init(&experienced, fields, NFIELDS);
	is_experienced = true;
	velo_format_json_scanner_init(&alone, fields, NFIELDS);
	is_valid = velo_format_json_scan(&alone, text, size);
	if (velo_format_json_scan(&experienced, text, size) != is_valid)
		disagree("a scanner that knows names");
	if (velo_format_json_scan(&alone, text, size) != is_valid)
		disagree("a scanner that knows these names");
	if (!is_valid && (alone.error == NULL || alone.error_at > size))
		disagree("an error has a place");
	if (!alone.error_is_depth || is_valid)
	{
		if (json_oracle_parse(tamed, tamed_length) != is_valid)
		{
			fprintf(stderr, "ours: %s; simdjson: %s\n", is_valid ? "valid" : alone.error,
					json_oracle_error(tamed, tamed_length));
			disagree("is it JSON");
		}
		if (is_valid && json_oracle_is_object() != (alone.root.type == VELO_JSON_OBJECT))
			disagree("is it an object");
		if (is_valid && is_same && alone.root.type == VELO_JSON_OBJECT)
			for (int i = 0; i < NFIELDS; i++)
				compare_field(&fields[i]);
	}
	if (is_valid && alone.root.type >= VELO_JSON_OBJECT)
	{
		int members = 0;

		velo_format_json_visit(&alone.root, count_member, &members);
	}
	free(tamed);
	free(text);
	return 0;
}
