/*
 * random.h
 *	  What nobody can guess, and what is compared without telling where it differs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum
{
	VG_HASH_SIZE = 32 /* bytes of SHA-256 */
};

/* Random bytes of the system; ends the process when it has none. */
extern void vg_random(void *bytes, size_t size);

/* count hexadecimal digits (even) and a zero byte. */
extern void vg_random_hex(char *text, size_t count);

extern void vg_hash(const char *text, unsigned char hash[VG_HASH_SIZE]);

/* HMAC-SHA256 */
extern void vg_sign(const char *key, size_t key_size, const char *text, size_t size,
					unsigned char signature[VG_HASH_SIZE]);

/* In a time that depends on the sizes only. */
extern bool vg_is_equal(const void *a, const void *b, size_t size);

extern void vg_hex(char *text, const unsigned char *bytes, size_t size);
/* size_t of text: 4 * (size / 3 + 1) and a zero byte; in the alphabet of URLs, without padding */
extern void vg_base64url(char *text, const unsigned char *bytes, size_t size);
