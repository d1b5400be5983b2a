-- Functions of times.  Where the dialect says T, a time is timestamptz, timestamp, date,
-- or bigint milliseconds since 1970.

CREATE OR REPLACE FUNCTION velo.timestamp() RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULL::timestamptz;
COMMENT ON FUNCTION velo.timestamp() IS
'The event time of the record, in a query over a stream; NULL elsewhere.';

CREATE OR REPLACE FUNCTION velo.timestamp(t timestamptz) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN t;
COMMENT ON FUNCTION velo.timestamp(timestamptz) IS
'A time as it is.';

CREATE OR REPLACE FUNCTION velo.timestamp(t timestamp) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_timestamp_from';
COMMENT ON FUNCTION velo.timestamp(timestamp) IS
'A time without a zone, read as UTC.';

CREATE OR REPLACE FUNCTION velo.timestamp(t date) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_timestamp_from';
COMMENT ON FUNCTION velo.timestamp(date) IS
'The beginning of a day, in UTC.';

CREATE OR REPLACE FUNCTION velo.timestamp(ms bigint) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_timestamp_from';
COMMENT ON FUNCTION velo.timestamp(bigint) IS
'Milliseconds since 1970 as a time.';

CREATE OR REPLACE FUNCTION velo.timestamp(ms double precision) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_timestamp_from';
COMMENT ON FUNCTION velo.timestamp(double precision) IS
'Milliseconds since 1970, with a fraction, as a time.';

CREATE OR REPLACE FUNCTION velo.timestamp(s text) RETURNS timestamptz
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_timestamp_from';
COMMENT ON FUNCTION velo.timestamp(text) IS
'A text in ISO 8601 as a time; in UTC unless it names a zone.';

CREATE OR REPLACE FUNCTION velo.timestamp(x bigint, format text) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_timestamp_from';
COMMENT ON FUNCTION velo.timestamp(bigint, text) IS
'A number as a time: epoch_millis, epoch_seconds or epoch.';

CREATE OR REPLACE FUNCTION velo.timestamp(x double precision, format text) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_timestamp_from';
COMMENT ON FUNCTION velo.timestamp(double precision, text) IS
'A number as a time: epoch_millis, epoch_seconds or epoch.';

CREATE OR REPLACE FUNCTION velo.timestamp(s text, format text) RETURNS timestamptz
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_timestamp_from';
COMMENT ON FUNCTION velo.timestamp(text, text) IS
'A text as a time: epoch_millis, epoch_seconds, iso8601, conversions of strftime (%Y-%m-%d), or a pattern of Java (yyyy-MM-dd).';

-- What EXTRACT(part FROM t) becomes in statements of the dialect.

CREATE OR REPLACE FUNCTION velo.extract(part text, t timestamptz) RETURNS numeric
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN pg_catalog.lower(part) IN ('nanosecond', 'nanoseconds')
        THEN 1000 * pg_catalog.extract('microseconds', t) ELSE pg_catalog.extract(part, t) END;
COMMENT ON FUNCTION velo.extract(text, timestamptz) IS
'A field of a time, as EXTRACT gives it; also nanosecond.';

CREATE OR REPLACE FUNCTION velo.extract(part text, t timestamp) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN pg_catalog.lower(part) IN ('nanosecond', 'nanoseconds')
        THEN 1000 * pg_catalog.extract('microseconds', t) ELSE pg_catalog.extract(part, t) END;
COMMENT ON FUNCTION velo.extract(text, timestamp) IS
'A field of a time, as EXTRACT gives it; also nanosecond.';

CREATE OR REPLACE FUNCTION velo.extract(part text, t date) RETURNS numeric
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract(part, t);
COMMENT ON FUNCTION velo.extract(text, date) IS
'A field of a date, as EXTRACT gives it.';

CREATE OR REPLACE FUNCTION velo.extract(part text, t time) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN pg_catalog.lower(part) IN ('nanosecond', 'nanoseconds')
        THEN 1000 * pg_catalog.extract('microseconds', t) ELSE pg_catalog.extract(part, t) END;
COMMENT ON FUNCTION velo.extract(text, time) IS
'A field of a time, as EXTRACT gives it; also nanosecond.';

CREATE OR REPLACE FUNCTION velo.extract(part text, t timetz) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN pg_catalog.lower(part) IN ('nanosecond', 'nanoseconds')
        THEN 1000 * pg_catalog.extract('microseconds', t) ELSE pg_catalog.extract(part, t) END;
COMMENT ON FUNCTION velo.extract(text, timetz) IS
'A field of a time, as EXTRACT gives it; also nanosecond.';

CREATE OR REPLACE FUNCTION velo.extract(part text, t interval) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN pg_catalog.lower(part) IN ('nanosecond', 'nanoseconds')
        THEN 1000 * pg_catalog.extract('microseconds', t) ELSE pg_catalog.extract(part, t) END;
COMMENT ON FUNCTION velo.extract(text, interval) IS
'A field of a time, as EXTRACT gives it; also nanosecond.';

CREATE OR REPLACE FUNCTION velo.extract(part text, ms bigint) RETURNS numeric
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN velo.extract(part, velo.timestamp(ms));
COMMENT ON FUNCTION velo.extract(text, bigint) IS
'A field of a time in milliseconds since 1970, as EXTRACT gives it; also nanosecond.';

-- As texts, and differences.

CREATE OR REPLACE FUNCTION velo.date_format(t timestamptz, format text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_date_format';
COMMENT ON FUNCTION velo.date_format(timestamptz, text) IS
'A time as a text in the form of strftime (%Y-%m-%d %H:%M:%S), in the time zone of the session or job.';

CREATE OR REPLACE FUNCTION velo.date_format(t timestamp, format text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_date_format_local';
COMMENT ON FUNCTION velo.date_format(timestamp, text) IS
'A time without a zone as a text in the form of strftime.';

CREATE OR REPLACE FUNCTION velo.date_format(t date, format text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo.date_format(t::timestamp, format);
COMMENT ON FUNCTION velo.date_format(date, text) IS
'A day as a text in the form of strftime.';

CREATE OR REPLACE FUNCTION velo.date_format(ms bigint, format text) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN velo.date_format(velo.timestamp(ms), format);
COMMENT ON FUNCTION velo.date_format(bigint, text) IS
'Milliseconds since 1970 as a text in the form of strftime, in the time zone of the session or job.';

CREATE OR REPLACE FUNCTION velo.datediff(unit text, a timestamptz, b timestamptz) RETURNS bigint
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_datediff';
COMMENT ON FUNCTION velo.datediff(text, timestamptz, timestamptz) IS
'Whole units from a to b: microseconds to weeks, months, quarters, years; negative if b is before a.';

CREATE OR REPLACE FUNCTION velo.datediff(unit text, a timestamp, b timestamp) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_datediff_local';
COMMENT ON FUNCTION velo.datediff(text, timestamp, timestamp) IS
'Whole units from a to b: microseconds to weeks, months, quarters, years; negative if b is before a.';

CREATE OR REPLACE FUNCTION velo.datediff(unit text, a date, b date) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo.datediff(unit, a::timestamp, b::timestamp);
COMMENT ON FUNCTION velo.datediff(text, date, date) IS
'Whole units from a to b: microseconds to weeks, months, quarters, years; negative if b is before a.';

CREATE OR REPLACE FUNCTION velo.datediff(unit text, a bigint, b bigint) RETURNS bigint
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN velo.datediff(unit, velo.timestamp(a), velo.timestamp(b));
COMMENT ON FUNCTION velo.datediff(text, bigint, bigint) IS
'Whole units from a to b: microseconds to weeks, months, quarters, years; negative if b is before a. Both are milliseconds since 1970.';

CREATE OR REPLACE FUNCTION velo.datediff(unit text, a text, b text) RETURNS bigint
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN velo.datediff(unit, velo.timestamp(a), velo.timestamp(b));
COMMENT ON FUNCTION velo.datediff(text, text, text) IS
'Whole units from a to b: microseconds to weeks, months, quarters, years; negative if b is before a. Both are texts in ISO 8601.';

CREATE OR REPLACE FUNCTION velo.datediff(unit text, a "any", b "any") RETURNS bigint
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_datediff_mixed';
COMMENT ON FUNCTION velo.datediff(text, "any", "any") IS
'Whole units from a to b: microseconds to weeks, months, quarters, years; negative if b is before a. Times of different types; a bigint is milliseconds since 1970.';

CREATE OR REPLACE FUNCTION velo.from_unixtime(seconds double precision) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.to_timestamp(seconds);
COMMENT ON FUNCTION velo.from_unixtime(double precision) IS
'Seconds since 1970 as a time.';

CREATE OR REPLACE FUNCTION velo.unix_timestamp() RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.floor(pg_catalog.extract('epoch', pg_catalog.now()))::bigint;
COMMENT ON FUNCTION velo.unix_timestamp() IS
'Seconds from 1970 to now.';

CREATE OR REPLACE FUNCTION velo.unix_timestamp(t timestamptz) RETURNS bigint
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.floor(pg_catalog.extract('epoch', t))::bigint;
COMMENT ON FUNCTION velo.unix_timestamp(timestamptz) IS
'Whole seconds from 1970 to a time.';

CREATE OR REPLACE FUNCTION velo.unix_timestamp(t timestamp) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.floor(pg_catalog.extract('epoch', t))::bigint;
COMMENT ON FUNCTION velo.unix_timestamp(timestamp) IS
'Whole seconds from 1970 to a time.';

CREATE OR REPLACE FUNCTION velo.unix_timestamp(t date) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.floor(pg_catalog.extract('epoch', t))::bigint;
COMMENT ON FUNCTION velo.unix_timestamp(date) IS
'Whole seconds from 1970 to a time.';

CREATE OR REPLACE FUNCTION velo.unix_timestamp(t bigint) RETURNS bigint
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.floor(pg_catalog.extract('epoch', velo.timestamp(t)))::bigint;
COMMENT ON FUNCTION velo.unix_timestamp(bigint) IS
'Whole seconds from 1970 to a time.';

CREATE OR REPLACE FUNCTION velo.year(t timestamptz) RETURNS integer
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('year', t)::integer;
COMMENT ON FUNCTION velo.year(timestamptz) IS
'The year of a time, in the time zone of the session or job.';

CREATE OR REPLACE FUNCTION velo.year(t timestamp) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('year', t)::integer;
COMMENT ON FUNCTION velo.year(timestamp) IS
'The year of a time.';

CREATE OR REPLACE FUNCTION velo.year(t date) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('year', t::timestamp)::integer;
COMMENT ON FUNCTION velo.year(date) IS
'The year of a time.';

CREATE OR REPLACE FUNCTION velo.year(t bigint) RETURNS integer
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('year', velo.timestamp(t))::integer;
COMMENT ON FUNCTION velo.year(bigint) IS
'The year of a time, in the time zone of the session or job.';

CREATE OR REPLACE FUNCTION velo.month(t timestamptz) RETURNS integer
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('month', t)::integer;
COMMENT ON FUNCTION velo.month(timestamptz) IS
'The month of a time, in the time zone of the session or job.';

CREATE OR REPLACE FUNCTION velo.month(t timestamp) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('month', t)::integer;
COMMENT ON FUNCTION velo.month(timestamp) IS
'The month of a time.';

CREATE OR REPLACE FUNCTION velo.month(t date) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('month', t::timestamp)::integer;
COMMENT ON FUNCTION velo.month(date) IS
'The month of a time.';

CREATE OR REPLACE FUNCTION velo.month(t bigint) RETURNS integer
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('month', velo.timestamp(t))::integer;
COMMENT ON FUNCTION velo.month(bigint) IS
'The month of a time, in the time zone of the session or job.';

CREATE OR REPLACE FUNCTION velo.day(t timestamptz) RETURNS integer
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('day', t)::integer;
COMMENT ON FUNCTION velo.day(timestamptz) IS
'The day of a time, in the time zone of the session or job.';

CREATE OR REPLACE FUNCTION velo.day(t timestamp) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('day', t)::integer;
COMMENT ON FUNCTION velo.day(timestamp) IS
'The day of a time.';

CREATE OR REPLACE FUNCTION velo.day(t date) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('day', t::timestamp)::integer;
COMMENT ON FUNCTION velo.day(date) IS
'The day of a time.';

CREATE OR REPLACE FUNCTION velo.day(t bigint) RETURNS integer
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('day', velo.timestamp(t))::integer;
COMMENT ON FUNCTION velo.day(bigint) IS
'The day of a time, in the time zone of the session or job.';

CREATE OR REPLACE FUNCTION velo.hour(t timestamptz) RETURNS integer
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('hour', t)::integer;
COMMENT ON FUNCTION velo.hour(timestamptz) IS
'The hour of a time, in the time zone of the session or job.';

CREATE OR REPLACE FUNCTION velo.hour(t timestamp) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('hour', t)::integer;
COMMENT ON FUNCTION velo.hour(timestamp) IS
'The hour of a time.';

CREATE OR REPLACE FUNCTION velo.hour(t date) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('hour', t::timestamp)::integer;
COMMENT ON FUNCTION velo.hour(date) IS
'The hour of a time.';

CREATE OR REPLACE FUNCTION velo.hour(t bigint) RETURNS integer
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('hour', velo.timestamp(t))::integer;
COMMENT ON FUNCTION velo.hour(bigint) IS
'The hour of a time, in the time zone of the session or job.';

CREATE OR REPLACE FUNCTION velo.minute(t timestamptz) RETURNS integer
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('minute', t)::integer;
COMMENT ON FUNCTION velo.minute(timestamptz) IS
'The minute of a time, in the time zone of the session or job.';

CREATE OR REPLACE FUNCTION velo.minute(t timestamp) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('minute', t)::integer;
COMMENT ON FUNCTION velo.minute(timestamp) IS
'The minute of a time.';

CREATE OR REPLACE FUNCTION velo.minute(t date) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('minute', t::timestamp)::integer;
COMMENT ON FUNCTION velo.minute(date) IS
'The minute of a time.';

CREATE OR REPLACE FUNCTION velo.minute(t bigint) RETURNS integer
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.extract('minute', velo.timestamp(t))::integer;
COMMENT ON FUNCTION velo.minute(bigint) IS
'The minute of a time, in the time zone of the session or job.';

CREATE OR REPLACE FUNCTION velo.second(t timestamptz) RETURNS integer
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.floor(pg_catalog.extract('second', t))::integer;
COMMENT ON FUNCTION velo.second(timestamptz) IS
'The second of a time, in the time zone of the session or job.';

CREATE OR REPLACE FUNCTION velo.second(t timestamp) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.floor(pg_catalog.extract('second', t))::integer;
COMMENT ON FUNCTION velo.second(timestamp) IS
'The second of a time.';

CREATE OR REPLACE FUNCTION velo.second(t date) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.floor(pg_catalog.extract('second', t::timestamp))::integer;
COMMENT ON FUNCTION velo.second(date) IS
'The second of a time.';

CREATE OR REPLACE FUNCTION velo.second(t bigint) RETURNS integer
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.floor(pg_catalog.extract('second', velo.timestamp(t)))::integer;
COMMENT ON FUNCTION velo.second(bigint) IS
'The second of a time, in the time zone of the session or job.';
