/*
 * help.c
 *	  --help, and the table of settings for the documentation.
 */
#include "gateway/src/options.h"

#include "gateway/src/memory.h"

#include <stdlib.h>
#include <string.h>

static const char introduction[] =
	"velo-gateway: HTTP, WebSocket and MCP for Velostream on PostgreSQL\n"
	"\n"
	"Usage:\n"
	"  velo-gateway [--NAME=VALUE]...\n"
	"\n"
	"Examples:\n"
	"  velo-gateway --database='dbname=velo'\n"
	"      on http://127.0.0.1:8499, without a log-in (open mode): who can reach this\n"
	"      port of this machine acts as the user of `database`.  For your own machine.\n"
	"  velo-gateway --auth=password --listen=0.0.0.0 --database='host=db dbname=velo \\\n"
	"      user=velo_gateway' --hosts=velo.example.org --secure-cookies\n"
	"      everybody logs in with a user and a password of PostgreSQL and has that role's\n"
	"      rights.  Put a proxy with TLS before it: it speaks HTTP only.\n"
	"  velo-gateway --config=/etc/velo-gateway.conf --check\n"
	"      is the configuration right, and does the database answer?\n"
	"\n"
	"Every setting below is a flag (--body-size-max=2MB), a variable of the environment\n"
	"(VELO_GATEWAY_BODY_SIZE_MAX=2MB) and a line of the file (body_size_max = 2MB); a flag\n"
	"wins over the environment, and that over the file.\n"
	"\n"
	"  --config=FILE        the file (VELO_GATEWAY_CONFIG)\n"
	"  --check              check the settings and the database, and end: 0 right, 1 the\n"
	"                       database does not answer, 2 a setting is wrong\n"
	"  --describe-settings  print all settings as a table of Markdown\n"
	"  --version, --help\n";

static const char ending[] = "\n"
							 "Signals: SIGTERM and SIGINT finish running requests and end; SIGHUP "
							 "reads the routes again.\n";

static char *
flag_of(const VgOption *option)
{
	char *flag = vg_format("--%s", option->name);

	for (char *c = flag + 2; *c; c++)
		if (*c == '_')
			*c = '-';
	return flag;
}

static const char *
kind_of(const VgOption *option)
{
	static const char *const kinds[] = {"text", "number", "on/off", "time", "size", "choice"};

	return kinds[option->type];
}

/* Words of a text in lines of 72 columns behind an indent. */
static void
print_wrapped(FILE *out, const char *text)
{
	int column = 0;

	while (*text)
	{
		size_t length = strcspn(text, " ");

		if (column == 0 || column + length > 72)
			fprintf(out, column ? "\n      " : "      "), column = 0;
		fprintf(out, "%s%.*s", column ? " " : "", (int) length, text);
		column += length + 1;
		text += length + strspn(text + length, " ");
	}
	fputs("\n", out);
}

void
vg_help_print(FILE *out)
{
	const char *group = "";

	fputs(introduction, out);
	for (int i = 0; i < vg_option_count; i++)
	{
		const VgOption *option = &vg_options[i];
		char *flag = flag_of(option);

		if (strcmp(group, option->group) != 0)
			fprintf(out, "\n%s:\n", option->group);
		group = option->group;
		fprintf(out, "  %s=%s\n", flag, *option->initial ? option->initial : "");
		print_wrapped(out, option->description);
		free(flag);
	}
	fputs(ending, out);
}

void
vg_options_print(FILE *out)
{
	const char *group = "";

	for (int i = 0; i < vg_option_count; i++)
	{
		const VgOption *option = &vg_options[i];

		if (strcmp(group, option->group) != 0)
			fprintf(out, "%s## %s\n\n| Setting | Kind | Default | |\n|---|---|---|---|\n",
					i ? "\n" : "", option->group);
		group = option->group;
		fprintf(out, "| `%s` | %s | %s%s%s | %s |\n", option->name, kind_of(option),
				*option->initial ? "`" : "", option->initial, *option->initial ? "`" : "",
				option->description);
	}
}
