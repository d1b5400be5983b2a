/*
 * guard.c
 *	  What is refused before anything is routed.
 *
 * MHD takes a request apart leniently: it believes the first of several Content-Lengths,
 * prefers Transfer-Encoding to one, and then reads the tail as the next request.  A proxy
 * before us that decides the other way could be made to carry a second, hidden request.
 * So everything that two programs could read differently is an error here, and ends
 * the connection.
 *
 * Host is checked because a page of another name whose address was changed to ours (DNS
 * rebinding) is "same origin" for its browser; an address cannot be changed so, only
 * names are compared.
 */
#include "gateway/src/config.h"
#include "gateway/src/exchange.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum
{
	LINE_END = 2 /* bytes of CR LF */
};

/* Is it an MHD that must be looked after? */
static bool must_measure;

static __attribute__((constructor)) void
look_at_version(void)
{
	must_measure = strncmp(MHD_get_version(), "0.", 2) == 0;
}

typedef struct Headers
{
	int count;
	size_t size;
	int single[8]; /* how often each of single_headers came */
	const char *fault;
	const char *first; /* name */
	const char *end;   /* of the last value */
} Headers;

/* At most one each: of two, somebody believes the other one. */
static const char *const single_headers[] = {"host",   "content-length", "transfer-encoding",
											 "origin", "authorization",	 "content-type",
											 "cookie", "expect"};

static bool
refuse(VgRequest *request, int status, const char *sqlstate, const char *message, const char *hint)
{
	vg_reply_refuse(&request->reply, status, sqlstate, message, hint);
	request->reply.must_close = true;
	return false;
}

static bool
refuse_request(VgRequest *request, const char *message)
{
	return refuse(request, MHD_HTTP_BAD_REQUEST, "08P01", message, NULL);
}

static bool
is_token(const char *name, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!isalnum((unsigned char) name[i]) &&
			(name[i] == '\0' || strchr("!#$%&'*+-.^_`|~", name[i]) == NULL))
			return false;
	return size > 0;
}

static bool
is_value(const char *value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((unsigned char) value[i] < 0x20 ? value[i] != '\t' : value[i] == 0x7F)
			return false;
	return true;
}

static enum MHD_Result
look_at_header(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_size,
			   const char *value, size_t value_size)
{
	Headers *headers = arg;

	if (headers->first == NULL)
		headers->first = name;
	else if (must_measure && name != headers->end + LINE_END)
		headers->fault = "the headers are malformed";
	headers->end = value + value_size;
	headers->count++;
	headers->size += name_size + value_size + 4;
	if (!is_token(name, name_size))
		headers->fault = "the name of a header is malformed";
	else if (!is_value(value, value_size))
		headers->fault = "the value of a header is malformed";
	for (int i = 0; i < 8; i++)
		if (strcasecmp(name, single_headers[i]) == 0 && ++headers->single[i] > 1)
			headers->fault = "a header came twice that may come once";
	return MHD_YES;
}

/* Is the head of the request what we were shown of it, and nothing else? */
static bool
fills_head(const VgRequest *request, const char *version, const Headers *headers)
{
	const union MHD_ConnectionInfo
		*info = MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	size_t method = strlen(request->is_head ? "HEAD" : request->method);
	size_t line = method + 1 + strlen(request->target) + 1 + strlen(version) + LINE_END;

	return info && info->header_size == line + (headers->end - headers->first) + 2 * LINE_END;
}

static bool
check_headers(VgRequest *request, const char *version)
{
	Headers headers = {0};

	MHD_get_connection_values_n(request->mhd, MHD_HEADER_KIND, look_at_header, &headers);
	if (headers.count > vg_config->header_count_max ||
		headers.size + strlen(request->target) > (size_t) vg_config->header_size_max)
		return refuse(request, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "54000",
					  "the request's headers are too large",
					  "The limits are header_size_max and header_count_max.");
	if (headers.fault)
		return refuse_request(request, headers.fault);
	if (must_measure && headers.first && !fills_head(request, version, &headers))
		return refuse_request(request, "the request's head is malformed");
	return true;
}

/* How long the body is must be beyond doubt. */
static bool
check_framing(VgRequest *request)
{
	const char *length = vg_request_header(request, "Content-Length");
	const char *coding = vg_request_header(request, "Transfer-Encoding");
	const char *expect = vg_request_header(request, "Expect");
	bool takes_body = strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0 ||
					  strcmp(request->method, "PATCH") == 0 ||
					  strcmp(request->method, "DELETE") == 0;

	if (length && coding)
		return refuse_request(request, "Content-Length and Transfer-Encoding exclude each other");
	if (coding && strcasecmp(coding, "chunked") != 0)
		return refuse(request, MHD_HTTP_NOT_IMPLEMENTED, "0A000",
					  "the only Transfer-Encoding is chunked", NULL);
	if (length && (*length == '\0' || strspn(length, "0123456789") != strlen(length)))
		return refuse_request(request, "Content-Length is malformed");
	if (!takes_body && (coding || (length && strspn(length, "0") != strlen(length))))
		return refuse_request(request, "a request of this method has no body");
	/* 19 digits overflow nothing below */
	if (length && (strlen(length) > 18 || atoll(length) > vg_config->body_size_max))
		return refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, "54000",
					  "the request's body is too large", "The limit is body_size_max.");
	if (expect && strcasecmp(expect, "100-continue") != 0)
		return refuse(request, MHD_HTTP_EXPECTATION_FAILED, "0A000",
					  "the only expectation is 100-continue", NULL);
	return true;
}

/* The host of "host:port", "[v6]:port"; false when it is malformed. */
static bool
split_host(const char *text, char *host, size_t size)
{
	size_t start = *text == '[';
	size_t length = start ? strcspn(text + 1, "]") : strcspn(text, ":");
	const char *rest = text + start + length;

	if (length == 0 || length >= size || (start && *rest++ != ']'))
		return false;
	memcpy(host, text + start, length);
	host[length] = '\0';
	if (host[length - 1] == '.' && length > 1)
		host[length - 1] = '\0';
	return *rest == '\0' || (*rest == ':' && strlen(rest) <= 6 &&
							 strspn(rest + 1, "0123456789") == strlen(rest + 1));
}

static bool
check_host(VgRequest *request)
{
	const char *text = vg_request_header(request, "Host");
	char host[256];
	char address[sizeof(struct in6_addr)];

	if (text == NULL)
		return refuse_request(request, "the header Host is missing");
	if (!split_host(text, host, sizeof(host)))
		return refuse_request(request, "the header Host is malformed");
	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1 ||
		strcasecmp(host, "localhost") == 0 || vg_config_list_has(vg_config->hosts, host))
		return true;
	return refuse(request, MHD_HTTP_MISDIRECTED_REQUEST, "28000",
				  "this gateway does not answer to that name",
				  "Add the name to the gateway's setting hosts.");
}

/* Is this origin the page that we serve ourselves?  The scheme is the proxy's matter. */
static bool
is_own_origin(const VgRequest *request, const char *origin)
{
	const char *host = strstr(origin, "://");
	size_t scheme = host ? host - origin : 0;

	return host &&
		   ((scheme == 4 && strncasecmp(origin, "http", 4) == 0) ||
			(scheme == 5 && strncasecmp(origin, "https", 5) == 0)) &&
		   strcasecmp(host + 3, vg_request_header(request, "Host")) == 0;
}

/*
 * Browsers say which page asks.  Programs say nothing, and cannot be made to act for
 * somebody else by a page.
 */
static bool
check_origin(VgRequest *request)
{
	const char *origin = vg_request_header(request, "Origin");
	const char *site = vg_request_header(request, "Sec-Fetch-Site");
	bool changes = strcmp(request->method, "GET") != 0 && strcmp(request->method, "OPTIONS") != 0;

	if (origin && is_own_origin(request, origin))
		return true;
	if (origin && vg_config_list_has(vg_config->cors_origin, origin))
	{
		request->allowed_origin = origin;
		return true;
	}
	if (origin == NULL &&
		!(changes && site && strcasecmp(site, "same-origin") != 0 && strcasecmp(site, "none") != 0))
		return true;
	return refuse(request, MHD_HTTP_FORBIDDEN, "42501", "pages of that origin may not ask here",
				  "Add the origin to the gateway's setting cors_origin.");
}

bool
vg_guard_check(VgRequest *request, const char *version)
{
	if (strlen(request->target) > (size_t) vg_config->target_size_max)
		return refuse(request, MHD_HTTP_URI_TOO_LONG, "54000", "the request's target is too long",
					  "The limit is target_size_max.");
	return check_headers(request, version) && check_framing(request) && check_host(request) &&
		   check_origin(request);
}
