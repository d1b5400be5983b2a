/*
 * test_time.c
 *	  Are dates and times read and written as RFC 3339 has them?
 */
#include "format/json_time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks;
static int failures;

static void
check(bool is_right, const char *what)
{
	checks++;
	if (!is_right)
	{
		failures++;
		printf("failed: %s\n", what);
	}
}

static void
reads(const char *text, int64_t us, bool has_zone)
{
	VeloJsonTime time;
	size_t length = strlen(text);
	char *copy = malloc(length);

	memcpy(copy, text, length);
	check(velo_format_time_parse(copy, length, &time) && time.us == us &&
			  time.has_zone == has_zone && time.has_time == (length > 10),
		  text);
	free(copy);
}

static void
refuses(const char *text)
{
	VeloJsonTime time;
	size_t length = strlen(text);
	char *copy = malloc(length ? length : 1);

	memcpy(copy, text, length);
	check(!velo_format_time_parse(copy, length, &time), text);
	free(copy);
}

static void
writes(int64_t us, const char *wanted)
{
	char text[VELO_JSON_TIME_MAX];
	int n = velo_format_time_write(us, text);

	check(n == (int) strlen(wanted) && memcmp(text, wanted, n) == 0, wanted);
}

/* Every day of the years 1 to 9999 is written, read back, and follows the day before. */
static void
test_all_days(void)
{
	char text[VELO_JSON_TIME_MAX];
	char before[VELO_JSON_TIME_MAX] = "0000-12-31";
	bool is_right = true;

	for (int32_t day = -730119; day <= 2921939; day++)
	{
		VeloJsonTime time;

		is_right &= velo_format_date_write(day, text) == 10;
		is_right &= velo_format_time_parse(text, 10, &time);
		is_right &= time.us == day * INT64_C(86400000000);
		is_right &= memcmp(before, text, 10) < 0;
		memcpy(before, text, 10);
	}
	check(is_right, "all days");
	check(velo_format_date_write(-730120, text) == 0, "before the year 1");
	check(velo_format_date_write(2921940, text) == 0, "after the year 9999");
}

int
main(void)
{
	reads("2000-01-01", 0, false);
	reads("2000-01-01T00:00:00Z", 0, true);
	reads("2000-01-01t00:00:00z", 0, true);
	reads("2000-01-01 00:00:00", 0, false);
	reads("2000-01-01T00:00", 0, false);
	reads("2000-01-01T00:01Z", 60000000, true);
	reads("2000-01-01T00:00:00.1Z", 100000, true);
	reads("2000-01-01T00:00:00.123456Z", 123456, true);
	reads("2000-01-01T00:00:00.1234564Z", 123456, true);
	reads("2000-01-01T00:00:00.1234567Z", 123457, true);
	reads("2000-01-01T00:00:00.123456789Z", 123457, true);
	reads("2000-01-01T00:00:00.999999999Z", 1000000, true);
	reads("2000-01-01T00:00:00+01:00", INT64_C(-3600000000), true);
	reads("2000-01-01T00:00:00-0130", INT64_C(5400000000), true);
	reads("2000-01-01T00:00:00+00", 0, true);
	reads("1999-12-31T23:59:59.999999Z", -1, true);
	reads("2024-02-29T12:00:00Z", INT64_C(762523200000000), true);
	reads("1970-01-01T00:00:00Z", INT64_C(-946684800000000), true);
	refuses("");
	refuses("2000");
	refuses("2000-01-0");
	refuses("2000-13-01");
	refuses("2000-00-01");
	refuses("2000-01-00");
	refuses("2000-01-32");
	refuses("2023-02-29");
	refuses("1900-02-29");
	refuses("0000-01-01");
	refuses("2000/01/01");
	refuses("2000-01-01T");
	refuses("2000-01-01T1");
	refuses("2000-01-01T12");
	refuses("2000-01-01X12:00:00");
	refuses("2000-01-01T24:00:00Z");
	refuses("2000-01-01T23:60:00Z");
	refuses("2000-01-01T23:59:60Z");
	refuses("2000-01-01T23:59:5Z");
	refuses("2000-01-01T23:59:59.Z");
	refuses("2000-01-01T23:59:59,5Z");
	refuses("2000-01-01T00:00:00.0000005Z");
	refuses("2000-01-01T00:00:00.1234567890123Z");
	refuses("2000-01-01T00:00:00 UTC");
	refuses("2000-01-01T00:00:00ZZ");
	refuses("2000-01-01T00:00:00+1");
	refuses("2000-01-01T00:00:00+01:");
	refuses("2000-01-01T00:00:00+01:6");
	refuses("2000-01-01T00:00:00+01:60");
	refuses("2000-01-01T00:00:00+15:00");
	refuses("2000-01-01T00:00:00+01-00");
	refuses("2000-01-01T00:00:00 BC");
	refuses("+2000-01-01");
	refuses("20000101T000000Z");
	writes(0, "2000-01-01T00:00:00Z");
	writes(-1, "1999-12-31T23:59:59.999999Z");
	writes(500000, "2000-01-01T00:00:00.500Z");
	writes(1000, "2000-01-01T00:00:00.001Z");
	writes(100, "2000-01-01T00:00:00.000100Z");
	writes(INT64_C(762523200000000), "2024-02-29T12:00:00Z");
	writes(INT64_MAX, "");
	writes(INT64_MIN, "");
	test_all_days();
	printf("%d checks of times, %d failed\n", checks, failures);
	return failures != 0;
}
