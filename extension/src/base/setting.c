/*
 * setting.c
 *	  Defines the registered settings.
 */
#include "postgres.h"

#include "base/setting.h"

VELO_REGISTRY(setting, VeloSetting);

void
velo_base_settings_define(void)
{
	VELO_FOREACH(setting, VeloSetting, setting)
	{
		switch (setting->type)
		{
			case VELO_SETTING_BOOL:
				DefineCustomBoolVariable(setting->name, setting->description, NULL,
										 setting->variable, setting->boot != 0,
										 setting->context, setting->flags, NULL, NULL, NULL);
				break;
			case VELO_SETTING_INT:
				DefineCustomIntVariable(setting->name, setting->description, NULL,
										setting->variable, (int) setting->boot,
										setting->min, setting->max,
										setting->context, setting->flags, NULL, NULL, NULL);
				break;
			case VELO_SETTING_STRING:
				DefineCustomStringVariable(setting->name, setting->description, NULL,
										   setting->variable, setting->boot_string,
										   setting->context, setting->flags, NULL, NULL, NULL);
				break;
			case VELO_SETTING_ENUM:
				DefineCustomEnumVariable(setting->name, setting->description, NULL,
										 setting->variable, (int) setting->boot,
										 setting->choices, setting->context, setting->flags,
										 NULL, NULL, NULL);
				break;
		}
	}
	/* "velo.var.<name>" stays open: it holds the user's own variables. */
}
