/*
 * target.c
 *	  The request target: path and query string.
 *
 * MHD is kept from decoding (server.c), so what is checked here is what came.  A path is
 * split first and each part decoded alone: an encoded slash, backslash, control
 * character or dot part, which two programs in a row like to read differently, is
 * refused rather than interpreted.
 */
#include "gateway/src/exchange.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool
refuse(VgRequest *request, const char *message)
{
	vg_reply_refuse(&request->reply, MHD_HTTP_BAD_REQUEST, "22023", message, NULL);
	request->reply.must_close = true;
	return false;
}

static int
digit(char c)
{
	return isdigit((unsigned char) c) ? c - '0'
		   : c >= 'a' && c <= 'f'	  ? c - 'a' + 10
		   : c >= 'A' && c <= 'F'	  ? c - 'A' + 10
									  : -1;
}

/* Decodes %xx (and + in a query); NULL: malformed, or a control character. */
static char *
decode(const char *text, size_t length, bool is_query)
{
	char *out = vg_alloc(length + 1);
	size_t size = 0;

	for (size_t i = 0; i < length; i++)
	{
		unsigned char c = text[i];

		if (c == '%')
		{
			/* behind the text stands at least its zero byte, which is no digit */
			int high = digit(text[i + 1]);
			int low = high < 0 ? -1 : digit(text[i + 2]);

			if (i + 2 >= length || low < 0)
				break;
			c = high * 16 + low;
			i += 2;
			/* a query may bring lines and tabs of SQL */
			if (c == 0 || c == 0x7F || (c < 0x20 && !(is_query && strchr("\t\n\r", c))))
				break;
		}
		else if (c == '+' && is_query)
			c = ' ';
		out[size++] = c;
		if (i + 1 == length)
			return out;
	}
	if (length == 0)
		return out;
	free(out);
	return NULL;
}

static bool
is_dots(const char *part)
{
	return strcmp(part, ".") == 0 || strcmp(part, "..") == 0;
}

static bool
add_part(VgRequest *request, const char *text, size_t length)
{
	char *part;

	if (request->part_count == VG_PARTS_MAX)
		return refuse(request, "the path has too many parts");
	part = decode(text, length, false);
	if (part == NULL)
		return refuse(request, "the path is not well encoded");
	request->parts[request->part_count++] = part;
	if (is_dots(part) || strpbrk(part, "/\\"))
		return refuse(request, "the path has a part that is not allowed");
	return true;
}

/* /api/v1/x is /api/x: the version that is pinned is the only one there is. */
static void
unpin_version(VgRequest *request)
{
	request->is_under_api = request->part_count > 0 && strcmp(request->parts[0], "api") == 0;
	if (!request->is_under_api || request->part_count < 3 || strcmp(request->parts[1], "v1") != 0)
		return;
	free(request->parts[1]);
	request->part_count--;
	memmove(&request->parts[1], &request->parts[2],
			(request->part_count - 1) * sizeof(request->parts[0]));
}

static void
join_path(VgRequest *request)
{
	VgText path = {0};

	for (int i = 0; i < request->part_count; i++)
	{
		vg_text_add(&path, "/");
		vg_text_add(&path, request->parts[i]);
	}
	if (path.size == 0)
		vg_text_add(&path, "/");
	request->path = path.bytes;
}

static bool
parse_path(VgRequest *request, const char *path, size_t length)
{
	size_t at = 1;

	if (length == 0 || path[0] != '/')
		return refuse(request, "the target must be a path");
	while (at < length)
	{
		const char *slash = memchr(path + at, '/', length - at);
		size_t size = slash ? (size_t) (slash - path) - at : length - at;

		if (size == 0)
			return refuse(request, "the path has an empty part");
		if (!add_part(request, path + at, size))
			return false;
		at += size + 1;
	}
	unpin_version(request);
	join_path(request);
	return true;
}

static bool
add_parameter(VgRequest *request, const char *text, size_t length)
{
	const char *equals = memchr(text, '=', length);
	size_t name_length = equals ? (size_t) (equals - text) : length;
	VgPair *pair = &request->parameters[request->parameter_count];

	if (request->parameter_count == VG_PARAMETERS_MAX)
		return refuse(request, "the query string has too many parameters");
	request->parameter_count++;
	pair->name = decode(text, name_length, true);
	pair->value = equals ? decode(equals + 1, length - name_length - 1, true) : vg_copy("");
	if (pair->name == NULL || pair->value == NULL)
		return refuse(request, "the query string is not well encoded");
	for (int i = 0; i < request->parameter_count - 1; i++)
		if (strcmp(request->parameters[i].name, pair->name) == 0)
			return refuse(request, "the query string has a parameter twice");
	return true;
}

static bool
parse_query(VgRequest *request, const char *query)
{
	while (*query)
	{
		size_t length = strcspn(query, "&");

		if (length > 0 && !add_parameter(request, query, length))
			return false;
		query += length + (query[length] == '&');
	}
	return true;
}

bool
vg_target_parse(VgRequest *request)
{
	const char *target = request->target;
	size_t path = strcspn(target, "?");

	/* RFC 9112 allows visible ASCII only; a fragment never reaches a server */
	for (const unsigned char *c = (const unsigned char *) target; *c; c++)
		if (*c <= 0x20 || *c >= 0x7F || *c == '#' || *c == '\\')
			return refuse(request, "the target has a character that is not allowed");
	return parse_path(request, target, path) &&
		   (target[path] == '\0' || parse_query(request, target + path + 1));
}
