/*
 * setting.h
 *	  Server settings (GUCs), each described where it is used.
 *
 * A module declares its settings with VELO_SETTING; module start defines them
 * all.  docs/settings.md is generated from the same descriptions through
 * pg_settings.
 */
#pragma once

#include <utils/guc.h>

#include "base/registry.h"

typedef enum VeloSettingType
{
	VELO_SETTING_BOOL,
	VELO_SETTING_INT,
	VELO_SETTING_STRING,
	VELO_SETTING_ENUM
} VeloSettingType;

typedef struct VeloSetting
{
	const char *name;		 /* "velo.max_jobs" */
	const char *description; /* one sentence, shown in pg_settings */
	VeloSettingType type;
	void *variable;			 /* bool *, int *, char ** */
	long boot;				 /* default of bool, int and enum */
	const char *boot_string; /* default of string */
	int min;
	int max;
	const struct config_enum_entry *choices; /* of enum */
	GucContext context;
	int flags; /* GUC_UNIT_MS … */
} VeloSetting;

#define VELO_SETTING(instance) VELO_REGISTER(setting, VeloSetting, instance)

/* Defines all registered settings; called once, at module start. */
extern void velo_base_settings_define(void);
