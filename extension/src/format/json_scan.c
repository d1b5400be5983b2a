/*
 * json_scan.c
 *	  One pass over a JSON text: validates all of it, keeps the wanted fields.
 *
 * Speed comes from three things.  A string is skipped 16 bytes at a time: whatever ends
 * it or needs a look (quote, backslash, control character, byte outside of ASCII) is found
 * by one comparison mask.  A member's name is compared, word by word, with the name that
 * followed last time, quote included; a hit tells its length, its field and that its bytes
 * are valid.  A number's digits are turned into an integer while they are checked, eight
 * at a time, so that nobody parses them again.
 *
 * Nested values are only skipped (and validated), by a loop with one bit per level: no
 * input can make it recurse.  Every read is checked against the end of the text: texts
 * come from other libraries' buffers and have no padding.
 *
 * One file on purpose: strings and numbers are inlined into the loops that meet them, which
 * is a good part of the speed, and the fuzzer builds it alone.
 */
#include "format/json_scan.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define WORD_BYTES 8
#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* Digits that surely fit into 64 bits. */
#define MANTISSA_DIGITS_MAX 19

/* Exponents beyond are as good as infinite; keeps sums of them in range. */
#define EXPONENT_MAX 100000000

typedef const char *Cursor;

static Cursor
fail(VeloJsonScanner *scanner, Cursor at, const char *error)
{
	scanner->error = error;
	scanner->root.start = at; /* becomes error_at */
	return NULL;
}

static inline uint64_t
load_word(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static inline Cursor
skip_blanks(Cursor p, Cursor end)
{
	/* Most texts have none: one comparison decides. */
	while (p < end && (unsigned char) *p <= ' ' &&
		   (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/* --- strings ---------------------------------------------------------------- */

/*
 * Length of the well-formed UTF-8 sequence of two to four bytes at p, or 0: neither
 * overlong, nor a surrogate, nor beyond U+10FFFF, nor cut off.
 */
static inline int
utf8_length(const unsigned char *p, size_t left)
{
	if (p[0] < 0xc2)
		return 0;
	if (p[0] < 0xe0)
		return left >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
	if (p[0] < 0xf0)
	{
		if (left < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
			return 0;
		if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0))
			return 0;
		return 3;
	}
	if (p[0] > 0xf4 || left < 4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 ||
		(p[3] & 0xc0) != 0x80)
		return 0;
	if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))
		return 0;
	return 4;
}

static inline int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* p: at a backslash; returns behind the escape. */
static Cursor
skip_escape(VeloJsonScanner *scanner, Cursor p, Cursor end)
{
	if (end - p < 2)
		return fail(scanner, end, "unfinished string");
	switch (p[1])
	{
		case '"':
		case '\\':
		case '/':
		case 'b':
		case 'f':
		case 'n':
		case 'r':
		case 't':
			return p + 2;
		case 'u':
			for (int i = 2; i < 6; i++)
			{
				if (p + i >= end)
					return fail(scanner, end, "unfinished string");
				if (hex_digit(p[i]) < 0)
					return fail(scanner, p + i, "\\u without four hexadecimal digits");
			}
			return p + 6;
		default:
			return fail(scanner, p, "unknown escape in a string");
	}
}

/* Steps over one or more characters of a string that the fast loop stopped at. */
static Cursor
skip_special(VeloJsonScanner *scanner, Cursor p, Cursor end, bool *has_escapes)
{
	if (*p == '\\')
	{
		*has_escapes = true;
		return skip_escape(scanner, p, end);
	}
	if ((unsigned char) *p < 0x20)
		return fail(scanner, p, "control character in a string");
	/* Other scripts come in runs. */
	do
	{
		int n = utf8_length((const unsigned char *) p, end - p);

		if (n == 0)
		{
			scanner->error_is_utf8 = true;
			return fail(scanner, p, "invalid UTF-8");
		}
		p += n;
	} while (p < end && (*p & 0x80));
	return p;
}

/* Is it a byte that ends a string or needs a look? */
static inline bool
is_special(char c)
{
	return c == '"' || c == '\\' || (unsigned char) c < 0x20 || (c & 0x80);
}

/* p: behind the opening quote; returns the closing quote, or NULL. */
static inline Cursor
find_quote(VeloJsonScanner *scanner, Cursor p, Cursor end, bool *has_escapes)
{
	for (;;)
	{
#ifdef __SSE2__
		while (end - p >= 16)
		{
			__m128i x = _mm_loadu_si128((const __m128i *) p);
			/* Signed: bytes from 0x80 on are negative, so below 0x20 as well. */
			__m128i low = _mm_cmplt_epi8(x, _mm_set1_epi8(0x20));
			__m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
			__m128i backslash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
			int mask = _mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, backslash)));

			if (mask != 0)
			{
				p += __builtin_ctz(mask);
				goto special;
			}
			p += 16;
		}
#else
		while (end - p >= WORD_BYTES)
		{
			uint64_t x = load_word(p);
			uint64_t quote = x ^ (ONES * '"');
			uint64_t backslash = x ^ (ONES * '\\');

			/* Each term has a byte's high bit set if the byte may be special. */
			if ((((quote - ONES) & ~quote) | ((backslash - ONES) & ~backslash) | (x - ONES * 0x20) |
				 x) &
				HIGHS)
				break;
			p += WORD_BYTES;
		}
#endif
		while (p < end && !is_special(*p))
			p++;
		if (p >= end)
			return fail(scanner, end, "unfinished string");
#ifdef __SSE2__
	special:
#endif
		if (*p == '"')
			return p;
		p = skip_special(scanner, p, end, has_escapes);
		if (p == NULL)
			return NULL;
	}
}

/* p: at the opening quote; returns behind the closing one. */
static inline Cursor
scan_string(VeloJsonScanner *scanner, Cursor p, Cursor end, VeloJsonValue *value)
{
	Cursor start = p + 1;
	bool has_escapes = false;
	Cursor quote = find_quote(scanner, start, end, &has_escapes);

	if (quote == NULL)
		return NULL;
	value->type = VELO_JSON_STRING;
	value->start = start;
	value->length = quote - start;
	value->has_escapes = has_escapes;
	return quote + 1;
}

/* --- numbers ---------------------------------------------------------------- */

static inline bool
is_digit(char c)
{
	return (unsigned char) (c - '0') <= 9;
}

/* Eight bytes, all digits?  Holds for either order of bytes. */
static inline bool
are_digits(uint64_t word)
{
	return ((word & (ONES * 0xf0)) | (((word + ONES * 0x06) & (ONES * 0xf0)) >> 4)) == ONES * 0x33;
}

/* Eight digits, the first one in the lowest byte, as a number. */
static inline uint64_t
eight_digits(uint64_t word)
{
	word = (word & (ONES * 0x0f)) * 2561 >> 8;
	word = (word & UINT64_C(0x00ff00ff00ff00ff)) * 6553601 >> 16;
	return (word & UINT64_C(0x0000ffff0000ffff)) * UINT64_C(42949672960001) >> 32;
}

/* Reads digits into *mantissa, which wraps around when there are too many. */
static inline Cursor
scan_digits(Cursor p, Cursor end, uint64_t *mantissa)
{
	uint64_t m = *mantissa;

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	while (end - p >= WORD_BYTES)
	{
		uint64_t word = load_word(p);

		if (!are_digits(word))
			break;
		m = m * 100000000 + eight_digits(word);
		p += WORD_BYTES;
	}
#endif
	while (p < end && is_digit(*p))
		m = m * 10 + (uint64_t) (*p++ - '0');
	*mantissa = m;
	return p;
}

/* p: behind the e; *exponent grows by what is read. */
static Cursor
scan_exponent(Cursor p, Cursor end, int32_t *exponent)
{
	bool is_negative = false;
	int32_t e = 0;
	Cursor digits;

	if (p < end && (*p == '+' || *p == '-'))
		is_negative = *p++ == '-';
	for (digits = p; p < end && is_digit(*p); p++)
		if (e < EXPONENT_MAX)
			e = e * 10 + (*p - '0');
	if (p == digits)
		return NULL;
	*exponent += is_negative ? -e : e;
	return p;
}

/* Digits from "p" on that count: without leading zeros and the point. */
static int
significant_digits(Cursor p, Cursor end)
{
	int n = 0;

	for (; p < end && *p != 'e' && *p != 'E' && n <= MANTISSA_DIGITS_MAX; p++)
		if (is_digit(*p) && (n > 0 || *p != '0'))
			n++;
	return n;
}

/* p: at a minus or digit; returns behind the number, or NULL if it is none. */
static inline Cursor
scan_number(Cursor p, Cursor end, VeloJsonValue *value)
{
	Cursor start = p;
	Cursor digits;
	uint64_t mantissa = 0;
	int32_t exponent = 0;
	bool is_negative = *p == '-';
	bool is_integer = true;

	p += is_negative;
	digits = p;
	p = scan_digits(p, end, &mantissa);
	if (p == digits || (*digits == '0' && p - digits > 1))
		return NULL;
	if (p < end && *p == '.')
	{
		Cursor fraction = p + 1;

		p = scan_digits(fraction, end, &mantissa);
		if (p == fraction)
			return NULL;
		/* Only texts of many megabytes have more digits than the bound. */
		exponent = p - fraction < EXPONENT_MAX ? -(int32_t) (p - fraction) : -EXPONENT_MAX;
		is_integer = false;
	}
	value->is_exact = p - digits <= MANTISSA_DIGITS_MAX ||
					  significant_digits(digits, p) <= MANTISSA_DIGITS_MAX;
	if (p < end && (*p == 'e' || *p == 'E'))
	{
		p = scan_exponent(p + 1, end, &exponent);
		if (p == NULL)
			return NULL;
		is_integer = false;
		/* A long exponent was cut: the digits say what it is. */
		if (exponent >= EXPONENT_MAX / 2 || exponent <= -EXPONENT_MAX / 2)
			value->is_exact = false;
	}
	value->type = VELO_JSON_NUMBER;
	value->start = start;
	value->length = p - start;
	value->mantissa = mantissa;
	value->exponent = exponent;
	value->is_negative = is_negative;
	value->is_integer = is_integer;
	return p;
}

bool
velo_format_json_number(const char *text, size_t length, VeloJsonValue *value)
{
	return length > 0 && (is_digit(*text) || *text == '-') &&
		   scan_number(text, text + length, value) == text + length;
}

/* --- values ----------------------------------------------------------------- */

static inline Cursor
scan_word(VeloJsonScanner *scanner, Cursor p, Cursor end, const char *word, size_t length,
		  VeloJsonType type, VeloJsonValue *value)
{
	if ((size_t) (end - p) < length || memcmp(p, word, length) != 0)
		return fail(scanner, p, "unknown word");
	value->type = type;
	value->start = p;
	value->length = length;
	return p + length;
}

/* A value that is neither object nor array. */
static inline Cursor
scan_scalar(VeloJsonScanner *scanner, Cursor p, Cursor end, VeloJsonValue *value)
{
	switch (*p)
	{
		case '"':
			return scan_string(scanner, p, end, value);
		case 't':
			return scan_word(scanner, p, end, "true", 4, VELO_JSON_TRUE, value);
		case 'f':
			return scan_word(scanner, p, end, "false", 5, VELO_JSON_FALSE, value);
		case 'n':
			return scan_word(scanner, p, end, "null", 4, VELO_JSON_NULL, value);
		case '-':
		case '0':
		case '1':
		case '2':
		case '3':
		case '4':
		case '5':
		case '6':
		case '7':
		case '8':
		case '9':
		{
			Cursor behind = scan_number(p, end, value);

			return behind ? behind : fail(scanner, p, "malformed number");
		}
		default:
			return fail(scanner, p, "expected a value");
	}
}

/* Inside an object: name, colon, and up to the start of the value. */
static Cursor
skip_name(VeloJsonScanner *scanner, Cursor p, Cursor end)
{
	VeloJsonValue name;

	if (p >= end || *p != '"')
		return fail(scanner, p, "expected a name in quotes");
	p = scan_string(scanner, p, end, &name);
	if (p == NULL)
		return NULL;
	p = skip_blanks(p, end);
	if (p >= end || *p != ':')
		return fail(scanner, p, "expected \":\" after a name");
	return skip_blanks(p + 1, end);
}

static inline bool
is_object_at(const uint64_t *levels, int level)
{
	return (levels[level >> 6] >> (level & 63)) & 1;
}

/*
 * p: at a bracket; outer: levels that are open around it.  Validates the object or array
 * and returns behind it.
 */
static Cursor
skip_nested(VeloJsonScanner *scanner, Cursor p, Cursor end, int outer)
{
	uint64_t levels[VELO_JSON_DEPTH_MAX / 64]; /* bit set: this level is an object */
	int depth = 0;
	VeloJsonValue ignored;

value:
	if (p >= end)
		return fail(scanner, p, "unfinished text");
	if (*p == '{' || *p == '[')
	{
		bool is_object = *p == '{';

		if (outer + depth >= VELO_JSON_DEPTH_MAX)
		{
			scanner->error_is_depth = true;
			return fail(scanner, p, "nested too deeply");
		}
		levels[depth >> 6] = (levels[depth >> 6] & ~(UINT64_C(1) << (depth & 63))) |
							 ((uint64_t) is_object << (depth & 63));
		depth++;
		p = skip_blanks(p + 1, end);
		if (p < end && *p == (is_object ? '}' : ']'))
			goto close;
		if (is_object && (p = skip_name(scanner, p, end)) == NULL)
			return NULL;
		goto value;
	}
	p = scan_scalar(scanner, p, end, &ignored);
	if (p == NULL)
		return NULL;

next:
	p = skip_blanks(p, end);
	if (p >= end)
		return fail(scanner, p, "unfinished text");
	if (*p == ',')
	{
		p = skip_blanks(p + 1, end);
		if (is_object_at(levels, depth - 1) && (p = skip_name(scanner, p, end)) == NULL)
			return NULL;
		goto value;
	}
	if (*p != (is_object_at(levels, depth - 1) ? '}' : ']'))
		return fail(scanner, p,
					is_object_at(levels, depth - 1) ? "expected \",\" or \"}\""
													: "expected \",\" or \"]\"");
close:
	p++;
	if (--depth > 0)
		goto next;
	return p;
}

static inline Cursor
scan_value(VeloJsonScanner *scanner, Cursor p, Cursor end, int outer, VeloJsonValue *value)
{
	if (p >= end)
		return fail(scanner, p, "unfinished text");
	if (*p == '{' || *p == '[')
	{
		Cursor behind = skip_nested(scanner, p, end, outer);

		if (behind == NULL)
			return NULL;
		value->type = *p == '{' ? VELO_JSON_OBJECT : VELO_JSON_ARRAY;
		value->start = p;
		value->length = behind - p;
		return behind;
	}
	return scan_scalar(scanner, p, end, value);
}

/* --- names ------------------------------------------------------------------ */

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static bool
is_same_but_case(const char *a, const char *b, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (ascii_lower(a[i]) != ascii_lower(b[i]))
			return false;
	return true;
}

/* The wanted field that a resolved name means, or -1. */
static int
find_field(const VeloJsonScanner *scanner, const char *name, size_t length, bool *is_exact)
{
	int similar = -1;

	for (int i = 0; i < scanner->nfields; i++)
	{
		const VeloJsonField *field = &scanner->fields[i];

		if (field->name_length != length)
			continue;
		if (memcmp(field->name, name, length) == 0)
		{
			*is_exact = true;
			return i;
		}
		if (similar < 0 && is_same_but_case(field->name, name, length))
			similar = i;
	}
	*is_exact = false;
	return similar;
}

/* The same for a name as it stands in the text. */
static int
find_raw_field(const VeloJsonScanner *scanner, const VeloJsonValue *name, bool *is_exact)
{
	/* An escape is at most six bytes long for each byte that it stands for. */
	char resolved[VELO_JSON_NAME_MAX * 6];
	long length;

	if (!name->has_escapes)
		return find_field(scanner, name->start, name->length, is_exact);
	if (name->length > sizeof(resolved))
		return -1;
	length = velo_format_json_unescape(name->start, name->length, resolved);
	return length < 0 ? -1 : find_field(scanner, resolved, length, is_exact);
}

/* Does the text at p begin with that name and its closing quote? */
static inline bool
is_name_at(const VeloJsonName *name, Cursor p, Cursor end)
{
	int last = name->nwords - 1;

	if (end - p < name->nwords * WORD_BYTES)
		return end - p >= name->length && memcmp(p, name->words, name->length) == 0;
	for (int i = 0; i < last; i++)
		if (load_word(p + i * WORD_BYTES) != name->words[i])
			return false;
	return ((load_word(p + last * WORD_BYTES) ^ name->words[last]) & name->last_mask) == 0;
}

static unsigned
hash_name(const char *name, size_t length)
{
	uint64_t hash = length;

	for (; length >= WORD_BYTES; name += WORD_BYTES, length -= WORD_BYTES)
		hash = (hash ^ load_word(name)) * UINT64_C(0x9e3779b97f4a7c15);
	for (; length > 0; length--)
		hash = (hash ^ (unsigned char) *name++) * UINT64_C(0x9e3779b97f4a7c15);
	return (hash ^ hash >> 32) % VELO_JSON_NAME_BUCKETS;
}

/* Enters a name that is not known yet; returns its number. */
static int
remember_name(VeloJsonScanner *scanner, int16_t *bucket, const VeloJsonValue *raw)
{
	size_t length = raw->length + 1; /* with the quote, which stands there */
	VeloJsonName *name = &scanner->names[scanner->nnames];
	unsigned rest = length % WORD_BYTES;

	memset(name, 0, sizeof(*name));
	memcpy(name->words, raw->start, length);
	memset(&name->last_mask, 0xff, sizeof(name->last_mask));
	if (rest != 0)
		memset((char *) &name->last_mask + rest, 0, WORD_BYTES - rest);
	name->nwords = (length + WORD_BYTES - 1) / WORD_BYTES;
	name->length = length;
	name->next = -1;
	name->field = find_raw_field(scanner, raw, &name->is_exact);
	*bucket = scanner->nnames;
	return scanner->nnames++;
}

/*
 * A name that was not foreseen: the number of the remembered one, or -1 if it is not
 * remembered because it is long or there are too many.
 */
static int
find_name(VeloJsonScanner *scanner, const VeloJsonValue *raw)
{
	size_t length = raw->length + 1;
	unsigned i;

	if (length > sizeof(scanner->names[0].words))
		return -1;
	/* The table is at most a quarter full, so there always is a free bucket. */
	for (i = hash_name(raw->start, raw->length); scanner->buckets[i] >= 0;
		 i = (i + 1) % VELO_JSON_NAME_BUCKETS)
	{
		const VeloJsonName *name = &scanner->names[scanner->buckets[i]];

		if (name->length == length && memcmp(name->words, raw->start, length) == 0)
			return scanner->buckets[i];
	}
	if (scanner->nnames >= VELO_JSON_NAMES_MAX)
		return -1;
	return remember_name(scanner, &scanner->buckets[i], raw);
}

/* --- records ---------------------------------------------------------------- */

/*
 * A name that was not foreseen.  p: behind its opening quote; *link: the prediction that
 * was wrong or missing, corrected here.  Sets the field that it means; returns behind the
 * closing quote.
 */
static Cursor
scan_new_name(VeloJsonScanner *scanner, Cursor p, Cursor end, int16_t *link, int *number,
			  int *field, bool *is_exact)
{
	VeloJsonValue raw;
	Cursor behind = scan_string(scanner, p - 1, end, &raw);

	if (behind == NULL)
		return NULL;
	*number = find_name(scanner, &raw);
	if (*number >= 0)
	{
		*link = *number;
		*field = scanner->names[*number].field;
		*is_exact = scanner->names[*number].is_exact;
	}
	else
		*field = find_raw_field(scanner, &raw, is_exact);
	return behind;
}

/* p: at the brace; returns behind the closing one. */
static Cursor
scan_record(VeloJsonScanner *scanner, Cursor p, Cursor end)
{
	int16_t unlinked = -1;
	int16_t *link = &scanner->first;
	VeloJsonValue ignored;

	p = skip_blanks(p + 1, end);
	if (p < end && *p == '}')
		return p + 1;
	for (;;)
	{
		VeloJsonValue *value = &ignored;
		int number = *link;
		int field;
		bool is_exact;

		if (p >= end || *p != '"')
			return fail(scanner, p, "expected a name in quotes");
		p++;
		if (number >= 0 && is_name_at(&scanner->names[number], p, end))
		{
			p += scanner->names[number].length;
			field = scanner->names[number].field;
			is_exact = scanner->names[number].is_exact;
		}
		else if ((p = scan_new_name(scanner, p, end, link, &number, &field, &is_exact)) == NULL)
			return NULL;
		unlinked = -1;
		link = number >= 0 ? &scanner->names[number].next : &unlinked;

		p = skip_blanks(p, end);
		if (p >= end || *p != ':')
			return fail(scanner, p, "expected \":\" after a name");
		p = skip_blanks(p + 1, end);
		/* A member of just the field's name wins over other spellings of it. */
		if (field >= 0 && (is_exact || !scanner->fields[field].value.is_exact_name))
		{
			value = &scanner->fields[field].value;
			value->is_exact_name = is_exact;
		}
		p = scan_value(scanner, p, end, 1, value);
		if (p == NULL)
			return NULL;
		p = skip_blanks(p, end);
		if (p >= end)
			return fail(scanner, p, "unfinished text");
		if (*p == '}')
			return p + 1;
		if (*p != ',')
			return fail(scanner, p, "expected \",\" or \"}\"");
		p = skip_blanks(p + 1, end);
	}
}

void
velo_format_json_scanner_init(VeloJsonScanner *scanner, VeloJsonField *fields, int nfields)
{
	scanner->fields = fields;
	scanner->nfields = nfields;
	scanner->error = NULL;
	scanner->nnames = 0;
	scanner->first = -1;
	for (int i = 0; i < VELO_JSON_NAME_BUCKETS; i++)
		scanner->buckets[i] = -1;
}

bool
velo_format_json_scan(VeloJsonScanner *scanner, const char *text, size_t length)
{
	Cursor end = text + length;
	Cursor p = text;
	Cursor behind;

	for (int i = 0; i < scanner->nfields; i++)
	{
		scanner->fields[i].value.type = VELO_JSON_MISSING;
		scanner->fields[i].value.is_exact_name = false;
	}
	scanner->error_is_utf8 = false;
	scanner->error_is_depth = false;
	if (length >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	p = skip_blanks(p, end);
	if (p < end && *p == '{')
	{
		behind = scan_record(scanner, p, end);
		if (behind)
		{
			scanner->root.type = VELO_JSON_OBJECT;
			scanner->root.start = p;
			scanner->root.length = behind - p;
		}
	}
	else
		behind = scan_value(scanner, p, end, 0, &scanner->root);
	if (behind)
	{
		p = skip_blanks(behind, end);
		if (p == end)
			return true;
		fail(scanner, p, "something follows the JSON text");
	}
	scanner->error_at = scanner->root.start - text;
	scanner->root.type = VELO_JSON_MISSING;
	return false;
}

void
velo_format_json_visit(const VeloJsonValue *parent, VeloJsonVisitor visit, void *arg)
{
	VeloJsonScanner unused = {.nfields = 0}; /* for errors, of which there are none */
	Cursor end = parent->start + parent->length;
	Cursor p = skip_blanks(parent->start + 1, end);

	while (p && p < end - 1)
	{
		VeloJsonValue name = {.start = NULL};
		VeloJsonValue value = {.start = NULL};

		if (parent->type == VELO_JSON_OBJECT)
		{
			p = scan_string(&unused, p, end, &name);
			if (p == NULL)
				return;
			p = skip_blanks(skip_blanks(p, end) + 1, end);
		}
		p = scan_value(&unused, p, end, 0, &value);
		if (p == NULL || !visit(arg, name.start, name.length, name.has_escapes, &value))
			return;
		p = skip_blanks(p, end);
		if (p < end && *p == ',')
			p = skip_blanks(p + 1, end);
	}
}
