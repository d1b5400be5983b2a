/*
 * option.h
 *	  Properties of statements: one typed description each, where it is used.
 *
 * 'rows_per_second' = '10' in a WITH clause is an option of the generator; its
 * name, type, range, default and documentation stand in one VeloOption beside
 * the code that reads it.  Binding (plan/properties.c) checks values against the
 * description and stores them normalised: durations as whole milliseconds,
 * booleans as true or false, choices by their first spelling.
 */
#pragma once

#include <nodes/pg_list.h>
#include <utils/jsonb.h>

#include "base/registry.h"

typedef enum VeloOptionScope
{
	VELO_OPTION_SOURCE = 1,
	VELO_OPTION_SINK = 2,
	VELO_OPTION_JOB = 4
} VeloOptionScope;

typedef enum VeloOptionType
{
	VELO_OPTION_TEXT,
	VELO_OPTION_BOOL,
	VELO_OPTION_INT,
	VELO_OPTION_FLOAT,
	VELO_OPTION_MS, /* a duration; an integer counts milliseconds */
	VELO_OPTION_CHOICE
} VeloOptionType;

typedef struct VeloOption
{
	const char *name;	 /* "watermark.idle.timeout"; "data.*" is a family */
	const char *aliases; /* other names, separated by blanks, or NULL */
	int scopes;			 /* VeloOptionScope, or'ed */
	const char *types;	 /* source or sink types it belongs to, separated by
								 * blanks; NULL: all for which no other option of
								 * its name is */
	VeloOptionType type;
	const char *standard; /* default in normalised form; NULL: none */
	double min;
	double max;			 /* max <= min: no bounds */
	const char *choices; /* "earliest latest"; "a=b" reads a as b */
	bool alterable;		 /* at run time by ALTER … SET */
	const char *refused; /* why it is refused with 0A000, or NULL */
	const char *description;
} VeloOption;

#define VELO_OPTION(instance) VELO_REGISTER(option, VeloOption, instance)

/* A list of these (List of VeloOptionValue *) travels with sources, sinks and jobs. */
typedef struct VeloOptionValue
{
	const char *name;
	const char *value;
} VeloOptionValue;

/*
 * The option of that name or alias usable in one of the scopes, or NULL.  A name may
 * exist once for each type of source or sink, and mean something else there; type: the
 * one that is meant, NULL if it is not known or there is none.
 */
extern const VeloOption *velo_base_option_find(const char *name, int scopes, const char *type);

/*
 * The value set, else the default, else NULL.  Defaults are those of the type that the
 * options name ("type"), else of a native stream.
 */
extern const char *velo_base_option_text(List *options, const char *name);
extern bool velo_base_option_bool(List *options, const char *name);
extern int64 velo_base_option_int(List *options, const char *name);
extern double velo_base_option_float(List *options, const char *name);
extern bool velo_base_option_is_set(List *options, const char *name);

/* Adds or replaces. */
extern List *velo_base_option_set(List *options, const char *name, const char *value);

/* To and from {"name": "value"} as the catalog keeps it. */
extern Jsonb *velo_base_options_to_jsonb(List *options);
extern List *velo_base_options_from_jsonb(Jsonb *jsonb);
