-- Can plain SQL do to streams and derived objects only what it may?
\set SHOW_CONTEXT never
\getenv srcdir PG_ABS_SRCDIR
\set functions :srcdir '/../native/functions.sql'
SET client_min_messages = warning;
CREATE SCHEMA native_guard;
\set ECHO none
\i :functions
\set ECHO all
RESET client_min_messages;
SET search_path = native_guard, public;

CREATE TABLE event_columns (a int, b text);
SELECT probe.native_create('native_guard', 'events', 'event_columns');
SELECT probe.native_create('native_guard', 'derived', 'event_columns', '{}', true);
CREATE TABLE totals (a int PRIMARY KEY, b text);
INSERT INTO totals VALUES (1, 'one');
INSERT INTO velo.stream (relation, kind, type, is_derived) VALUES ('totals', 'table', 'table', true);
UPDATE velo.stream SET is_restored = false WHERE relation = 'totals'::regclass;

-- streams are append-only
INSERT INTO events VALUES (1, 'x'), (2, 'y');
UPDATE events SET a = 3;
UPDATE events SET a = 3 WHERE false;
DELETE FROM events;
WITH gone AS (DELETE FROM events RETURNING *) SELECT * FROM gone;
TRUNCATE events;
CREATE OR REPLACE VIEW events AS SELECT 1 AS a, 'x'::text AS b;
SELECT * FROM events ORDER BY a FOR UPDATE;
EXPLAIN (COSTS OFF) DELETE FROM events;

-- derived objects are their job's
INSERT INTO derived VALUES (1);
COPY derived FROM STDIN;
\.
UPDATE derived SET a = 1;
DELETE FROM derived;
TRUNCATE derived;
INSERT INTO totals VALUES (2, 'two');
UPDATE totals SET b = 'z';
DELETE FROM totals;
COPY totals FROM STDIN;
\.
TRUNCATE totals;
INSERT INTO totals VALUES (1, 'x') ON CONFLICT (a) DO UPDATE SET b = excluded.b;
MERGE INTO totals t USING (SELECT 1 AS a) s ON s.a = t.a WHEN MATCHED THEN DELETE;
-- reading them, locking rows and referring to them is fine
SELECT * FROM totals FOR UPDATE;
COPY derived TO STDOUT;
CREATE TABLE refers (a int REFERENCES totals);
INSERT INTO refers VALUES (1);
INSERT INTO refers VALUES (2);

-- the system columns cannot be supplied
INSERT INTO events (a, _xid) VALUES (1, '5');
COPY events (a, _seq) FROM STDIN;
\.
COPY events (a, a) FROM STDIN;
\.
COPY events (a) FROM STDIN WHERE _seq > 0;
\.
COPY events FROM STDIN;
zz	x
\.

-- rights are those of the stream
CREATE ROLE native_guard_reader;
CREATE ROLE native_guard_writer;
GRANT USAGE ON SCHEMA native_guard TO native_guard_reader, native_guard_writer;
GRANT SELECT ON events TO native_guard_reader;
GRANT INSERT (a) ON events TO native_guard_writer;
SET ROLE native_guard_reader;
SELECT count(*) FROM events;
INSERT INTO events VALUES (1);
COPY events FROM STDIN;
\.
SELECT * FROM velo_storage.events_rows;
-- who may not write may not hold the readers back
SELECT velo._append_time(oid) FROM pg_class WHERE relname = 'events_rows';
SELECT * FROM velo.stream_maintain('events');
SET ROLE native_guard_writer;
INSERT INTO events (a) VALUES (10);
INSERT INTO events VALUES (11, 'x');
COPY events (a) FROM STDIN;
12
\.
COPY events FROM STDIN;
\.
COPY events (a) FROM '/etc/hostname';
COPY events (a) FROM PROGRAM 'true';
SELECT * FROM events;
BEGIN READ ONLY;
COPY events (a) FROM STDIN;
\.
ROLLBACK;
RESET ROLE;
SELECT * FROM events ORDER BY a;

SET client_min_messages = warning;
DROP SCHEMA native_guard CASCADE;
DROP ROLE native_guard_reader, native_guard_writer;
