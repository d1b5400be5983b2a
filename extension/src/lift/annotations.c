/*
 * annotations.c
 *	  Comments that say something.
 *
 * Two forms exist: "-- @key: value", and "-- Version: 1.2" for a few fixed words.
 * Which keys there are and what they mean is not known here.  What is decided
 * here is only whose they are: what stands before the first statement belongs to
 * the application, up to the first line that can only be a statement's (a name, a
 * metric, an alert or a data hint); all else belongs to the statement below.
 */
#include "lift/annotations.h"

#include "lift/properties.h"

#include <string.h>

/* The second form, and the keys they stand for. */
static const struct
{
	const char *label;
	const char *key;
} labels[] = {
	{"SQL Application", "application"},
	{"Version", "version"},
	{"Description", "description"},
	{"Author", "author"},
	{"Dependencies", "depends_on"},
	{"Tag", "tag"},
	{"Name", "name"},
	{"Property", "property"},
};

/* A part of the text being looked at. */
typedef struct Line
{
	const char *text;
	int at;
	int end;
} Line;

static void
skip_blanks(Line *line)
{
	while (line->at < line->end && lift_is_space((unsigned char) line->text[line->at]))
		line->at++;
}

static bool
is_key_char(unsigned char c)
{
	return lift_is_name_part(c) || c == '.' || c == '-';
}

static bool
starts_with(const char *key, const char *prefix)
{
	return strncmp(key, prefix, strlen(prefix)) == 0;
}

/* Can only a statement have this? */
static bool
is_statement_key(const char *key)
{
	return strcmp(key, "name") == 0 || strcmp(key, "job_name") == 0 || starts_with(key, "metric") ||
		   starts_with(key, "alert") || starts_with(key, "data.");
}

/* "-- @key", with the line behind the @; goes behind the key. */
static const char *
read_key(LiftReader *reader, Line *line, LiftSpan *span)
{
	char *key;
	int length;

	span->from = line->at;
	while (line->at < line->end && is_key_char((unsigned char) line->text[line->at]))
		line->at++;
	span->to = line->at;
	length = span->to - span->from;
	key = velo_lift_copy(reader, line->text + span->from, length);
	for (int i = 0; i < length; i++)
		key[i] = (char) lift_lower((unsigned char) key[i]);
	return key;
}

/* "-- Version:"; goes behind the word. */
static const char *
read_label(Line *line, LiftSpan *span)
{
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
	{
		int length = (int) strlen(labels[i].label);

		if (line->end - line->at > length && line->text[line->at + length] == ':' &&
			memcmp(line->text + line->at, labels[i].label, (size_t) length) == 0)
		{
			*span = (LiftSpan) {line->at, line->at + length};
			line->at += length;
			return labels[i].key;
		}
	}
	return NULL;
}

/* Takes the quotes off a value that is one quoted string as a whole. */
static const char *
unquoted(LiftReader *reader, const char *bytes, int length)
{
	char *value = velo_lift_alloc(reader, (size_t) length + 1);
	char quote = length >= 2 ? bytes[0] : 0;
	int out = 0;

	if ((quote != '\'' && quote != '"') || bytes[length - 1] != quote)
		return velo_lift_copy(reader, bytes, length);
	for (int i = 1; i < length - 1; i++)
	{
		if (bytes[i] == quote && (i + 1 == length - 1 || bytes[++i] != quote))
			return velo_lift_copy(reader, bytes, length); /* 'a' and 'b' */
		value[out++] = bytes[i];
	}
	return value;
}

/* Reads a comment; NULL if it is only a comment, or after an error. */
static LiftAnnotation *
read_comment(LiftReader *reader, const LiftToken *comment)
{
	Line line = {reader->text, comment->from + 2, comment->to};
	LiftAnnotation *annotation;
	const char *key;
	LiftSpan key_span;

	skip_blanks(&line);
	if (line.at < line.end && line.text[line.at] == '@')
	{
		line.at++;
		key = read_key(reader, &line, &key_span);
		if (key[0] == '\0')
			return NULL;
	}
	else if ((key = read_label(&line, &key_span)) == NULL)
		return NULL;

	skip_blanks(&line);
	if (line.at >= line.end || line.text[line.at] != ':')
	{
		/* A hint for data without its colon would change what is generated. */
		bool is_data = starts_with(key, "data.");

		velo_lift_report(reader, is_data ? LIFT_ERROR : LIFT_INFO, is_data ? "22023" : "01000",
						 key_span, "annotation \"@%s\" has no colon",
						 velo_lift_span_text(reader, key_span))
			->hint = "Write -- @key: value.";
		return NULL;
	}
	line.at++;
	skip_blanks(&line);
	while (line.end > line.at && lift_is_space((unsigned char) line.text[line.end - 1]))
		line.end--;

	annotation = velo_lift_alloc(reader, sizeof(LiftAnnotation));
	annotation->key = key;
	annotation->key_span = key_span;
	annotation->value_span = (LiftSpan) {line.at, line.end};
	annotation->value = velo_lift_substitute(reader,
											 unquoted(reader, line.text + line.at,
													  line.end - line.at),
											 annotation->value_span, true);
	return annotation->value == NULL ? NULL : annotation;
}

bool
velo_lift_annotations(LiftReader *reader, LiftStatement *statement, int before)
{
	int nerrors = reader->nerrors;
	bool in_header = reader->script->statements == statement || reader->script->statements == NULL;
	LiftAnnotation *none = NULL;
	LiftAnnotation **header_tail = &reader->script->header;
	LiftAnnotation **tail = statement == NULL ? &none : &statement->annotations;

	for (; reader->next_comment < reader->ncomments &&
		   reader->comments[reader->next_comment].from < before;
		 reader->next_comment++)
	{
		LiftAnnotation *annotation = read_comment(reader, &reader->comments[reader->next_comment]);

		if (annotation == NULL)
			continue;
		if (in_header && is_statement_key(annotation->key))
			in_header = false;
		if (in_header)
		{
			*header_tail = annotation;
			header_tail = &annotation->next;
		}
		else
		{
			*tail = annotation;
			tail = &annotation->next;
			if (statement == NULL)
				velo_lift_report(reader, LIFT_WARNING, "01000", annotation->key_span,
								 "annotation \"@%s\" belongs to no statement",
								 velo_lift_span_text(reader, annotation->key_span))
					->hint = "Write it before the statement it is for.";
		}
	}
	return reader->nerrors == nerrors;
}

void
velo_lift_annotations_skip(LiftReader *reader, int before)
{
	while (reader->next_comment < reader->ncomments &&
		   reader->comments[reader->next_comment].from < before)
		reader->next_comment++;
}
