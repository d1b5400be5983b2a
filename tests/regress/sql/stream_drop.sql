-- Dropping and renaming streams and what depends on them.
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE SCHEMA stream_drop;
SET search_path = stream_drop;
SET client_min_messages = warning;
\getenv srcdir PG_ABS_SRCDIR
\set wait :srcdir '/wait.sql'
\set ECHO none
\i :wait
\set ECHO all
DO LANGUAGE velo $$
CREATE STREAM events (k text, v integer);
CREATE STREAM one AS SELECT k, v FROM events;
CREATE TABLE two AS SELECT k, count(*) AS n FROM one GROUP BY k;
$$;
INSERT INTO events VALUES ('a', 1);
CALL wait_for('two', 1);
-- Dependants.
DO LANGUAGE velo $$ DROP STREAM events $$;
DO LANGUAGE velo $$ DROP STREAM one $$;
DO LANGUAGE velo $$ DROP TABLE events $$;
DO LANGUAGE velo $$ DROP STREAM two $$;
DO LANGUAGE velo $$ DROP STREAM nothing $$;
DO LANGUAGE velo $$ DROP STREAM IF EXISTS nothing $$;
SELECT job_name, status FROM velo.jobs WHERE job_name IN ('one', 'two', 'counts', 'again') ORDER BY 1;

-- Renames are followed: jobs know relations, not names.
ALTER VIEW events RENAME TO incoming;
ALTER TABLE two RENAME TO counts;
INSERT INTO incoming VALUES ('a', 2), ('b', 3);
CALL wait_until('(SELECT records_in >= 3 FROM velo.jobs WHERE target = ''counts'')');
SELECT * FROM counts ORDER BY k;
SELECT job_name, target FROM velo.jobs WHERE job_name IN ('one', 'two', 'counts', 'again') ORDER BY 2;
SELECT stream_name FROM velo.streams WHERE stream_name IN ('events', 'incoming', 'one') ORDER BY 1;

-- Plain SQL.
DROP TABLE counts;
SELECT job_name FROM velo.jobs WHERE job_name IN ('one', 'two', 'counts', 'again') ORDER BY 1;
DO LANGUAGE velo $$ CREATE TABLE again AS SELECT k, count(*) AS n FROM one GROUP BY k $$;
BEGIN;
DROP VIEW one;
ROLLBACK;
BEGIN;
DO LANGUAGE velo $$ DROP STREAM incoming CASCADE $$;
SELECT count(*) FROM velo.jobs WHERE job_name IN ('one', 'two', 'counts', 'again');
ROLLBACK;
SELECT job_name FROM velo.jobs WHERE job_name IN ('one', 'two', 'counts', 'again') ORDER BY 1;
INSERT INTO incoming VALUES ('c', 3);
CALL wait_for('again', 4);
SELECT * FROM again ORDER BY k;
DO LANGUAGE velo $$ DROP STREAM incoming CASCADE $$;
SELECT count(*) FROM velo.jobs WHERE job_name IN ('one', 'two', 'counts', 'again');
SELECT count(*) FROM velo.streams WHERE stream_name IN ('events', 'incoming', 'one');
SELECT count(*) FROM pg_class WHERE relnamespace = 'velo_storage'::regnamespace AND relname ~ '^(events|incoming|one)_';

DO LANGUAGE velo $$
CREATE STREAM events (k text, v integer);
CREATE STREAM one AS SELECT k, v FROM events;
$$;
DROP SCHEMA stream_drop CASCADE;
SELECT count(*) FROM velo.jobs WHERE job_name IN ('one', 'two', 'counts', 'again');
-- Nothing is left of what the jobs kept.
SELECT count(*) FROM velo.job WHERE name IN ('one', 'two', 'counts', 'again');
SELECT count(*) FROM velo.task WHERE job_id NOT IN (SELECT job_id FROM velo.job);
SELECT count(*) FROM velo.position WHERE job_id NOT IN (SELECT job_id FROM velo.job);
SELECT count(*) FROM velo.stream WHERE relation NOT IN (SELECT oid FROM pg_class);
