/*
 * analyse.h
 *	  Private to plan/: a query after PostgreSQL's analyser has read it.
 */
#pragma once

#include <parser/parse_node.h>

#include "plan/plan.h"

typedef struct VeloAnalysis
{
	const VeloPlanRequest *request;
	SelectStmt *select; /* raw */
	VeloObject *source;
	const char *source_alias;
	int source_natts; /* user columns */

	bool is_windowed;
	bool is_grouped;
	bool is_distinct;		/* SELECT DISTINCT: each row is a group, given when it comes first */
	bool is_last_ungrouped; /* group.ungrouped = last */
	List *as_last;			/* ColumnRefs that stand for the group's latest record */
	int alias_depth;		/* aliases being expanded, against endless recursion */

	Query *query;
	Node *window_time;			   /* analysed, or NULL */
	LiftWindowArg *window_args[2]; /* durations in order: size, advance */
	bool keeps_headers;			   /* the last output is _headers */
	List *key_names;			   /* output names of PRIMARY KEY items */
	VeloBound bound;
} VeloAnalysis;

/* Names, checks what is supported, analyses.  Raises user errors. */
extern VeloAnalysis *velo_plan_analyse(const VeloPlanRequest *request);

/* Inside ereport(): at this location of the query's core text. */
extern int velo_plan_error_in_core(const VeloAnalysis *analysis, int location);

/* --- references (reference.c) --- */

/* Of a raw tree: is an aggregate called in it, outside of subqueries? */
extern bool velo_plan_has_aggregate(Node *node, void *context);

/* The column name at the end of a reference, or NULL for a star. */
extern const char *velo_plan_last_field(ColumnRef *reference);

/* Notes the references of a grouped query that mean the group's latest record. */
extern void velo_plan_find_as_last(VeloAnalysis *a);

/* Callback of parse_analyze_withcb; arg is the VeloAnalysis. */
extern void velo_plan_set_hooks(ParseState *pstate, void *arg);

/* --- bounds by function (bounds.c) --- */

/*
 * Before the analysis: calls of tumble_start(), hop_end() and their like become references
 * to _window_start and _window_end.  Raises 42P20 where they do not fit the window.
 */
extern void velo_plan_replace_bounds(VeloAnalysis *a);

/* --- SELECT DISTINCT (distinct.c) --- */

/* Before the analysis: turns it into a grouping by the whole select list. */
extern void velo_plan_group_distinct(VeloAnalysis *a);

/* --- function calls (calls.c) --- */

/* Of a raw tree: calls about the record get its system column, EXTRACT becomes ours. */
extern bool velo_plan_rewrite_calls(Node *node, void *context);

/* Is a call about the record, such as timestamp()? */
extern bool velo_plan_is_record_call(const FuncCall *call);

/* Of an error that a function does not exist: its hint names those of that name. */
extern void velo_plan_hint_at_functions(SelectStmt *select, ErrorData *error);

/* --- the select list (result.c) --- */

/* Before the analysis: which items are PRIMARY KEY. */
extern void velo_plan_take_key_items(VeloAnalysis *a);

/* Before the analysis: _event_time and _headers, if the result is a stream's. */
extern void velo_plan_place_about_row(VeloAnalysis *a);

/* After it: names and types as a column list or the target has them; raises user errors. */
extern void velo_plan_fit_result(VeloAnalysis *a);

/* --- the other parts of a plan --- */

/* GROUP BY, HAVING and aggregates: fills plan->grouping and the filter behind the window. */
extern void velo_plan_grouping(VeloPlan *plan, VeloAnalysis *analysis);

/* The source, its options and event time. */
extern void velo_plan_source(VeloPlan *plan, const VeloPlanRequest *request, VeloAnalysis *a);

/* Result columns and keys; may add group keys to the query's target list. */
extern void velo_plan_output(VeloPlan *plan, VeloAnalysis *a);

/* Sets plan->layout and plan->hash, when everything else is known. */
extern void velo_plan_fingerprint(VeloPlan *plan);

/* Column edges of the analysed query. */
extern List *velo_plan_edges(const VeloAnalysis *analysis);

/* Plans a query whose only relation is the stand-in for the source. */
extern PlannedStmt *velo_plan_with_planner(Query *query, const char *text);

/* The name of a column of the source's row (1-based), user or system. */
extern const char *velo_plan_column_name(const VeloObject *source, AttrNumber number);
