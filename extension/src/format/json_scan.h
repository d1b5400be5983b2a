/*
 * json_scan.h
 *	  One pass over a JSON text: validates all of it, keeps the wanted fields.
 *
 * Plain C without PostgreSQL, so that it is tested and fuzzed alone (tests/unit/json,
 * tests/fuzz/json_fuzz.c).  Nothing is allocated and nothing is read outside of the text.
 *
 * Accepted is what RFC 8259 calls a JSON text in valid UTF-8, with these decisions where
 * the RFC leaves one:
 *	- a byte order mark before the text is skipped;
 *	- nesting deeper than VELO_JSON_DEPTH_MAX is refused;
 *	- an escaped surrogate without its partner is accepted by the scan and refused when
 *	  the string is unescaped, so that it hurts only who wants the string;
 *	- of fields with the same name the last one counts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Objects and arrays inside of each other, the outermost included. */
#define VELO_JSON_DEPTH_MAX 512

/* Longest name of a wanted field, in bytes of UTF-8. */
#define VELO_JSON_NAME_MAX 255

/* Names of fields that a scanner remembers; others are looked up each time. */
#define VELO_JSON_NAMES_MAX 256

typedef enum VeloJsonType
{
	VELO_JSON_MISSING,
	VELO_JSON_NULL,
	VELO_JSON_FALSE,
	VELO_JSON_TRUE,
	VELO_JSON_NUMBER,
	VELO_JSON_STRING,
	VELO_JSON_OBJECT,
	VELO_JSON_ARRAY
} VeloJsonType;

/* A value inside the text; valid as long as the text. */
typedef struct VeloJsonValue
{
	const char *start; /* of a string: behind its quote */
	size_t length;	   /* of a string: without its quotes */
	uint64_t mantissa; /* of a number: its digits as one integer, if is_exact */
	int32_t exponent;  /* of a number: it is mantissa * 10 ^ exponent */
	uint8_t type;	   /* VeloJsonType */
	bool has_escapes;  /* a string with backslashes */
	bool is_exact;	   /* mantissa and exponent hold the number, every digit of it */
	bool is_negative;
	bool is_integer; /* a number written without fraction and exponent */
	bool is_exact_name;
} VeloJsonValue;

/* A wanted field: a member of the outermost object. */
typedef struct VeloJsonField
{
	const char *name; /* in UTF-8 */
	size_t name_length;
	VeloJsonValue value; /* result; VELO_JSON_MISSING if there is no such member */
} VeloJsonField;

/* A name as it stands in the text, with the closing quote, and what it means. */
typedef struct VeloJsonName
{
	uint64_t words[8]; /* its bytes, then zeros */
	uint64_t last_mask;
	uint8_t nwords;
	uint8_t length; /* in bytes, closing quote included */
	bool is_exact;	/* it is the field's name, not just another spelling of it */
	int16_t field;	/* wanted field, or -1 */
	int16_t next;	/* name that followed it last time, or -1 */
} VeloJsonName;

#define VELO_JSON_NAME_BUCKETS (VELO_JSON_NAMES_MAX * 4)

typedef struct VeloJsonScanner
{
	VeloJsonField *fields; /* given by the caller */
	int nfields;
	VeloJsonValue root; /* the whole text as a value, without surrounding blanks */
	const char *error;	/* after a failure: what is wrong, in English */
	size_t error_at;	/* and where, in bytes */
	bool error_is_utf8; /* the text is not UTF-8 */
	bool error_is_depth;

	/* What is known of names.  Records of a stream mostly have the same fields in the
	 * same order, so a name is first compared with the one that came next last time. */
	int nnames;
	int16_t first; /* name at the start of the last record, or -1 */
	int16_t buckets[VELO_JSON_NAME_BUCKETS];
	VeloJsonName names[VELO_JSON_NAMES_MAX];
} VeloJsonScanner;

/*
 * Prepares a scanner for nfields wanted fields.  The fields and their names must live as
 * long as the scanner; the names should differ and be at most VELO_JSON_NAME_MAX bytes.
 * A member belongs to the field of just that name, else to the first one that differs in
 * the case of ASCII letters only.
 */
extern void velo_format_json_scanner_init(VeloJsonScanner *scanner, VeloJsonField *fields,
										  int nfields);

/*
 * Scans a text of "length" bytes.  True: it is valid, scanner->root says what it is, and if
 * that is an object every field's value is set.  False: scanner->error and error_at.
 */
extern bool velo_format_json_scan(VeloJsonScanner *scanner, const char *text, size_t length);

/* A number, alone: false if the bytes are not just one JSON number. */
extern bool velo_format_json_number(const char *text, size_t length, VeloJsonValue *value);

/*
 * Calls back for each member of a scanned object (name as in the text, without quotes) or
 * element of a scanned array (name NULL), in order, until it returns false.
 */
typedef bool (*VeloJsonVisitor)(void *arg, const char *name, size_t name_length, bool has_escapes,
								const VeloJsonValue *value);
extern void velo_format_json_visit(const VeloJsonValue *parent, VeloJsonVisitor visit, void *arg);

typedef enum VeloJsonUnescape
{
	VELO_JSON_UNESCAPE_SURROGATE = -1, /* half of a surrogate pair */
	VELO_JSON_UNESCAPE_NUL = -2		   /* \u0000, which no text of PostgreSQL can hold */
} VeloJsonUnescape;

/*
 * Writes a string that the scan accepted with its escapes resolved to "to", which has room
 * for "length" bytes; returns how many bytes that are, or a VeloJsonUnescape.
 */
extern long velo_format_json_unescape(const char *from, size_t length, char *to);
