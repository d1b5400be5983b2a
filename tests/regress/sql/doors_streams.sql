-- Lists and descriptions of streams: what is readable, by the names of SQL.
SET client_min_messages = warning;
CREATE ROLE regress_door_reader IN ROLE velo_user;
CREATE SCHEMA doors_streams;
CREATE SCHEMA doors_closed;
GRANT USAGE ON SCHEMA doors_streams TO regress_door_reader;
SET search_path = doors_streams;
\getenv srcdir PG_ABS_SRCDIR
\set wait :srcdir '/wait.sql'
\set ECHO none
\i :wait
\set ECHO all
DO LANGUAGE velo $$
  CREATE STREAM rides (id bigint, zone text, at timestamptz NOT NULL)
    WITH ('type' = 'native', 'event.time.field' = 'at');
  CREATE STREAM "Odd näme" (x integer) WITH ('type' = 'native');
  CREATE TABLE zones AS SELECT zone, count(*) AS n FROM rides GROUP BY zone EMIT CHANGES;
  CREATE STREAM doors_closed.secrets (x integer) WITH ('type' = 'native');
$$;
COMMENT ON COLUMN rides.zone IS 'part of the town';
CREATE TABLE plain (a integer, b text, c text);
CREATE SEQUENCE counter;

SELECT * FROM velo.stream_list('doors\_%') ORDER BY 1, 2;
SELECT name FROM velo.stream_list('ri%');
SELECT * FROM velo.stream_list('no such');
SELECT jsonb_pretty(velo.stream_describe('rides') - 'columns' - 'owner');
SELECT c.* FROM jsonb_to_recordset(velo.stream_describe('rides') -> 'columns')
  AS c (name text, type text, nullable boolean, key boolean, system boolean, description text);
SELECT velo.stream_describe('zones') - 'columns' - 'owner' - 'job';
SELECT velo.stream_describe('zones') #>> '{job,name}' AS job, velo.stream_describe('zones') #>> '{job,sql}' AS sql;
SELECT velo.stream_describe('zones') -> 'columns';
SELECT velo.stream_describe('plain') - 'owner';

-- Names as in SQL.
SELECT velo.stream_describe('RIDES') ->> 'sql_name';
SELECT velo.stream_describe('doors_streams.rides') ->> 'sql_name';
SELECT velo.stream_describe('"Odd näme"') ->> 'sql_name';
SELECT velo.stream_describe('odd näme');
SELECT velo.stream_describe('ride');
SELECT velo.stream_describe('nothing_like_it_at_all');
SELECT velo.stream_describe('nowhere.rides');
SELECT velo.stream_describe('');
SELECT velo.stream_describe('"rides');
SELECT velo.stream_describe('a.b.c.d');
SELECT velo.stream_describe('counter');
SELECT velo.stream_describe(NULL) IS NULL;
SET search_path = pg_catalog;
SELECT velo.stream_describe('rides');
SET search_path = doors_streams;

-- Another role: nothing, then what it is granted.
SET ROLE regress_door_reader;
SELECT count(*) FROM velo.stream_list('doors\_%');
SELECT velo.stream_describe('rides');
SELECT velo.stream_describe('plain');
SELECT velo.stream_describe('doors_closed.secrets');
RESET ROLE;
GRANT SELECT ON rides, zones TO regress_door_reader;
GRANT SELECT (b, a) ON plain TO regress_door_reader;
GRANT SELECT ON doors_closed.secrets TO regress_door_reader;
SET ROLE regress_door_reader;
SELECT sql_name FROM velo.stream_list('doors\_%');
SELECT velo.stream_describe('zones') ->> 'name' AS name, velo.stream_describe('zones') -> 'job' AS job,
       velo.stream_describe('rides') -> 'read_by' AS read_by;
-- Only some columns: those.
SELECT jsonb_path_query_array(velo.stream_describe('plain'), '$.columns[*].name');
-- A schema that cannot be entered hides what is in it.
SELECT velo.stream_describe('doors_closed.secrets');
SELECT uri, name, title FROM velo.stream_resources() WHERE name LIKE 'doors\_%';
SELECT r ->> 'kind' AS kind, r ->> 'sql_name' AS sql_name, jsonb_path_query_array(r, '$.columns[*].name') AS columns
FROM jsonb_array_elements(velo.schema() -> 'relations') r WHERE r ->> 'schema' LIKE 'doors\_%';
RESET ROLE;
SELECT uri, name, title FROM velo.stream_resources() WHERE name LIKE 'doors\_%';

-- What an editor gets.
SELECT jsonb_pretty(r) FROM jsonb_array_elements(velo.schema() -> 'relations') r
WHERE r ->> 'sql_name' IN ('doors_streams.rides', 'doors_streams.plain');
SELECT r ->> 'sql_name' FROM jsonb_array_elements(velo.schema() -> 'relations') r
WHERE r ->> 'schema' IN ('velo_storage', 'velo_state', 'pg_catalog') OR r ->> 'name' LIKE '\_%';
SELECT c ->> 'name' FROM jsonb_array_elements(velo.schema() -> 'system_columns') c;
SELECT f FROM jsonb_array_elements(velo.schema() -> 'functions') f WHERE f ->> 'name' = 'job_pause';

-- The job that writes zones, as lists and metrics show it.
INSERT INTO rides VALUES (1, 'a', '2026-01-01Z'), (2, 'a', '2026-01-01Z'), (3, 'b', '2026-01-01Z');
CALL wait_for('zones', 3);
SELECT name, status, condition, version, kind, target, restarts, last_error, records_in, records_out,
       records_failed, records_late, lag_records, lag_seconds
FROM velo.job_list() WHERE name = 'zones';
SELECT line FROM regexp_split_to_table(velo.metrics_text(), '\n') AS line
WHERE line LIKE '%job_name="zones"%' AND line !~ '(bytes|seconds|owner)';
SET ROLE regress_door_reader;
SELECT count(*) FROM velo.job_list();
SELECT velo.metrics_text() LIKE '%zones%' AS in_metrics;
RESET ROLE;
SELECT velo._metric_label('a', E'q" b\\ n\n');
DO LANGUAGE velo $$ DROP TABLE zones $$;
DROP SCHEMA doors_streams, doors_closed CASCADE;
DROP OWNED BY regress_door_reader;
DROP ROLE regress_door_reader;
