/*
 * request.c
 *	  What handlers may ask of a request.
 */
#include "gateway/src/request.h"

#include "gateway/src/config.h"
#include "gateway/src/exchange.h"
#include "gateway/src/pool.h"

#include <stdlib.h>
#include <string.h>

const char *
vg_request_method(const VgRequest *request)
{
	return request->method;
}

const char *
vg_request_path(const VgRequest *request)
{
	return request->path;
}

const char *
vg_request_header(const VgRequest *request, const char *name)
{
	return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

typedef struct Search
{
	const char *name;
	const char *word;
	int found;
} Search;

static enum MHD_Result
count_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	Search *search = arg;

	if (strcasecmp(name, search->name) == 0 &&
		(search->word == NULL || (value && vg_config_list_has(value, search->word))))
		search->found++;
	return MHD_YES;
}

bool
vg_request_header_has(const VgRequest *request, const char *name, const char *word)
{
	Search search = {name, word, 0};

	MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, count_header, &search);
	return search.found > 0;
}

int
vg_request_header_count(const VgRequest *request, const char *name)
{
	Search search = {name, NULL, 0};

	MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, count_header, &search);
	return search.found;
}

static const char *
find(const VgPair *pairs, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(pairs[i].name, name) == 0)
			return pairs[i].value;
	return NULL;
}

const char *
vg_request_path_parameter(const VgRequest *request, const char *name)
{
	return find(request->match.parameters, request->match.parameter_count, name);
}

const char *
vg_request_query_parameter(const VgRequest *request, const char *name)
{
	return find(request->parameters, request->parameter_count, name);
}

const char *
vg_request_body(const VgRequest *request, size_t *size)
{
	*size = request->body.size;
	return request->body.bytes ? request->body.bytes : "";
}

VgUser *
vg_request_user(const VgRequest *request)
{
	return request->user;
}

const char *
vg_request_id(const VgRequest *request)
{
	return request->id;
}

const char *
vg_request_address(const VgRequest *request)
{
	return request->address;
}

/*
 * Taking the connection away waits for a cancel that is on its way (the watcher holds the
 * lock while it sends one), so that it can never hit the connection's next request.
 */
void
vg_request_set_connection(VgRequest *request, PGconn *conn)
{
	PGcancel *cancel = conn ? PQgetCancel(conn) : NULL;
	PGcancel *old;

	pthread_mutex_lock(&request->lock);
	old = request->cancel;
	request->cancel = cancel;
	pthread_mutex_unlock(&request->lock);
	PQfreeCancel(old);
}

bool
vg_request_is_abandoned(const VgRequest *request)
{
	VgRequest *shared = (VgRequest *) request;
	bool is_abandoned;

	pthread_mutex_lock(&shared->lock);
	is_abandoned = shared->is_abandoned;
	pthread_mutex_unlock(&shared->lock);
	return is_abandoned;
}

static void
free_pairs(VgPair *pairs, int count)
{
	for (int i = 0; i < count; i++)
	{
		free(pairs[i].name);
		free(pairs[i].value);
	}
}

void
vg_exchange_free(VgRequest *request)
{
	if (request->response)
		MHD_destroy_response(request->response);
	vg_reply_clear(&request->reply);
	free_pairs(request->parameters, request->parameter_count);
	free_pairs(request->match.parameters, request->match.parameter_count);
	if (request->match.table)
		vg_route_table_release(request->match.table);
	if (request->user)
		vg_user_release(request->user);
	for (int i = 0; i < request->part_count; i++)
		free(request->parts[i]);
	/* it may hold a password */
	if (request->body.bytes)
		explicit_bzero(request->body.bytes, request->body.size);
	free(request->body.bytes);
	free(request->path);
	free(request->target);
	PQfreeCancel(request->cancel);
	pthread_mutex_destroy(&request->lock);
	free(request);
}
