-- velo.query_rows: one query, one answer, and nothing changed.
SET client_min_messages = warning;
CREATE SCHEMA doors_query;
SET search_path = doors_query;
SET timezone = 'UTC';
DO LANGUAGE velo $$ CREATE STREAM rides (id bigint, zone text) WITH ('type' = 'native') $$;
INSERT INTO rides SELECT i, 'z' || i % 2 FROM generate_series(1, 5) i;
CREATE TABLE plain (a integer);
CREATE FUNCTION ask(sql text, max_rows integer DEFAULT 100, wait interval DEFAULT '5 s') RETURNS jsonb
LANGUAGE sql BEGIN ATOMIC SELECT velo.query_rows(sql, max_rows, wait) - 'elapsed_ms'; END;

-- Over what is there.
SELECT ask('SELECT id, zone FROM rides ORDER BY id');
SELECT ask('SELECT id FROM rides ORDER BY id', 2);
SELECT ask('SELECT id FROM rides ORDER BY id', 5);
SELECT ask('SELECT 1 WHERE false');
SELECT ask('SELECT g FROM generate_series(1, 100) g', 100) - 'rows';
SELECT ask('SELECT g FROM generate_series(1, 101) g', 100) - 'rows';
SELECT ask('WITH x AS (SELECT 1 AS a) SELECT * FROM x');
SELECT ask('VALUES (1, NULL::text), (2, ''x'')');
SELECT ask('TABLE rides', 1);
SELECT ask('SELECT zone, count(*) FROM rides GROUP BY zone ORDER BY zone');
-- Not one of two equal names is lost.
SELECT ask('SELECT 1, 2, id, id FROM rides ORDER BY id LIMIT 1');
SELECT ask('SELECT 1 AS a, 2 AS a_2, 3 AS a');
-- Values as JSON has them, or as text.
SELECT ask($$SELECT 'NaN'::float8 AS nan, 9007199254740993 AS big, 1.10::numeric(5,2) AS num, '{"a":[1]}'::jsonb AS json,
             timestamptz '2026-01-01Z' AS at, interval '1 day' AS day, ARRAY[1,2] AS list, '\x00'::bytea AS bytes, true AS yes$$);
-- Live.
SELECT ask('SELECT id FROM rides EMIT CHANGES', 2);
SELECT ask('SELECT id FROM rides EMIT CHANGES', 5);
SELECT ask('SELECT id FROM rides EMIT CHANGES LIMIT 5', 5);
SELECT ask('SELECT id FROM rides EMIT CHANGES LIMIT 5', 4);
SELECT ask('SELECT zone, count(*) AS n FROM rides GROUP BY zone EMIT CHANGES', 100, '200 ms');
SELECT ask('SELECT zone, zone FROM rides EMIT CHANGES LIMIT 1');
SELECT (q ->> 'elapsed_ms')::integer BETWEEN 300 AND 3000 AS waited, q ->> 'row_count' AS row_count, q ->> 'complete' AS complete
FROM velo.query_rows('SELECT id FROM rides WHERE id > 5 EMIT CHANGES', wait => '300 ms') q;
SELECT (q ->> 'elapsed_ms')::integer < 300 AS at_once FROM velo.query_rows('SELECT id FROM rides EMIT CHANGES', wait => '0') q;
SELECT velo.query_rows('SELECT id FROM rides EMIT CHANGES WITH (''bounded'' = ''${B}'')', params => '{"B": "true"}') -> 'row_count';
-- Other statements that give rows.
SELECT ask('SHOW STREAMS LIKE ''rid%''') -> 'rows' -> 0 -> 'stream_name';
SELECT ask('SHOW search_path');
SELECT ask('DESCRIBE rides') -> 'row_count';
SELECT ask('EXPLAIN (COSTS off) SELECT 1');
SELECT ask('EXPLAIN SELECT id FROM rides EMIT CHANGES') -> 'rows' -> 0;
-- In a read-only transaction.
BEGIN READ ONLY;
SELECT ask('SELECT id FROM rides EMIT CHANGES', 1);
SELECT ask('SELECT count(*) FROM rides');
SELECT ask('SHOW JOBS') -> 'complete';
COMMIT;

-- No query.
SELECT ask('');
SELECT ask('-- nothing');
SELECT ask('SELECT 1; SELECT 2');
SELECT ask('SELEC 1');
SELECT ask('DELETE FROM plain');
SELECT ask('CREATE TABLE t (a integer)');
SELECT ask('CREATE STREAM s AS SELECT id FROM rides EMIT CHANGES');
SELECT ask('SELECT 1 AS a INTO t');
SELECT ask('SELECT id FROM rides INTO t EMIT CHANGES');
SELECT ask('EXPLAIN ANALYZE DELETE FROM plain');
SELECT ask('EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1');
SELECT ask('SET search_path = public');
SELECT ask('COMMIT');
SELECT ask('STOP JOB x');
SELECT ask('COPY plain TO STDOUT');
-- Changes by way of a query.
SELECT ask('WITH d AS (DELETE FROM plain RETURNING *) SELECT * FROM d');
SELECT ask('SELECT * FROM plain FOR UPDATE');
SELECT ask('SELECT velo.execute(''INSERT INTO doors_query.plain VALUES (1)'')');
SELECT ask('SELECT set_config(''transaction_read_only'', ''off'', false)');
CREATE FUNCTION sly() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
  BEGIN
    PERFORM set_config('transaction_read_only', 'off', true);
  EXCEPTION WHEN OTHERS THEN RAISE WARNING '%', SQLERRM;
  END;
  INSERT INTO doors_query.plain VALUES (1);
  RETURN 1;
END $$;
SELECT ask('SELECT doors_query.sly()');
SELECT count(*) FROM plain;
-- The caller's own transaction is as it was.
BEGIN;
SELECT ask('SELECT 1 AS a') -> 'rows';
INSERT INTO plain VALUES (2);
COMMIT;
SELECT count(*) FROM plain;
-- Errors point into the text.
SELECT ask(E'SELECT id,\n  nope FROM rides');
SELECT ask('SELECT id FROM rides WHERE zone EMIT CHANGES');
SELECT ask('SELECT 1 / (a - 2) FROM plain');
SELECT ask('SELECT 1 FROM nowhere');
-- Bounds.
SELECT ask('SELECT 1', 0);
SELECT ask('SELECT 1', 10001);
SELECT ask('SELECT 1', NULL);
SELECT ask('SELECT 1', 1, '-1 s');
SELECT ask('SELECT 1', 1, '5 minutes 1 second');
SELECT ask('SELECT 1', 1, '1 month');
SELECT ask(NULL);
-- 16 MB of rows at most.
SELECT ask('SELECT repeat(''x'', 1000000) AS x FROM generate_series(1, 100)') - 'rows' - 'columns';
DROP SCHEMA doors_query CASCADE;
