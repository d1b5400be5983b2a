/*
 * hyperloglog.c
 *	  velo.approx_count_distinct: how many different values, about.
 *
 * HyperLogLog of 2^14 registers over 64-bit hash values: standard error
 * 1.04 / sqrt(2^14) = 0.81 %.  The estimate is Ertl's ("New cardinality estimation
 * algorithms for HyperLogLog sketches", 2017), which needs no correction for small and
 * large counts and no table of constants.
 *
 * As long as there are few values their hash values themselves are kept, in a hash table:
 * a group of few values is small, and its count is exact.  When the table would need as
 * much memory as the registers (16 kB), it becomes them.
 */
#include "postgres.h"

#include "function/state.h"

#include <math.h>
#include <port/pg_bitutils.h>

#include "base/compat.h"
#include "base/function.h"

#define REGISTER_BITS 14
#define REGISTERS (1 << REGISTER_BITS)
#define RANK_MAX (64 - REGISTER_BITS + 1)
#define SPARSE_SLOTS_MIN 16
#define SPARSE_SLOTS_MAX (REGISTERS / sizeof(uint64))

#define KIND_SPARSE 's'
#define KIND_DENSE 'r'

/* Any fixed number; saved states depend on it. */
#define HASH_SEED 0

typedef struct Counter
{
	uint8 *registers; /* NULL while sparse */
	uint64 *slots;	  /* hash values, 0 for none */
	uint32 nslots;
	uint32 n; /* in slots; never more than half of them */
} Counter;

/* Hash functions of types may leave bits unmixed (murmur3's finaliser). */
static uint64
mix(uint64 h)
{
	h ^= h >> 33;
	h *= UINT64CONST(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64CONST(0xc4ceb9fe1a85ec53);
	h ^= h >> 33;
	return h == 0 ? 1 : h;
}

static void
set_register(uint8 *registers, uint64 hash)
{
	uint32 number = (uint32) (hash >> (64 - REGISTER_BITS));
	/* The lowest bits that are set bound the rank. */
	uint64 rest = (hash << REGISTER_BITS) | (UINT64CONST(1) << (REGISTER_BITS - 1));
	uint8 rank = (uint8) (64 - pg_leftmost_one_pos64(rest));

	if (rank > registers[number])
		registers[number] = rank;
}

static bool
put(uint64 *slots, uint32 nslots, uint64 hash)
{
	uint32 slot = (uint32) hash & (nslots - 1);

	while (slots[slot] != 0)
	{
		if (slots[slot] == hash)
			return false;
		slot = (slot + 1) & (nslots - 1);
	}
	slots[slot] = hash;
	return true;
}

static void
become_dense(Counter *self)
{
	self->registers = palloc0(REGISTERS);
	for (uint32 i = 0; i < self->nslots; i++)
		if (self->slots[i] != 0)
			set_register(self->registers, self->slots[i]);
	pfree(self->slots);
	self->slots = NULL;
	self->nslots = self->n = 0;
}

static void
grow(Counter *self)
{
	uint32 nslots = self->nslots * 2;
	uint64 *slots = palloc0(sizeof(uint64) * nslots);

	for (uint32 i = 0; i < self->nslots; i++)
		if (self->slots[i] != 0)
			(void) put(slots, nslots, self->slots[i]);
	pfree(self->slots);
	self->slots = slots;
	self->nslots = nslots;
}

static Counter *
make_counter(void)
{
	Counter *self = palloc0(sizeof(Counter));

	self->nslots = SPARSE_SLOTS_MIN;
	self->slots = palloc0(sizeof(uint64) * self->nslots);
	return self;
}

/* In the state's context. */
static void
add_hash(Counter *self, uint64 hash)
{
	if (self->registers == NULL && self->n * 2 == self->nslots)
	{
		if (self->nslots == SPARSE_SLOTS_MAX)
			become_dense(self);
		else
			grow(self);
	}
	if (self->registers)
		set_register(self->registers, hash);
	else if (put(self->slots, self->nslots, hash))
		self->n++;
}

/* velo._approx_add(internal, anyelement) → internal */
VELO_FUNCTION(velo_approx_add)
{
	MemoryContext old = MemoryContextSwitchTo(velo_function_state_context(fcinfo));
	Counter *self = PG_ARGISNULL(0) ? NULL : (Counter *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1))
	{
		VeloValueType type;
		TypeCacheEntry *entry = fcinfo->flinfo->fn_extra;
		uint64 hash;

		if (entry == NULL)
		{
			velo_function_argument_type(fcinfo, 1, &type);
			entry = velo_function_type_cache(fcinfo, type.type, TYPECACHE_HASH_EXTENDED_PROC_FINFO);
		}
		hash = DatumGetUInt64(FunctionCall2Coll(&entry->hash_extended_proc_finfo,
												PG_GET_COLLATION(), PG_GETARG_DATUM(1),
												Int64GetDatum(HASH_SEED)));
		if (self == NULL)
			self = make_counter();
		add_hash(self, mix(hash));
	}
	MemoryContextSwitchTo(old);
	if (self == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(self);
}

/* velo._approx_merge(internal, internal) → internal */
VELO_FUNCTION(velo_approx_merge)
{
	MemoryContext old = MemoryContextSwitchTo(velo_function_state_context(fcinfo));
	Counter *into = PG_ARGISNULL(0) ? NULL : (Counter *) PG_GETARG_POINTER(0);
	Counter *from = PG_ARGISNULL(1) ? NULL : (Counter *) PG_GETARG_POINTER(1);

	if (from && into == NULL)
		into = make_counter();
	if (from && from->registers)
	{
		if (into->registers == NULL)
			become_dense(into);
		for (int i = 0; i < REGISTERS; i++)
			into->registers[i] = Max(into->registers[i], from->registers[i]);
	}
	else if (from)
	{
		for (uint32 i = 0; i < from->nslots; i++)
			if (from->slots[i] != 0)
				add_hash(into, from->slots[i]);
	}
	MemoryContextSwitchTo(old);
	if (into == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(into);
}

/* velo._approx_save(internal) → bytea */
VELO_FUNCTION(velo_approx_save)
{
	Counter *self = (Counter *) PG_GETARG_POINTER(0);
	StringInfoData buffer;
	int64 n = self->n;

	(void) velo_function_state_context(fcinfo);
	velo_function_save_begin(&buffer, self->registers ? KIND_DENSE : KIND_SPARSE);
	if (self->registers)
		appendBinaryStringInfo(&buffer, (char *) self->registers, REGISTERS);
	else
	{
		appendBinaryStringInfo(&buffer, (char *) &n, sizeof(n));
		for (uint32 i = 0; i < self->nslots; i++)
			if (self->slots[i] != 0)
				appendBinaryStringInfo(&buffer, (char *) &self->slots[i], sizeof(uint64));
	}
	PG_RETURN_BYTEA_P(velo_function_save_end(&buffer));
}

/* velo._approx_load(bytea, internal) → internal */
VELO_FUNCTION(velo_approx_load)
{
	bytea *saved = PG_GETARG_BYTEA_PP(0);
	Counter *self = make_counter();
	StringInfoData buffer;

	(void) velo_function_state_context(fcinfo);
	if (VARSIZE_ANY_EXHDR(saved) > 0 && *VARDATA_ANY(saved) == KIND_DENSE)
	{
		velo_function_load_begin(&buffer, saved, KIND_DENSE);
		become_dense(self);
		velo_function_load_take(&buffer, self->registers, REGISTERS);
	}
	else
	{
		velo_function_load_begin(&buffer, saved, KIND_SPARSE);
		for (int64 n = velo_function_load_count(&buffer, sizeof(uint64)); n > 0; n--)
		{
			uint64 hash;

			velo_function_load_take(&buffer, &hash, sizeof(hash));
			add_hash(self, hash);
		}
	}
	PG_RETURN_POINTER(self);
}

/* --- the estimate -------------------------------------------------------------------- */

static double
sigma(double x)
{
	double y = 1;
	double z = x;
	double before;

	if (x == 1)
		return INFINITY;
	do
	{
		x *= x;
		before = z;
		z += x * y;
		y += y;
	} while (z != before);
	return z;
}

static double
tau(double x)
{
	double y = 1;
	double z = 1 - x;
	double before;

	if (x == 0 || x == 1)
		return 0;
	do
	{
		x = sqrt(x);
		before = z;
		y *= 0.5;
		z -= (1 - x) * (1 - x) * y;
	} while (z != before);
	return z / 3;
}

static double
estimate(const uint8 *registers)
{
	int count[RANK_MAX + 1] = {0};
	double z;

	for (int i = 0; i < REGISTERS; i++)
		count[Min(registers[i], RANK_MAX)]++;
	z = REGISTERS * tau(1 - (double) count[RANK_MAX] / REGISTERS);
	for (int rank = RANK_MAX - 1; rank >= 1; rank--)
		z = 0.5 * (z + count[rank]);
	z += REGISTERS * sigma((double) count[0] / REGISTERS);
	return REGISTERS / (2 * M_LN2) * (REGISTERS / z);
}

/* velo._approx_count(internal) → bigint */
VELO_FUNCTION(velo_approx_count)
{
	Counter *self = PG_ARGISNULL(0) ? NULL : (Counter *) PG_GETARG_POINTER(0);

	if (self == NULL)
		PG_RETURN_INT64(0);
	PG_RETURN_INT64(self->registers ? (int64) rint(estimate(self->registers)) : (int64) self->n);
}
