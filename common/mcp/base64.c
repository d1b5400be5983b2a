/*
 * base64.c
 *	  Bytes as text.
 *
 * Strict on the way in: a header that two readers could read differently is worth nothing
 * as a copy of the body.
 */
#include "common/mcp/base64.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *
base64_encode(const void *data, size_t size)
{
	const unsigned char *in = data;
	char *text = malloc((size + 2) / 3 * 4 + 1);
	char *out = text;

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < size; i += 3)
	{
		uint32_t bits = (uint32_t) in[i] << 16;

		if (i + 1 < size)
			bits |= (uint32_t) in[i + 1] << 8;
		if (i + 2 < size)
			bits |= in[i + 2];
		*out++ = alphabet[bits >> 18];
		*out++ = alphabet[bits >> 12 & 63];
		*out++ = i + 1 < size ? alphabet[bits >> 6 & 63] : '=';
		*out++ = i + 2 < size ? alphabet[bits & 63] : '=';
	}
	*out = '\0';
	return text;
}

/* Four characters to at most three bytes; how many, or -1. */
static int
decode_four(const char *text, char *out)
{
	int padding = text[3] != '=' ? 0 : text[2] != '=' ? 1 : 2;
	uint32_t bits = 0;

	for (int i = 0; i < 4; i++)
	{
		const char *found = i < 4 - padding && text[i] ? strchr(alphabet, text[i]) : NULL;

		if (found == NULL && i < 4 - padding)
			return -1;
		bits = bits << 6 | (uint32_t) (found ? found - alphabet : 0);
	}
	/* Bits behind the last byte must be zero. */
	if (bits & ((1U << (8 * padding)) - 1))
		return -1;
	out[0] = (char) (bits >> 16);
	out[1] = (char) (bits >> 8);
	out[2] = (char) bits;
	return 3 - padding;
}

char *
base64_decode(const char *text, size_t length)
{
	char *data = malloc(length / 4 * 3 + 4);
	size_t size = 0;

	if (data == NULL || length % 4 != 0)
	{
		free(data);
		return NULL;
	}
	for (size_t i = 0; i < length; i += 4)
	{
		int count = decode_four(text + i, data + size);

		/* Padding only at the end; no zero byte hides in the text. */
		if (count < 0 || (count < 3 && i + 4 < length) || memchr(data + size, 0, (size_t) count))
		{
			free(data);
			return NULL;
		}
		size += (size_t) count;
	}
	data[size] = '\0';
	return data;
}
