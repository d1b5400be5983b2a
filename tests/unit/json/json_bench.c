/*
 * json_bench.c
 *	  What does the scanner cost for a record?
 *
 * CPU time of the thread, best of several rounds.  The records differ in their values, as
 * those of a stream do, so that no branch predictor learns one record by heart.
 */
#include "format/json_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RECORDS 4096
#define RECORD_MAX 1024
#define ROUNDS 200

static char texts[RECORDS][RECORD_MAX];
static int lengths[RECORDS];
static VeloJsonScanner scanner;

static double
now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static unsigned
random_below(unsigned n)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned) (state >> 33) % n;
}

static int
small(char *to)
{
	return sprintf(to, "{\"key\":\"k%06u\",\"v\":%u.%02u,\"ts\":1767225%06u}", random_below(10000),
				   random_below(1000), random_below(100), random_below(1000000));
}

static int
bid(char *to)
{
	static const char url[] = "https://www.nexmark.com/item.htm?query=1";
	static const char filler[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
								 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";

	return sprintf(to,
				   "{\"auction\":%u,\"bidder\":%u,\"price\":%u,\"channel\":\"channel-%u\","
				   "\"url\":\"%s%u\",\"dateTime\":\"2026-01-01 00:%02u:%02u.%03u\","
				   "\"extra\":\"%.*s\"}",
				   1000 + random_below(1000), 1000 + random_below(9000),
				   100 + random_below(10000000), random_below(10000), url, random_below(100000),
				   random_below(60), random_below(60), random_below(1000),
				   (int) (80 + random_below(10)), filler);
}

static int
utf8(char *to)
{
	return sprintf(to, "{\"key\":\"ключ%u\",\"v\":\"Привет, мир, это текст из %u букв\",\"ts\":%u}",
				   random_below(1000), random_below(1000), random_below(1000000));
}

static void
bench(const char *what, int (*make)(char *), VeloJsonField *fields, int nfields)
{
	double best = 1e18;
	double bytes = 0;
	int failed = 0;

	for (int i = 0; i < RECORDS; i++)
	{
		char *exact;

		lengths[i] = make(texts[i]);
		bytes += lengths[i];
		exact = texts[i];
		exact[lengths[i]] = 0;
	}
	velo_format_json_scanner_init(&scanner, fields, nfields);
	for (int round = 0; round < ROUNDS; round++)
	{
		double start = now_ns();
		double ns;

		for (int i = 0; i < RECORDS; i++)
			failed += !velo_format_json_scan(&scanner, texts[i], lengths[i]);
		ns = (now_ns() - start) / RECORDS;
		if (ns < best)
			best = ns;
	}
	printf("%-34s %4.0f bytes  %6.1f ns  %5.2f GB/s%s\n", what, bytes / RECORDS, best,
		   bytes / RECORDS / best, failed ? "  FAILED" : "");
}

#define FIELD(name) {name, sizeof(name) - 1, {0}}

int
main(void)
{
	VeloJsonField three[] = {FIELD("key"), FIELD("v"), FIELD("ts")};
	VeloJsonField all[] = {FIELD("auction"), FIELD("bidder"),	FIELD("price"), FIELD("channel"),
						   FIELD("url"),	 FIELD("datetime"), FIELD("extra")};
	VeloJsonField some[] = {FIELD("auction"), FIELD("price"), FIELD("datetime")};
	VeloJsonField reversed[] = {FIELD("extra"),	  FIELD("datetime"), FIELD("url"),
								FIELD("channel"), FIELD("price"),	 FIELD("bidder"),
								FIELD("auction")};

	bench("small record, 3 fields", small, three, 3);
	bench("bid, 7 fields", bid, all, 7);
	bench("bid, 3 of 7 fields", bid, some, 3);
	bench("bid, 7 fields in other order", bid, reversed, 7);
	bench("text outside of ASCII, 3 fields", utf8, three, 3);
	return 0;
}
