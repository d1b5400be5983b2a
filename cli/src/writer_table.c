/*
 * writer_table.c
 *	  Tables for people, of rows that keep coming.
 *
 * Widths must be known before the first row is written, but an endless query never has
 * all of its rows.  So rows are held back while more are waiting (a short moment, a
 * thousand at most), the columns are made as wide as those need, and wider values later
 * widen their column from there on.
 *
 * A line that does not fit the terminal cannot be read, so there, and only there, the
 * widest values are cut, with a "…" at the cut.  Everywhere else nothing is left out.
 */
#include "writer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "style.h"
#include "text.h"

#define HELD_ROWS_MAX 1000
#define WIDTH_LEAST 8 /* columns are not cut below */
#define NULL_WORD "null"

typedef struct Table
{
	CmdWriter base;
	int columns;
	char **names;
	int *widths;
	bool *is_right;		  /* numbers */
	char **cells;		  /* of rows held back; NULL is NULL */
	int held;			  /* rows in cells */
	bool has_begun;		  /* the header is written */
	int since_header;	  /* rows */
	int terminal_columns; /* 0: no terminal */
	int terminal_rows;
} Table;

/* --- cells ----------------------------------------------------------------------------- */

static bool
is_number(Oid type)
{
	static const Oid types[] = {20, 21, 23, 26, 700, 701, 1700, 790};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (type == types[i])
			return true;
	return false;
}

static const char *
shown(const Table *table, const char *cell)
{
	if (cell)
		return cell;
	return table->base.options.has_no_null ? "" : NULL_WORD;
}

/* Writes one character so that it can neither break the line nor command the terminal. */
static void
write_character(const char *at, int bytes)
{
	if (*at == '\n')
		fputs("\u21b5", stdout);
	else if (*at == '\t')
		fputc(' ', stdout);
	else if ((unsigned char) *at < ' ' || *at == 0x7F ||
			 ((unsigned char) at[0] == 0xC2 && (unsigned char) at[1] < 0xA0))
		fputc('?', stdout);
	else
		fwrite(at, 1, bytes, stdout);
}

/* Writes a text cut to width; returns the columns it took. */
static int
write_cut(const char *text, int width)
{
	size_t length = strlen(text);
	bool fits = cmd_text_columns(text, length) <= width;
	int room = fits ? width : width - 1;
	int used = 0;

	if (fits && cmd_text_is_plain(text, length))
	{
		fwrite(text, 1, length, stdout);
		return length;
	}
	while (*text)
	{
		int columns;
		int bytes = cmd_text_character(text, &columns);

		if (used + columns > room)
			break;
		write_character(text, bytes);
		used += columns;
		text += bytes;
	}
	if (fits)
		return used;
	fputs("\u2026", stdout);
	return used + 1;
}

static void
write_cell(const Table *table, int column, const char *cell)
{
	const char *text = shown(table, cell);
	bool is_last = column == table->columns - 1;
	int columns = cmd_text_columns(text, strlen(text));
	int pad = table->widths[column] - columns;

	if (is_last && columns == 0) /* no blanks at the end of a line */
		fputs(column == 0 ? "" : " |", stdout);
	else
		fputs(column == 0 ? " " : " | ", stdout);
	if (table->is_right[column] && pad > 0)
		fprintf(stdout, "%*s", pad, "");
	if (cell == NULL)
		fputs(cmd_style(stdout, CMD_STYLE_DIM), stdout);
	columns = write_cut(text, table->widths[column]);
	if (cell == NULL)
		fputs(cmd_style(stdout, CMD_STYLE_END), stdout);
	pad = table->widths[column] - columns;
	if (!table->is_right[column] && !is_last && pad > 0)
		fprintf(stdout, "%*s", pad, "");
}

/* --- widths ---------------------------------------------------------------------------- */

static int
line_columns(const Table *table)
{
	int all = 1;

	for (int i = 0; i < table->columns; i++)
		all += table->widths[i] + (i > 0 ? 3 : 0);
	return all;
}

/* Takes from the widest until the line fits the terminal, or nothing can be taken. */
static void
fit_terminal(Table *table)
{
	if (table->terminal_columns == 0)
		return;
	for (int over = line_columns(table) - table->terminal_columns; over > 0; over--)
	{
		int widest = 0;

		for (int i = 1; i < table->columns; i++)
			if (table->widths[i] > table->widths[widest])
				widest = i;
		if (table->widths[widest] <= WIDTH_LEAST)
			return;
		table->widths[widest]--;
	}
}

static void
widen(Table *table)
{
	for (int i = 0; i < table->held * table->columns; i++)
	{
		const char *text = shown(table, table->cells[i]);
		int width = cmd_text_columns(text, strlen(text));

		if (width > table->widths[i % table->columns])
			table->widths[i % table->columns] = width;
	}
	fit_terminal(table);
}

/* --- writing --------------------------------------------------------------------------- */

static void
write_header(Table *table)
{
	fputs(cmd_style(stdout, CMD_STYLE_HEAD), stdout);
	for (int i = 0; i < table->columns; i++)
		write_cell(table, i, table->names[i]);
	fprintf(stdout, "%s\n", cmd_style(stdout, CMD_STYLE_END));
	for (int i = 0; i < table->columns; i++)
	{
		if (i > 0)
			fputc('+', stdout);
		for (int dash = 0; dash < table->widths[i] + (i < table->columns - 1 ? 2 : 1); dash++)
			fputc('-', stdout);
	}
	fputc('\n', stdout);
	table->has_begun = true;
	table->since_header = 0;
}

/* A line for each column that has a value; further lines of a value stand below its first. */
static void
write_vertical(const Table *table, char **cells)
{
	int width = 0;

	for (int i = 0; i < table->columns; i++)
	{
		int columns = cmd_text_columns(table->names[i], strlen(table->names[i]));

		width = columns > width ? columns : width;
	}
	for (int i = 0; i < table->columns; i++)
	{
		int pad = width - cmd_text_columns(table->names[i], strlen(table->names[i]));
		const char *text = shown(table, cells[i]);

		if (*text == '\0')
			continue;
		fprintf(stdout, "%s%s%s%*s ", cmd_style(stdout, CMD_STYLE_HEAD), table->names[i],
				cmd_style(stdout, CMD_STYLE_END), pad + 1, "");
		while (*text)
		{
			int columns;
			int bytes = cmd_text_character(text, &columns);

			if (*text == '\n' && text[1])
				fprintf(stdout, "\n%*s", width + 2, "");
			else if (*text != '\n')
				write_character(text, bytes);
			text += bytes;
		}
		fputc('\n', stdout);
	}
}

static void
write_held(Table *table)
{
	bool is_vertical = table->base.options.is_vertical;

	cmd_writer_before(&table->base);
	if (!is_vertical)
		widen(table);
	if (!is_vertical && !table->has_begun)
		write_header(table);
	for (int row = 0; row < table->held; row++)
	{
		char **cells = table->cells + row * table->columns;

		if (is_vertical)
		{
			if (table->has_begun)
				fputc('\n', stdout);
			table->has_begun = true;
			write_vertical(table, cells);
		}
		else
		{
			/* the header has left the screen */
			if (table->base.options.is_live && table->terminal_rows > 5 &&
				table->since_header >= table->terminal_rows - 3)
				write_header(table);
			for (int i = 0; i < table->columns; i++)
				write_cell(table, i, cells[i]);
			fputc('\n', stdout);
			table->since_header++;
		}
		for (int i = 0; i < table->columns; i++)
			free(cells[i]);
	}
	table->held = 0;
}

/* --- the format ------------------------------------------------------------------------ */

static void
look_at_terminal(Table *table)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return;
	table->terminal_columns = size.ws_col;
	table->terminal_rows = size.ws_row;
}

static void
table_begin(CmdWriter *writer, const PGresult *result)
{
	Table *table = (Table *) writer;

	if (writer->sets > 1)
		fputc('\n', stdout);
	look_at_terminal(table);
	table->columns = PQnfields(result);
	table->names = calloc(table->columns + 1, sizeof(char *));
	table->widths = calloc(table->columns + 1, sizeof(int));
	table->is_right = calloc(table->columns + 1, sizeof(bool));
	table->cells = calloc((size_t) HELD_ROWS_MAX * table->columns + 1, sizeof(char *));
	for (int i = 0; i < table->columns; i++)
	{
		table->names[i] = strdup(PQfname(result, i));
		table->widths[i] = cmd_text_columns(table->names[i], strlen(table->names[i]));
		table->is_right[i] = is_number(PQftype(result, i));
	}
	table->has_begun = false;
	table->held = 0;
}

static void
table_row(CmdWriter *writer, const PGresult *result, int row)
{
	Table *table = (Table *) writer;
	char **cells = table->cells + table->held * table->columns;

	for (int i = 0; i < table->columns; i++)
		cells[i] = PQgetisnull(result, row, i) ? NULL : strdup(PQgetvalue(result, row, i));
	table->held++;
	writer->is_holding = true;
	if (table->held == HELD_ROWS_MAX)
		write_held(table);
}

static void
table_rest(CmdWriter *writer)
{
	write_held((Table *) writer);
}

static void
table_end(CmdWriter *writer)
{
	Table *table = (Table *) writer;

	write_held(table);
	for (int i = 0; i < table->columns; i++)
		free(table->names[i]);
	free(table->names);
	free(table->widths);
	free(table->is_right);
	free(table->cells);
}

const CmdFormat cmd_format_table = {
	.size = sizeof(Table),
	.begin = table_begin,
	.row = table_row,
	.rest = table_rest,
	.end = table_end,
};
