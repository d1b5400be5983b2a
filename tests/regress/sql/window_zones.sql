-- Windows that begin at midnight somewhere: against date_trunc, where clocks are changed.
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
CREATE SCHEMA window_zones;
SET search_path = window_zones;

DO LANGUAGE velo $$
  CREATE STREAM hours (at timestamptz) WITH ('event.time.field' = 'at');
$$;
-- By year: Samoa skipped 2011-12-30, Brazil's clocks changed at midnight in 2018.
INSERT INTO hours SELECT t FROM generate_series(timestamptz '2011-11-01', '2012-04-15', '30 minutes') t;
INSERT INTO hours SELECT t FROM generate_series(timestamptz '2018-02-01', '2018-12-01', '30 minutes') t;

CREATE FUNCTION batch(zone text, days integer, months integer)
RETURNS TABLE (s timestamptz, e timestamptz, n bigint) LANGUAGE sql AS $$
  SELECT start AT TIME ZONE zone,
         (start + days * interval '1 day' + months * interval '1 month') AT TIME ZONE zone, count(*)
  FROM hours, LATERAL (SELECT at AT TIME ZONE zone AS l) local,
       LATERAL (SELECT CASE days WHEN 0 THEN date_trunc('month', l) WHEN 7 THEN date_trunc('week', l)
                       ELSE timestamp '1970-01-01' + (l::date - date '1970-01-01') / days * days * interval '1 day'
                       END AS start) w
  GROUP BY 1, 2
$$;

CREATE FUNCTION streamed(zone text, size text)
RETURNS TABLE (s timestamptz, e timestamptz, n bigint) LANGUAGE sql AS $$
  SELECT (r ->> 's')::timestamptz, (r ->> 'e')::timestamptz, (r ->> 'n')::bigint
  FROM velo.execute(format('SELECT _window_start AS s, _window_end AS e, count(*) AS n '
                           'FROM hours WINDOW TUMBLING(%s, OFFSET %L)', size, zone)) r
$$;

CREATE FUNCTION compare(zone text, days integer, months integer, size text)
RETURNS TABLE (windows bigint, lengths bigint, differences bigint) LANGUAGE sql AS $$
  WITH expected AS (SELECT * FROM batch(zone, days, months)),
       found AS (SELECT * FROM streamed(zone, size))
  SELECT (SELECT count(*) FROM found), (SELECT count(DISTINCT e - s) FROM found),
         (SELECT count(*) FROM ((TABLE expected EXCEPT ALL TABLE found) UNION ALL
                                (TABLE found EXCEPT ALL TABLE expected)) d)
$$;

SELECT zone, size, c.*
FROM unnest(ARRAY['UTC', 'Europe/Berlin', 'America/Sao_Paulo', 'Pacific/Apia', 'Asia/Kolkata',
                  'Australia/Lord_Howe', 'America/St_Johns', 'Pacific/Kiritimati']) zone,
     (VALUES ('1d', 1, 0), ('2d', 2, 0), ('7d', 7, 0), ('INTERVAL ''1'' MONTH', 0, 1)) s (size, days, months),
     LATERAL compare(zone, days, months, size) c
ORDER BY zone COLLATE "C", days, months;

-- A record belongs to two windows of two days, also on the day of 23 hours.
DO LANGUAGE velo $$
  SELECT _window_start AT TIME ZONE 'Europe/Berlin' AS start, _window_end - _window_start AS long, count(*) / 2 AS hours
  FROM hours WHERE at >= '2018-03-24 00:00+01' AND at < '2018-03-26 00:00+02'
  WINDOW SLIDING(2d, 1d, OFFSET 'Europe/Berlin')
$$;

DO LANGUAGE velo $$ SELECT count(*) FROM hours WINDOW TUMBLING(1h, OFFSET 'Europe/Berlin') $$;
DO LANGUAGE velo $$ SELECT count(*) FROM hours WINDOW TUMBLING(1d, OFFSET 'Europe/Berln') $$;

SET client_min_messages = warning;
DROP SCHEMA window_zones CASCADE;
