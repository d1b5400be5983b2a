/*
 * sql_route.h
 *	  Routes that are rows of velo.routes.
 *
 * A table of them is read as a whole, never changed, and counted: a request keeps the one
 * that it was matched in while a new one is loaded.
 */
#pragma once

#include "common/error.h"
#include "gateway/src/call.h"
#include "gateway/src/reply.h"
#include "gateway/src/request.h"

#include <libpq-fe.h>
#include <stdbool.h>

typedef struct VgSqlArgument
{
	char *name;
	char *type;
	bool is_required;
} VgSqlArgument;

typedef struct VgSqlRoute
{
	char *method;
	char *path;
	char *function;
	char *content_type;
	VgSqlArgument *arguments;
	int argument_count;
	VgResult result;
	bool is_read_only;
	bool runs_sql;
} VgSqlRoute;

typedef struct VgRouteTable VgRouteTable;

/* Reads velo.routes; NULL: error is set. */
extern VgRouteTable *vg_route_table_read(PGconn *conn, VcError *error);

/* Makes it the current one; takes it over. */
extern void vg_route_table_publish(VgRouteTable *table);

/* The current one, held; NULL before the first was read. */
extern const VgRouteTable *vg_route_table_hold(void);
extern void vg_route_table_release(const VgRouteTable *table);
extern int vg_route_table_size(const VgRouteTable *table);
extern const VgSqlRoute *vg_route_table_at(const VgRouteTable *table, int number);

/* Calls the route's function with what the request brought. */
extern void vg_sql_route_handle(const VgSqlRoute *route, VgRequest *request, VgReply *reply);
