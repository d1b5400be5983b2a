/*
 * compress.h
 *	  Content codings.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Does an Accept-Encoding (may be NULL) allow this coding?  "gzip;q=0" does not. */
extern bool vg_accepts_coding(const char *header, const char *coding);

/* The bytes as gzip, for free(); NULL when that is not smaller. */
extern char *vg_gzip(const char *bytes, size_t size, size_t *gzip_size);
