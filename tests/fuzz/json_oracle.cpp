/*
 * json_oracle.cpp
 *	  What simdjson says about a JSON text, for json_fuzz.c.
 *
 * Its document parser validates everything, as ours does.
 */
#include "json_oracle.h"

#include <simdjson.h>

#include <cstring>

static simdjson::dom::parser parser;
static simdjson::dom::element document;

extern "C" int
json_oracle_parse(const char *text, size_t length)
{
	/* simdjson reads behind the text, so it gets a padded copy. */
	simdjson::padded_string copy(text, length);

	return parser.parse(copy).get(document) == simdjson::SUCCESS;
}

extern "C" const char *
json_oracle_error(const char *text, size_t length)
{
	simdjson::padded_string copy(text, length);

	return simdjson::error_message(parser.parse(copy).error());
}

/* The last member of that name, as dom::object's own lookup takes the first one. */
static bool
find_last(const char *name, simdjson::dom::element &found)
{
	simdjson::dom::object object;
	bool is_found = false;

	if (document.get_object().get(object) != simdjson::SUCCESS)
		return false;
	for (auto member : object)
	{
		if (member.key == name)
		{
			found = member.value;
			is_found = true;
		}
	}
	return is_found;
}

extern "C" int
json_oracle_field(const char *name, const char **text, size_t *length, double *number)
{
	simdjson::dom::element value;
	std::string_view string;

	if (!find_last(name, value))
		return 'm';
	switch (value.type())
	{
		case simdjson::dom::element_type::ARRAY:
			return '[';
		case simdjson::dom::element_type::OBJECT:
			return '{';
		case simdjson::dom::element_type::STRING:
			string = value.get_string().value();
			*text = string.data();
			*length = string.size();
			return '"';
		case simdjson::dom::element_type::BOOL:
			return value.get_bool().value() ? 't' : 'f';
		case simdjson::dom::element_type::NULL_VALUE:
			return 'n';
		default:
			*number = value.get_double().value();
			return '0';
	}
}

extern "C" int
json_oracle_is_object(void)
{
	return document.is_object();
}
