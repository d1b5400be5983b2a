/*
 * lift.h
 *	  From the user's text to statements that PostgreSQL's own parser can read.
 *
 * The dialect is a thin layer over PostgreSQL's SELECT.  Lifting finds the
 * dialect's own constructs in a token stream that follows PostgreSQL's lexical
 * rules, takes them out of the text and describes them in the structures below.
 * What is left (a core text) is ordinary PostgreSQL SQL, carried with a map from
 * each of its bytes to the byte of the user's text it came from, so that every
 * error of every later stage can point into what the user typed.
 *
 * This folder is plain C: it includes no PostgreSQL header, touches no catalog,
 * never throws and never frees.  All memory comes from the caller's allocator
 * and lives as long as that.  It can therefore be fuzzed and tested alone.
 *
 * All offsets are bytes from the start of the user's text, 0-based; the caller
 * turns them into lines and characters.  The text is in the server's encoding,
 * which must be one where no multibyte character contains an ASCII byte (all
 * server encodings PostgreSQL allows).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Where all memory comes from; alloc never returns NULL (it may not return). */
typedef struct LiftAllocator
{
	void *(*alloc)(void *context, size_t size);
	void *context;
} LiftAllocator;

/* A range of the user's text: [from, to). */
typedef struct LiftSpan
{
	int from;
	int to;
} LiftSpan;

typedef enum LiftSeverity
{
	LIFT_INFO,
	LIFT_WARNING,
	LIFT_ERROR
} LiftSeverity;

/* Something to tell the user, in the form of PostgreSQL's error reports. */
typedef struct LiftDiagnostic
{
	LiftSeverity severity;
	char sqlstate[6];
	const char *message;
	const char *detail; /* or NULL */
	const char *hint;	/* or NULL */
	LiftSpan span;
	struct LiftDiagnostic *next;
} LiftDiagnostic;

/*
 * A rewritten piece of SQL and where each byte of it came from.  Segments are
 * in the order of the rewritten text and cover it; a segment whose "copied" is
 * false was inserted and stands for all of the origin's span.
 */
typedef struct LiftSegment
{
	int at;			 /* first byte in the rewritten text */
	LiftSpan origin; /* in the user's text */
	bool copied;	 /* byte for byte */
} LiftSegment;

typedef struct LiftText
{
	const char *text; /* NUL-terminated */
	int length;
	const LiftSegment *segments;
	int nsegments;
	LiftSpan span; /* what it stands for, as a whole */
} LiftText;

/* A possibly schema-qualified name, folded as PostgreSQL folds it. */
typedef struct LiftName
{
	const char *schema; /* or NULL */
	const char *name;
	LiftSpan span;
} LiftName;

typedef struct LiftProperty
{
	const char *key; /* dots kept: "event.time.field" */
	const char *value;
	LiftSpan key_span;
	LiftSpan value_span;
	const char *source; /* bound to this source name or alias by standing
								 * right after it, or NULL: the statement's */
	struct LiftProperty *next;
} LiftProperty;

typedef struct LiftAnnotation
{
	const char *key; /* without the @ */
	const char *value;
	LiftSpan key_span;
	LiftSpan value_span;
	struct LiftAnnotation *next;
} LiftAnnotation;

typedef struct LiftColumn
{
	const char *name;
	LiftText *type;			 /* dialect type names already PostgreSQL's */
	LiftText *default_value; /* or NULL */
	bool not_null;
	bool primary_key;
	LiftSpan span;
	struct LiftColumn *next;
} LiftColumn;

typedef enum LiftWindowKind
{
	LIFT_WINDOW_TUMBLING,
	LIFT_WINDOW_SLIDING, /* HOPPING is the same */
	LIFT_WINDOW_SESSION
} LiftWindowKind;

/*
 * An argument of WINDOW …( ), classed by its shape: a duration token, an
 * INTERVAL literal, a duration string or a bare integer is a duration, anything
 * else an expression over the row.
 */
typedef struct LiftWindowArg
{
	bool is_duration;
	long long micros; /* of a duration without months or years */
	int months;		  /* of a duration in months or years, else 0 */
	LiftText *expr;	  /* of an expression, else NULL */
	LiftSpan span;
	struct LiftWindowArg *next;
} LiftWindowArg;

typedef struct LiftWindow
{
	LiftWindowKind kind;
	LiftWindowArg *args; /* in one order, however written: the time if given,
								 * then size and advance, or gap and key; so too
								 * for TUMBLE( ) … in GROUP BY, lifted all the same */
	int nargs;
	LiftWindowArg *offset;	 /* OFFSET d, or NULL */
	const char *offset_zone; /* OFFSET 'Europe/Berlin', or NULL */
	LiftSpan offset_span;	 /* of what stands behind OFFSET */
	LiftSpan span;
} LiftWindow;

typedef enum LiftEmit
{
	LIFT_EMIT_DEFAULT,
	LIFT_EMIT_CHANGES,
	LIFT_EMIT_FINAL
} LiftEmit;

/* "PRIMARY KEY" behind the n-th item of the select list (0-based). */
typedef struct LiftKeyItem
{
	int item;
	LiftSpan span; /* of the two words */
	struct LiftKeyItem *next;
} LiftKeyItem;

/*
 * Where parts of a query stand, for messages about them; "to" is 0 if there is none.
 * In a set operation: of the first SELECT that has it.
 */
typedef struct LiftPlaces
{
	LiftSpan distinct;
	LiftSpan source; /* first token of the first source */
	LiftSpan join;	 /* the first JOIN, or comma between sources */
	LiftSpan group;
	LiftSpan having;
	LiftSpan order;
	LiftSpan limit; /* or FETCH */
	LiftSpan offset;
	LiftSpan lock; /* FOR UPDATE … */
	LiftSpan set;  /* UNION, INTERSECT or EXCEPT */
} LiftPlaces;

typedef enum LiftKind
{
	LIFT_PG, /* core goes to PostgreSQL unchanged */
	LIFT_QUERY,
	LIFT_CREATE_AS,		 /* CREATE STREAM/TABLE name AS query */
	LIFT_CREATE_DECLARE, /* CREATE STREAM/TABLE name (…) WITH (…) */
	LIFT_INSERT,		 /* INSERT INTO name VALUES … / query */
	LIFT_DROP,			 /* DROP STREAM name, DROP TABLE name */
	LIFT_ALTER,
	LIFT_SHOW,
	LIFT_DESCRIBE,
	LIFT_EXPLAIN,
	LIFT_JOB
} LiftKind;

typedef enum LiftShow
{
	LIFT_SHOW_STREAMS,
	LIFT_SHOW_TABLES,
	LIFT_SHOW_TOPICS,
	LIFT_SHOW_FUNCTIONS,
	LIFT_SHOW_JOBS,
	LIFT_SHOW_STATUS,
	LIFT_SHOW_VERSIONS,
	LIFT_SHOW_METRICS,
	LIFT_SHOW_SCHEMA,
	LIFT_SHOW_PROPERTIES,
	LIFT_SHOW_PARTITIONS
} LiftShow;

typedef enum LiftJobVerb
{
	LIFT_JOB_START,
	LIFT_JOB_STOP,
	LIFT_JOB_PAUSE,
	LIFT_JOB_RESUME,
	LIFT_JOB_DEPLOY,
	LIFT_JOB_ROLLBACK,
	LIFT_JOB_RESET
} LiftJobVerb;

typedef enum LiftResetTo
{
	LIFT_RESET_EARLIEST,
	LIFT_RESET_LATEST,
	LIFT_RESET_TIMESTAMP,
	LIFT_RESET_OFFSETS
} LiftResetTo;

/*
 * One statement.  Fields that do not belong to its kind are zero.  A statement
 * for which an error was reported is still listed, as far as it was understood,
 * with "broken" set: never execute such a one.
 */
typedef struct LiftStatement
{
	LiftKind kind;
	LiftSpan span; /* first to last token, without the ';' */
	bool broken;

	/* CREATE, INSERT, DROP, ALTER, DESCRIBE, SHOW x name, JOB name */
	LiftName *name;
	bool is_table;		/* TABLE rather than STREAM */
	bool if_not_exists; /* or IF EXISTS in a DROP */
	bool cascade;

	LiftColumn *columns; /* CREATE … ( … ), ALTER … ADD COLUMN; before AS
								 * only name (and maybe type) is set */

	/*
	 * Kind LIFT_PG: the statement.  LIFT_QUERY, LIFT_CREATE_AS: the SELECT.
	 * LIFT_INSERT: the whole INSERT without dialect clauses, and in "query" its
	 * SELECT alone (NULL for VALUES).  LIFT_DROP, LIFT_ALTER, and LIFT_EXPLAIN of
	 * a query that is no dialect: the statement as written, for the case that it
	 * turns out to be PostgreSQL's.
	 */
	LiftText *core;
	LiftText *query;
	LiftText *insert_targets; /* "a, b" of INSERT INTO s (a, b), or NULL */
	bool is_dialect;		  /* the query needs us: it has a WINDOW …( ),
								 * EMIT, INTO, PRIMARY KEY, source WITH or
								 * another construct PostgreSQL has not.  If none
								 * of these fields is set, it is one only in its
								 * spelling (INTERVAL 5 DAYS, x::STRING, LIMIT
								 * before ORDER BY) and core is all there is.  A
								 * LIFT_QUERY or LIFT_INSERT may be no dialect at
								 * all: then core is the exact text */

	LiftWindow *window;
	LiftEmit emit;
	LiftSpan emit_span;
	LiftKeyItem *key_items;
	LiftPlaces places;
	LiftName *into;				 /* SELECT … FROM … INTO name */
	LiftProperty *properties;	 /* in textual order; a WITH behind the query of
								 * START JOB … AS is the body's */
	LiftAnnotation *annotations; /* comments before the statement */

	/* SHOW, DESCRIBE, EXPLAIN */
	LiftShow show;
	const char *like; /* pattern, or NULL */
	bool format_json;
	bool explain_job; /* EXPLAIN JOB name */
	bool is_job;	  /* SHOW PROPERTIES JOB name */

	/* JOB */
	LiftJobVerb verb;
	bool force;
	const char *version;
	const char *strategy; /* "BLUE_GREEN" …, or NULL */
	double percent;		  /* of CANARY */
	LiftResetTo reset_to;
	const char *reset_value;
	LiftSpan reset_span;		/* what stands behind TO */
	struct LiftStatement *body; /* START/DEPLOY JOB … AS body, EXPLAIN body */

	struct LiftStatement *next;
} LiftStatement;

typedef struct LiftScript
{
	LiftStatement *statements;
	LiftAnnotation *header;		 /* annotations of the application, §13 */
	LiftDiagnostic *diagnostics; /* in textual order */
	bool has_error;
} LiftScript;

/*
 * Lifts a whole text: any number of statements.
 * lookup: finds ${NAME} for property values and annotations; returns NULL if
 * unset, and may be NULL itself.  (A default for NODE_ID is its business.)
 * Never fails: what is wrong is in the result's diagnostics, of which at most 200
 * are listed.  Bounds: 16 MB of text, 100000 statements.
 */
typedef const char *(*LiftLookup)(void *context, const char *name);

extern LiftScript *velo_lift_script(const char *text, size_t length, const LiftAllocator *allocator,
									LiftLookup lookup, void *lookup_context);

/*
 * Where byte "at" of a rewritten text came from in the user's text.  Offsets
 * outside the text give the nearest place.
 */
extern int velo_lift_origin(const LiftText *text, int at);

/*
 * Reads a duration in any of the dialect's spellings ("5m", "500ms", "30",
 * "1 minute"); a bare integer counts in default_unit_micros.
 * Returns false if it is none.  Months and years go to *months.
 */
extern bool velo_lift_duration(const char *text, size_t length, long long default_unit_micros,
							   long long *micros, int *months);
