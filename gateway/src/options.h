/*
 * options.h
 *	  The table of what can be set, and reading it.
 */
#pragma once

#include "gateway/src/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum VgOptionType
{
	VG_OPTION_TEXT,
	VG_OPTION_NUMBER,
	VG_OPTION_SWITCH, /* on, off */
	VG_OPTION_TIME,	  /* 500ms 30s 5min 12h; a bare number is seconds */
	VG_OPTION_SIZE,	  /* 64kB 1MB; a bare number is bytes */
	VG_OPTION_CHOICE
} VgOptionType;

typedef struct VgOption
{
	const char *name; /* of the file; the flag has - for _, the environment capitals */
	VgOptionType type;
	size_t offset; /* in VgConfig */
	const char *initial;
	/* range of numbers, times (ms) and sizes (bytes) */
	int min;
	int max;
	const char *const *choices; /* ended by NULL; the value is the position */
	const char *group;
	const char *description;
} VgOption;

extern const VgOption vg_options[];
extern const int vg_option_count;

/* What the command line asks for besides settings. */
typedef enum VgAction
{
	VG_ACTION_RUN,
	VG_ACTION_CHECK,
	VG_ACTION_HELP,
	VG_ACTION_OPTIONS, /* the table as Markdown, for docs/gateway/settings.md */
	VG_ACTION_VERSION,
	VG_ACTION_WRONG /* said why on stderr */
} VgAction;

/* Reads defaults, the file, the environment and the command line, later ones winning,
 * into vg_config, and checks them together. */
extern VgAction vg_config_read(int argc, char **argv);

extern void vg_help_print(FILE *out);
extern void vg_options_print(FILE *out);
