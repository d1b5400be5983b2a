/*
 * sign.h
 *	  State that travels through the client and comes back as it was.
 *
 * Internal to common/mcp.
 */
#pragma once

#include <jansson.h>

/*
 * A text of a JSON value, for free(), that only sign_open() with the same key (of
 * VC_MCP_KEY_SIZE bytes) and purpose turns back.  Readable, but not changeable.
 */
extern char *sign_seal(const unsigned char *key, const char *purpose, json_t *state,
					   int seconds_max);

/* The value, owned by the caller; NULL: not ours, changed, of another purpose or too old.  text
 * may be NULL. */
extern json_t *sign_open(const unsigned char *key, const char *purpose, const char *text);
