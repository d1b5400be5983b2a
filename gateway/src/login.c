/*
 * login.c
 *	  Who asks: the session's cookie, a password with the request, or everybody.
 *
 * A browser's own password dialogue is wanted by people with curl and not by our page, so
 * WWW-Authenticate is left out for the page (it sends X-Requested-With).
 */
#include "gateway/src/config.h"
#include "gateway/src/exchange.h"
#include "gateway/src/log.h"
#include "gateway/src/metrics.h"
#include "gateway/src/pool_private.h"
#include "gateway/src/session.h"
#include "gateway/src/throttle.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum
{
	CREDENTIALS_MAX = 2048 /* characters of base64 */
};

static const char cookie_name[] = "velo_session";
static const char page_name[] = "velo-studio";

VG_COUNTER(logins, "velo_gateway_logins_total", "counter", "Sessions begun.");

/* ------------------------------------------------------------ refusing */

static bool
refuse_login(VgRequest *request, const char *sqlstate, const char *message)
{
	VgReply *reply = &request->reply;
	const char *who = vg_request_header(request, "X-Requested-With");

	vg_reply_refuse(reply, MHD_HTTP_UNAUTHORIZED, sqlstate, message,
					"Log in with a user and a password of PostgreSQL.");
	if (who == NULL || strcmp(who, page_name) != 0)
		vg_reply_header(reply, "WWW-Authenticate", "Basic realm=\"velostream\", charset=\"UTF-8\"");
	return false;
}

static bool
refuse_throttled(VgRequest *request, int wait_ms)
{
	char seconds[16];

	snprintf(seconds, sizeof(seconds), "%d", wait_ms / 1000 + 1);
	vg_reply_refuse(&request->reply, MHD_HTTP_TOO_MANY_REQUESTS, "53400",
					"too many failed log-ins from this address",
					"Wait as long as Retry-After says.");
	vg_reply_header(&request->reply, "Retry-After", seconds);
	return false;
}

/* Tries name and password; false: refused, reply filled. */
static bool
check_password(VgRequest *request, const char *name, const char *password)
{
	VcError error = {0};
	int wait = vg_throttle_wait(request->address);

	if (wait > 0)
		return refuse_throttled(request, wait);
	/* libpq would take an empty one for "use the one you have yourself" */
	if (*name && *password)
		request->user = vg_user_login(name, password, &error);
	else
		vc_error_set(&error, "28P01", "log-in failed", NULL, NULL);
	if (request->user == NULL && vg_is_refusal(error.sqlstate))
	{
		vg_throttle_failed(request->address);
		refuse_login(request, "28P01", "log-in failed");
	}
	else if (request->user == NULL)
		vg_reply_error(&request->reply, &error);
	vc_error_clear(&error);
	return request->user != NULL;
}

/* ------------------------------------------------------------ what a request brings */

/* The session's token in a Cookie header, copied; NULL: none, or not one of ours. */
static char *
find_token(const VgRequest *request)
{
	const char *cookies = vg_request_header(request, "Cookie");
	size_t length = strlen(cookie_name);

	while (cookies && *cookies)
	{
		size_t size = strcspn(cookies, ";");

		if (size > length && strncmp(cookies, cookie_name, length) == 0 && cookies[length] == '=')
		{
			size -= length + 1;
			return size == VG_TOKEN_SIZE - 1 ? vg_copy_n(cookies + length + 1, size) : NULL;
		}
		cookies += size;
		cookies += strspn(cookies, "; ");
	}
	return NULL;
}

/* "name:password" of a header Basic; NULL: malformed. */
static char *
decode_basic(const char *header)
{
	size_t length = strlen(header);
	char *text;
	int size;

	if (length == 0 || length > CREDENTIALS_MAX || length % 4 != 0)
		return NULL;
	text = vg_alloc(length / 4 * 3 + 1);
	size = EVP_DecodeBlock((unsigned char *) text, (const unsigned char *) header, (int) length);
	/* OpenSSL counts what padding stands for */
	for (size_t i = length; size > 0 && i > length - 2 && header[i - 1] == '='; i--)
		size--;
	if (size > 0 && memchr(text, '\0', size) == NULL && strchr(text, ':'))
		return text;
	vg_free_secret(text);
	return NULL;
}

static bool
check_basic(VgRequest *request, const char *header)
{
	char *name = decode_basic(header);
	char *password = name ? strchr(name, ':') : NULL;
	bool is_known;

	if (name == NULL)
		return refuse_login(request, "28000", "the header Authorization is malformed");
	*password++ = '\0';
	is_known = check_password(request, name, password);
	explicit_bzero(password, strlen(password));
	free(name);
	return is_known;
}

bool
vg_authenticate(VgRequest *request)
{
	const char *header = vg_request_header(request, "Authorization");
	char *token;

	if (vg_config->auth == VG_AUTH_OPEN)
	{
		request->user = vg_user_open_mode();
		return true;
	}
	if (header && strncasecmp(header, "Basic ", 6) == 0)
		return check_basic(request, header + 6 + strspn(header + 6, " "));
	if (header)
		return refuse_login(request, "28000", "the only kind of Authorization is Basic");
	token = find_token(request);
	if (token)
		request->user = vg_session_find(token);
	if (request->user == NULL)
		refuse_login(request, "28000", token ? "the session has ended" : "a log-in is needed");
	vg_free_secret(token);
	return request->user != NULL;
}

/* ------------------------------------------------------------ the routes */

static void
set_cookie(VgReply *reply, const char *token, int seconds)
{
	char *cookie = vg_format("%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s", cookie_name,
							 token, seconds, vg_config->secure_cookies ? "; Secure" : "");

	vg_reply_header(reply, "Set-Cookie", cookie);
	vg_free_secret(cookie);
}

static void
begin_session(VgRequest *request, VgReply *reply)
{
	char token[VG_TOKEN_SIZE];

	vg_session_begin(request->user, token);
	set_cookie(reply, token, vg_config->session_max_age / 1000);
	explicit_bzero(token, sizeof(token));
	vg_count(&logins, 1);
	vg_reply_json(reply, json_pack("{s:s}", "user", vg_user_name(request->user)));
}

static void
handle_login(VgRequest *request, VgReply *reply)
{
	size_t size;
	const char *body = vg_request_body(request, &size);
	json_t *given = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
	const char *name = json_string_value(json_object_get(given, "user"));
	const char *password = json_string_value(json_object_get(given, "password"));

	if (vg_config->auth == VG_AUTH_OPEN)
	{
		request->user = vg_user_open_mode();
		vg_reply_json(reply, json_pack("{s:s}", "user", vg_user_name(request->user)));
	}
	else if (name == NULL || password == NULL || json_object_size(given) != 2)
		vg_reply_refuse(reply, MHD_HTTP_BAD_REQUEST, "22023",
						"the body must be {\"user\": …, \"password\": …}", NULL);
	else if (check_password(request, name, password))
		begin_session(request, reply);
	json_decref(given);
}

VG_ROUTE(login_route) = {.method = "POST",
						 .path = "/api/login",
						 .access = VG_ACCESS_ANYONE,
						 .handle = handle_login};

static void
handle_logout(VgRequest *request, VgReply *reply)
{
	char *token = find_token(request);

	if (token)
		vg_session_end(token);
	vg_free_secret(token);
	set_cookie(reply, "", 0);
	vg_reply_status(reply, MHD_HTTP_NO_CONTENT);
}

VG_ROUTE(logout_route) = {.method = "POST",
						  .path = "/api/logout",
						  .access = VG_ACCESS_ANYONE,
						  .handle = handle_logout};
