/*
 * template.c
 *	  Matching URIs and templates.
 */
#include "common/mcp/template.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
template_has_variables(const char *uri_template)
{
	return strchr(uri_template, '{') != NULL;
}

/* Undoes %XX; for free().  NULL: badly written, or a zero byte. */
static char *
decode(const char *text, size_t length)
{
	char *decoded = malloc(length + 1);
	char *out = decoded;

	for (size_t i = 0; decoded && i < length; i++)
	{
		unsigned int byte = (unsigned char) text[i];

		if (text[i] == '%')
		{
			char hex[3] = {i + 2 < length ? text[i + 1] : '\0', '\0', '\0'};

			hex[1] = hex[0] ? text[i + 2] : '\0';
			if (!isxdigit((unsigned char) hex[0]) || !isxdigit((unsigned char) hex[1]) ||
				(byte = (unsigned int) strtoul(hex, NULL, 16)) == 0)
			{
				free(decoded);
				return NULL;
			}
			i += 2;
		}
		*out++ = (char) byte;
	}
	if (decoded)
		*out = '\0';
	return decoded;
}

/* Takes the value of {name} from the URI; the rest of it, or NULL. */
static const char *
take_value(json_t *values, const char *name, size_t name_length, const char *uri, char end)
{
	size_t length = 0;
	char *key = strndup(name, name_length);
	char *value;
	json_t *string = NULL;

	while (uri[length] && uri[length] != '/' && uri[length] != end)
		length++;
	value = length > 0 ? decode(uri, length) : NULL;
	if (value)
		string = json_string(value); /* NULL: no UTF-8 */
	if (string && key)
		json_object_set_new(values, key, string);
	free(value);
	free(key);
	return string ? uri + length : NULL;
}

json_t *
template_match(const char *uri_template, const char *uri)
{
	json_t *values = json_object();
	const char *t = uri_template;

	while (uri && *t)
	{
		const char *close = *t == '{' ? strchr(t, '}') : NULL;

		if (close)
		{
			uri = take_value(values, t + 1, (size_t) (close - t - 1), uri, close[1]);
			t = close + 1;
		}
		else if (*uri++ != *t++)
			uri = NULL;
	}
	if (uri && *uri == '\0')
		return values;
	json_decref(values);
	return NULL;
}

char *
template_prefix(const char *uri_template, const char *name)
{
	const char *open = strchr(uri_template, '{');
	size_t length = strlen(name);

	if (open == NULL || strchr(open + 1, '{') || strncmp(open + 1, name, length) != 0 ||
		open[1 + length] != '}')
		return NULL;
	return strndup(uri_template, (size_t) (open - uri_template));
}
