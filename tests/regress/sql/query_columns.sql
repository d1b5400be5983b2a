-- System columns and aliases in queries.
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE SCHEMA query_columns;
SET search_path = query_columns;
SET client_min_messages = warning;
\getenv srcdir PG_ABS_SRCDIR
\set wait :srcdir '/wait.sql'
\set ECHO none
\i :wait
\set ECHO all
DO LANGUAGE velo $$
CREATE STREAM events (id integer, k text, v integer, at timestamptz) WITH ('event.time.field' = 'at');
$$;
INSERT INTO events VALUES (1, 'a', 10, '2026-03-01 10:00:00+00'), (2, 'b', 20, '2026-03-01 10:00:30+00'),
    (3, NULL, 30, '2026-03-01 10:01:00+00');
SET timezone = 'UTC';

-- System columns, in any case, never in *.
SELECT velo.query('SELECT * FROM events');
SELECT velo.query('SELECT id, _event_time, _TOPIC, _partition, _offset, _window_start, _headers, events._offset AS o FROM events');
SELECT velo.query('SELECT id, _timestamp IS NOT NULL AND _timestamp <= now() AS stamped FROM events');
SELECT q FROM velo.query('SELECT k, _window_start, _window_end, count(*) FROM events WINDOW TUMBLING(1m) GROUP BY k') q ORDER BY q::text COLLATE "C";

-- An alias may be used to the right, in GROUP BY and in HAVING, never in WHERE; a column wins.
SELECT velo.query('SELECT v * 2 AS twice, twice + 1 AS more, more * 10 AS last FROM events');
SELECT q FROM velo.query('SELECT v / 20 AS part, count(*) AS n FROM events GROUP BY part HAVING n > 1') q ORDER BY q::text COLLATE "C";
SELECT velo.query('SELECT upper(k) AS k, k || ''!'' AS shown FROM events');
SELECT velo.query('SELECT v * 2 AS twice FROM events WHERE twice > 30');
SELECT velo.query('SELECT later + 1 AS x, v AS later FROM events');
-- A volatile expression is not computed twice.
SELECT velo.query('SELECT random() AS r, r + 1 AS s FROM events');

-- Ungrouped columns.
SELECT q FROM velo.query('SELECT k, v, count(*) FROM events GROUP BY k') q ORDER BY q::text COLLATE "C";
SELECT q FROM velo.query('SELECT v > 10 AS large, v, count(*) AS n FROM events GROUP BY v > 10 WITH (''group.ungrouped'' = ''last'')') q ORDER BY q::text COLLATE "C";
SELECT q FROM velo.query('SELECT v > 10 AS large, velo.first(k) AS f, velo.last(k) AS l, velo.last(id) AS id FROM events GROUP BY v > 10') q ORDER BY q::text COLLATE "C";
-- Other system columns beside GROUP BY are those of the latest record.
SELECT q FROM velo.query('SELECT v > 10 AS large, _event_time, _offset FROM events GROUP BY v > 10') q ORDER BY q::text COLLATE "C";

-- What the planner could take for conditions over rows.
SELECT q FROM velo.query('SELECT k, count(*) AS n FROM events GROUP BY k HAVING k = ''a''') q ORDER BY q::text COLLATE "C";
SELECT q FROM velo.query('SELECT k, v, count(*) AS n FROM events WHERE k = ''a'' GROUP BY k, v HAVING v = 10 AND k = ''a''') q ORDER BY q::text COLLATE "C";
SELECT q FROM velo.query('SELECT k, sum(v) AS s FROM events GROUP BY k HAVING count(DISTINCT v) = 1 AND k IS NOT NULL') q ORDER BY q::text COLLATE "C";
SELECT q FROM velo.query('SELECT k, array_agg(v ORDER BY id) AS a FROM events GROUP BY k HAVING array_agg(v ORDER BY id) = ARRAY[20]') q ORDER BY q::text COLLATE "C";
SELECT velo.query('SELECT count(DISTINCT k) AS n FROM events HAVING count(DISTINCT k) > 5');
SELECT velo.query('SELECT count(DISTINCT k) AS n FROM events HAVING count(DISTINCT k) = 2');

-- Names that do not exist.
SELECT velo.query('SELECT nothing FROM events');
SELECT velo.query('SELECT "north" FROM events');
SELECT velo.query('SELECT id FROM event EMIT CHANGES');
DROP SCHEMA query_columns CASCADE;
