/*
 * context.c
 *	  Signing the request's context.
 *
 * The extension verifies it (extension/src/api/request.c), which decides the format.  The
 * backend's number and the time are in it, so that a value somebody has seen is worth
 * nothing elsewhere.
 */
#include "gateway/src/context.h"

#include "gateway/src/call.h"
#include "gateway/src/config.h"
#include "gateway/src/log.h"
#include "gateway/src/memory.h"
#include "gateway/src/random.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum
{
	KEY_SIZE_MIN = 32, /* as many as the signature has */
	KEY_SIZE_MAX = 1024
};

static char key[KEY_SIZE_MAX + 1];
static size_t key_size;

static bool
fail(const char *what)
{
	vg_log(VG_LOG_ERROR, NULL, what, "request_key_file", vg_config->request_key_file, NULL);
	return false;
}

bool
vg_context_start(void)
{
	struct stat info;
	ssize_t size;
	int fd;

	if (*vg_config->request_key_file == '\0')
		return true;
	fd = open(vg_config->request_key_file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &info) < 0)
	{
		char *what = vg_format("the key's file cannot be read: %s", strerror(errno));

		if (fd >= 0)
			close(fd);
		fail(what);
		free(what);
		return false;
	}
	size = read(fd, key, sizeof(key));
	close(fd);
	/* white space at the end is what an editor or echo leaves */
	while (size > 0 && size <= KEY_SIZE_MAX && isspace((unsigned char) key[size - 1]))
		size--;
	if (size < KEY_SIZE_MIN || size > KEY_SIZE_MAX)
		return fail("the key must have from 32 to 1024 bytes");
	if (info.st_mode & (S_IROTH | S_IWOTH | S_IWGRP))
		return fail("others may read or change the key: chmod 600 or 640");
	key_size = size;
	return true;
}

void
vg_context_stop(void)
{
	explicit_bzero(key, sizeof(key));
}

static char *
make_content(const char *id, const char *address, const PGconn *conn, const char *door)
{
	VgText content = {0};

	vg_text_add(&content, "{\"id\":");
	vg_text_add_json(&content, id);
	vg_text_add(&content, ",\"addr\":");
	vg_text_add_json(&content, address);
	vg_text_format(&content, ",\"pid\":%d,\"door\":", PQbackendPID(conn));
	vg_text_add_json(&content, door ? door : "http");
	vg_text_format(&content, ",\"at\":%lld}", (long long) time(NULL));
	return content.bytes;
}

char *
vg_request_context_of(const char *id, const char *address, const PGconn *conn, const char *door)
{
	static const char version[] = "v1.";
	unsigned char signature[VG_HASH_SIZE];
	size_t prefix = strlen(version);
	char *content;
	char *value;
	size_t size;

	if (key_size == 0)
		return NULL;
	content = make_content(id, address, conn, door);
	size = strlen(content);
	value = vg_alloc(prefix + 4 * (size / 3 + 1) + 1 + 2 * VG_HASH_SIZE + 1);
	strcpy(value, version);
	vg_base64url(value + prefix, (unsigned char *) content, size);
	free(content);
	size = strlen(value);
	vg_sign(key, key_size, value, size, signature);
	value[size] = '.';
	vg_hex(value + size + 1, signature, VG_HASH_SIZE);
	return value;
}

char *
vg_request_context(const VgRequest *request, const PGconn *conn, const char *door)
{
	if (request == NULL)
		return NULL;
	return vg_request_context_of(vg_request_id(request), vg_request_address(request), conn, door);
}
