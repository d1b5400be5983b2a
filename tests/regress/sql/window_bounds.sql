-- A window's bounds by function.
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
CREATE SCHEMA window_bounds;
SET search_path = window_bounds;

DO LANGUAGE velo $$
  CREATE STREAM clicks (page text, took integer, at timestamptz, seen timestamptz) WITH ('event.time.field' = 'at');
$$;
INSERT INTO clicks VALUES
  ('home', 1, '2026-03-01 08:00:10Z', now()), ('home', 2, '2026-03-01 08:04:59Z', now()),
  ('shop', 1, '2026-03-01 08:07:00Z', now()), ('home', 1, '2026-03-01 08:20:00Z', now());

-- In every place, with and without their arguments, and called as they are written.
DO LANGUAGE velo $$
  SELECT page, TUMBLE_START(at, 5m), tumble_end() AS until, count(*)
  FROM clicks GROUP BY page, TUMBLE(at, 5m)
$$;
DO LANGUAGE velo $$
  SELECT velo.hop_start(), hop_end(at, INTERVAL '10' MINUTE) - hop_start() AS long, sum(took)
  FROM clicks WINDOW HOPPING(10m, 5m) HAVING hop_start() > '2026-03-01 08:00Z'
$$;
-- They are part of the key, as _window_start is.
DO LANGUAGE velo $$
  CREATE TABLE pages AS SELECT tumble_start() AS since, page, count(*) AS n FROM clicks WINDOW TUMBLING(5m) GROUP BY page;
$$;
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'pages'::regclass;

-- What does not fit the window.
DO LANGUAGE velo $$ SELECT tumble_start(), count(*) FROM clicks EMIT CHANGES $$;
DO LANGUAGE velo $$ SELECT tumble_start(at, 6m), count(*) FROM clicks WINDOW TUMBLING(5m) $$;
DO LANGUAGE velo $$ SELECT hop_start(), count(*) FROM clicks WINDOW TUMBLING(5m) $$;
DO LANGUAGE velo $$ SELECT tumble_start(at), count(*) FROM clicks WINDOW TUMBLING(5m) $$;
DO LANGUAGE velo $$ SELECT session_duration(), count(*) FROM clicks WINDOW TUMBLING(5m) $$;
DO LANGUAGE velo $$ SELECT tumble_start(seen, 5m) AS since, count(*) FROM clicks WINDOW TUMBLING(5m) $$;
-- The column a window was given as its time, and one that is another.
DO LANGUAGE velo $$ SELECT tumble_start(seen, 1d) IS NULL AS x, count(*) FROM clicks WINDOW TUMBLING(seen, 1d) $$;
DO LANGUAGE velo $$ SELECT tumble_start(at, 1d) IS NULL AS x, count(*) FROM clicks WINDOW TUMBLING(seen, 1d) $$;

SET client_min_messages = warning;
DROP SCHEMA window_bounds CASCADE;
