/*
 * schema.c
 *	  Checking arguments against a tool's input schema.
 *
 * Not a validator of JSON Schema: the keywords below are all that our tools need, and a
 * schema that says more is refused rather than half obeyed, so that no argument reaches
 * SQL unchecked.  Schemas are our own rows, yet their depth is bounded: their check and
 * that of a value go no deeper than SCHEMA_DEPTH_MAX.
 */
#include "common/mcp/schema.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum
{
	SCHEMA_DEPTH_MAX = 8,
	PATH_MAX_SIZE = 256
};

static const char *const keywords[] = {
	/* that are checked */
	"type", "properties", "required", "additionalProperties", "enum", "minimum", "maximum",
	"minLength", "maxLength", "minItems", "maxItems", "items",
	/* that only describe */
	"$schema", "title", "description", "default", "examples", "x-mcp-header"};

static const char *const types[] = {"null",	   "boolean", "object", "array",
									"integer", "number",  "string"};

static bool
is_one_of(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, list[i]) == 0)
			return true;
	return false;
}

static const char *
unsupported_type(const json_t *type)
{
	size_t i;
	json_t *one;

	if (json_is_string(type))
	{
		const char *name = json_string_value(type);

		return is_one_of(name, types, sizeof(types) / sizeof(types[0])) ? NULL : name;
	}
	if (!json_is_array(type))
		return type ? "type" : NULL;
	json_array_foreach(type, i, one)
	{
		if (!json_is_string(one) || unsupported_type(one))
			return "type";
	}
	return NULL;
}

static const char *
unsupported_at(const json_t *schema, int depth)
{
	const char *key;
	const char *found = NULL;
	json_t *value;

	if (!json_is_object(schema) || depth > SCHEMA_DEPTH_MAX)
		return "a schema that is no object or too deep";
	json_object_foreach((json_t *) schema, key, value)
	{
		if (!is_one_of(key, keywords, sizeof(keywords) / sizeof(keywords[0])))
			return key;
	}
	found = unsupported_type(json_object_get(schema, "type"));
	value = json_object_get(schema, "additionalProperties");
	if (found == NULL && value && !json_is_boolean(value))
		found = unsupported_at(value, depth + 1);
	value = json_object_get(schema, "items");
	if (found == NULL && value)
		found = unsupported_at(value, depth + 1);
	json_object_foreach(json_object_get(schema, "properties"), key, value)
	{
		if (found == NULL)
			found = unsupported_at(value, depth + 1);
	}
	return found;
}

const char *
schema_unsupported(const json_t *schema)
{
	return unsupported_at(schema, 0);
}

/* ------------------------------------------------------------------ checking a value */

static bool
wrong(VcError *error, const char *path, const char *format, const char *expected)
{
	char message[PATH_MAX_SIZE + 200];
	char said[160];

	snprintf(said, sizeof(said), format, expected);
	snprintf(message, sizeof(message), "%s %s", path, said);
	vc_error_set(error, "22023", message, NULL, NULL);
	return false;
}

static bool
is_of_type(const json_t *value, const char *type)
{
	double ignored;

	switch (json_typeof(value))
	{
		case JSON_NULL:
			return strcmp(type, "null") == 0;
		case JSON_TRUE:
		case JSON_FALSE:
			return strcmp(type, "boolean") == 0;
		case JSON_OBJECT:
			return strcmp(type, "object") == 0;
		case JSON_ARRAY:
			return strcmp(type, "array") == 0;
		case JSON_STRING:
			return strcmp(type, "string") == 0;
		case JSON_INTEGER:
			return strcmp(type, "integer") == 0 || strcmp(type, "number") == 0;
		case JSON_REAL:
			/* 5.0 is an integer in JSON Schema */
			return strcmp(type, "number") == 0 ||
				   (strcmp(type, "integer") == 0 && modf(json_real_value(value), &ignored) == 0);
	}
	return false;
}

static bool
check_type(const json_t *type, const json_t *value, const char *path, VcError *error)
{
	size_t i;
	json_t *one;
	char *text;

	if (type == NULL)
		return true;
	if (json_is_string(type))
		return is_of_type(value, json_string_value(type)) ||
			   wrong(error, path, "must be of type %s", json_string_value(type));
	json_array_foreach(type, i, one)
	{
		if (is_of_type(value, json_string_value(one)))
			return true;
	}
	text = json_dumps(type, JSON_COMPACT);
	wrong(error, path, "must be of one of the types %s", text ? text : "");
	free(text);
	return false;
}

static bool
check_enum(const json_t *list, const json_t *value, const char *path, VcError *error)
{
	size_t i;
	json_t *one;
	char *text;

	if (!json_is_array(list))
		return true;
	json_array_foreach(list, i, one)
	{
		if (json_equal(one, (json_t *) value))
			return true;
	}
	text = json_dumps(list, JSON_COMPACT);
	wrong(error, path, "must be one of %s", text ? text : "");
	free(text);
	return false;
}

/* Characters, not bytes. */
static double
text_length(const json_t *value)
{
	double length = 0;

	for (const char *c = json_string_value(value); *c; c++)
		length += (*c & 0xC0) != 0x80;
	return length;
}

static bool
check_bounds(const json_t *schema, const char *least, const char *most, double size,
			 const char *path, const char *what, VcError *error)
{
	json_t *minimum = json_object_get(schema, least);
	json_t *maximum = json_object_get(schema, most);
	char said[160];

	if (json_is_number(minimum) && size < json_number_value(minimum))
	{
		snprintf(said, sizeof(said), "must be at least %.15g%s", json_number_value(minimum), what);
		return wrong(error, path, "%s", said);
	}
	if (json_is_number(maximum) && size > json_number_value(maximum))
	{
		snprintf(said, sizeof(said), "must be at most %.15g%s", json_number_value(maximum), what);
		return wrong(error, path, "%s", said);
	}
	return true;
}

static bool
check_size(const json_t *schema, const json_t *value, const char *path, VcError *error)
{
	if (json_is_number(value))
		return check_bounds(schema, "minimum", "maximum", json_number_value(value), path, "",
							error);
	if (json_is_string(value))
		return check_bounds(schema, "minLength", "maxLength", text_length(value), path,
							" characters long", error);
	if (json_is_array(value))
		return check_bounds(schema, "minItems", "maxItems", (double) json_array_size(value), path,
							" items long", error);
	return true;
}

static bool check_at(const json_t *schema, const json_t *value, const char *path, int depth,
					 VcError *error);

static char *
names_of(const json_t *properties)
{
	char *text = strdup("allowed are:");
	const char *key;
	json_t *value;

	json_object_foreach((json_t *) properties, key, value)
	{
		char *longer = NULL;

		if (text && asprintf(&longer, "%s \"%s\"", text, key) < 0)
			longer = NULL;
		free(text);
		text = longer;
	}
	return text;
}

static bool
check_members(const json_t *schema, const json_t *value, const char *path, int depth,
			  VcError *error)
{
	const json_t *properties = json_object_get(schema, "properties");
	json_t *required = json_object_get(schema, "required");
	json_t *one;
	const char *key;
	size_t i;

	json_array_foreach(required, i, one)
	{
		if (json_object_get(value, json_string_value(one)) == NULL)
			return wrong(error, path, "must have \"%.100s\"", json_string_value(one));
	}
	json_object_foreach((json_t *) value, key, one)
	{
		json_t *property = json_object_get(properties, key);
		char below[PATH_MAX_SIZE];

		if (property == NULL)
			property = json_object_get(schema, "additionalProperties");
		if (json_is_false(property))
		{
			wrong(error, path, "cannot have \"%.100s\"", key);
			error->detail = names_of(properties);
			return false;
		}
		snprintf(below, sizeof(below), "%s.%s", path, key);
		if (json_is_object(property) && !check_at(property, one, below, depth + 1, error))
			return false;
	}
	return true;
}

static bool
check_at(const json_t *schema, const json_t *value, const char *path, int depth, VcError *error)
{
	const json_t *items = json_object_get(schema, "items");
	json_t *one;
	size_t i;

	if (depth > SCHEMA_DEPTH_MAX)
		return wrong(error, path, "%s", "is too deep");
	if (!check_type(json_object_get(schema, "type"), value, path, error) ||
		!check_enum(json_object_get(schema, "enum"), value, path, error) ||
		!check_size(schema, value, path, error))
		return false;
	if (json_is_object(value))
		return check_members(schema, value, path, depth, error);
	if (items == NULL)
		return true;
	json_array_foreach((json_t *) value, i, one)
	{
		char below[PATH_MAX_SIZE];

		snprintf(below, sizeof(below), "%s[%zu]", path, i);
		if (!check_at(items, one, below, depth + 1, error))
			return false;
	}
	return true;
}

bool
schema_validate(const json_t *schema, const json_t *value, VcError *error)
{
	return check_at(schema, value, "arguments", 0, error);
}

/* ------------------------------------------------------------------ results */

/* The members of vc_error_json(). */
static json_t *
error_schema(void)
{
	return json_pack(
		"{s:s, s:s, s:{s:{s:s, s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s, s:s}, s:{s:s}}, s:[s,s]}",
		"type", "object", "description", "what went wrong; instead of the other members",
		"properties", "code", "type", "string", "description", "SQLSTATE", "message", "type",
		"string", "detail", "type", "string", "hint", "type", "string", "line", "type", "integer",
		"description", "where in the argument \"sql\", from 1", "column", "type", "integer",
		"required", "code", "message");
}

json_t *
schema_of_result(const json_t *output_schema, bool is_set)
{
	json_t *schema = json_deep_copy(output_schema);
	json_t *properties = json_object_get(schema, "properties");
	json_t *required = json_object_get(schema, "required");

	if (properties == NULL)
	{
		properties = json_object();
		json_object_set_new(schema, "properties", properties);
	}
	if (is_set && json_object_get(properties, "truncated") == NULL)
		json_object_set_new(properties, "truncated",
							json_pack("{s:s, s:s}", "type", "boolean", "description",
									  "true: there were more than one answer may hold"));
	json_object_set_new(properties, "error", error_schema());
	if (json_array_size(required) > 0)
	{
		json_object_set_new(schema, "anyOf",
							json_pack("[{s:O}, {s:[s]}]", "required", required, "required",
									  "error"));
		json_object_del(schema, "required");
	}
	return schema;
}
