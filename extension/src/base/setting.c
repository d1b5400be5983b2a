/*
 * setting.c
 *	  Defines the registered settings.
 */
#include "postgres.h"

#include "base/setting.h"

#include <miscadmin.h>

VELO_REGISTRY(setting, VeloSetting);

/*
 * A library loaded into one session comes too late for settings of the server's start:
 * PostgreSQL would end the session.  They are shown there and cannot be changed, and
 * whatever needs them says that the library must be preloaded (base/module.c).
 */
static GucContext
context_of(const VeloSetting *setting)
{
	return setting->context == PGC_POSTMASTER && !process_shared_preload_libraries_in_progress
			   ? PGC_INTERNAL
			   : setting->context;
}

void
velo_base_settings_define(void)
{
	VELO_FOREACH(setting, VeloSetting, setting)
	{
		switch (setting->type)
		{
			case VELO_SETTING_BOOL:
				DefineCustomBoolVariable(setting->name, setting->description, NULL,
										 setting->variable, setting->boot != 0, context_of(setting),
										 setting->flags, NULL, NULL, NULL);
				break;
			case VELO_SETTING_INT:
				DefineCustomIntVariable(setting->name, setting->description, NULL,
										setting->variable, (int) setting->boot, setting->min,
										setting->max, context_of(setting), setting->flags, NULL,
										NULL, NULL);
				break;
			case VELO_SETTING_STRING:
				DefineCustomStringVariable(setting->name, setting->description, NULL,
										   setting->variable, setting->boot_string,
										   context_of(setting), setting->flags, NULL, NULL, NULL);
				break;
			case VELO_SETTING_ENUM:
				DefineCustomEnumVariable(setting->name, setting->description, NULL,
										 setting->variable, (int) setting->boot, setting->choices,
										 context_of(setting), setting->flags, NULL, NULL, NULL);
				break;
		}
	}
	/* "velo.var.<name>" stays open: it holds the user's own variables. */
}
