/*
 * request.c
 *	  velo.request: what the gateway says about the request that is being served.
 *
 * The gateway sets velo.request in each transaction.  Anybody may set that setting, so
 * it counts only if it carries the gateway's signature:
 *
 *	v1.<JSON in base64url>.<HMAC-SHA256 of all before this dot, in hex>
 *
 * The key is in a file that only the gateway and the server can read.  The JSON names the
 * backend it was made for and when, so that what a user has seen in a session of his own
 * is worth nothing in another.  Whatever is wrong makes NULL and never an error: it is
 * the same as if there were no gateway, and an error would tell a forger what to mend.
 */
#include "postgres.h"

#include <common/base64.h>
#include <common/cryptohash.h>
#include <common/hmac.h>
#include <common/sha2.h>
#include <fcntl.h>
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <storage/fd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utils/builtins.h>
#include <utils/fmgrprotos.h>
#include <utils/jsonb.h>
#include <utils/numeric.h>
#include <utils/timestamp.h>

#include "base/function.h"
#include "base/setting.h"
#include "base/try.h"

#define REQUEST_PREFIX "v1."
#define REQUEST_BYTES_MAX 4096 /* of the setting: it holds four short values */
#define KEY_BYTES_MIN 32	   /* as many as the signature has */
#define KEY_BYTES_MAX 1024
/* How far the clocks of gateway and server may be apart. */
#define REQUEST_SKEW_US (5 * USECS_PER_SEC)

static char *request = NULL;

static const VeloSetting request_setting = {
	.name = "velo.request",
	.description = "Set by the gateway for each request, and signed; see velo.request().",
	.type = VELO_SETTING_STRING,
	.variable = &request,
	.boot_string = "",
	.context = PGC_USERSET,
	.flags = GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
};
VELO_SETTING(request_setting);

static char *request_key_file = NULL;

static const VeloSetting key_file_setting = {
	.name = "velo.request_key_file",
	.description =
		"File with the key, of at least 32 bytes, by which the gateway signs velo.request; "
		"only the server's user may be able to read it.",
	.type = VELO_SETTING_STRING,
	.variable = &request_key_file,
	.boot_string = "",
	.context = PGC_SIGHUP,
	.flags = GUC_SUPERUSER_ONLY,
};
VELO_SETTING(key_file_setting);

/* --- the key ------------------------------------------------------------------------------ */

/*
 * Reads the key without the white space at the end, which an editor or echo leaves;
 * returns its length, 0 if there is none that can be relied on.  It is read each time,
 * for it may be changed.
 */
static int
read_key(uint8 *key)
{
	struct stat status;
	int length = 0;
	int file;

	if (request_key_file == NULL || request_key_file[0] == '\0')
		return 0;
	file = OpenTransientFile(request_key_file, O_RDONLY | PG_BINARY);
	if (file < 0)
		return 0;
	/* A key that others can read or change proves nothing. */
	if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
		(status.st_mode & (S_IWGRP | S_IRWXO)) == 0 && status.st_size <= KEY_BYTES_MAX)
		length = read(file, key, KEY_BYTES_MAX);
	(void) CloseTransientFile(file);
	while (length > 0 && isspace(key[length - 1]))
		length--;
	return length >= KEY_BYTES_MIN ? length : 0;
}

/* --- the signature -------------------------------------------------------------------------- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool
read_signature(const char *text, uint8 *signature)
{
	if (strlen(text) != 2 * PG_SHA256_DIGEST_LENGTH)
		return false;
	for (int i = 0; i < PG_SHA256_DIGEST_LENGTH; i++)
	{
		int high = hex_digit(text[2 * i]);
		int low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		signature[i] = high << 4 | low;
	}
	return true;
}

static bool
sign(const uint8 *key, int key_length, const char *text, int length, uint8 *signature)
{
	pg_hmac_ctx *hmac = pg_hmac_create(PG_SHA256);
	bool is_made;

	if (hmac == NULL)
		return false;
	is_made = pg_hmac_init(hmac, key, key_length) >= 0 &&
			  pg_hmac_update(hmac, (const uint8 *) text, length) >= 0 &&
			  pg_hmac_final(hmac, signature, PG_SHA256_DIGEST_LENGTH) >= 0;
	pg_hmac_free(hmac);
	return is_made;
}

/* Takes the same time wherever the difference is: time must not tell how much was guessed. */
static bool
is_equal(const uint8 *a, const uint8 *b)
{
	uint8 difference = 0;

	for (int i = 0; i < PG_SHA256_DIGEST_LENGTH; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

static bool
is_signed(const char *text, const char *dot)
{
	uint8 key[KEY_BYTES_MAX];
	uint8 given[PG_SHA256_DIGEST_LENGTH];
	uint8 made[PG_SHA256_DIGEST_LENGTH];
	int key_length = read_key(key);
	bool is_ours = key_length > 0 && read_signature(dot + 1, given) &&
				   sign(key, key_length, text, dot - text, made) && is_equal(given, made);

	explicit_bzero(key, sizeof(key));
	return is_ours;
}

/* --- the content ---------------------------------------------------------------------------- */

/* Base64 in the alphabet of URLs, without padding, to text; NULL if it is none. */
static char *
decode(const char *from, int length)
{
	char *standard = palloc(length + 4);
	char *text;
	int n;

	for (int i = 0; i < length; i++)
	{
		if (from[i] == '+' || from[i] == '/' || from[i] == '=')
			return NULL;
		standard[i] = from[i] == '-' ? '+' : from[i] == '_' ? '/' : from[i];
	}
	while (length % 4 != 0)
		standard[length++] = '=';
	n = pg_b64_dec_len(length);
	text = palloc(n + 1);
	n = pg_b64_decode(standard, length, text, n);
	if (n < 0)
		return NULL;
	text[n] = '\0';
	return strlen(text) == n && pg_verify_mbstr(PG_UTF8, text, n, true) ? text : NULL;
}

typedef struct Content
{
	char *text;
	Datum jsonb;
	bool is_for_us;
} Content;

/* When it was signed: RFC 3339, or seconds since 1970. */
static TimestampTz
signed_at(Jsonb *jsonb)
{
	JsonbValue buffer;
	JsonbValue *at = getKeyJsonValueFromContainer(&jsonb->root, "at", 2, &buffer);

	if (at && at->type == jbvNumeric)
		return time_t_to_timestamptz((pg_time_t) DatumGetInt64(
			DirectFunctionCall1(numeric_int8, NumericGetDatum(at->val.numeric))));
	if (at && at->type == jbvString)
		return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in,
													   CStringGetDatum(pnstrdup(at->val.string.val,
																				at->val.string
																					.len)),
													   ObjectIdGetDatum(InvalidOid),
													   Int32GetDatum(-1)));
	return DT_NOBEGIN;
}

static bool
is_for_this_backend(Jsonb *jsonb)
{
	JsonbValue buffer;
	JsonbValue *pid;

	if (!JB_ROOT_IS_OBJECT(jsonb))
		return false;
	pid = getKeyJsonValueFromContainer(&jsonb->root, "pid", 3, &buffer);
	if (pid == NULL || pid->type != jbvNumeric ||
		DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(pid->val.numeric))) !=
			MyProcPid)
		return false;
	/* A process number comes again: made before we began, it was made for another. */
	return signed_at(jsonb) >= MyStartTimestamp - REQUEST_SKEW_US;
}

static void
read_content(void *arg)
{
	Content *content = arg;

	content->jsonb = DirectFunctionCall1(jsonb_in, CStringGetDatum(content->text));
	content->is_for_us = is_for_this_backend(DatumGetJsonbP(content->jsonb));
}

/* velo.request() → jsonb */
VELO_FUNCTION(velo_request)
{
	const char *dot;
	Content content = {0};
	size_t prefix = strlen(REQUEST_PREFIX);

	if (request == NULL || strlen(request) > REQUEST_BYTES_MAX ||
		strncmp(request, REQUEST_PREFIX, prefix) != 0 || GetDatabaseEncoding() != PG_UTF8)
		PG_RETURN_NULL();
	dot = strchr(request + prefix, '.');
	if (dot == NULL || !is_signed(request, dot))
		PG_RETURN_NULL();
	content.text = decode(request + prefix, dot - request - prefix);
	if (content.text == NULL ||
		velo_base_try(read_content, &content, velo_base_is_data_error) != NULL ||
		!content.is_for_us)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(content.jsonb);
}
