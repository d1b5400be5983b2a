-- What happens to a job when what it uses changes.
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE SCHEMA job_changes;
SET search_path = job_changes;
SET client_min_messages = warning;
\getenv srcdir PG_ABS_SRCDIR
\set wait :srcdir '/wait.sql'
\set ECHO none
\i :wait
\set ECHO all
CREATE FUNCTION rate(v integer) RETURNS integer LANGUAGE sql AS 'SELECT v * 2';
DO LANGUAGE velo $$
CREATE STREAM events (k text, v integer);
CREATE TABLE result AS SELECT k, sum(rate(v)) AS s FROM events GROUP BY k;
$$;
INSERT INTO events VALUES ('a', 1);
CALL wait_for('result', 1);
SELECT * FROM result;
-- A replaced function is used from the next batch on; state stays.
CREATE OR REPLACE FUNCTION rate(v integer) RETURNS integer LANGUAGE sql AS 'SELECT v * 100';
INSERT INTO events VALUES ('a', 1);
CALL wait_for('result', 2);
SELECT * FROM result;

-- An index or a column with a default is no reason to stop.
CREATE INDEX ON result (s);
ALTER TABLE result ADD COLUMN remark text DEFAULT 'new';
INSERT INTO events VALUES ('b', 1);
CALL wait_for('result', 3);
SELECT * FROM result ORDER BY k;

-- A column that is gone is one, and the error names it.
ALTER TABLE result DROP COLUMN s;
INSERT INTO events VALUES ('c', 1);
CALL wait_until('(SELECT status = ''failed'' FROM velo.jobs WHERE job_name = ''result'')');
SELECT last_sqlstate, last_error FROM velo.job_status('result');
SELECT records_in FROM velo.jobs WHERE job_name = 'result';

-- So is a changed type.
DO LANGUAGE velo $$ CREATE TABLE other AS SELECT k, sum(v) AS s FROM events GROUP BY k $$;
CALL wait_for('other', 4);
ALTER TABLE other ALTER COLUMN s TYPE point USING NULL;
INSERT INTO events VALUES ('c', 1);
CALL wait_until('(SELECT status = ''failed'' FROM velo.jobs WHERE job_name = ''other'')');
SELECT last_sqlstate, last_error FROM velo.job_status('other');

-- Commands in states they do not fit.
DO LANGUAGE velo $$ START JOB nothing $$;
DO LANGUAGE velo $$ PAUSE JOB other $$;
DO LANGUAGE velo $$ CREATE STREAM third AS SELECT v FROM events $$;
CALL wait_for('third', 5);
DO LANGUAGE velo $$ RESET JOB third TO EARLIEST $$;
DO LANGUAGE velo $$ START JOB third $$;
DO LANGUAGE velo $$ PAUSE JOB third $$;
CALL wait_until('(SELECT status = ''paused'' FROM velo.jobs WHERE job_name = ''third'')');
INSERT INTO events VALUES ('d', 1);
DO LANGUAGE velo $$ RESUME JOB third $$;
CALL wait_for('third', 6);
DO LANGUAGE velo $$ STOP JOB third $$;
CALL wait_until('(SELECT status = ''stopped'' FROM velo.jobs WHERE job_name = ''third'')');
SELECT count(*) FROM third;
-- Read again from the beginning: what was written goes.
DO LANGUAGE velo $$ RESET JOB third TO EARLIEST $$;
SELECT count(*) FROM third;
DO LANGUAGE velo $$ START JOB third $$;
CALL wait_until('(SELECT count(*) = 6 FROM job_changes.third)');
SELECT count(*) FROM third;
DROP SCHEMA job_changes CASCADE;
