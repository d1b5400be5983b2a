/*
 * writer.c
 *	  What the formats have in common.
 */
#include "writer.h"

#include <stdlib.h>

#include "output.h"

CmdWriter *
cmd_writer_open(const CmdWriterOptions *options)
{
	static const CmdFormat *const formats[] = {
		[CMD_OUTPUT_TABLE] = &cmd_format_table,
		[CMD_OUTPUT_JSON] = &cmd_format_json,
		[CMD_OUTPUT_CSV] = &cmd_format_csv,
	};
	const CmdFormat *format = formats[options->output];
	CmdWriter *writer = calloc(1, format->size);

	writer->format = format;
	writer->options = *options;
	return writer;
}

void
cmd_writer_before(CmdWriter *writer)
{
	if (writer->options.before_write)
		writer->options.before_write(writer->options.arg);
}

static void
begin(CmdWriter *writer, const PGresult *result)
{
	writer->is_open = true;
	writer->sets++;
	cmd_writer_before(writer); /* an empty line may come between results */
	writer->format->begin(writer, result);
}

void
cmd_writer_row(CmdWriter *writer, const PGresult *result, int row)
{
	/* "SELECT" alone has rows of nothing */
	if (PQnfields(result) == 0)
		return;
	if (!writer->is_open)
		begin(writer, result);
	writer->rows++;
	if (writer->format->holds_nothing)
		cmd_writer_before(writer);
	writer->format->row(writer, result, row);
}

static void
end(CmdWriter *writer)
{
	if (writer->is_open)
		writer->format->end(writer);
	writer->is_open = false;
	writer->is_holding = false;
}

void
cmd_writer_end(CmdWriter *writer, const PGresult *result)
{
	if (!writer->is_open && PQnfields(result) > 0)
		begin(writer, result);
	end(writer);
}

void
cmd_writer_flush(CmdWriter *writer)
{
	if (writer->is_open && writer->is_holding)
		writer->format->rest(writer);
	writer->is_holding = false;
	cmd_output_flush();
}

void
cmd_writer_close(CmdWriter *writer)
{
	end(writer);
	cmd_output_flush();
	free(writer);
}

void
cmd_writer_result(CmdWriter *writer, const PGresult *result)
{
	for (int row = 0; row < PQntuples(result); row++)
		cmd_writer_row(writer, result, row);
	cmd_writer_end(writer, result);
}
