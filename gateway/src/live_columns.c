/*
 * live_columns.c
 *	  Columns, and a cache of the names of their types.
 *
 * libpq knows types by object id; their names are in the catalog, and the connection is
 * busy with the query.  So the first query with a type asks on another connection, and
 * later ones find the name here.  Only built-in types are kept: names of the others may
 * change and cost a query each time.
 */
#include "gateway/src/live_columns.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_NORMAL_OID 16384 /* as in PostgreSQL: below are built-in types */
#define CACHE_SIZE 256		   /* entries; a newer one takes an older one's place */

typedef struct CachedName
{
	Oid type;
	int modifier;
	char *name;
} CachedName;

static CachedName cache[CACHE_SIZE];

static CachedName *
cache_slot(Oid type, int modifier)
{
	return &cache[(type * 31u + (unsigned) modifier) % CACHE_SIZE];
}

static const char *
cached_name(Oid type, int modifier)
{
	const CachedName *slot = cache_slot(type, modifier);

	return slot->name && slot->type == type && slot->modifier == modifier ? slot->name : NULL;
}

void
vg_live_columns_clear(VgLiveColumns *columns)
{
	for (int i = 0; i < columns->count; i++)
		free(columns->names[i]);
	free(columns->types);
	free(columns->modifiers);
	free(columns->names);
	free(columns->encodings);
	memset(columns, 0, sizeof(*columns));
}

bool
vg_live_columns_set(VgLiveColumns *columns, const PGresult *result)
{
	int count = PQnfields(result);
	bool all_known = true;

	vg_live_columns_clear(columns);
	columns->types = vg_alloc(count * sizeof(Oid));
	columns->modifiers = vg_alloc(count * sizeof(int));
	columns->names = vg_alloc(count * sizeof(char *));
	columns->encodings = vg_alloc(count * sizeof(VgEncoding));
	columns->count = count;
	for (int i = 0; i < count; i++)
	{
		columns->types[i] = PQftype(result, i);
		columns->modifiers[i] = PQfmod(result, i);
		columns->encodings[i] = vg_live_encoding(columns->types[i]);
		columns->names[i] = vg_copy(cached_name(columns->types[i], columns->modifiers[i]));
		all_known = all_known && columns->names[i];
	}
	return all_known;
}

void
vg_live_columns_keep(const VgLiveColumns *columns)
{
	for (int i = 0; i < columns->count; i++)
	{
		CachedName *slot = cache_slot(columns->types[i], columns->modifiers[i]);

		if (columns->types[i] >= FIRST_NORMAL_OID)
			continue;
		free(slot->name);
		slot->type = columns->types[i];
		slot->modifier = columns->modifiers[i];
		slot->name = vg_copy(columns->names[i]);
	}
}

void
vg_live_columns_frame(VgText *out, const VgLiveColumns *columns, const PGresult *result)
{
	vg_text_add(out, "{\"type\":\"columns\",\"columns\":[");
	for (int i = 0; i < columns->count; i++)
	{
		const char *label = PQfname(result, i);

		vg_text_add(out, i > 0 ? ",{\"name\":" : "{\"name\":");
		vg_live_append_string(out, label, strlen(label));
		vg_text_add(out, ",\"type\":");
		vg_live_append_string(out, columns->names[i], strlen(columns->names[i]));
		vg_text_add(out, "}");
	}
	vg_text_add(out, "]}");
}
