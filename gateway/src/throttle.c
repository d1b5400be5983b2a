/*
 * throttle.c
 *	  Failed log-ins by address.
 *
 * After login_failures_max failures an address waits one second, then two, four, … up to
 * login_delay_max.  A success does not wipe the slate, or somebody with one account of
 * his own could guess without end; failures are forgotten when there was none for
 * FORGET_FACTOR times the longest wait.  Of IPv6 the network (/64) counts: it is what one
 * customer gets.
 */
#include "gateway/src/throttle.h"

#include "gateway/src/config.h"
#include "gateway/src/memory.h"
#include "gateway/src/metrics.h"
#include "gateway/src/request.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum
{
	FORGET_FACTOR = 5,
	FIRST_WAIT_MS = 1000,
	DOUBLINGS_MAX = 20
};

typedef struct Address
{
	char text[VG_ADDRESS_SIZE];
	int failures;
	int64_t failed_ms;
	int64_t free_ms; /* from then on it may try */
} Address;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Address *addresses; /* addresses_max of them, for ever */
static int address_count;

VG_COUNTER(failures, "velo_gateway_login_failures_total", "counter", "Log-ins that failed.");
VG_COUNTER(throttled, "velo_gateway_login_throttled_total", "counter",
		   "Log-ins refused because their address had failed too often.");

static void
reduce(const char *address, char text[VG_ADDRESS_SIZE])
{
	struct in6_addr v6;

	snprintf(text, VG_ADDRESS_SIZE, "%s", address);
	if (inet_pton(AF_INET6, address, &v6) != 1)
		return;
	memset(&v6.s6_addr[8], 0, 8);
	inet_ntop(AF_INET6, &v6, text, VG_ADDRESS_SIZE);
}

static bool
is_forgotten(const Address *address)
{
	return vg_now_ms() - address->failed_ms > (int64_t) vg_config->login_delay_max * FORGET_FACTOR;
}

static Address *
find(const char *text)
{
	for (int i = 0; i < address_count; i++)
		if (strcmp(addresses[i].text, text) == 0)
			return &addresses[i];
	return NULL;
}

/* A new entry: a free one, or that which failed longest ago. */
static Address *
add(const char *text)
{
	Address *address = NULL;

	if (addresses == NULL)
		addresses = vg_alloc(vg_config->addresses_max * sizeof(Address));
	if (address_count < vg_config->addresses_max)
		address = &addresses[address_count++];
	else
		for (int i = 0; i < address_count; i++)
			if (address == NULL || addresses[i].failed_ms < address->failed_ms)
				address = &addresses[i];
	memset(address, 0, sizeof(*address));
	snprintf(address->text, sizeof(address->text), "%s", text);
	return address;
}

int
vg_throttle_wait(const char *address)
{
	char text[VG_ADDRESS_SIZE];
	Address *known;
	int64_t wait = 0;

	reduce(address, text);
	pthread_mutex_lock(&lock);
	known = find(text);
	if (known && !is_forgotten(known))
		wait = known->free_ms - vg_now_ms();
	pthread_mutex_unlock(&lock);
	if (wait <= 0)
		return 0;
	vg_count(&throttled, 1);
	return (int) wait;
}

void
vg_throttle_failed(const char *address)
{
	char text[VG_ADDRESS_SIZE];
	Address *known;
	int64_t wait;
	int doublings;

	reduce(address, text);
	vg_count(&failures, 1);
	pthread_mutex_lock(&lock);
	known = find(text);
	if (known == NULL)
		known = add(text);
	if (is_forgotten(known))
		known->failures = 0;
	known->failures++;
	known->failed_ms = vg_now_ms();
	doublings = known->failures - vg_config->login_failures_max;
	if (doublings >= 0)
	{
		wait = (int64_t) FIRST_WAIT_MS << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);
		known->free_ms = vg_now_ms() +
						 (wait < vg_config->login_delay_max ? wait : vg_config->login_delay_max);
	}
	pthread_mutex_unlock(&lock);
}
