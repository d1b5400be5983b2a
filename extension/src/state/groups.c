/*
 * groups.c
 *	  Hash tables of groups, one a cell.
 *
 * Keys of the usual types are hashed and compared by their bytes, in place; bytes
 * only where byte equality is the type's equality.  All other types go through
 * their own hash and equality functions (numeric, floats with two zeros, texts of
 * a nondeterministic collation, records …).
 *
 * Memory: the table and its windows are in table->context; a cell's groups and
 * hash array are in the cell's own context.
 */
#include "postgres.h"

#include "state/groups.h"

#include <catalog/pg_type.h>
#include <common/hashfn.h>
#include <lib/stringinfo.h>
#include <utils/datum.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/typcache.h>

#include "base/compat.h"

/* How a key is hashed and compared. */
#define KEY_WORD 'w'  /* by value, equal if the Datums are */
#define KEY_BYTES 'b' /* varlena, equal if the bytes are */
#define KEY_FIXED 'f' /* fixed length by reference, equal if the bytes are */
#define KEY_CALL 'c'  /* by the type's functions */

typedef struct HashEntry
{
	VeloGroup *group;
	uint32 hash;
	char status;
} HashEntry;

/* What a lookup compares with; NULL keys in the hash API stand for it. */
typedef struct Probe
{
	VeloGroupTable *table;
	const Datum *values;
	const bool *nulls;
	const int *columns;
} Probe;

static bool same_key(const Probe *probe, const VeloGroup *group);

#define SH_PREFIX velo_group
#define SH_ELEMENT_TYPE HashEntry
#define SH_KEY_TYPE VeloGroup *
#define SH_KEY group
#define SH_HASH_KEY(tb, key) (key)->hash
#define SH_EQUAL(tb, a, b)                                                                         \
	((b) == NULL ? same_key((const Probe *) (tb)->private_data, (a)) : (a) == (b))
#define SH_SCOPE static inline
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_DECLARE
#define SH_DEFINE
#include <lib/simplehash.h>

static char
key_kind(Oid type, int16 length, bool by_value, Oid collation)
{
	switch (getBaseType(type))
	{
		case BOOLOID:
		case CHAROID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case CASHOID:
			return by_value ? KEY_WORD : KEY_FIXED;
		case UUIDOID:
			return KEY_FIXED;
		case TEXTOID:
		case VARCHAROID:
			return !OidIsValid(collation) || get_collation_isdeterministic(collation) ? KEY_BYTES
																					  : KEY_CALL;
		case BYTEAOID:
			return KEY_BYTES;
		default:
			return type_is_enum(type) ? KEY_WORD : KEY_CALL;
	}
}

VeloGroupTable *
velo_state_groups_create(MemoryContext parent, int nkeys, const Oid *types, const Oid *collations,
						 Size payload_bytes)
{
	MemoryContext context = AllocSetContextCreate(parent, "velo groups", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	VeloGroupTable *table = palloc0(sizeof(VeloGroupTable));

	table->context = context;
	table->nkeys = nkeys;
	table->keys = palloc0(sizeof(VeloKeyPart) * Max(1, nkeys));
	table->payload_bytes = payload_bytes;
	for (int i = 0; i < nkeys; i++)
	{
		VeloKeyPart *key = &table->keys[i];

		key->type = types[i];
		key->collation = collations[i];
		get_typlenbyval(types[i], &key->length, &key->by_value);
		key->kind = key_kind(types[i], key->length, key->by_value, collations[i]);
		if (key->kind == KEY_CALL)
		{
			TypeCacheEntry *entry = lookup_type_cache(types[i],
													  TYPECACHE_HASH_PROC | TYPECACHE_EQ_OPR);

			if (!OidIsValid(entry->hash_proc) || !OidIsValid(entry->eq_opr))
				ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
								errmsg("could not find a hash function for type %u", types[i])));
			fmgr_info_cxt(entry->hash_proc, &key->hash, context);
			fmgr_info_cxt(get_opcode(entry->eq_opr), &key->equal, context);
		}
	}
	MemoryContextSwitchTo(old);
	return table;
}

/* --- keys ------------------------------------------------------------------- */

uint32
velo_state_groups_hash(VeloGroupTable *table, const Datum *values, const bool *nulls,
					   const int *columns)
{
	uint32 hash = 0x9e3779b9;

	for (int i = 0; i < table->nkeys; i++)
	{
		VeloKeyPart *key = &table->keys[i];
		Datum value = values[columns[i]];
		uint32 part = 0;

		if (!nulls[columns[i]])
		{
			switch (key->kind)
			{
				case KEY_WORD:
					part = murmurhash32((uint32) value) ^ murmurhash32((uint32) (value >> 32) + 1);
					break;
				case KEY_BYTES:
				{
					struct varlena *bytes = pg_detoast_datum_packed((struct varlena *)
																		DatumGetPointer(value));

					part = hash_bytes((unsigned char *) VARDATA_ANY(bytes),
									  VARSIZE_ANY_EXHDR(bytes));
					break;
				}
				case KEY_FIXED:
					part = hash_bytes((unsigned char *) DatumGetPointer(value), key->length);
					break;
				default:
					part = DatumGetUInt32(FunctionCall1Coll(&key->hash, key->collation, value));
			}
		}
		hash = hash_combine(hash, part);
	}
	/* The upper bits choose the cell, the lower ones the place in it: both must be good. */
	return murmurhash32(hash);
}

static bool
same_key(const Probe *probe, const VeloGroup *group)
{
	const VeloGroupTable *table = probe->table;

	for (int i = 0; i < table->nkeys; i++)
	{
		VeloKeyPart *key = &table->keys[i];
		Datum a = probe->values[probe->columns[i]];
		Datum b = group->keys[i];

		if (probe->nulls[probe->columns[i]] != group->nulls[i])
			return false;
		if (group->nulls[i])
			continue;
		switch (key->kind)
		{
			case KEY_WORD:
				if (a != b)
					return false;
				break;
			case KEY_BYTES:
			{
				struct varlena *x = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(a));
				struct varlena *y = (struct varlena *) DatumGetPointer(b);
				Size length = VARSIZE_ANY_EXHDR(x);

				if (length != VARSIZE_ANY_EXHDR(y) ||
					memcmp(VARDATA_ANY(x), VARDATA_ANY(y), length) != 0)
					return false;
				break;
			}
			case KEY_FIXED:
				if (memcmp(DatumGetPointer(a), DatumGetPointer(b), key->length) != 0)
					return false;
				break;
			default:
				if (!DatumGetBool(FunctionCall2Coll(&key->equal, key->collation, a, b)))
					return false;
		}
	}
	return true;
}

static void
copy_key(VeloGroupTable *table, VeloGroup *group, const Datum *values, const bool *nulls,
		 const int *columns)
{
	for (int i = 0; i < table->nkeys; i++)
	{
		VeloKeyPart *key = &table->keys[i];
		Datum value = values[columns[i]];

		group->nulls[i] = nulls[columns[i]];
		if (group->nulls[i] || key->by_value)
			group->keys[i] = group->nulls[i] ? (Datum) 0 : value;
		else if (key->length == -1)
			group->keys[i] = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
		else
			group->keys[i] = datumCopy(value, false, key->length);
	}
}

/* --- windows and cells ------------------------------------------------------- */

uint64
velo_state_cell_id(TimestampTz window, int slice)
{
	return ((uint64) window << VELO_CELL_BITS) | (uint64) slice;
}

TimestampTz
velo_state_cell_window(uint64 id)
{
	return (TimestampTz) ((int64) id >> VELO_CELL_BITS);
}

int
velo_state_cell_slice(uint64 id)
{
	return (int) (id & (VELO_CELLS_PER_WINDOW - 1));
}

VeloGroupWindow *
velo_state_groups_window(VeloGroupTable *table, TimestampTz start, TimestampTz end, bool create)
{
	VeloGroupWindow **place = &table->windows;
	VeloGroupWindow *window;

	if (table->recent && table->recent->start == start)
		return table->recent;
	while (*place && (*place)->start < start)
		place = &(*place)->next;
	window = *place;
	if (window == NULL || window->start != start)
	{
		if (!create)
			return NULL;
		window = MemoryContextAllocZero(table->context, sizeof(VeloGroupWindow));
		window->start = start;
		window->end = end;
		window->next = *place;
		*place = window;
	}
	table->recent = window;
	return window;
}

void
velo_state_groups_drop_window(VeloGroupTable *table, VeloGroupWindow *window)
{
	VeloGroupWindow **place = &table->windows;

	while (*place != window)
		place = &(*place)->next;
	*place = window->next;
	table->recent = NULL;
	for (int i = 0; i < VELO_CELLS_PER_WINDOW; i++)
	{
		VeloCell *cell = window->cells[i];

		if (cell == NULL)
			continue;
		velo_state_groups_cell_evict(table, cell);
		pfree(cell);
	}
	pfree(window);
}

VeloCell *
velo_state_groups_cell(VeloGroupTable *table, VeloGroupWindow *window, uint32 hash)
{
	int slice = hash >> (32 - VELO_CELL_BITS);
	VeloCell *cell = window->cells[slice];

	if (cell == NULL)
	{
		cell = MemoryContextAllocZero(table->context, sizeof(VeloCell));
		cell->id = velo_state_cell_id(window->start, slice);
		cell->window = window;
		cell->slice = slice;
		window->cells[slice] = cell;
		velo_state_groups_cell_init(table, cell);
	}
	return cell;
}

void
velo_state_groups_cell_init(VeloGroupTable *table, VeloCell *cell)
{
	cell->context = AllocSetContextCreate(table->context, "velo cell", ALLOCSET_START_SMALL_SIZES);
	cell->groups = velo_group_create(cell->context, 4, NULL);
	cell->dirty = NULL;
}

void
velo_state_groups_cell_evict(VeloGroupTable *table, VeloCell *cell)
{
	if (cell->context == NULL)
		return;
	table->ngroups -= velo_state_groups_count(cell);
	table->bytes -= cell->bytes;
	MemoryContextDelete(cell->context);
	cell->context = NULL;
	cell->groups = NULL;
	cell->dirty = NULL;
	cell->bytes = 0;
}

/* --- groups ------------------------------------------------------------------- */

VeloGroup *
velo_state_groups_lookup(VeloGroupTable *table, VeloCell *cell, uint32 hash, const Datum *values,
						 const bool *nulls, const int *columns, bool *is_new)
{
	Probe probe = {table, values, nulls, columns};
	HashEntry *entry;
	VeloGroup *group;
	char *memory;
	MemoryContext old;

	cell->groups->private_data = &probe;
	entry = velo_group_lookup_hash(cell->groups, NULL, hash);
	if (entry)
	{
		*is_new = false;
		return entry->group;
	}
	old = MemoryContextSwitchTo(cell->context);
	memory = palloc0(MAXALIGN(sizeof(VeloGroup)) + sizeof(Datum) * table->nkeys +
					 MAXALIGN(sizeof(bool) * table->nkeys) + table->payload_bytes);
	group = (VeloGroup *) memory;
	memory += MAXALIGN(sizeof(VeloGroup));
	group->keys = (Datum *) memory;
	memory += sizeof(Datum) * table->nkeys;
	group->nulls = (bool *) memory;
	memory += MAXALIGN(sizeof(bool) * table->nkeys);
	group->payload = memory;
	group->hash = hash;
	group->cell = cell;
	copy_key(table, group, values, nulls, columns);
	MemoryContextSwitchTo(old);
	entry = velo_group_insert_hash(cell->groups, group, hash, is_new);
	entry->group = group;
	table->ngroups++;
	*is_new = true;
	return group;
}

void
velo_state_groups_remove(VeloGroupTable *table, VeloGroup *group)
{
	HashEntry *entry = velo_group_lookup_hash(group->cell->groups, group, group->hash);

	Assert(entry != NULL);
	velo_group_delete_item(group->cell->groups, entry);
	table->ngroups--;
	/* The memory goes with the cell. */
}

void
velo_state_groups_each(VeloCell *cell, void (*function)(VeloGroup *group, void *arg), void *arg)
{
	velo_group_iterator iterator;
	HashEntry *entry;

	velo_group_start_iterate(cell->groups, &iterator);
	while ((entry = velo_group_iterate(cell->groups, &iterator)) != NULL)
		function(entry->group, arg);
}

int
velo_state_groups_count(const VeloCell *cell)
{
	return cell->groups ? cell->groups->members : 0;
}

/* --- accounting ----------------------------------------------------------------- */

void
velo_state_groups_account(VeloGroupTable *table)
{
	table->bytes = 0;
	for (VeloGroupWindow *window = table->windows; window; window = window->next)
	{
		for (int i = 0; i < VELO_CELLS_PER_WINDOW; i++)
		{
			VeloCell *cell = window->cells[i];

			if (cell == NULL || cell->context == NULL)
				continue;
			cell->bytes = MemoryContextMemAllocated(cell->context, true);
			table->bytes += cell->bytes;
		}
	}
}

VeloCell *
velo_state_groups_coldest(VeloGroupTable *table, uint64 not_used_in)
{
	VeloCell *coldest = NULL;

	for (VeloGroupWindow *window = table->windows; window; window = window->next)
	{
		for (int i = 0; i < VELO_CELLS_PER_WINDOW; i++)
		{
			VeloCell *cell = window->cells[i];

			if (cell == NULL || cell->context == NULL || cell->last_used == not_used_in)
				continue;
			if (coldest == NULL || cell->last_used < coldest->last_used)
				coldest = cell;
		}
	}
	return coldest;
}
