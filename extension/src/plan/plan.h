/*
 * plan.h
 *	  A continuous query, ready to be run as a pipeline.
 *
 *	user's text -> lift -> analyse (PostgreSQL's analyser, system columns resolved
 *	by a hook) -> plan (PostgreSQL's planner over a stand-in for the source, its
 *	Agg node taken out of the plan tree) -> VeloPlan
 *
 * A plan is plain data in one memory context.  It is made anew from the text by
 * every worker and whenever something it depends on changes; "layout" says
 * whether saved state still fits.
 */
#pragma once

#include <nodes/parsenodes.h>
#include <nodes/plannodes.h>

#include "base/option.h"
#include "lift/lift.h"
#include "row/row.h"
#include "source/source.h"

/* --- the user's text ------------------------------------------------------ */

/* What errors of a statement point into. */
typedef struct VeloText
{
	const char *text; /* all of what the user typed */
	const LiftScript *script;
} VeloText;

/*
 * Inside ereport(): the error stands at this byte of the user's text.  The
 * position is reported as "internal" (relative to the text given to the
 * function); DO LANGUAGE velo turns it into one of the client's own statement.
 */
extern int velo_plan_error_at(const char *user_text, int byte);

/* The same for the first byte of a part of the text; nothing if there is no such part. */
extern int velo_plan_error_at_place(const char *user_text, LiftSpan place);
/* Inside ereport(): at the value that the statement gives to a property, if it gives one. */
extern int velo_plan_error_at_property(const char *user_text, const LiftStatement *statement,
									   const char *property);

/*
 * While on the error context stack, positions reported for a rewritten text are
 * translated to the user's text.
 */
typedef struct VeloErrorMap
{
	ErrorContextCallback callback;
	const char *user_text;
	const LiftText *core;
	int skip; /* characters put before core's text for the parser */
} VeloErrorMap;

extern void velo_plan_error_map_push(VeloErrorMap *map, const char *user_text,
									 const LiftText *core);
extern void velo_plan_error_map_pop(VeloErrorMap *map);

/*
 * While on the error context stack, reports that have no position of their own get
 * this place: that of the name a statement is about.
 */
typedef struct VeloErrorPlace
{
	ErrorContextCallback callback;
	const char *user_text;
	LiftSpan place;
} VeloErrorPlace;

extern void velo_plan_error_place_push(VeloErrorPlace *place, const char *user_text, LiftSpan span);
extern void velo_plan_error_place_pop(VeloErrorPlace *place);

/* The lifter with PostgreSQL's memory; raises the first error if "raise". */
extern LiftScript *velo_plan_lift(const char *text, Jsonb *params, bool raise);
/* Raises (error) or reports (warning, info) one diagnostic of the lifter. */
extern void velo_plan_report(const char *user_text, const LiftDiagnostic *diagnostic, int elevel);
extern const LiftAllocator velo_plan_allocator;

/* --- names ---------------------------------------------------------------- */

/* A relation of the dialect as a query sees it, from the catalog or declared earlier in a text. */
typedef struct VeloObject
{
	const char *schema; /* of one declared in the text: NULL if not written */
	const char *name;
	Oid relation;	/* InvalidOid: exists in the text only (validate) */
	bool is_stream; /* else a table: declared, derived or PostgreSQL's */
	bool is_known;	/* has a row in velo.stream (or is declared in the text) */
	bool is_derived;
	const char *type;  /* "native", "generator"; of a table "table" */
	TupleDesc desc;	   /* user columns */
	List *options;	   /* VeloOptionValue */
	List *key_columns; /* of char * */
} VeloObject;

/* Objects declared by earlier statements of the same text, for velo.validate. */
typedef struct VeloDeclared
{
	List *objects; /* of VeloObject * */
} VeloDeclared;

/* Looks a name up: declared, then in the caller's path.  NULL if there is none. */
extern VeloObject *velo_plan_object(const VeloDeclared *declared, const char *schema,
									const char *name);
extern VeloObject *velo_plan_object_of(Oid relation);

/* Raises 42501: the caller may not read, or not write, the object. */
extern void velo_plan_deny(const VeloObject *object) __attribute__((noreturn));

/*
 * Functions, operators and types are looked up in velo first, then in the
 * caller's path, until AtEOXact_GUC(true, level) with the level returned.
 */
extern int velo_plan_path_begin(void);

/*
 * The same for a statement that PostgreSQL runs: velo comes last, so that it adds
 * functions and operators and hides no relation.
 */
extern int velo_plan_path_extend(void);

/* --- names that were probably meant ----------------------------------------- */

/* Offers of names, of which the nearest is kept: "best", or NULL if none is near. */
typedef struct VeloNearest
{
	const char *name; /* folded; NULL: too long to look for */
	const char *best; /* as it is to be shown */
	int distance;	  /* of the best; at first: what is too far */
} VeloNearest;

extern void velo_plan_nearest_begin(VeloNearest *nearest, const char *name);
extern void velo_plan_nearest_offer(VeloNearest *nearest, const char *candidate, const char *shown);

/*
 * A hint for a name that velo_plan_object did not find: a stream of nearly that
 * name, else "otherwise".  Reads the catalog, so never call it inside ereport().
 */
extern const char *velo_plan_object_hint(const VeloDeclared *declared, const char *schema,
										 const char *name, const char *otherwise);
/* The same for a key of a property, written behind a prefix ("rides." or ""); or NULL. */
extern const char *velo_plan_property_hint(const char *prefix, const char *key, int scopes);

/* --- the plan ------------------------------------------------------------- */

typedef enum VeloWindowKind
{
	VELO_WINDOW_NONE,
	VELO_WINDOW_TUMBLING,
	VELO_WINDOW_SLIDING
} VeloWindowKind;

/* What becomes of a record whose window has closed. */
typedef enum VeloLate
{
	VELO_LATE_DROP,
	VELO_LATE_DEAD_LETTER,
	VELO_LATE_UPDATE, /* the window is emitted again, while its state is kept */
	VELO_LATE_INCLUDE /* it counts in the window of the watermark */
} VeloLate;

/* As the property late.data.strategy has them. */
extern const char *const velo_plan_late_names[];

typedef struct VeloWindow
{
	VeloWindowKind kind;
	int64 size_us;	  /* of fixed length, else 0 */
	int64 advance_us; /* sliding; equals size_us when tumbling */
	int size_months;  /* calendar windows (tumbling only), else 0 */
	int64 offset_us;
	const char *zone; /* days, weeks and months follow its calendar, or NULL */
	struct pg_tz *tz; /* that zone */
	Expr *time;		  /* over the row; NULL: _event_time */
} VeloWindow;

typedef enum VeloEmit
{
	VELO_EMIT_ROWS,	   /* one row out for each row in */
	VELO_EMIT_CHANGES, /* changed groups, once a batch */
	VELO_EMIT_FINAL	   /* groups of closed windows; at the end without window */
} VeloEmit;

/*
 * Grouping.  PostgreSQL's Agg node over a stand-in child whose columns are
 * "input": everything an aggregate reads is a plain column there, so that a
 * failing expression fails before any state is touched.
 *
 * Aggregates that PostgreSQL cannot keep as a small serialisable state (DISTINCT,
 * ORDER BY, WITHIN GROUP, some with internal state) are "replayed": their
 * arguments are kept per group by one velo._inputs() aggregate and the real ones
 * run over them when the group is emitted.  Their results stand in columns of the
 * stand-in behind the real ones ("replay_columns").
 */
typedef struct VeloGrouping
{
	Agg *agg;				 /* child: a Result with the types of "input" */
	List *input;			 /* TargetEntry over the source's row */
	AttrNumber window_start; /* column of "input", 0 without window */
	AttrNumber window_end;
	List *replay_columns;  /* of int: columns of "input" that hold replayed results */
	int inputs_aggno;	   /* aggno of velo._inputs, or -1 */
	Query *replay_query;   /* SELECT the real aggregates FROM velo._replay() */
	TupleDesc replay_desc; /* a kept row of arguments */
} VeloGrouping;

typedef struct VeloEdge
{
	const char *output;
	const char *source_column;
	bool is_direct;
} VeloEdge;

typedef struct VeloPlan
{
	VeloSourceSpec source;
	VeloObject *source_object;
	VeloStartFrom start_from; /* when there is no saved position */

	/* event time and watermark of the source */
	AttrNumber event_time; /* 1-based column to read it from, or 0 */
	bool has_event_times;  /* rows have times of their own: that column's, or those
								 * a derived stream keeps with its rows; else append time */
	const char *event_time_format;
	int64 out_of_order_us;
	int64 idle_timeout_us; /* 0: never */
	VeloLate late;
	int64 allowed_lateness_us; /* how long state of closed windows is kept */

	List *filter; /* implicit AND, before the window; over the source's row */
	VeloWindow window;
	List *window_filter;	/* the same, after the window */
	VeloGrouping *grouping; /* or NULL */
	List *project;			/* without grouping: TargetEntry over the source's row */

	VeloEmit emit;
	bool emits_once;	   /* a group is given once, however often it changes: DISTINCT */
	int64 limit;		   /* output rows, -1: none */
	TupleDesc output;	   /* what the sink gets */
	bool keeps_event_time; /* behind the result's own columns stands _event_time, for a
								 * sink that is a stream */
	bool keeps_headers;	   /* and behind that _headers, for one in Kafka */
	int nkeys;
	AttrNumber *keys;		/* of output, 1-based */
	AttrNumber *index_keys; /* the same, as an index on them should have them */
	bool key_is_primary;	/* PRIMARY KEY items: NOT NULL, real primary key */
	bool rows_are_new;		/* no key comes twice: final rows of windows */

	List *options; /* of the job */
	List *sink_options;
	List *edges;		  /* of VeloEdge * */
	const char *core_sql; /* the SELECT given to PostgreSQL */
	const char *layout;	  /* shape of the state; "" for none */
	const char *hash;	  /* of everything that decides results */
	List *depends;		  /* of Oid: relations it was analysed against */
} VeloPlan;

typedef struct VeloPlanRequest
{
	const char *user_text;
	const LiftStatement *statement; /* holds query, window, emit, keys, properties */
	const VeloDeclared *declared;	/* or NULL */
	List *relations;				/* of a stored job: Oids of the names in FROM, in
								 * textual order; NIL: look names up */
	bool for_table;					/* the output is a keyed table */
	bool for_stream;				/* the output is a stream */
	const char *target_type;		/* INSERT: the type of the target, if it is a stream */
	bool is_pull;					/* bounded by what is there now; windows close at the end */
	TupleDesc target;				/* INSERT: result columns take these names and types */
} VeloPlanRequest;

/*
 * Makes a plan in the current memory context.  Raises user errors with
 * positions; reports warnings and notices as it goes.  Must be called inside a
 * transaction with an active snapshot.
 */
extern VeloPlan *velo_plan_query(const VeloPlanRequest *request);

/* Makes the source read all columns, also those the query does not use. */
extern void velo_plan_read_whole_rows(VeloPlan *plan);

/* Relations a statement's FROM names, in textual order, as Oids. */
extern List *velo_plan_source_relations(const VeloPlan *plan);

/* Does PostgreSQL itself run this SELECT (a pull query without dialect constructs)? */
extern bool velo_plan_is_plain(const char *user_text, const LiftStatement *statement,
							   const VeloDeclared *declared);

/* EXPLAIN of a plan as lines of text (List of char *), or as JSON. */
extern List *velo_plan_explain(const VeloPlan *plan, const char *sink);
extern Jsonb *velo_plan_explain_json(const VeloPlan *plan, const char *sink);

/* --- properties ----------------------------------------------------------- */

/*
 * Checks the statement's properties and splits them by scope.  source_name and
 * alias are what "<s>.key" may be bound to; NULL where there is none.
 */
typedef struct VeloBound
{
	List *source;
	List *sink;
	List *job;
} VeloBound;

/*
 * The column that event.time.field names (0: none is named), and whether the other
 * properties of event time fit; options as bound.
 */
extern AttrNumber velo_plan_event_time(const char *user_text, const LiftStatement *statement,
									   const char *source, TupleDesc desc, List *options);

extern VeloBound velo_plan_bind(const char *user_text, const LiftStatement *statement,
								const char *source_name, const char *source_alias,
								const char *source_type, const char *sink_name);
