/*
 * schema.h
 *	  The part of JSON Schema that tools' inputs are described with.
 *
 * Internal to common/mcp.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "common/error.h"

/*
 * Does a schema say only what schema_validate() understands?  Returns NULL, or the first
 * keyword or value that it does not; borrowed from the schema.
 */
extern const char *schema_unsupported(const json_t *schema);

/*
 * Checks a value against a supported schema.  False: error (22023) says which value
 * should be what; its detail names what is allowed.
 */
extern bool schema_validate(const json_t *schema, const json_t *value, VcError *error);

/*
 * What a tool's result may be for clients: its output schema, and an "error" in its place
 * (clients check a failed call's structured content by the same schema), and "truncated"
 * when the result is a set that may be cut.  The caller owns it.
 */
extern json_t *schema_of_result(const json_t *output_schema, bool is_set);
