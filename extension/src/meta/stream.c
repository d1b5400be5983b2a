/*
 * stream.c
 *	  Rows of velo.stream, and the cache behind velo_meta_guard.
 *
 * The guard is asked for every relation that a client's statement writes, so it
 * must cost nothing: the few relations known to the dialect stand in a hash table
 * that is emptied when velo.stream's relation-cache entry is invalidated, which
 * every writer of velo.stream brings about (velo_meta_streams_changed).
 */
#include "postgres.h"

#include "meta/meta.h"

#include <access/genam.h>
#include <access/table.h>
#include <access/xact.h>
#include <catalog/namespace.h>
#include <executor/spi.h>
#include <utils/builtins.h>
#include <utils/hsearch.h>
#include <utils/inval.h>
#include <utils/lsyscache.h>
#include <utils/rel.h>
#include <utils/snapmgr.h>

typedef struct GuardEntry
{
	Oid relation;
	VeloGuard guard;
} GuardEntry;

static HTAB *guards = NULL;
static bool guards_valid = false;
static Oid guards_table = InvalidOid;

VeloStream *
velo_meta_stream(Oid relation)
{
	VeloMetaScope scope;
	VeloStream *stream = NULL;
	const char *args[1] = {velo_meta_oid_text(relation)};

	if (!OidIsValid(relation))
		return NULL;
	velo_meta_begin(&scope);
	if (velo_meta_run("SELECT kind, type, storage::oid, is_derived, key_columns, options, "
					  "is_restored FROM velo.stream WHERE relation = $1::oid::regclass",
					  1, args) > 0)
	{
		char *kind = velo_meta_value(0, 1);
		char *storage = velo_meta_value(0, 3);

		stream = SPI_palloc(sizeof(VeloStream));
		stream->relation = relation;
		stream->is_table = strcmp(kind, "table") == 0;
		stream->type = velo_meta_value(0, 2);
		stream->storage = storage ? atooid(storage) : InvalidOid;
		stream->is_derived = strcmp(velo_meta_value(0, 4), "t") == 0;
		stream->key_columns = velo_meta_text_list(0, 5);
		stream->options = velo_meta_options(0, 6);
		stream->is_restored = strcmp(velo_meta_value(0, 7), "t") == 0;
	}
	velo_meta_end(&scope);
	return stream;
}

static void
forget_guards(Datum arg, Oid relation)
{
	if (relation == InvalidOid || relation == guards_table)
		guards_valid = false;
}

static Oid
stream_table(void)
{
	Oid namespace = get_namespace_oid("velo", true);

	return OidIsValid(namespace) ? get_relname_relid("stream", namespace) : InvalidOid;
}

static void
load_guards(Oid table)
{
	static bool registered = false;
	HASHCTL control = {.keysize = sizeof(Oid), .entrysize = sizeof(GuardEntry)};
	Relation streams;
	SysScanDesc scan;
	HeapTuple tuple;
	Snapshot snapshot;
	AttrNumber relation_att = get_attnum(table, "relation");
	AttrNumber kind_att = get_attnum(table, "kind");
	AttrNumber derived_att = get_attnum(table, "is_derived");
	AttrNumber restored_att = get_attnum(table, "is_restored");

	if (!registered)
	{
		CacheRegisterRelcacheCallback(forget_guards, (Datum) 0);
		registered = true;
	}
	if (guards)
		hash_destroy(guards);
	guards = hash_create("velo guards", 64, &control, HASH_ELEM | HASH_BLOBS);
	guards_table = table;
	/* Valid from here: an invalidation that arrives during the scan must stick. */
	guards_valid = true;

	streams = table_open(table, AccessShareLock);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan = systable_beginscan(streams, InvalidOid, false, snapshot, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TupleDesc desc = RelationGetDescr(streams);
		bool is_null;
		Oid relation = DatumGetObjectId(heap_getattr(tuple, relation_att, desc, &is_null));
		char *kind = TextDatumGetCString(heap_getattr(tuple, kind_att, desc, &is_null));
		bool is_derived = DatumGetBool(heap_getattr(tuple, derived_att, desc, &is_null));
		GuardEntry *entry = hash_search(guards, &relation, HASH_ENTER, NULL);

		/* While a dump is being restored its rows come as anybody's would. */
		if (DatumGetBool(heap_getattr(tuple, restored_att, desc, &is_null)))
			is_derived = false;
		if (strcmp(kind, "table") == 0)
			entry->guard = is_derived ? VELO_GUARD_DERIVED_TABLE : VELO_GUARD_NONE;
		else
			entry->guard = is_derived ? VELO_GUARD_DERIVED_STREAM : VELO_GUARD_STREAM;
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(streams, AccessShareLock);
}

VeloGuard
velo_meta_guard(Oid relation)
{
	Oid table = stream_table();
	GuardEntry *entry;

	if (!OidIsValid(table))
		return VELO_GUARD_NONE;
	if (!guards_valid || table != guards_table)
		load_guards(table);
	entry = hash_search(guards, &relation, HASH_FIND, NULL);
	return entry ? entry->guard : VELO_GUARD_NONE;
}

void
velo_meta_streams_changed(void)
{
	Oid table = stream_table();

	if (OidIsValid(table))
		CacheInvalidateRelcacheByRelid(table);
	guards_valid = false;
}
