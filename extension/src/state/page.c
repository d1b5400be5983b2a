/*
 * page.c
 *	  Packing of records into rows; pure memory, no table.
 *
 * Rows are checked in full before anything in them is believed: first the layout,
 * because state of another layout is an ordinary thing to meet after an upgrade
 * and deserves its own message, then the checksum, then every length.
 */
#include "postgres.h"

#include "state/page.h"

#include <port/pg_crc32c.h>
#include <utils/memutils.h>

#include "base/compat.h"
#include "base/errors.h"

#define PAGE_FORMAT 1

typedef struct RowHeader
{
	pg_crc32c crc;
	uint8 format;
	uint8 major; /* of PostgreSQL, which owns what is in the states */
	uint16 fragments;
	uint32 layout;
	uint32 unused;
	uint64 first;
} RowHeader;

/* A fragment's tag is the record's kind and these. */
#define TAG_KIND 0x0f
#define TAG_CONTINUES 0x10 /* the bytes follow those of the fragment before */
#define TAG_GOES_ON 0x20   /* and the next fragment follows these */
#define TAG_SAME_CELL 0x40

#define TAG_BYTES 3 /* tag and length */

/*
 * A record is not begun in a row that has less space than this: pieces of a few
 * bytes cost more than they save.
 */
#define FRAGMENT_BYTES_MIN 64

#define RECORD_BYTES_MAX (MaxAllocSize / 2)

static inline char *
page_start(bytea *data)
{
	return VARDATA(data);
}

void
velo_state_page_begin(VeloPageWriter *writer, uint32 layout, uint64 next, VeloPageWrite write,
					  void *arg)
{
	if (writer->buffer == NULL)
		writer->buffer = palloc0(VARHDRSZ + VELO_PAGE_BYTES);
	writer->write = write;
	writer->arg = arg;
	writer->layout = layout;
	writer->next = next;
	writer->fragments = 0;
	writer->used = sizeof(RowHeader);
}

void
velo_state_page_finish(VeloPageWriter *writer)
{
	if (writer->fragments > 0)
		velo_state_page_write(writer);
}

void
velo_state_page_write(VeloPageWriter *writer)
{
	RowHeader header = {0};
	char *start = page_start(writer->buffer);

	if (writer->fragments == 0)
		writer->first = writer->next;
	header.format = PAGE_FORMAT;
	header.major = VELO_COMPAT_MAJOR;
	header.fragments = writer->fragments;
	header.layout = writer->layout;
	header.first = writer->first;
	memcpy(start, &header, sizeof(header));

	INIT_CRC32C(header.crc);
	COMP_CRC32C(header.crc, start + sizeof(header.crc), writer->used - sizeof(header.crc));
	FIN_CRC32C(header.crc);
	memcpy(start, &header.crc, sizeof(header.crc));

	SET_VARSIZE(writer->buffer, VARHDRSZ + writer->used);
	writer->write(writer->arg, writer->first, writer->buffer);
	writer->fragments = 0;
	writer->used = sizeof(RowHeader);
}

static inline void
put(VeloPageWriter *writer, const void *data, Size length)
{
	memcpy(page_start(writer->buffer) + writer->used, data, length);
	writer->used += length;
}

uint64
velo_state_page_add(VeloPageWriter *writer, VeloRecordKind kind, uint64 cell, const char *data,
					Size length)
{
	uint64 number = 0;
	bool is_first = true;

	if (length > RECORD_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("state of one group is too large"),
				 errdetail("It has %zu bytes, the limit is %zu bytes.", length,
						   (Size) RECORD_BYTES_MAX)));
	do
	{
		Size space = VELO_PAGE_BYTES - writer->used;
		Size head = TAG_BYTES + sizeof(uint64);
		uint16 piece;
		uint8 tag = kind;

		if (space < head + Min(length, FRAGMENT_BYTES_MIN) || writer->fragments == PG_UINT16_MAX)
		{
			velo_state_page_finish(writer);
			space = VELO_PAGE_BYTES - writer->used;
		}
		if (writer->fragments == 0)
			writer->first = writer->next;
		else if (writer->cell == cell)
		{
			tag |= TAG_SAME_CELL;
			head = TAG_BYTES;
		}
		piece = Min(length, space - head);
		if (!is_first)
			tag |= TAG_CONTINUES;
		if (piece < length)
			tag |= TAG_GOES_ON;

		put(writer, &tag, sizeof(tag));
		put(writer, &piece, sizeof(piece));
		if ((tag & TAG_SAME_CELL) == 0)
			put(writer, &cell, sizeof(cell));
		put(writer, data, piece);

		if (is_first)
			number = writer->next;
		is_first = false;
		writer->cell = cell;
		writer->fragments++;
		writer->next++;
		data += piece;
		length -= piece;
	} while (length > 0);
	return number;
}

void
velo_state_page_open(VeloPageReader *reader, const char *table, uint32 layout,
					 VeloPageRecord record, void *arg)
{
	memset(reader, 0, sizeof(VeloPageReader));
	reader->record = record;
	reader->arg = arg;
	reader->table = table;
	reader->layout = layout;
	initStringInfo(&reader->bytes);
}

static void
report_corruption(VeloPageReader *reader, const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("state in table \"%s\" is damaged", reader->table),
					errdetail("Near record " UINT64_FORMAT ": %s.", reader->next, what),
					errhint("Restore the database from a backup, or start the job over with "
							"RESET JOB.")));
}

static void
check_layout(VeloPageReader *reader, const RowHeader *header)
{
	if (header->format == PAGE_FORMAT && header->major == VELO_COMPAT_MAJOR &&
		header->layout == reader->layout)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_VELO_STATE_INCOMPATIBLE), errmsg("saved state does not fit the job"),
			 header->format != PAGE_FORMAT
				 ? errdetail("Table \"%s\" was written in format %d, this version reads format %d.",
							 reader->table, header->format, PAGE_FORMAT)
			 : header->major != VELO_COMPAT_MAJOR
				 ? errdetail("Table \"%s\" was written by PostgreSQL %d, this is PostgreSQL %d.",
							 reader->table, header->major, VELO_COMPAT_MAJOR)
				 : errdetail("Table \"%s\" was written with state layout %08x, the job's is %08x.",
							 reader->table, header->layout, reader->layout),
			 errhint("RESET JOB discards the state and starts the job over.")));
}

static void
check_page(VeloPageReader *reader, const RowHeader *header, const char *start, Size length)
{
	pg_crc32c crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, start + sizeof(crc), length - sizeof(crc));
	FIN_CRC32C(crc);
	if (!EQ_CRC32C(crc, header->crc))
		report_corruption(reader, "a row's checksum is wrong");
	if (reader->is_started && header->first != reader->next)
		report_corruption(reader, "a row is missing");
	reader->is_started = true;
	reader->next = header->first;
}

/* One fragment; returns where the next one begins. */
static const char *
read_fragment(VeloPageReader *reader, const char *at, const char *end, bool is_first)
{
	uint8 tag;
	uint16 length;

	if (end - at < TAG_BYTES)
		report_corruption(reader, "a row ends too early");
	tag = *at;
	memcpy(&length, at + 1, sizeof(length));
	at += TAG_BYTES;
	if (((tag & TAG_CONTINUES) != 0) != reader->is_open || ((tag & TAG_SAME_CELL) && is_first))
		report_corruption(reader, "a record is not complete");
	if ((tag & TAG_SAME_CELL) == 0)
	{
		if (end - at < sizeof(uint64))
			report_corruption(reader, "a row ends too early");
		memcpy(&reader->cell, at, sizeof(uint64));
		at += sizeof(uint64);
	}
	if (end - at < length)
		report_corruption(reader, "a row ends too early");

	if (!reader->is_open)
	{
		resetStringInfo(&reader->bytes);
		reader->kind = tag & TAG_KIND;
		reader->number = reader->next;
	}
	appendBinaryStringInfo(&reader->bytes, at, length);
	reader->is_open = (tag & TAG_GOES_ON) != 0;
	reader->next++;
	if (!reader->is_open && reader->record)
		reader->record(reader->arg, reader->kind, reader->cell, reader->number, reader->bytes.data,
					   reader->bytes.len);
	return at + length;
}

void
velo_state_page_read(VeloPageReader *reader, const bytea *data)
{
	const char *start = VARDATA_ANY(data);
	Size length = VARSIZE_ANY_EXHDR(data);
	const char *end = start + length;
	const char *at = start + sizeof(RowHeader);
	RowHeader header;

	if (length < sizeof(header))
		report_corruption(reader, "a row is too short");
	memcpy(&header, start, sizeof(header));
	check_layout(reader, &header);
	check_page(reader, &header, start, length);
	for (int i = 0; i < header.fragments; i++)
		at = read_fragment(reader, at, end, i == 0);
	if (at != end)
		report_corruption(reader, "a row is too long");
}

void
velo_state_page_close(VeloPageReader *reader)
{
	if (reader->is_open)
		report_corruption(reader, "the last record is not complete");
	pfree(reader->bytes.data);
}
