/*
 * object.c
 *	  From names in FROM to objects: declared earlier in the text, streams and
 *	  tables of the dialect, or PostgreSQL's own relations.
 */
#include "postgres.h"

#include "plan/plan.h"

#include <access/relation.h>
#include <catalog/namespace.h>
#include <nodes/makefuncs.h>
#include <utils/guc.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>

#include "meta/meta.h"

VeloObject *
velo_plan_object_of(Oid oid)
{
	VeloObject *object = palloc0(sizeof(VeloObject));
	VeloStream *stream = velo_meta_stream(oid);
	Relation relation = relation_open(oid, AccessShareLock);

	object->relation = oid;
	object->name = pstrdup(RelationGetRelationName(relation));
	object->schema = get_namespace_name(RelationGetNamespace(relation));
	object->desc = CreateTupleDescCopy(RelationGetDescr(relation));
	object->type = "table";
	/* The lock stays: nobody may change the columns while the plan is made. */
	relation_close(relation, NoLock);
	if (stream)
	{
		object->is_known = true;
		object->is_stream = !stream->is_table;
		object->is_derived = stream->is_derived;
		object->type = stream->type;
		object->options = stream->options;
		object->key_columns = stream->key_columns;
	}
	return object;
}

VeloObject *
velo_plan_object(const VeloDeclared *declared, const char *schema, const char *name)
{
	RangeVar *range;
	Oid oid;
	ListCell *cell;

	if (declared)
	{
		/* The latest declaration of a name is the one in force. */
		VeloObject *found = NULL;

		foreach(cell, declared->objects)
		{
			VeloObject *object = lfirst(cell);

			if (strcmp(object->name, name) == 0 &&
				(!schema || !object->schema || strcmp(object->schema, schema) == 0))
				found = object;
		}
		if (found)
			return found;
	}
	range = makeRangeVar(unconstify(char *, schema), unconstify(char *, name), -1);
	oid = RangeVarGetRelid(range, NoLock, true);
	return OidIsValid(oid) ? velo_plan_object_of(oid) : NULL;
}

void
velo_plan_deny(const VeloObject *object)
{
	/* In PostgreSQL's words, but the user made a stream and no view. */
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("permission denied for %s %s", object->is_stream ? "stream" : "table",
						   object->name)));
}

static int
set_path(const char *path)
{
	int level = NewGUCNestLevel();

	(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
							 0, false);
	return level;
}

int
velo_plan_path_begin(void)
{
	return set_path(psprintf("velo, pg_catalog%s%s", *namespace_search_path ? ", " : "",
							 namespace_search_path));
}

int
velo_plan_path_extend(void)
{
	return set_path(psprintf("%s%svelo", namespace_search_path,
							 *namespace_search_path ? ", " : ""));
}
