/*
 * text.c
 *	  Text on a terminal.
 */
#include "text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

int
cmd_text_character(const char *text, int *columns)
{
	mbstate_t state = {0};
	wchar_t character;
	size_t bytes = mbrtowc(&character, text, strnlen(text, MB_CUR_MAX), &state);

	*columns = 1;
	if (bytes == 0 || bytes > MB_CUR_MAX)
		return 1;
	if (wcwidth(character) >= 0)
		*columns = wcwidth(character);
	return bytes;
}

bool
cmd_text_is_plain(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] == 0x7F)
			return false;
	return true;
}

int
cmd_text_columns(const char *text, size_t length)
{
	const char *end = text + length;
	int all = 0;

	if (cmd_text_is_plain(text, length))
		return length;
	while (text < end)
	{
		int columns;

		text += cmd_text_character(text, &columns);
		all += columns;
	}
	return all;
}

static char *
grown(char *text, size_t room)
{
	char *more = realloc(text, room);

	if (more == NULL)
		abort();
	return more;
}

static char *
read_all(FILE *file, const char *path, VcError *error)
{
	size_t room = 65536;
	size_t length = 0;
	char *text = malloc(room);

	for (;;)
	{
		length += fread(text + length, 1, room - length - 1, file);
		if (length + 1 < room)
			break;
		if (room > CMD_TEXT_BYTES_MAX)
		{
			vc_error_set(error, "54000", "the text is too long", path,
						 "At most 16 MB are run at once.");
			free(text);
			return NULL;
		}
		room *= 2;
		text = grown(text, room);
	}
	text[length] = '\0';
	if (!ferror(file) && strlen(text) == length)
		return text;
	vc_error_set(error, "22021", "the file is not text", path, NULL);
	if (ferror(file))
		vc_error_set(error, "58030", "could not read the file", strerror(errno), NULL);
	free(text);
	return NULL;
}

char *
cmd_text_read(const char *path, VcError *error)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *text;
	char message[500];

	if (file == NULL)
	{
		snprintf(message, sizeof(message), "could not open \"%s\"", path);
		/* the code for an object that is not there decides the exit code */
		vc_error_set(error, errno == ENOENT ? "42704" : "42501", message, strerror(errno), NULL);
		return NULL;
	}
	text = read_all(file, path, error);
	if (file != stdin)
		fclose(file);
	return text;
}

const char *
cmd_text_number(double number)
{
	static char ring[4][40];
	static int next;
	char *to = ring[next++ % 4];
	char digits[32];
	int count = snprintf(digits, sizeof(digits), "%.0f", round(number));
	char *at = to;

	for (int i = 0; i < count; i++)
	{
		*at++ = digits[i];
		if (digits[i] != '-' && i + 1 < count && (count - i - 1) % 3 == 0)
			*at++ = ',';
	}
	*at = '\0';
	return to;
}

long
cmd_text_duration_ms(const char *text)
{
	static const struct
	{
		const char *name;
		double ms;
	} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}};
	char *unit;
	double number = strtod(text, &unit);

	if (unit == text || !(number > 0) || number > 1e9)
		return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(unit, units[i].name) == 0)
			return number * units[i].ms < 1 ? 1 : (long) (number * units[i].ms);
	return -1;
}
