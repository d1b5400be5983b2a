/*
 * check_gateway.c
 *	  velo doctor: does the gateway answer, and does it reach its database?
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "doctor.h"

#define ANSWER_MS 5000
#define ANSWER_BYTES_MAX 2000
#define HOST_BYTES_MAX 256

typedef struct Address
{
	char host[HOST_BYTES_MAX];
	char port[6];
} Address;

/* http://host[:port][/…]; false: it is something else. */
static bool
parse_url(const char *url, Address *address)
{
	size_t length;

	if (strncmp(url, "http://", 7) != 0)
		return false;
	url += 7;
	if (*url == '[') /* an address of IPv6 */
	{
		length = strcspn(++url, "]");
		if (url[length] != ']' || length >= HOST_BYTES_MAX)
			return false;
		snprintf(address->host, HOST_BYTES_MAX, "%.*s", (int) length, url);
		url += length + 1;
	}
	else
	{
		length = strcspn(url, ":/");
		if (length == 0 || length >= HOST_BYTES_MAX)
			return false;
		snprintf(address->host, HOST_BYTES_MAX, "%.*s", (int) length, url);
		url += length;
	}
	strcpy(address->port, "80");
	if (*url == ':')
		snprintf(address->port, sizeof(address->port), "%.*s", (int) strspn(url + 1, "0123456789"),
				 url + 1);
	return true;
}

/* A connected socket, or -1 with the reason in *reason. */
static int
open_socket(const Address *address, const char **reason)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct timeval limit = {.tv_sec = ANSWER_MS / 1000};
	struct addrinfo *list;
	int status = getaddrinfo(address->host, address->port, &hints, &list);
	int fd = -1;

	*reason = gai_strerror(status);
	if (status != 0)
		return -1;
	for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
	{
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
		if (fd < 0)
			continue;
		/* it limits connect() too */
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
			break;
		*reason = strerror(errno == EINPROGRESS ? ETIMEDOUT : errno);
		close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	return fd;
}

/* The status of GET /ready, with the body in answer; 0: no HTTP, or no answer in time. */
static int
ask(int fd, const Address *address, char *answer)
{
	char request[HOST_BYTES_MAX + 100];
	size_t length = 0;
	int status = 0;
	char *body;

	snprintf(request, sizeof(request),
			 "GET /ready HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n", address->host,
			 address->port);
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		return 0;
	while (length < ANSWER_BYTES_MAX - 1)
	{
		ssize_t got = recv(fd, answer + length, ANSWER_BYTES_MAX - 1 - length, 0);

		if (got <= 0)
			break;
		length += got;
	}
	answer[length] = '\0';
	if (sscanf(answer, "HTTP/1.%*1d %3d", &status) != 1)
		return 0;
	body = strstr(answer, "\r\n\r\n");
	memmove(answer, body ? body + 4 : "", strlen(body ? body + 4 : "") + 1);
	return status;
}

static void
check_gateway(Doctor *doctor, const char *name)
{
	const char *url = cmd_value(doctor->line, "gateway");
	char answer[ANSWER_BYTES_MAX];
	const char *reason;
	Address address;
	int status;
	int fd;

	if (url == NULL)
		return;
	if (!parse_url(url, &address))
	{
		doctor_fail(name, "Give the gateway's own address, as http://127.0.0.1:8499.",
					"cannot ask \"%s\"", url);
		return;
	}
	fd = open_socket(&address, &reason);
	if (fd < 0)
	{
		doctor_fail(name, "Is it running, and is this the address that it listens on?", "%s:%s: %s",
					address.host, address.port, reason);
		return;
	}
	status = ask(fd, &address, answer);
	close(fd);
	if (status == 200)
		doctor_ok(name, "%s is ready", url);
	else if (status == 0)
		doctor_fail(name, "Is it the gateway that listens there?", "%s does not answer as HTTP",
					url);
	else
		doctor_fail(name, "Look into the gateway's log.", "%s is not ready: %d %s", url, status,
					answer);
}

static const DoctorCheck gateway = {110, "gateway", false, check_gateway};
DOCTOR_CHECK(gateway);
