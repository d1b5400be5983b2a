-- Functions in statements of the dialect: names that clash with PostgreSQL's, functions
-- about the record, and errors that name what there is.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE SCHEMA functions_dialect;
SET search_path = functions_dialect;
SET client_min_messages = warning;
SET timezone = 'UTC';
DO LANGUAGE velo $$
CREATE STREAM events (id integer, k text, x double precision, ms bigint, at timestamptz, j jsonb) WITH ('event.time.field' = 'at');
CREATE TABLE plain (k text, ms bigint, at timestamptz);
$$;
INSERT INTO events VALUES (1, 'a', 1.5, 1700000000000, '2026-03-01 10:00', '{"a": 1}'), (2, 'b', 2.675, 5, '2026-03-01 09:00', '{"a": [2]}'), (3, 'a', NULL, NULL, '2026-03-01 08:00', NULL);
INSERT INTO plain VALUES ('häß', 1700000000000, '2026-03-01 10:00');
-- In a pipeline, and by PostgreSQL itself: functions, and operators, with and without FROM.
DO LANGUAGE velo $$ SELECT id, timestamp() AS t, EXTRACT(year FROM ms) AS y, EXTRACT(hour FROM at) AS h, EXTRACT('minute', at) AS mi, POSITION('a', k) AS p, POSITION('a' IN k) AS q, POSITION('a', k, 2) AS r FROM events EMIT CHANGES LIMIT 3 $$;
DO LANGUAGE velo $$ SELECT round(x, 2) AS r, round(x) AS one, round(1.25, 1) AS n, len(k) AS len, join('-', k, id) AS j, split(k, 'x') AS s, ARRAY(id, 2) AS a, ARRAY[id] AS pg, map('i', id) AS m, struct(id, k) AS st FROM events EMIT CHANGES LIMIT 3 $$;
DO LANGUAGE velo $$ SELECT json_value(j, '$.a') AS v, JSON_QUERY(j, '$.a') AS q, JSON_EXISTS(j, '$.b') AS e, at > ms AS later, at - ms AS since, ms < at AS earlier, TIMESTAMP(ms) AS t, TIMESTAMP('2026-03', '%Y-%m') AS f, x::STRING AS xs, CAST(k AS BYTES) AS b FROM events EMIT CHANGES LIMIT 3 $$;
DO LANGUAGE velo $$ SELECT id FROM events WHERE at > ms AND len(k) = 1 AND timestamp() > '2026-03-01 09:30' EMIT CHANGES LIMIT 1 $$;
DO LANGUAGE velo $$ SELECT len(k) AS len, at > ms AS later, array_length(array(1, 2)) AS n, timestamp() AS t FROM plain $$;
DO LANGUAGE velo $$ SELECT len(k) AS len, ms < at AS earlier FROM events ORDER BY id DESC $$;
DO LANGUAGE velo $$ SELECT len('äöü') AS len, string_agg(x) AS s FROM unnest(ARRAY[1, 2]) x $$;
DO LANGUAGE velo $$ INSERT INTO plain VALUES (join('-', len('abc'), 'y'), 5, TIMESTAMP('2026', '%Y')) $$;
SELECT k, ms, at FROM plain WHERE ms = 5;
SHOW search_path;
SELECT line, severity, sqlstate, message FROM velo.validate('SELECT len(k), nothing(k) FROM plain');
-- Aggregates, and the record beside GROUP BY: that of the group's latest.
SELECT q FROM velo.query('SELECT k, count(*) AS n, timestamp() AS t, first(id, at) AS f, last(id, at) AS l, string_agg(id) AS s, FIRST_VALUE(id) AS fv, median(x) AS m FROM events GROUP BY k') q ORDER BY q::text COLLATE "C";
SELECT q FROM velo.query('SELECT year(ms) AS y, count(*) AS n FROM events GROUP BY y HAVING count_distinct(id) = 1') q ORDER BY q::text COLLATE "C";
SELECT q FROM velo.query('SELECT topk(id, 1) AS t, approx_count_distinct(id) AS d, listagg(id, ''-'') AS l FROM events WINDOW TUMBLING(1h)') q ORDER BY q::text COLLATE "C";
-- Headers.
DO LANGUAGE velo $$ SELECT header('none') AS h, has_header('none') AS has, header_keys() AS keys FROM events EMIT CHANGES LIMIT 1 $$;
SELECT velo.header('a', h), velo.header('b', h), velo.header('A', h), velo.has_header('a', h), velo.has_header('c', h), velo.header_keys(h) FROM (VALUES ('{"b": ["1", "2"], "a": "x"}'::jsonb), (NULL)) v(h);
SELECT velo.header('a'), velo.has_header('a'), velo.header_keys();
-- Unknown names and arguments.
DO LANGUAGE velo $$ SELECT len(k, 1) FROM events EMIT CHANGES $$;
DO LANGUAGE velo $$ SELECT id, topk(id) FROM events GROUP BY id EMIT CHANGES $$;
DO LANGUAGE velo $$ SELECT velo.regexp(id, 'x') FROM events EMIT CHANGES $$;
DO LANGUAGE velo $$ SELECT nothing(id) FROM events EMIT CHANGES $$;
DO LANGUAGE velo $$ SELECT datediff('day', at) FROM events EMIT CHANGES $$;
DO LANGUAGE velo $$ SELECT EXTRACT(year FROM k) FROM events EMIT CHANGES $$;
-- What a record cannot give goes the way of failed records.
DO LANGUAGE velo $$ SELECT json_value(j, 'a') FROM events EMIT CHANGES LIMIT 1 $$;
DROP SCHEMA functions_dialect CASCADE;
