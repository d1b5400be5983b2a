-- Keys of tables made by queries.
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE SCHEMA table_keys;
SET search_path = table_keys;
SET client_min_messages = warning;
\getenv srcdir PG_ABS_SRCDIR
\set wait :srcdir '/wait.sql'
\set ECHO none
\i :wait
\set ECHO all
DO LANGUAGE velo $$
CREATE STREAM events (id integer, k text, v integer, at timestamptz)
    WITH ('event.time.field' = 'at', 'watermark.idle.timeout' = '0');
CREATE TABLE by_key AS SELECT k, count(*) AS n FROM events GROUP BY k;
CREATE TABLE by_hidden AS SELECT count(*) AS n, sum(v) AS s FROM events GROUP BY k, v % 2;
CREATE TABLE by_nothing AS SELECT count(*) AS n FROM events;
CREATE TABLE by_window AS SELECT k, count(*) AS n FROM events WINDOW TUMBLING(1m) GROUP BY k EMIT CHANGES;
CREATE TABLE by_bounds AS SELECT _window_start AS ws, _window_end AS we, count(*) AS n FROM events WINDOW TUMBLING(1m) EMIT CHANGES;
CREATE TABLE by_primary AS SELECT k PRIMARY KEY, id % 2 AS odd PRIMARY KEY, v FROM events;
CREATE TABLE renamed (key, number) AS SELECT k, count(*) FROM events GROUP BY k;
CREATE TABLE casted (key varchar(1), number integer) AS SELECT k, count(*) FROM events GROUP BY k;
$$;
SELECT conrelid::regclass AS "table", contype, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'table_keys'::regnamespace ORDER BY 1;
SELECT table_name, string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position) FROM information_schema.columns
WHERE table_schema = 'table_keys' AND table_name LIKE ANY ('{by%,renamed,casted}') GROUP BY 1 ORDER BY 1;
INSERT INTO events VALUES (1, 'a', 10, '2026-03-01 10:00:00+00'), (2, 'b', 21, '2026-03-01 10:00:30+00'),
    (3, NULL, 30, '2026-03-01 10:01:00+00'), (4, NULL, 30, '2026-03-01 10:01:01+00'), (5, 'a', 11, '2026-03-01 10:01:02+00');
DO $$
DECLARE
    job text;
BEGIN
    FOREACH job IN ARRAY ARRAY['by_key', 'by_hidden', 'by_nothing', 'by_window', 'by_bounds', 'by_primary', 'renamed', 'casted'] LOOP
        CALL wait_for(job, 5);
    END LOOP;
END $$;
SET timezone = 'UTC';
SELECT * FROM by_key ORDER BY k;
SELECT * FROM by_hidden ORDER BY 3, 4;
SELECT * FROM by_nothing;
SELECT * FROM by_window ORDER BY _window_start, k;
SELECT * FROM by_bounds ORDER BY 1;
-- NULL in a primary key fails that record only.
SELECT * FROM by_primary ORDER BY 1, 2;
SELECT sqlstate, error_class, record ->> 'k' AS k FROM velo.dead_letter WHERE job = 'by_primary' AND job_id = (SELECT job_id FROM velo.job WHERE name = 'by_primary') ORDER BY id;
SELECT * FROM renamed ORDER BY 1;
SELECT * FROM casted ORDER BY 1;

-- Wrong definitions.
DO LANGUAGE velo $$ CREATE TABLE no_key AS SELECT id, v FROM events $$;
DO LANGUAGE velo $$ CREATE TABLE too_many (a, b, c) AS SELECT k, count(*) FROM events GROUP BY k $$;
DO LANGUAGE velo $$ CREATE TABLE too_few (a) AS SELECT k, count(*) FROM events GROUP BY k $$;
DO LANGUAGE velo $$ CREATE TABLE twice AS SELECT k, count(*) AS k FROM events GROUP BY k $$;
DO LANGUAGE velo $$ CREATE TABLE by_key AS SELECT k, count(*) FROM events GROUP BY k $$;
DO LANGUAGE velo $$ CREATE TABLE bad_cast (a point, b) AS SELECT k, count(*) FROM events GROUP BY k $$;
DO LANGUAGE velo $$ CREATE STREAM system (_offset bigint) WITH ('retention' = '1d') $$;

-- A derived table is written by its job only.
INSERT INTO by_key VALUES ('x', 1);
UPDATE by_key SET n = 0;
DELETE FROM by_key;
TRUNCATE by_key;
SELECT * FROM by_key ORDER BY k;
DROP SCHEMA table_keys CASCADE;
SELECT count(*) FROM velo.jobs WHERE job_name ~ '^(by_|renamed|casted)';
