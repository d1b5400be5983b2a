/*
 * random.c
 *	  Randomness, hashes and signatures: all of OpenSSL's libcrypto, which libpq brings.
 */
#include "gateway/src/random.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

void
vg_random(void *bytes, size_t size)
{
	/* Without randomness every session could be guessed. */
	if (RAND_bytes(bytes, (int) size) != 1)
		abort();
}

void
vg_hex(char *text, const unsigned char *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++)
	{
		*text++ = digits[bytes[i] >> 4];
		*text++ = digits[bytes[i] & 15];
	}
	*text = '\0';
}

void
vg_random_hex(char *text, size_t count)
{
	unsigned char bytes[64];

	if (count / 2 > sizeof(bytes))
		abort();
	vg_random(bytes, count / 2);
	vg_hex(text, bytes, count / 2);
}

void
vg_hash(const char *text, unsigned char hash[VG_HASH_SIZE])
{
	if (EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL) != 1)
		abort();
}

void
vg_sign(const char *key, size_t key_size, const char *text, size_t size,
		unsigned char signature[VG_HASH_SIZE])
{
	unsigned int length = VG_HASH_SIZE;

	if (HMAC(EVP_sha256(), key, (int) key_size, (const unsigned char *) text, size, signature,
			 &length) == NULL)
		abort();
}

bool
vg_is_equal(const void *a, const void *b, size_t size)
{
	return CRYPTO_memcmp(a, b, size) == 0;
}

void
vg_base64url(char *text, const unsigned char *bytes, size_t size)
{
	int length = EVP_EncodeBlock((unsigned char *) text, bytes, (int) size);

	while (length > 0 && text[length - 1] == '=')
		text[--length] = '\0';
	for (int i = 0; i < length; i++)
		text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
}
