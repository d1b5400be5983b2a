-- A live query tells how far it has come, if its client asks.
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
CREATE SCHEMA live_progress;
SET search_path = live_progress;

DO LANGUAGE velo $$
  CREATE STREAM rides (zone text, at timestamptz) WITH ('event.time.field' = 'at');
$$;
INSERT INTO rides VALUES ('north', '2026-03-01 08:00Z'), ('south', '2026-03-01 08:01Z');

-- Nobody asked.
DO LANGUAGE velo $$ SELECT zone FROM rides EMIT CHANGES LIMIT 2 $$;

-- Once in an hour: behind the first batch only.
SET velo.progress_interval = '1h';
DO LANGUAGE velo $$ SELECT zone FROM rides EMIT CHANGES LIMIT 2 $$;
DO LANGUAGE velo $$ SELECT zone FROM rides EMIT CHANGES LIMIT 1 $$;

RESET velo.progress_interval;
SET client_min_messages = warning;
DROP SCHEMA live_progress CASCADE;
