/*
 * function.h
 *	  How a C function becomes callable from SQL.
 *
 * The module is built with hidden visibility; PostgreSQL 15's
 * PG_FUNCTION_INFO_V1 exports the info record but not the function itself.
 */
#pragma once

#include <fmgr.h>

#define VELO_FUNCTION(name)                                                                        \
	PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                      \
	PG_FUNCTION_INFO_V1(name);                                                                     \
	Datum name(PG_FUNCTION_ARGS)
