/*
 * static.c
 *	  The web page: files of one folder.
 *
 * A path is walked part by part from the folder's own descriptor, without following
 * links, so there is no text of a path that could lead out.  A path that is none of a
 * file gets the page itself, which has routes of its own.
 *
 * Files whose name carries a hash of their content (as Vite makes them in assets/) are
 * for ever; all others are asked for again with their ETag.
 */
#include "gateway/src/compress.h"
#include "gateway/src/config.h"
#include "gateway/src/exchange.h"
#include "gateway/src/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum
{
	HASH_LENGTH_MIN = 8
};

static const char *const types[][2] = {
	{".html", "text/html; charset=utf-8"},
	{".js", "text/javascript; charset=utf-8"},
	{".mjs", "text/javascript; charset=utf-8"},
	{".css", "text/css; charset=utf-8"},
	{".json", "application/json"},
	{".map", "application/json"},
	{".webmanifest", "application/manifest+json"},
	{".svg", "image/svg+xml"},
	{".png", "image/png"},
	{".jpg", "image/jpeg"},
	{".webp", "image/webp"},
	{".ico", "image/x-icon"},
	{".woff2", "font/woff2"},
	{".woff", "font/woff"},
	{".ttf", "font/ttf"},
	{".wasm", "application/wasm"},
	{".txt", "text/plain; charset=utf-8"},
};

/* Made beforehand, beside the file; the first that the client takes. */
static const char *const codings[][2] = {{"br", ".br"}, {"gzip", ".gz"}};

static const char *
type_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	return "application/octet-stream";
}

/* name-Bx3dQ9_k.js: eight or more letters of a hash between a dash and the suffix */
static bool
is_hashed(const VgRequest *request)
{
	const char *name = request->parts[request->part_count - 1];
	const char *dot = strrchr(name, '.');
	const char *dash = dot;
	int length = 0;

	if (request->part_count < 2 || strcmp(request->parts[0], "assets") != 0 || dot == NULL)
		return false;
	/* a hash may contain a dash itself: count back from the suffix */
	while (dash > name && length < HASH_LENGTH_MIN)
	{
		dash--;
		if (*dash == '.')
			return false;
		length++;
	}
	return length == HASH_LENGTH_MIN && dash > name && memchr(name, '-', dash - name) != NULL;
}

/* Opens a part below a folder; closes the folder. */
static int
step(int folder, const char *part, bool is_last)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (is_last ? 0 : O_DIRECTORY);
	int fd = *part == '.' ? -1 : openat(folder, part, flags);

	close(folder);
	return fd;
}

/* The file of these parts with a suffix added to the last, -1: there is none. */
static int
open_file(char *const *parts, int count, const char *suffix, struct stat *info)
{
	int fd = open(vg_config->static_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < count && fd >= 0; i++)
	{
		char *part = vg_format("%s%s", parts[i], i + 1 == count ? suffix : "");

		fd = step(fd, part, i + 1 == count);
		free(part);
	}
	if (fd >= 0 && (fstat(fd, info) < 0 || !S_ISREG(info->st_mode)))
	{
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The file itself or a compressed one beside it. */
static int
open_best(VgRequest *request, char *const *parts, int count, struct stat *info, const char **coding)
{
	const char *accepted = vg_request_header(request, "Accept-Encoding");
	int fd = open_file(parts, count, "", info);

	*coding = NULL;
	for (size_t i = 0; fd >= 0 && accepted && i < sizeof(codings) / sizeof(codings[0]); i++)
	{
		struct stat other;
		int better = vg_accepts_coding(accepted, codings[i][0])
						 ? open_file(parts, count, codings[i][1], &other)
						 : -1;

		if (better < 0)
			continue;
		close(fd);
		*info = other;
		*coding = codings[i][0];
		return better;
	}
	return fd;
}

static bool
has_etag(const VgRequest *request, const char *etag)
{
	const char *known = vg_request_header(request, "If-None-Match");

	return known && (strcmp(known, "*") == 0 || strstr(known, etag));
}

static void
send_file(VgRequest *request, VgReply *reply, int fd, const struct stat *info, const char *name,
		  const char *coding, bool is_for_ever)
{
	char etag[80];

	snprintf(etag, sizeof(etag), "\"%llx-%llx%09lx%s%s\"", (unsigned long long) info->st_size,
			 (unsigned long long) info->st_mtim.tv_sec, (unsigned long) info->st_mtim.tv_nsec,
			 coding ? "-" : "", coding ? coding : "");
	vg_reply_header(reply, "ETag", etag);
	vg_reply_header(reply, "Vary", "Accept-Encoding");
	vg_reply_header(reply, "Cache-Control",
					is_for_ever ? "public, max-age=31536000, immutable" : "no-cache");
	reply->is_compressed = true;
	if (has_etag(request, etag))
	{
		close(fd);
		reply->status = MHD_HTTP_NOT_MODIFIED;
		return;
	}
	if (coding)
		vg_reply_header(reply, "Content-Encoding", coding);
	reply->status = MHD_HTTP_OK;
	reply->content_type = vg_copy(type_of(name));
	reply->file = fd;
	reply->file_size = info->st_size;
}

static void
not_found(VgReply *reply)
{
	vg_reply_refuse(reply, MHD_HTTP_NOT_FOUND, "42704", "there is nothing at this path",
					*vg_config->static_folder
						? NULL
						: "No page is served: the gateway's setting static is empty.");
}

void
vg_static_serve(VgRequest *request, VgReply *reply)
{
	static char *const index[] = {"index.html"};
	const char *last = request->part_count ? request->parts[request->part_count - 1] : "";
	struct stat info;
	const char *coding;
	int fd = -1;

	if (*vg_config->static_folder == '\0')
	{
		not_found(reply);
		return;
	}
	if (request->part_count > 0)
		fd = open_best(request, request->parts, request->part_count, &info, &coding);
	if (fd >= 0)
	{
		send_file(request, reply, fd, &info, last, coding, is_hashed(request));
		return;
	}
	/* A name with a suffix is a file that is missing, and no page. */
	if (strchr(last, '.') == NULL)
		fd = open_best(request, index, 1, &info, &coding);
	if (fd >= 0)
		send_file(request, reply, fd, &info, index[0], coding, false);
	else
		not_found(reply);
}
