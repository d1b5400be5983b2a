/*
 * template.h
 *	  URI templates: streams://{name}.
 *
 * Internal to common/mcp.  Of RFC 6570 only {name}, which stands for one or more
 * characters but a slash, percent-encoded.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

extern bool template_has_variables(const char *uri_template);

/* {"name": value, …} when the URI fits the template, else NULL.  The caller owns it. */
extern json_t *template_match(const char *uri_template, const char *uri);

/* What stands before {name}, when that is the only variable; for free().  NULL: it is not. */
extern char *template_prefix(const char *uri_template, const char *name);
