/*
 * sign.c
 *	  base64(JSON) "." hex(HMAC-SHA256), of FIPS 180-4 and RFC 2104.
 *
 * Our own 60 lines of SHA-256, because neither libpq nor jansson has one and a library of
 * cryptography would be a heavy guest in a command line.  The purpose and the time of
 * expiry are part of what is signed.
 */
#include "common/mcp/sign.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/mcp/base64.h"
#include "common/mcp/mcp.h"

enum
{
	BLOCK = 64,
	DIGEST = 32
};

static const uint32_t constants[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b,
									   0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
									   0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7,
									   0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
									   0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152,
									   0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
									   0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
									   0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
									   0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
									   0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
									   0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
									   0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
									   0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t
rotate(uint32_t word, int bits)
{
	return word >> bits | word << (32 - bits);
}

static void
mix(uint32_t *hash, const unsigned char *block)
{
	uint32_t w[64];
	uint32_t s[8];

	memcpy(s, hash, sizeof(s));
	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t) block[4 * i] << 24 | (uint32_t) block[4 * i + 1] << 16 |
			   (uint32_t) block[4 * i + 2] << 8 | block[4 * i + 3];
	for (int i = 16; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] +
			   (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
			   (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
	for (int i = 0; i < 64; i++)
	{
		uint32_t one = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
					   ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[i] + w[i];
		uint32_t two = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
					   ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

		memmove(s + 1, s, 7 * sizeof(s[0]));
		s[4] += one;
		s[0] = one + two;
	}
	for (int i = 0; i < 8; i++)
		hash[i] += s[i];
}

/* The hash of first (of BLOCK bytes) followed by data. */
static void
hash_two(const unsigned char *first, const void *data, size_t size, unsigned char *digest)
{
	uint32_t hash[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
						0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	unsigned char last[2 * BLOCK] = {0};
	size_t rest = size % BLOCK;
	size_t last_size = rest + 9 <= BLOCK ? BLOCK : 2 * BLOCK;
	uint64_t bits = (uint64_t) (BLOCK + size) * 8;

	mix(hash, first);
	for (size_t i = 0; i + BLOCK <= size; i += BLOCK)
		mix(hash, (const unsigned char *) data + i);
	memcpy(last, (const unsigned char *) data + size - rest, rest);
	last[rest] = 0x80;
	for (int i = 0; i < 8; i++)
		last[last_size - 1 - i] = (unsigned char) (bits >> (8 * i));
	for (size_t i = 0; i < last_size; i += BLOCK)
		mix(hash, last + i);
	for (int i = 0; i < DIGEST; i++)
		digest[i] = (unsigned char) (hash[i / 4] >> (24 - 8 * (i % 4)));
}

static void
hmac(const unsigned char *key, const char *text, char *hex)
{
	unsigned char inner[BLOCK];
	unsigned char outer[BLOCK];
	unsigned char digest[DIGEST];

	for (int i = 0; i < BLOCK; i++)
	{
		inner[i] = (i < VC_MCP_KEY_SIZE ? key[i] : 0) ^ 0x36;
		outer[i] = (i < VC_MCP_KEY_SIZE ? key[i] : 0) ^ 0x5c;
	}
	hash_two(inner, text, strlen(text), digest);
	hash_two(outer, digest, DIGEST, digest);
	for (int i = 0; i < DIGEST; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

char *
sign_seal(const unsigned char *key, const char *purpose, json_t *state, int seconds_max)
{
	json_t *object = json_pack("{s:s, s:I, s:O}", "for", purpose, "until",
							   (json_int_t) (time(NULL) + seconds_max), "state", state);
	char *json = json_dumps(object, JSON_COMPACT);
	char *body = json ? base64_encode(json, strlen(json)) : NULL;
	char *text = NULL;
	char hex[2 * DIGEST + 1];

	if (body && key)
	{
		hmac(key, body, hex);
		if (asprintf(&text, "%s.%s", body, hex) < 0)
			text = NULL;
	}
	free(body);
	free(json);
	json_decref(object);
	return text;
}

/* In a time that does not tell where they differ. */
static bool
is_equal(const char *a, const char *b)
{
	unsigned char difference = strlen(a) != strlen(b);

	for (size_t i = 0; a[i] && b[i]; i++)
		difference |= (unsigned char) (a[i] ^ b[i]);
	return difference == 0;
}

json_t *
sign_open(const unsigned char *key, const char *purpose, const char *text)
{
	const char *dot = text ? strrchr(text, '.') : NULL;
	char *body = dot ? strndup(text, (size_t) (dot - text)) : NULL;
	char hex[2 * DIGEST + 1];
	char *json = NULL;
	json_t *object;
	json_t *state = NULL;
	const char *meant_for;

	if (body && key)
	{
		hmac(key, body, hex);
		if (is_equal(hex, dot + 1))
			json = base64_decode(body, strlen(body));
	}
	object = json ? json_loads(json, 0, NULL) : NULL;
	meant_for = json_string_value(json_object_get(object, "for"));
	if (meant_for && strcmp(meant_for, purpose) == 0 &&
		json_integer_value(json_object_get(object, "until")) >= (json_int_t) time(NULL))
		state = json_incref(json_object_get(object, "state"));
	json_decref(object);
	free(json);
	free(body);
	return state;
}
