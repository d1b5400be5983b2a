/*
 * testpoint.h
 *	  Named places where a test can kill, stop or fail a process.
 *
 * A test arms a point by name in shared memory (velo.testpoint_arm); the first
 * process that passes it acts and disarms it.  A kill -9 resets shared memory and
 * with it every armed point, so nobody dies twice of one arming.  Without
 * VELO_TESTPOINTS (release builds) the macro is nothing.
 */
#pragma once

#include "base/registry.h"

typedef struct VeloTestpoint
{
	const char *name;
} VeloTestpoint;

#ifdef VELO_TESTPOINTS
#define VELO_TESTPOINT(point)                                                                      \
	do                                                                                             \
	{                                                                                              \
		static const VeloTestpoint velo_testpoint = {point};                                       \
		static const VeloTestpoint *const velo_testpoint_entry                                     \
			__attribute__((used, section("velo_testpoint"))) = &velo_testpoint;                    \
		(void) velo_testpoint_entry;                                                               \
		velo_base_testpoint_pass(&velo_testpoint);                                                 \
	} while (0)
extern void velo_base_testpoint_pass(const VeloTestpoint *point);
#else
#define VELO_TESTPOINT(point) ((void) 0)
#endif
