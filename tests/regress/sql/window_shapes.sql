-- Shapes of windows and where rows fall.
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE SCHEMA window_shapes;
SET search_path = window_shapes;
SET client_min_messages = warning;
SET timezone = 'UTC';
DO LANGUAGE velo $$
CREATE STREAM events (id integer, at timestamptz, ms bigint, d date) WITH ('event.time.field' = 'at');
$$;
-- Just before, at and after bounds; before 1970; leap day; year's end.
INSERT INTO events SELECT row_number() OVER (), t, floor(extract(epoch FROM t) * 1000), t::date FROM unnest(ARRAY[
    '1969-12-31 23:59:59.999999+00', '1970-01-01 00:00+00', '2024-02-29 12:00+00',
    '2024-12-31 23:59:59.999999+00', '2025-01-01 00:00+00']::timestamptz[]) t;

-- Rows of a query over a stream, in an order of their own.
CREATE FUNCTION rows_of(query text) RETURNS SETOF jsonb LANGUAGE sql AS
    $$ SELECT q FROM velo.query(query) q ORDER BY q ->> '_window_start', q ->> 'ids', q::text COLLATE "C" $$;
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start, _window_end FROM events WINDOW TUMBLING(1m)');
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start, _window_end FROM events WINDOW TUMBLING(''1 minute'')');
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start, _window_end FROM events WINDOW TUMBLING(INTERVAL ''1'' MINUTE)');
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start, _window_end FROM events WINDOW TUMBLING(60)');
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start, _window_end FROM events WINDOW TUMBLING(at, 1m)');
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start, _window_end FROM events WINDOW TUMBLING(1m, ms)');
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start, _window_end FROM events WINDOW TUMBLING(d, 1d)');
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start, _window_end FROM events WINDOW TUMBLING(at AT TIME ZONE ''UTC'', 1d)');
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start, _window_end FROM events WINDOW TUMBLING(1d, OFFSET 6h)');
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start, _window_end FROM events WINDOW TUMBLING(INTERVAL ''1'' MONTH)');
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start, _window_end FROM events WINDOW TUMBLING(INTERVAL ''3'' MONTHS)');
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start, _window_end FROM events WINDOW TUMBLING(INTERVAL ''1'' YEAR)');
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start, _window_end FROM events WINDOW SLIDING(1d, 12h)');
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start, _window_end FROM events WINDOW HOPPING(5h, 2h)');
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start, _window_end FROM events WINDOW SLIDING(at, 2s, 2s)');
-- In GROUP BY.
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start, _window_end FROM events GROUP BY TUMBLE(at, INTERVAL ''1'' DAY)');
SELECT rows_of('SELECT array_agg(id ORDER BY id) AS ids, _window_start FROM events GROUP BY HOP(at, INTERVAL ''12'' HOUR, INTERVAL ''1'' DAY)');
-- A row query shows each row with its windows.
SELECT rows_of('SELECT id AS ids, _window_start FROM events WINDOW SLIDING(1d, 12h) EMIT CHANGES WITH (''bounded'' = ''true'')');
SELECT velo.query('SELECT count(*) FROM events WINDOW TUMBLING()');
SELECT velo.query('SELECT count(*) FROM events WINDOW TUMBLING(0s)');
SELECT velo.query('SELECT count(*) FROM events WINDOW TUMBLING(-1)');
SELECT velo.query('SELECT count(*) FROM events WINDOW TUMBLING(1m, 1m, 1m)');
SELECT velo.query('SELECT count(*) FROM events WINDOW SLIDING(1m)');
SELECT velo.query('SELECT count(*) FROM events WINDOW SLIDING(1m, 2m)');
SELECT velo.query('SELECT count(*) FROM events WINDOW SLIDING(1d, 1s)');
SELECT velo.query('SELECT count(*) FROM events WINDOW TUMBLING(id > 1, 1m)');
SELECT velo.query('SELECT count(*) FROM events WINDOW TUMBLING(count(*), 1m)');
SELECT velo.query('SELECT count(*) FROM events WINDOW TUMBLING(nothing, 1m)');
SELECT velo.query('SELECT count(*) FROM events WINDOW SLIDING(INTERVAL ''1'' MONTH, 1d)');
SELECT velo.query('SELECT count(*) FROM events WINDOW TUMBLING(1m) WINDOW TUMBLING(2m)');
SELECT velo.query('SELECT count(*) FROM events WINDOW ROLLING(1m)');
SELECT velo.query('SELECT count(*) FROM events WINDOW TUMBLING(1m) GROUP BY TUMBLE(at, INTERVAL ''1'' MINUTE)');
DROP SCHEMA window_shapes CASCADE;
