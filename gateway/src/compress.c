/*
 * compress.c
 *	  gzip by zlib, and reading Accept-Encoding.
 *
 * The fast level: answers are made once and sent once.
 */
#include "gateway/src/compress.h"

#include "gateway/src/memory.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum
{
	LEVEL = 1,
	WINDOW_GZIP = 15 + 16, /* zlib's way to say "with a gzip header" */
	MEMORY_LEVEL = 8
};

/* The weight behind ";": 0 only if it says q=0, q=0.0, … */
static bool
is_refused(const char *parameters, size_t length)
{
	const char *q = memmem(parameters, length, "q=", 2);

	if (q == NULL)
		return false;
	q += 2;
	return strspn(q, "0.") >= strcspn(q, ",; \t");
}

bool
vg_accepts_coding(const char *header, const char *coding)
{
	size_t wanted = strlen(coding);

	while (header && *header)
	{
		size_t item;
		size_t name;

		header += strspn(header, ", \t");
		item = strcspn(header, ",");
		name = strcspn(header, ";, \t");
		if (name == wanted && strncasecmp(header, coding, wanted) == 0)
			return !is_refused(header + name, item - name);
		header += item;
	}
	return false;
}

char *
vg_gzip(const char *bytes, size_t size, size_t *gzip_size)
{
	z_stream stream = {0};
	char *out;
	int state;

	if (deflateInit2(&stream, LEVEL, Z_DEFLATED, WINDOW_GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
		Z_OK)
		return NULL;
	out = vg_alloc(size);
	stream.next_in = (unsigned char *) bytes;
	stream.avail_in = size;
	stream.next_out = (unsigned char *) out;
	stream.avail_out = size;
	state = deflate(&stream, Z_FINISH);
	*gzip_size = stream.total_out;
	deflateEnd(&stream);
	if (state == Z_STREAM_END)
		return out;
	free(out); /* it would have grown */
	return NULL;
}
