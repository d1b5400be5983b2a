/*
 * native.c
 *	  SQL functions behind native streams.
 */
#include "postgres.h"

#include <access/htup_details.h>
#include <catalog/pg_authid.h>
#include <catalog/pg_class.h>
#include <commands/trigger.h>
#include <funcapi.h>
#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/builtins.h>
#include <utils/hsearch.h>
#include <utils/inval.h>
#include <utils/lsyscache.h>
#include <utils/xid8.h>

#include "base/compat.h"
#include "base/function.h"
#include "meta/meta.h"
#include "source/native_position.h"
#include "source/native_storage.h"
#include "source/writers.h"

typedef struct StreamOfStorage
{
	Oid storage; /* key */
	Oid stream;	 /* InvalidOid: it is no storage of a stream */
} StreamOfStorage;

static HTAB *streams = NULL;

/* An entry stays right as long as both tables live; when one goes, all go. */
static void
forget_streams(Datum arg, Oid relation)
{
	bool found = relation == InvalidOid;

	if (streams == NULL)
		return;
	if (!found)
		(void) hash_search(streams, &relation, HASH_FIND, &found);
	if (found)
	{
		hash_destroy(streams);
		streams = NULL;
	}
}

static Oid
stream_of_storage(Oid storage)
{
	static bool registered = false;
	StreamOfStorage *entry = NULL;
	VeloMetaScope scope;
	const char *args[1];
	Oid stream = InvalidOid;

	if (streams)
		entry = hash_search(streams, &storage, HASH_FIND, NULL);
	if (entry)
		return entry->stream;
	if (!registered)
	{
		CacheRegisterRelcacheCallback(forget_streams, (Datum) 0);
		registered = true;
	}
	args[0] = velo_meta_oid_text(storage);
	velo_meta_begin(&scope);
	if (velo_meta_run("SELECT relation::oid FROM velo.stream WHERE storage = $1::oid::regclass", 1,
					  args) > 0)
		stream = atooid(velo_meta_value(0, 1));
	velo_meta_end(&scope);
	if (!OidIsValid(stream))
		return InvalidOid;
	if (streams == NULL)
	{
		HASHCTL control = {.keysize = sizeof(Oid), .entrysize = sizeof(StreamOfStorage)};

		streams = hash_create("velo streams of storage", 16, &control, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(streams, &storage, HASH_ENTER, NULL);
	entry->stream = stream;
	return stream;
}

/*
 * An announced writer holds the watermarks of a stream's readers back, so only who
 * may write to the stream, or to its storage, may announce himself.
 */
static void
check_may_write(Oid storage)
{
	Oid stream;

	if (pg_class_aclcheck(storage, GetUserId(), ACL_INSERT) == ACLCHECK_OK)
		return;
	stream = stream_of_storage(storage);
	if (OidIsValid(stream) &&
		(pg_class_aclcheck(stream, GetUserId(), ACL_INSERT) == ACLCHECK_OK ||
		 pg_attribute_aclcheck_all(stream, GetUserId(), ACL_INSERT, ACLMASK_ANY) == ACLCHECK_OK))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to announce a write to a stream"),
			 errdetail("The current role may not insert into it."),
			 errhint("This function is the default of a system column: insert into the stream.")));
}

VELO_FUNCTION(velo_append_time)
{
	Oid storage = PG_GETARG_OID(0);
	TimestampTz time;

	if (velo_source_is_writing(storage, &time))
		PG_RETURN_TIMESTAMPTZ(time);
	check_may_write(storage);
	PG_RETURN_TIMESTAMPTZ(velo_source_append_time(storage));
}

VELO_FUNCTION(velo_stream_maintain)
{
	Oid relation = PG_GETARG_OID(0);
	VeloNativeMaintained done;
	TupleDesc desc;
	Datum values[4];
	bool nulls[4] = {false};
	Oid admin = get_role_oid("velo_admin", true);

	if (!velo_compat_is_relation_owner(relation, GetUserId()) &&
		!(OidIsValid(admin) && has_privs_of_role(GetUserId(), admin)))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_VIEW, get_rel_name(relation));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	done = velo_source_native_maintain(relation);
	values[0] = Int32GetDatum(done.created);
	values[1] = Int32GetDatum(done.dropped);
	values[2] = Int64GetDatum(done.deleted);
	values[3] = BoolGetDatum(done.is_waiting);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* Is every transaction up to that one behind the position of a job? */
VELO_FUNCTION(velo_native_is_past)
{
	char *position_text = text_to_cstring(PG_GETARG_TEXT_PP(0));
	uint64 xid = U64FromFullTransactionId(PG_GETARG_FULLTRANSACTIONID(1));
	VeloNativePosition position;

	/* A text that is not ours: no harm, the rows just stay. */
	PG_RETURN_BOOL(velo_source_position_parse(position_text, &position, CurrentMemoryContext) &&
				   velo_source_position_is_past(&position, xid));
}

/* Statement trigger on velo.stream: whoever changes it, every backend learns of it. */
VELO_FUNCTION(velo_streams_changed)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("must be called as a trigger")));
	velo_meta_streams_changed();
	PG_RETURN_POINTER(NULL);
}
