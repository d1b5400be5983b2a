-- SELECT DISTINCT in continuous queries.
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
CREATE SCHEMA distinct_rows;
SET search_path = distinct_rows;
\getenv srcdir PG_ABS_SRCDIR
\set wait :srcdir '/wait.sql'
\set ECHO none
\i :wait
\set ECHO all

DO LANGUAGE velo $$
  CREATE STREAM visits (page text, visitor integer, at timestamptz) WITH ('event.time.field' = 'at');
$$;
INSERT INTO visits VALUES
  ('home', 1, '2026-03-01 08:00:10Z'), ('home', 1, '2026-03-01 08:00:20Z'), ('shop', 1, '2026-03-01 08:00:30Z'),
  (NULL, 1, '2026-03-01 08:01:10Z'), (NULL, 1, '2026-03-01 08:01:10Z');

-- A row comes when it is there for the first time, in order; NULL is equal to NULL.
DO LANGUAGE velo $$ SELECT DISTINCT page, visitor FROM visits EMIT CHANGES LIMIT 3 $$;
DO LANGUAGE velo $$ SELECT DISTINCT * FROM visits EMIT CHANGES WITH ('bounded' = 'true') $$;
DO LANGUAGE velo $$ SELECT DISTINCT upper(page) AS p, 1, visitor FROM visits WHERE page IS NOT NULL EMIT FINAL WITH ('bounded' = 'true') $$;
-- In each window.
DO LANGUAGE velo $$ SELECT DISTINCT _window_start AS since, visitor FROM visits WINDOW TUMBLING(1m) $$;
DO LANGUAGE velo $$ SELECT DISTINCT page FROM visits WINDOW TUMBLING(1m) EMIT CHANGES WITH ('bounded' = 'true') $$;

-- Jobs: a stream has each row once, with the event time of the first; a table has it as its key.
DO LANGUAGE velo $$ CREATE STREAM pages AS SELECT DISTINCT page, visitor * 2 AS twice FROM visits $$;
DO LANGUAGE velo $$ CREATE TABLE known AS SELECT DISTINCT page, visitor FROM visits $$;
CALL wait_until('count(*) = 3 FROM pages');
INSERT INTO visits VALUES ('shop', 1, '2026-03-01 08:02:00Z'), ('cart', 1, '2026-03-01 08:02:10Z');
CALL wait_until('count(*) = 4 FROM pages');
DO LANGUAGE velo $$ SELECT page, twice, _event_time FROM pages EMIT CHANGES WITH ('bounded' = 'true') $$;
CALL wait_until('count(*) = 4 FROM known');
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'known'::regclass;

DO LANGUAGE velo $$ SELECT DISTINCT page, count(*) FROM visits GROUP BY page EMIT CHANGES $$;
DO LANGUAGE velo $$ SELECT DISTINCT ON (page) page, visitor FROM visits EMIT CHANGES $$;

SET client_min_messages = warning;
DROP SCHEMA distinct_rows CASCADE;
