/*
 * base64.h
 *	  Bytes as text, in the alphabet of RFC 4648 section 4, with padding.
 *
 * Internal to common/mcp.
 */
#pragma once

#include <stddef.h>

/* For free(); NULL: no memory. */
extern char *base64_encode(const void *data, size_t size);

/* The text that was encoded, for free(); NULL: badly written, or it has a zero byte. */
extern char *base64_decode(const char *text, size_t length);
