/*
 * nearest.c
 *	  The name that was probably meant.
 *
 * Names come from the catalog, from earlier statements of the text and from the
 * registered properties; the nearest by edit distance is named in a hint if it is
 * so near that a slip of the keyboard explains it.  Capitals do not count: that a
 * name was folded, or was quoted where it should not be, is the commonest slip.
 */
#include "postgres.h"

#include "plan/plan.h"

#include <catalog/namespace.h>
#include <catalog/pg_collation.h>
#include <mb/pg_wchar.h>
#include <utils/builtins.h>
#include <utils/formatting.h>
#include <utils/lsyscache.h>
#include <utils/varlena.h>

#include "meta/meta.h"

VELO_REGISTRY(option, VeloOption);

/* Longer names cost more than a hint is worth. */
#define LENGTH_MAX 100
/* Streams and jobs looked at. */
#define CANDIDATES_MAX "5000"

static char *
folded(const char *name)
{
	return str_tolower(name, strlen(name), DEFAULT_COLLATION_OID);
}

void
velo_plan_nearest_begin(VeloNearest *nearest, const char *name)
{
	int length = pg_mbstrlen(name);

	nearest->name = length <= LENGTH_MAX ? folded(name) : NULL;
	nearest->best = NULL;
	/* One letter in three may be wrong, and never more than three. */
	nearest->distance = Min(4, (length + 1) / 3 + 1);
}

void
velo_plan_nearest_offer(VeloNearest *nearest, const char *candidate, const char *shown)
{
	char *other;
	int distance;

	if (nearest->name == NULL || pg_mbstrlen(candidate) > LENGTH_MAX)
		return;
	other = folded(candidate);
	distance = varstr_levenshtein_less_equal(nearest->name, strlen(nearest->name), other,
											 strlen(other), 1, 1, 1, nearest->distance, true);
	if (distance < nearest->distance)
	{
		nearest->distance = distance;
		nearest->best = pstrdup(shown);
	}
}

/* Streams in the caller's path under their names, others only under the very same name. */
static void
offer_streams(VeloNearest *nearest, const char *schema, const char *name)
{
	VeloMetaScope scope;
	List *relations;
	ListCell *cell;

	velo_meta_begin(&scope);
	velo_meta_run("SELECT array_agg(relation::oid) FROM (SELECT s.relation FROM velo.stream s "
				  "JOIN pg_catalog.pg_class c ON c.oid = s.relation ORDER BY c.relname, c.oid "
				  "LIMIT " CANDIDATES_MAX ") s",
				  0, NULL);
	relations = velo_meta_oid_list(0, 1);
	velo_meta_end(&scope);
	foreach(cell, relations)
	{
		Oid relation = lfirst_oid(cell);
		char *relname = get_rel_name(relation);
		char *nspname = get_namespace_name(get_rel_namespace(relation));

		if (relname == NULL || nspname == NULL)
			continue;
		if (schema ? strcmp(schema, nspname) == 0 : RelationIsVisible(relation))
			velo_plan_nearest_offer(nearest, relname,
									schema ? quote_qualified_identifier(nspname, relname)
										   : quote_identifier(relname));
		else if (strcmp(relname, name) == 0)
			velo_plan_nearest_offer(nearest, relname, quote_qualified_identifier(nspname, relname));
	}
}

const char *
velo_plan_object_hint(const VeloDeclared *declared, const char *schema, const char *name,
					  const char *otherwise)
{
	VeloNearest nearest;
	ListCell *cell;

	velo_plan_nearest_begin(&nearest, name);
	if (nearest.name == NULL)
		return otherwise;
	if (declared && schema == NULL)
		foreach(cell, declared->objects)
		{
			const VeloObject *object = lfirst(cell);

			velo_plan_nearest_offer(&nearest, object->name, quote_identifier(object->name));
		}
	offer_streams(&nearest, schema, name);
	return nearest.best ? psprintf("Perhaps you meant %s.", nearest.best) : otherwise;
}

const char *
velo_plan_property_hint(const char *prefix, const char *key, int scopes)
{
	VeloNearest nearest;

	velo_plan_nearest_begin(&nearest, key);
	VELO_FOREACH(option, VeloOption, option)
	{
		if ((option->scopes & scopes) != 0 && strchr(option->name, '*') == NULL)
			velo_plan_nearest_offer(&nearest, option->name, option->name);
	}
	return nearest.best ? psprintf("Perhaps you meant \"%s%s\".", prefix, nearest.best) : NULL;
}
