-- Are partitions made ahead, and dropped when they are old and read by every job?
\set SHOW_CONTEXT never
\getenv srcdir PG_ABS_SRCDIR
\set functions :srcdir '/../native/functions.sql'
SET client_min_messages = warning;
CREATE SCHEMA native_retention;
\set ECHO none
\i :functions
SET search_path = native_retention, public;
SET timezone = 'UTC';
CREATE TABLE event_columns (a int);
SELECT probe.native_create('native_retention', 'kept', 'event_columns');
-- bounds of our own choice
SELECT format('DROP TABLE %s', part) FROM velo._native_partitions('velo_storage.kept_rows') WHERE NOT is_default \gexec
\set ECHO all
RESET client_min_messages;

\set extend 'SELECT created, is_waiting FROM velo._native_extend(''velo_storage.kept_rows'', 86400000, '
\set list 'SELECT part, lower, upper, is_default FROM velo._native_partitions(''velo_storage.kept_rows'');'

-- one day in about seven parts
:extend '2026-03-01 10:30+00');
:list
:extend '2026-03-01 10:30+00');
-- a while later, with a hole that falls to the default partition
:extend '2026-03-01 23:00+00');
-- another width falls into step
SELECT created FROM velo._native_extend('velo_storage.kept_rows', 604800000, '2026-03-01 23:00+00');
:list

-- rows for which no partition was ready stay in the default partition
INSERT INTO velo_storage.kept_rows (_timestamp, a) VALUES ('2026-03-05 00:00+00', 1), ('2026-03-05 00:01+00', 2);
SELECT tableoid::regclass, a FROM velo_storage.kept_rows;
:extend '2026-03-05 00:30+00');
:list

-- expiry
INSERT INTO velo_storage.kept_rows (_timestamp, a) VALUES
    ('2026-03-01 10:00+00', 3), ('2026-03-01 21:30+00', 4), ('2026-03-02 01:00+00', 5);
\set expire 'SELECT dropped, deleted, is_waiting FROM velo._native_expire(''velo_storage.kept_rows'', 86400000, '
:expire '2026-03-02 11:59+00', 'kept'::regclass);
:expire '2026-03-02 12:00+00', 'kept'::regclass);
SELECT a FROM kept ORDER BY a;

-- a job that has not read them holds them; one that starts later does not
INSERT INTO velo.job (name, relation, kind, sql, sources)
VALUES ('native_retention_job', NULL, 'insert', '', ARRAY['kept'::regclass]);
UPDATE velo.job SET desired = 'paused', status = 'paused' WHERE name = 'native_retention_job';
:expire '2026-03-03 12:00+00', 'kept'::regclass);
UPDATE velo.job SET start_from = 'latest' WHERE name = 'native_retention_job';
BEGIN;
:expire '2026-03-03 12:00+00', 'kept'::regclass);
SELECT a FROM kept ORDER BY a;
ROLLBACK;
UPDATE velo.job SET start_from = 'default' WHERE name = 'native_retention_job';
-- by its position
INSERT INTO velo.position (job_id, task, source, partition, position)
SELECT job_id, 0, 0, 0, '3:3:' FROM velo.job WHERE name = 'native_retention_job';
:expire '2026-03-03 12:00+00', 'kept'::regclass);
UPDATE velo.position SET position = 'kafka:0:77';
:expire '2026-03-03 12:00+00', 'kept'::regclass);
SELECT pg_current_snapshot() AS snapshot \gset
UPDATE velo.position SET position = :'snapshot';
:expire '2026-03-03 12:00+00', 'kept'::regclass);
SELECT a FROM kept ORDER BY a;
-- the default partition, row by row
:expire '2026-03-06 00:00:30+00', 'kept'::regclass);
SELECT a FROM kept ORDER BY a;
UPDATE velo.job SET desired = 'stopped', status = 'stopped' WHERE name = 'native_retention_job';
UPDATE velo.position SET position = '3:3:';
:expire '2026-03-09 00:00:30+00', 'kept'::regclass);
SELECT a FROM kept ORDER BY a;
:list
SELECT dropped, deleted, is_waiting FROM velo.stream_maintain('kept');
SELECT bool_or(lower <= now() AND now() < upper) FROM velo._native_partitions('velo_storage.kept_rows');

DELETE FROM velo.position WHERE job_id = (SELECT job_id FROM velo.job WHERE name = 'native_retention_job');
DELETE FROM velo.job WHERE name = 'native_retention_job';
-- the launcher may have given the made-up job a worker
DELETE FROM velo.task t WHERE NOT EXISTS (SELECT FROM velo.job j WHERE j.job_id = t.job_id);
SET client_min_messages = warning;
DROP SCHEMA native_retention CASCADE;
