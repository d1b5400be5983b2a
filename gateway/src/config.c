/*
 * config.c
 *	  Reading settings: defaults, then the file, the environment and the command line.
 *
 * Each value is remembered with the place it came from, because "wrong value" alone
 * sends people to the wrong one of three places.
 */
#include "gateway/src/config.h"

#include "gateway/src/memory.h"
#include "gateway/src/options.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static VgConfig config;
const VgConfig *const vg_config = &config;

extern char **environ;

static const char environment_prefix[] = "VELO_GATEWAY_";

static bool
complain(const char *format, ...)
{
	va_list arguments;

	fputs("velo-gateway: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputs("\n", stderr);
	return false;
}

/* ------------------------------------------------------------ values */

typedef struct Unit
{
	const char *name;
	int factor;
} Unit;

static const Unit times[] = {{"ms", 1},		 {"s", 1000},	  {"", 1000}, {"min", 60000},
							 {"h", 3600000}, {"d", 86400000}, {0}};
static const Unit sizes[] = {{"", 1}, {"B", 1}, {"kB", 1024}, {"MB", 1024 * 1024}, {0}};
static const Unit plain[] = {{"", 1}, {0}};

static const Unit *
units_of(VgOptionType type)
{
	return type == VG_OPTION_TIME ? times : type == VG_OPTION_SIZE ? sizes : plain;
}

static const char *
units_text(VgOptionType type)
{
	return type == VG_OPTION_TIME	? ", with a unit of ms, s, min, h or d"
		   : type == VG_OPTION_SIZE ? ", with a unit of B, kB or MB"
									: "";
}

/* A number with its unit in a form for people: "15s". */
static void
show(char *out, size_t size, VgOptionType type, int value)
{
	const Unit *best = units_of(type); /* its factor is 1 */

	for (const Unit *unit = best; unit->name; unit++)
		if (value % unit->factor == 0 && unit->factor > best->factor)
			best = unit;
	snprintf(out, size, "%d%s", value / best->factor, value ? best->name : "");
}

static bool
set_number(const VgOption *option, const char *value, const char *where)
{
	char *end;
	char low[32];
	char high[32];
	long long number;

	errno = 0;
	number = strtoll(value, &end, 10);
	while (*end == ' ')
		end++;
	for (const Unit *unit = units_of(option->type); unit->name; unit++)
		if (errno == 0 && end != value && number >= 0 && strcmp(end, unit->name) == 0 &&
			number <= option->max / unit->factor && number * unit->factor >= option->min)
		{
			*(int *) ((char *) &config + option->offset) = (int) (number * unit->factor);
			return true;
		}
	show(low, sizeof(low), option->type, option->min);
	show(high, sizeof(high), option->type, option->max);
	return complain("%s: %s must be from %s to %s%s, not \"%s\"", where, option->name, low, high,
					units_text(option->type), value);
}

static bool
set_choice(const VgOption *option, const char *value, const char *where)
{
	VgText known = {0};

	for (int i = 0; option->choices[i]; i++)
	{
		if (strcmp(option->choices[i], value) == 0)
		{
			*(int *) ((char *) &config + option->offset) = i;
			free(known.bytes);
			return true;
		}
		vg_text_format(&known, "%s%s", i ? ", " : "", option->choices[i]);
	}
	complain("%s: %s must be one of %s, not \"%s\"", where, option->name, known.bytes, value);
	free(known.bytes);
	return false;
}

static bool
set_switch(const VgOption *option, const char *value, const char *where)
{
	static const char *const words[] = {"off", "on", "false", "true", "no", "yes", "0", "1"};

	for (int i = 0; i < 8; i++)
		if (strcasecmp(words[i], value) == 0)
		{
			*(bool *) ((char *) &config + option->offset) = i % 2;
			return true;
		}
	return complain("%s: %s must be on or off, not \"%s\"", where, option->name, value);
}

static bool
set(const VgOption *option, const char *value, const char *where)
{
	char **text = (char **) ((char *) &config + option->offset);

	switch (option->type)
	{
		case VG_OPTION_TEXT:
			free(*text);
			*text = vg_copy(value);
			return true;
		case VG_OPTION_CHOICE:
			return set_choice(option, value, where);
		case VG_OPTION_SWITCH:
			return set_switch(option, value, where);
		default:
			return set_number(option, value, where);
	}
}

/* name: with - or _ and in any case, of this length */
static const VgOption *
find(const char *name, size_t length)
{
	for (int i = 0; i < vg_option_count; i++)
	{
		const char *known = vg_options[i].name;
		size_t at = 0;

		while (at < length && known[at] &&
			   (tolower((unsigned char) name[at]) == known[at] ||
				(name[at] == '-' && known[at] == '_')))
			at++;
		if (at == length && known[at] == '\0')
			return &vg_options[i];
	}
	return NULL;
}

/* ------------------------------------------------------------ the file */

/* Takes one line apart in place, as in postgresql.conf: name = value # comment */
static bool
read_line(char *line, const char *where)
{
	char *name = line + strspn(line, " \t");
	char *value = name + strcspn(name, " \t=#\r\n");
	size_t length = value - name;
	const VgOption *option;

	if (length == 0)
		return *value == '=' ? complain("%s: a name is missing before =", where) : true;
	option = find(name, length);
	if (option == NULL)
		return complain("%s: there is no setting \"%.*s\"", where, (int) length, name);
	value += strspn(value, " \t");
	if (*value != '=')
		return complain("%s: expected name = value", where);
	value++;
	value += strspn(value, " \t");
	if (*value == '\'')
	{
		char *from = ++value;
		char *to = value;

		/* '' is a quote inside */
		for (; *from && (*from != '\'' || from[1] == '\''); from++)
			*to++ = *from == '\'' ? *from++ : *from;
		if (*from != '\'')
			return complain("%s: the closing quote is missing", where);
		from += 1 + strspn(from + 1, " \t\r\n");
		if (*from != '\0' && *from != '#')
			return complain("%s: text behind the closing quote", where);
		*to = '\0';
	}
	else
	{
		value[strcspn(value, "#\r\n")] = '\0';
		for (size_t end = strlen(value); end > 0 && isspace((unsigned char) value[end - 1]); end--)
			value[end - 1] = '\0';
	}
	return set(option, value, where);
}

static bool
read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t capacity = 0;
	bool is_good = true;

	if (file == NULL)
		return complain("cannot read %s: %s", path, strerror(errno));
	for (int number = 1; getline(&line, &capacity, file) >= 0; number++)
	{
		char *where = vg_format("%s:%d", path, number);

		is_good = read_line(line, where) && is_good;
		free(where);
	}
	free(line);
	fclose(file);
	return is_good;
}

/* ------------------------------------------------------------ the rest */

static bool
read_environment(void)
{
	size_t prefix = strlen(environment_prefix);
	bool is_good = true;

	for (char **entry = environ; *entry; entry++)
	{
		size_t length = strcspn(*entry, "=");
		const VgOption *option;
		char *where;

		if (strncmp(*entry, environment_prefix, prefix) != 0)
			continue;
		where = vg_copy_n(*entry, length);
		option = find(*entry + prefix, length - prefix);
		if (option)
			is_good = set(option, *entry + length + 1, where) && is_good;
		else if (strcmp(where, "VELO_GATEWAY_CONFIG") != 0)
			is_good = complain("%s: there is no such setting", where);
		free(where);
	}
	return is_good;
}

/* --name=value or --name value; a switch may stand alone.  Returns how many words it
 * took, 0: wrong. */
static int
read_flag(char **words, bool only_config)
{
	const char *name = words[0] + 2;
	size_t length = strcspn(name, "=");
	const char *value = name[length] ? name + length + 1 : NULL;
	bool is_config = strncmp(name, "config", length) == 0 && length == 6;
	const VgOption *option = is_config ? NULL : find(name, length);
	int used = 1;
	char *where;
	bool is_good = true;

	if (!is_config && option == NULL)
	{
		complain("there is no option --%.*s; --help lists them", (int) length, name);
		return 0;
	}
	if (value == NULL && option && option->type == VG_OPTION_SWITCH)
		value = "on";
	if (value == NULL)
	{
		value = words[1];
		used = 2;
	}
	if (value == NULL)
	{
		complain("--%.*s needs a value", (int) length, name);
		return 0;
	}
	if (is_config)
	{
		if (only_config)
			config.config_file = value;
		return used;
	}
	where = vg_format("--%.*s", (int) length, name);
	if (!only_config)
		is_good = set(option, value, where);
	free(where);
	return is_good ? used : 0;
}

/* The command line is read twice: for --config, and after the file again. */
static bool
read_flags(char **words, bool only_config, VgAction *action)
{
	while (*words)
	{
		int used = 1;

		if (strcmp(*words, "--help") == 0 || strcmp(*words, "-h") == 0)
			*action = VG_ACTION_HELP;
		else if (strcmp(*words, "--version") == 0 || strcmp(*words, "-V") == 0)
			*action = VG_ACTION_VERSION;
		else if (strcmp(*words, "--check") == 0)
			*action = VG_ACTION_CHECK;
		else if (strcmp(*words, "--describe-settings") == 0)
			*action = VG_ACTION_OPTIONS;
		else if (strncmp(*words, "--", 2) == 0)
			used = read_flag(words, only_config);
		else
		{
			complain("unexpected \"%s\"; --help lists the options", *words);
			return false;
		}
		if (used == 0)
			return false;
		words += used;
	}
	return true;
}

static bool
is_loopback(const char *address)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, address, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	return inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool
check_together(void)
{
	struct in6_addr address;

	if (inet_pton(AF_INET, config.listen, &address) != 1 &&
		inet_pton(AF_INET6, config.listen, &address) != 1)
		return complain("listen must be an IP address as 127.0.0.1 or ::, not \"%s\"",
						config.listen);
	if (config.auth == VG_AUTH_OPEN && !is_loopback(config.listen))
		return complain("auth = open lets everybody who reaches %s act as the user of `database`, "
						"so it is allowed on a loopback address only: set --auth=password, or "
						"--listen=127.0.0.1",
						config.listen);
	if (strchr(config.cors_origin, '*'))
		return complain("cors_origin must list origins: * would let every page call the gateway");
	if (config.pool_size > config.database_connections)
		return complain("pool_size (%d) must not be above database_connections (%d)",
						config.pool_size, config.database_connections);
	return true;
}

VgAction
vg_config_read(int argc, char **argv)
{
	VgAction action = VG_ACTION_RUN;
	bool is_good = true;

	for (int i = 0; i < vg_option_count; i++)
		is_good = set(&vg_options[i], vg_options[i].initial, "default") && is_good;
	config.config_file = getenv("VELO_GATEWAY_CONFIG");
	if (!is_good || !read_flags(argv + (argc > 0), true, &action))
		return VG_ACTION_WRONG;
	if (action == VG_ACTION_HELP || action == VG_ACTION_VERSION || action == VG_ACTION_OPTIONS)
		return action;
	if (config.config_file)
		is_good = read_file(config.config_file);
	is_good = read_environment() && is_good;
	is_good = read_flags(argv + (argc > 0), false, &action) && is_good;
	return is_good && check_together() ? action : VG_ACTION_WRONG;
}

bool
vg_config_list_has(const char *list, const char *word)
{
	size_t length = strlen(word);

	while (*list)
	{
		size_t part;

		list += strspn(list, ", \t");
		part = strcspn(list, ", \t");
		if (part == length && length > 0 && strncasecmp(list, word, length) == 0)
			return true;
		list += part;
	}
	return false;
}
