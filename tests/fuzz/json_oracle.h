/*
 * json_oracle.h
 *	  What simdjson says about a JSON text, for json_fuzz.c.
 */
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C"
{
#endif

	/* Is it JSON?  The questions below are about the text asked for last. */
	extern int json_oracle_parse(const char *text, size_t length);
	extern const char *json_oracle_error(const char *text, size_t length);
	extern int json_oracle_is_object(void);

	/*
	 * The last member of that name of the outermost object: 'm' missing, '{', '[', 't', 'f',
	 * 'n' null, '"' with its resolved text, '0' with its number.
	 */
	extern int json_oracle_field(const char *name, const char **text, size_t *length,
								 double *number);

#ifdef __cplusplus
}
#endif
