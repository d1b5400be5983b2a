/*
 * cppcheck_prelude.h
 *	  What cppcheck has to know of PostgreSQL, whose headers it is not given.
 *
 * It takes unknown names for opaque, which is faster and quieter than parsing the
 * headers; only macros that change the flow of control must be explained.
 */
#pragma once

#define PG_VERSION_NUM 150000
#define PG_MODULE_MAGIC
#define PGDLLEXPORT
#define FLEXIBLE_ARRAY_MEMBER

#define ERROR 21
#define FATAL 22
#define PANIC 23

/* An error does not return. */
#define ereport(level, ...)                                                                        \
	do                                                                                             \
	{                                                                                              \
		if ((level) >= ERROR)                                                                      \
			abort();                                                                               \
	} while (0)
#define elog(level, ...) ereport(level, __VA_ARGS__)

#define PG_TRY() if (1)
#define PG_CATCH() else
#define PG_FINALLY() if (1)
#define PG_END_TRY()
