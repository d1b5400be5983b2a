/*
 * secret.c
 *	  ${secret:name} in options of connections: the content of a file.
 *
 * The file lies in velo.secrets_dir, where whoever runs the server puts it (a mounted
 * secret, say).  It is read when a client is made and kept nowhere.
 *
 * WHO MAY USE ONE.  A secret that can be written into a connection can be sent to a
 * broker of one's own, so using is as good as reading.  Members of velo_admin and of
 * pg_read_server_files may use all; others only those named after a role that they are,
 * or are a member of: "alice.kafka" is alice's.  Files named by a path are judged alike:
 * below velo.secrets_dir by their name there, elsewhere for pg_read_server_files only.
 */
#include "postgres.h"

#include <catalog/pg_authid.h>
#include <common/string.h>
#include <lib/stringinfo.h>
#include <miscadmin.h>
#include <storage/fd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utils/acl.h>

#include "base/setting.h"
#include "kafka/internal.h"

/* A certificate's key has 2 to 4 kB. */
#define SECRET_BYTES_MAX (64 * 1024)

#define OPENING "${secret:"

static char *secrets_dir = NULL;

static const VeloSetting folder = {
	.name = "velo.secrets_dir",
	.description = "Folder of the files that ${secret:name} in options of connections stands for.",
	.type = VELO_SETTING_STRING,
	.variable = &secrets_dir,
	.boot_string = "",
	.context = PGC_SUSET,
	.flags = GUC_SUPERUSER_ONLY,
};
VELO_SETTING(folder);

/* --- rights -------------------------------------------------------------------------- */

static bool
may_read_all(Oid role)
{
	Oid admin = get_role_oid("velo_admin", true);

	return has_privs_of_role(role, ROLE_PG_READ_SERVER_FILES) ||
		   (OidIsValid(admin) && has_privs_of_role(role, admin));
}

/* "alice.kafka": may the role act as alice?  Role names may have dots themselves. */
static bool
is_own(const char *name, Oid role)
{
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
	{
		Oid owner = get_role_oid(pnstrdup(name, dot - name), true);

		if (OidIsValid(owner) && has_privs_of_role(role, owner))
			return true;
	}
	return false;
}

static bool
is_name(const char *name)
{
	return name[0] != '\0' && name[0] != '.' &&
		   strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
			   strlen(name);
}

static void
check_right(const char *name, Oid role)
{
	if (!may_read_all(role) && !is_own(name, role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for secret \"%s\"", name),
				 errhint("Secrets whose names begin with a role's name and a dot are that role's; "
						 "others are for members of velo_admin or pg_read_server_files.")));
}

/* The name of a file directly in velo.secrets_dir, or NULL. */
static const char *
name_in_folder(const char *path)
{
	size_t length;

	if (secrets_dir == NULL || secrets_dir[0] == '\0')
		return NULL;
	length = strlen(secrets_dir);
	while (length > 1 && secrets_dir[length - 1] == '/')
		length--;
	if (strncmp(path, secrets_dir, length) != 0 || path[length] != '/')
		return NULL;
	return is_name(path + length + 1) ? path + length + 1 : NULL;
}

void
velo_kafka_check_path(const char *path, const char *option, Oid role)
{
	const char *name = name_in_folder(path);

	if (name && (may_read_all(role) || is_own(name, role)))
		return;
	if (!has_privs_of_role(role, ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to name a file of the server in \"%s\"", option),
				 errhint("Give the content itself, in the option that ends in \".pem\", or be a "
						 "member of pg_read_server_files.")));
}

/* --- references ------------------------------------------------------------------------ */

bool
velo_kafka_has_secret(const char *value)
{
	return strstr(value, OPENING) != NULL;
}

bool
velo_kafka_is_reference(const char *value)
{
	const char *end = strchr(value, '}');

	return strncmp(value, OPENING, strlen(OPENING)) == 0 && end && end[1] == '\0';
}

/* The name in the reference that begins here; *rest: what follows it. */
static char *
parse_reference(const char *at, const char **rest)
{
	const char *name = at + strlen(OPENING);
	const char *end = strchr(name, '}');
	char *copy = end ? pnstrdup(name, end - name) : NULL;

	if (copy == NULL || !is_name(copy))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid reference to a secret"),
				 errhint("Write ${secret:name}; a name has letters, digits, dots, "
						 "underscores and hyphens, and does not begin with a dot.")));
	*rest = end + 1;
	return copy;
}

void
velo_kafka_check_secrets(const char *value, Oid role)
{
	const char *at = value;

	while ((at = strstr(at, OPENING)) != NULL)
		check_right(parse_reference(at, &at), role);
}

static char *
read_secret(const char *name)
{
	char *path;
	FILE *file;
	struct stat status;
	char *content;
	size_t length;

	if (secrets_dir == NULL || secrets_dir[0] == '\0')
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("there are no secrets on this server"),
						errhint("A superuser can set velo.secrets_dir.")));
	path = psprintf("%s/%s", secrets_dir, name);
	/* Opening a pipe would wait for its writer, so look first. */
	if (stat(path, &status) != 0 || (S_ISREG(status.st_mode) && access(path, R_OK) != 0))
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not read secret \"%s\": %m", name),
						errhint("It is a file of that name in velo.secrets_dir.")));
	if (!S_ISREG(status.st_mode) || status.st_size > SECRET_BYTES_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("secret \"%s\" is not a file of at most %d bytes", name,
							   SECRET_BYTES_MAX)));
	file = AllocateFile(path, PG_BINARY_R);
	if (file == NULL)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not read secret \"%s\": %m", name)));
	content = palloc(SECRET_BYTES_MAX + 1);
	length = fread(content, 1, SECRET_BYTES_MAX, file);
	FreeFile(file);
	content[length] = '\0';
	if (strlen(content) != length)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("secret \"%s\" has bytes that are no text", name)));
	/* Editors and echo end a file with a newline that is no part of a password. */
	pg_strip_crlf(content);
	return content;
}

char *
velo_kafka_resolve_secrets(const char *value)
{
	StringInfoData result;
	const char *at;

	initStringInfo(&result);
	while ((at = strstr(value, OPENING)) != NULL)
	{
		appendBinaryStringInfo(&result, value, at - value);
		appendStringInfoString(&result, read_secret(parse_reference(at, &value)));
	}
	appendStringInfoString(&result, value);
	return result.data;
}
