/*
 * edits.c
 *	  Writing out core texts and their position maps.
 *
 * A lifted construct is overwritten with blanks, so that nearly always the core
 * text is as long as the user's and every offset is right by construction.  Only
 * replaced constructs (INTERVAL 5 DAYS) and reordered clauses move bytes; the
 * segments then say where each byte came from.
 */
#include "lift/edits.h"

#include <string.h>

/* A text being written.  The first pass only counts; the second fills. */
typedef struct Writer
{
	const LiftReader *reader;
	char *text; /* NULL while counting */
	LiftSegment *segments;
	int length;
	int nsegments;
} Writer;

void
velo_lift_piece_add(LiftReader *reader, LiftPieces *pieces, int first, int end)
{
	if (first >= end)
		return;
	if (pieces->nranges > 0 && pieces->ranges[pieces->nranges - 1].end == first)
	{
		pieces->ranges[pieces->nranges - 1].end = end;
		return;
	}
	if (pieces->nranges == pieces->capacity)
	{
		int capacity = pieces->capacity == 0 ? 8 : pieces->capacity * 2;
		LiftRange *ranges = velo_lift_alloc(reader, sizeof(LiftRange) * (size_t) capacity);

		if (pieces->nranges > 0)
			memcpy(ranges, pieces->ranges, sizeof(LiftRange) * (size_t) pieces->nranges);
		pieces->ranges = ranges;
		pieces->capacity = capacity;
	}
	pieces->ranges[pieces->nranges++] = (LiftRange) {first, end};
}

void
velo_lift_replace(LiftReader *reader, int first, int end, const char *text)
{
	if (first >= end)
		return;
	reader->tokens[first].edit_last = end - 1;
	reader->tokens[first].edit_text = text;
}

void
velo_lift_blank(LiftReader *reader, int first, int end)
{
	velo_lift_replace(reader, first, end, NULL);
}

static void
write_segment(Writer *writer, const char *bytes, int length, LiftSpan origin, bool copied)
{
	if (length <= 0)
		return;
	if (writer->text != NULL)
	{
		if (bytes == NULL)
			memset(writer->text + writer->length, ' ', (size_t) length);
		else
			memcpy(writer->text + writer->length, bytes, (size_t) length);
		writer->segments[writer->nsegments] = (LiftSegment) {writer->length, origin, copied};
	}
	writer->length += length;
	writer->nsegments++;
}

static void
write_copy(Writer *writer, int from, int to)
{
	write_segment(writer, writer->reader->text + from, to - from, (LiftSpan) {from, to}, true);
}

static void
write_range(Writer *writer, LiftRange range, bool honour_edits)
{
	const LiftToken *tokens = writer->reader->tokens;
	int copy_from = tokens[range.first].from;

	for (int at = range.first; honour_edits && at < range.end; at++)
	{
		LiftSpan origin;

		if (tokens[at].edit_last < 0)
			continue;
		origin.from = tokens[at].from;
		origin.to = tokens[tokens[at].edit_last].to;
		write_copy(writer, copy_from, origin.from);
		if (tokens[at].edit_text == NULL)
			write_segment(writer, NULL, origin.to - origin.from, origin, false);
		else
			write_segment(writer, tokens[at].edit_text, (int) strlen(tokens[at].edit_text), origin,
						  false);
		copy_from = origin.to;
		at = tokens[at].edit_last;
	}
	write_copy(writer, copy_from, tokens[range.end - 1].to);
}

static void
write_pieces(Writer *writer, const LiftPieces *pieces, bool honour_edits)
{
	for (int i = 0; i < pieces->nranges; i++)
	{
		if (i > 0)
		{
			int at = writer->reader->tokens[pieces->ranges[i].first].from;

			write_segment(writer, " ", 1, (LiftSpan) {at, at}, false);
		}
		write_range(writer, pieces->ranges[i], honour_edits);
	}
}

static LiftText *
build(LiftReader *reader, const LiftPieces *pieces, bool honour_edits)
{
	Writer writer = {.reader = reader};
	LiftText *text;
	LiftSpan span;
	char *bytes;

	if (pieces->nranges == 0)
		return NULL;
	write_pieces(&writer, pieces, honour_edits);

	bytes = velo_lift_alloc(reader, (size_t) writer.length + 1);
	writer.segments = velo_lift_alloc(reader,
									  sizeof(LiftSegment) * ((size_t) writer.nsegments + 1));
	writer.text = bytes;
	writer.length = writer.nsegments = 0;
	write_pieces(&writer, pieces, honour_edits);

	span = lift_span(reader, pieces->ranges[0].first, pieces->ranges[0].end - 1);
	for (int i = 1; i < pieces->nranges; i++)
	{
		LiftSpan piece = lift_span(reader, pieces->ranges[i].first, pieces->ranges[i].end - 1);

		span.from = piece.from < span.from ? piece.from : span.from;
		span.to = piece.to > span.to ? piece.to : span.to;
	}

	text = velo_lift_alloc(reader, sizeof(LiftText));
	*text = (LiftText) {bytes, writer.length, writer.segments, writer.nsegments, span};
	return text;
}

LiftText *
velo_lift_text_of_pieces(LiftReader *reader, const LiftPieces *pieces)
{
	return build(reader, pieces, true);
}

LiftText *
velo_lift_text(LiftReader *reader, int first, int end)
{
	LiftRange range = {first, end};

	return build(reader, &(LiftPieces) {&range, first < end ? 1 : 0, 1}, true);
}

LiftText *
velo_lift_text_exact(LiftReader *reader, int first, int end)
{
	LiftRange range = {first, end};

	return build(reader, &(LiftPieces) {&range, first < end ? 1 : 0, 1}, false);
}

int
velo_lift_origin(const LiftText *text, int at)
{
	int low = 0;
	int high = text->nsegments;

	if (at < 0 || text->nsegments == 0)
		return text->span.from;
	if (at >= text->length)
		return text->span.to;
	while (high - low > 1) /* segments[low].at <= at, and segments[high].at > at */
	{
		int middle = low + (high - low) / 2;

		if (text->segments[middle].at <= at)
			low = middle;
		else
			high = middle;
	}
	if (text->segments[low].copied)
		return text->segments[low].origin.from + (at - text->segments[low].at);
	return text->segments[low].origin.from;
}
