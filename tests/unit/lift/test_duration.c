/*
 * test_duration.c
 *	  Is every spelling of a duration read as what it says, and nothing else?
 */
#include "dump.h"

#include <string.h>

#define US 1LL
#define MS 1000LL
#define S 1000000LL
#define M (60 * S)
#define H (60 * M)
#define D (24 * H)

static const struct
{
	const char *text;
	long long default_unit;
	bool valid;
	long long micros;
	int months;
} cases[] = {
	{"5m", S, true, 5 * M, 0},
	{"500ms", S, true, 500 * MS, 0},
	{"30", S, true, 30 * S, 0},
	{"30", MS, true, 30 * MS, 0},
	{"30", 0, false, 0, 0},
	{"1 minute", S, true, M, 0},
	{"  2   HOURS ", S, true, 2 * H, 0},
	{"1h30m", S, true, H + 30 * M, 0},
	{"1 day 2 hours", S, true, D + 2 * H, 0},
	{"1.5 hours", S, true, 90 * M, 0},
	{"0.5s", S, true, 500 * MS, 0},
	{".5s", S, true, 500 * MS, 0},
	{"1.", S, true, S, 0},
	{"1500ns", S, true, 1, 0},
	{"600ns 600ns", S, true, 1, 0},
	{"7us", S, true, 7, 0},
	{"7\xCE\xBCs", S, true, 7, 0},
	{"7\xC2\xB5s", S, true, 7, 0},
	{"2w", S, true, 14 * D, 0},
	{"-5m", S, true, -5 * M, 0},
	{"- 5 m", S, true, -5 * M, 0},
	{"3 months", S, true, 0, 3},
	{"1 year 2 mons", S, true, 0, 14},
	{"1 year", S, true, 0, 12},
	{"-1 month", S, true, 0, -1},
	{"01:30:00", S, true, H + 30 * M, 0},
	{"1:30", S, true, H + 30 * M, 0},
	{"1 day 01:00:00.25", S, true, D + H + 250 * MS, 0},
	{"PT5M", S, true, 5 * M, 0},
	{"P1DT2H3.5S", S, true, D + 2 * H + 3 * S + 500 * MS, 0},
	{"P2M", S, true, 0, 2},
	{"P1Y", S, true, 0, 12},
	{"106751991d", S, true, 106751991LL * D, 0},
	{"106751992d", S, false, 0, 0},
	{"99999999999999999999", S, false, 0, 0},
	{"1 month 3 days", S, false, 0, 0},
	{"0.5 months", S, false, 0, 0},
	{"3000000000 months", S, false, 0, 0},
	{"", S, false, 0, 0},
	{" ", S, false, 0, 0},
	{"-", S, false, 0, 0},
	{"m", S, false, 0, 0},
	{"5 5", S, false, 0, 0},
	{"5 fortnights", S, false, 0, 0},
	{"5mm", S, false, 0, 0},
	{"5hs", S, false, 0, 0},
	{"1:60", S, false, 0, 0},
	{"1:2:3:4", S, false, 0, 0},
	{"P", S, false, 0, 0},
	{"PT5D", S, false, 0, 0},
	{"PT", S, false, 0, 0},
	{"1e3s", S, false, 0, 0},
	{"5m!", S, false, 0, 0},
};

int
main(void)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		long long micros = 0;
		int months = 0;
		bool valid = velo_lift_duration(cases[i].text, strlen(cases[i].text), cases[i].default_unit,
										&micros, &months);

		if (valid != cases[i].valid ||
			(valid && (micros != cases[i].micros || months != cases[i].months)))
		{
			printf("not ok  \"%s\": valid %d, %lld us, %d months\n", cases[i].text, valid, micros,
				   months);
			failed++;
		}
	}
	printf("%d of %zu durations failed\n", failed, sizeof(cases) / sizeof(cases[0]));
	return failed == 0 ? 0 : 1;
}
