/*
 * route_table.c
 *	  Reading velo.routes, and keeping the current table.
 */
#include "gateway/src/sql_route.h"

#include "gateway/src/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct VgRouteTable
{
	int holders; /* under `lock` */
	int count;
	VgSqlRoute routes[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static VgRouteTable *current;

static const char routes_sql[] = "SELECT coalesce(pg_catalog.json_agg(r ORDER BY r.path, "
								 "r.method), '[]')::pg_catalog.text FROM velo.routes r";

static char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return vg_copy(text ? text : "");
}

static VgResult
result_of(const json_t *object)
{
	const char *name = json_string_value(json_object_get(object, "result"));

	return strcmp(name, "rows") == 0	? VG_RESULT_ROWS
		   : strcmp(name, "row") == 0	? VG_RESULT_ROW
		   : strcmp(name, "value") == 0 ? VG_RESULT_VALUE
										: VG_RESULT_TEXT;
}

static void
fill_route(VgSqlRoute *route, const json_t *row)
{
	json_t *arguments = json_object_get(row, "arguments");
	size_t number;
	json_t *argument;

	route->method = text_of(row, "method");
	route->path = text_of(row, "path");
	route->function = text_of(row, "function");
	route->content_type = text_of(row, "content_type");
	route->result = result_of(row);
	route->is_read_only = json_is_true(json_object_get(row, "read_only"));
	route->runs_sql = json_is_true(json_object_get(row, "runs_sql"));
	route->argument_count = json_array_size(arguments);
	route->arguments = vg_alloc(route->argument_count * sizeof(VgSqlArgument));
	json_array_foreach(arguments, number, argument)
	{
		route->arguments[number].name = text_of(argument, "name");
		route->arguments[number].type = text_of(argument, "type");
		route->arguments[number].is_required = json_is_true(json_object_get(argument, "required"));
	}
}

VgRouteTable *
vg_route_table_read(PGconn *conn, VcError *error)
{
	json_t *rows = vg_query_json(conn, routes_sql, 0, NULL, error);
	VgRouteTable *table;
	size_t number;
	json_t *row;

	if (rows == NULL)
		return NULL;
	table = vg_alloc(sizeof(*table) + json_array_size(rows) * sizeof(VgSqlRoute));
	table->holders = 1;
	table->count = json_array_size(rows);
	json_array_foreach(rows, number, row) fill_route(&table->routes[number], row);
	json_decref(rows);
	return table;
}

static void
free_route(VgSqlRoute *route)
{
	for (int i = 0; i < route->argument_count; i++)
	{
		free(route->arguments[i].name);
		free(route->arguments[i].type);
	}
	free(route->arguments);
	free(route->method);
	free(route->path);
	free(route->function);
	free(route->content_type);
}

void
vg_route_table_publish(VgRouteTable *table)
{
	VgRouteTable *old;

	pthread_mutex_lock(&lock);
	old = current;
	current = table;
	pthread_mutex_unlock(&lock);
	if (old)
		vg_route_table_release(old);
}

const VgRouteTable *
vg_route_table_hold(void)
{
	VgRouteTable *table;

	pthread_mutex_lock(&lock);
	table = current;
	if (table)
		table->holders++;
	pthread_mutex_unlock(&lock);
	return table;
}

void
vg_route_table_release(const VgRouteTable *held)
{
	VgRouteTable *table = (VgRouteTable *) held;
	int holders;

	pthread_mutex_lock(&lock);
	holders = --table->holders;
	pthread_mutex_unlock(&lock);
	if (holders > 0)
		return;
	for (int i = 0; i < table->count; i++)
		free_route(&table->routes[i]);
	free(table);
}

int
vg_route_table_size(const VgRouteTable *table)
{
	return table->count;
}

const VgSqlRoute *
vg_route_table_at(const VgRouteTable *table, int number)
{
	return &table->routes[number];
}
