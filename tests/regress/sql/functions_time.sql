-- Functions of times, in plain SQL.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
-- Conversions: outside of a record there is no event time.
SELECT velo.timestamp(), velo.timestamp(1700000000123), velo.timestamp(-1), velo.timestamp(1.5), velo.timestamp(5::smallint);
SELECT velo.timestamp('2026-03-01T10:00:00'), velo.timestamp('2026-03-01T10:00:00.5+02:00'), velo.timestamp('2026-03-01');
SELECT velo.timestamp(1700000000, 'epoch'), velo.timestamp('1700000000.5', 'epoch_seconds'), velo.timestamp(1700000000123, 'epoch_millis'), velo.timestamp('2026-03-01', 'iso8601');
-- Not the session's zone where the text or type has none.
SET timezone = 'Europe/Berlin';
SELECT velo.timestamp('2026-07-01 10:00'), velo.timestamp(timestamp '2026-07-01 10:00'), velo.timestamp(date '2026-07-01'), velo.timestamp(timestamptz '2026-07-01 10:00');
SET timezone = 'UTC';
SELECT text, format, velo.timestamp(text, format) FROM (VALUES
    ('01/Feb/2026:13:05:06 +0230', '%d/%b/%Y:%H:%M:%S %z'), ('March 5, 2026 3:04 PM', '%B %d, %Y %I:%M %p'),
    ('Thursday 2026-03-05', '%A %F'), ('12:00 AM', '%I:%M %p'), ('2026060', '%Y%j'), ('260301', '%y%m%d'),
    ('1700000000', '%s'), ('10:11:12.5', '%T.%f'), ('10:11:12', '%T%.f'), ('10:11:12.123456789', '%T%.9f'),
    ('2026-03-01 Z', '%F %z'), ('2026-03-01 GMT', '%F %Z'), (' 2026-03-01 ', '%F'), ('100%', '%j%%'),
    ('2026-02-28 23:59:60', '%F %T'), ('20260201', 'yyyyMMdd'), ('2026-02-01T05:06:07.123+01', 'yyyy-MM-dd''T''HH:mm:ss.SSSXXX'),
    ('5 o''clock', 'h ''o''''clock'''), ('Mon, 02 Mar 26', 'EEE, dd MMM yy')) v(text, format);
SELECT velo.timestamp('2026-02-30', '%Y-%m-%d');
SELECT velo.timestamp('2026-366', '%Y-%j');
SELECT velo.timestamp('2026-02-3x', '%Y-%m-%d');
SELECT velo.timestamp('2026-13-01', '%Y-%m-%d');
SELECT velo.timestamp('25:00', '%H:%M');
SELECT velo.timestamp('2026', 'yyyy''');
SELECT velo.timestamp('2026', 'qq');
SELECT velo.timestamp('2026', '%Q');
SELECT velo.timestamp('x', 'epoch');
SELECT velo.timestamp('nonsense');
SELECT velo.timestamp(12, '%Y');
SELECT velo.timestamp(9223372036854775807);
SELECT velo.timestamp('99999999999999999999', '%s');

-- As texts.
SELECT format, velo.date_format(timestamptz '2026-03-01 10:02:03.456789+00', format) FROM unnest(ARRAY['%Y-%m-%d %H:%M:%S',
    '%F %T.%f', '%3f %6f %9f', '%.f %.3f', '%-d/%-m/%y', '%j %u %w %V %G', '%a %A %b %B', '%I:%M %p', '%s', '%z %:z %Z', '%D %R %e|%k|%l', '%%', 'no conversion', '']) AS format;
SET timezone = 'America/New_York';
SELECT velo.date_format(timestamptz '2026-07-01 02:02:03.5+00', '%F %T%.f %z %:z %Z'), velo.date_format(timestamp '2026-07-01 10:02:03', '%F %T%.f %z %Z'),
    velo.date_format(date '2026-07-01', '%a %e %b %Y %H'), velo.date_format(1700000000000, '%F %T'), velo.date_format(timestamptz '1969-12-31 23:59:59.25+00', '%T%.f');
SET timezone = 'UTC';
SELECT velo.date_format('infinity'::timestamptz, '%Y') IS NULL, velo.date_format(NULL::timestamptz, '%Y') IS NULL, velo.date_format(now(), NULL) IS NULL;
SELECT velo.date_format(now(), '%Q');
SELECT velo.date_format(now(), '100%');
SELECT velo.date_format(now(), '%-');

-- Differences: whole units, towards zero.
SELECT unit, velo.datediff(unit, timestamptz '2024-02-29 12:00', timestamptz '2026-03-01 11:59:59.999'), velo.datediff(unit, timestamptz '2026-03-01 11:59:59.999', timestamptz '2024-02-29 12:00')
FROM unnest(ARRAY['microseconds', 'milliseconds', 'Second', 'MINUTES', 'hour', 'day', 'weeks', 'month', 'quarters', 'years']) AS unit;
SELECT velo.datediff('month', date '2026-01-31', date '2026-02-28'), velo.datediff('day', timestamp '2026-01-01', timestamp '2026-01-02 23:59'),
    velo.datediff('second', 1700000000000, 1700000001999), velo.datediff('day', '2026-01-01', '2026-02-01'), velo.datediff('day', '2026-01-01', timestamptz '2026-01-03'),
    velo.datediff('day', 0, timestamptz '1970-01-03'), velo.datediff('hour', date '2026-01-01', 1767229200000), velo.datediff('day', NULL, now());
SELECT velo.datediff('fortnight', now(), now());
SELECT velo.datediff('secondss', now(), now());
SELECT velo.datediff('s', now(), now());
SELECT velo.datediff('day', 1.5, now());
SELECT velo.datediff('day', 'infinity'::timestamptz, now());

-- Fields.
SELECT velo.extract('year', 1700000000000), velo.extract('nanosecond', timestamptz '2026-01-01 00:00:01.5'), velo.extract('NANOSECONDS', interval '1.000001 s'),
    velo.extract('dow', date '2026-01-01'), velo.extract('minute', interval '90 min'), velo.extract('hour', time '10:11'), velo.extract('epoch', timestamp '1970-01-02'), velo.extract('year', NULL::timestamptz);
SELECT velo.extract('nonsense', now());
SELECT velo.year(t), velo.month(t), velo.day(t), velo.hour(t), velo.minute(t), velo.second(t) FROM (VALUES (timestamptz '2026-12-31 23:59:59.9'), (NULL)) v(t);
SELECT velo.year(t), velo.month(t), velo.day(t), velo.hour(t), velo.minute(t), velo.second(t) FROM (VALUES (1700000000123)) v(t);
SELECT velo.year(t), velo.month(t), velo.day(t), velo.hour(t), velo.minute(t), velo.second(t) FROM (VALUES (date '2026-12-31')) v(t);
SELECT velo.year(t), velo.month(t), velo.day(t), velo.hour(t), velo.minute(t), velo.second(t) FROM (VALUES (timestamp '2026-12-31 01:02:03')) v(t);
SELECT velo.from_unixtime(1700000000), velo.from_unixtime(1.5), velo.unix_timestamp(timestamptz '1970-01-02'), velo.unix_timestamp(timestamp '1970-01-02'), velo.unix_timestamp(date '1970-01-02'), velo.unix_timestamp(1999), velo.unix_timestamp(-1);
SELECT velo.unix_timestamp() = floor(extract(epoch FROM now())) AS same;

-- bigint milliseconds beside timestamptz.
SET search_path = velo, pg_catalog;
SELECT a, b, a = b, a <> b, a < b, a <= b, a > b, a >= b, b = a, b <> a, b < a, b <= a, b > a, b >= a, a - b, b - a
FROM (VALUES (timestamptz '1970-01-01 00:00:01', 1000), ('1970-01-01 00:00:01.001', 1000), ('1970-01-01', 1000), (NULL, 1)) v(a, b);
-- PostgreSQL's own are left alone.
SELECT date '2026-01-02' - 1, date '2026-01-02' - date '2026-01-01', '2026-01-01' < timestamptz '2026-01-02', round(2.5), round(2.345, 2), extract(year FROM date '2026-01-01'), position('a' IN 'ba'), timestamptz '2026-01-02' - '2026-01-01';
