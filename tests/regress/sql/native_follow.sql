-- Does the storage follow its stream through plain DDL?
\set SHOW_CONTEXT never
\getenv srcdir PG_ABS_SRCDIR
\set functions :srcdir '/../native/functions.sql'
SET client_min_messages = warning;
CREATE SCHEMA native_follow;
\set ECHO none
\i :functions
\set ECHO all
RESET client_min_messages;
SET search_path = native_follow, public;
CREATE ROLE native_follow_a;
CREATE ROLE native_follow_b;
GRANT ALL ON SCHEMA native_follow TO native_follow_a, native_follow_b;

CREATE TABLE event_columns (a int, b text);
CREATE VIEW owners AS
    SELECT regexp_replace(relname, '_\d{8}_\d{4}', '_time') AS relation,
           pg_get_userbyid(relowner) AS owner, count(*)
    FROM pg_class
    WHERE relnamespace = 'velo_storage'::regnamespace AND relkind IN ('r', 'p', 'S')
      AND relname LIKE 'events%'
    GROUP BY 1, 2;

SELECT probe.native_create('native_follow', 'events', 'event_columns');
ALTER VIEW events OWNER TO native_follow_a;
SELECT * FROM owners ORDER BY relation;
ALTER TABLE events OWNER TO native_follow_b;
SELECT * FROM owners ORDER BY relation;
REASSIGN OWNED BY native_follow_b TO native_follow_a;
SELECT * FROM owners ORDER BY relation;
-- new partitions belong to him as well
SELECT (velo._native_extend('velo_storage.events_rows', 604800000, now() + interval '3 days')).*;
SELECT * FROM owners ORDER BY relation;

ALTER VIEW events RENAME TO happenings;
CREATE SCHEMA native_follow2;
ALTER VIEW happenings SET SCHEMA native_follow2;
INSERT INTO native_follow2.happenings VALUES (1);
SELECT relation, storage FROM velo.stream WHERE storage::text LIKE '%events%';

DROP VIEW native_follow2.happenings;
SELECT * FROM owners;
SELECT count(*) FROM velo.stream WHERE storage::text LIKE '%events%';

SELECT probe.native_create('native_follow2', 'events', 'event_columns');
SET client_min_messages = warning;
DROP SCHEMA native_follow2 CASCADE;
SELECT * FROM owners;

SELECT probe.native_create('native_follow', 'events', 'event_columns');
ALTER VIEW events OWNER TO native_follow_a;
DROP OWNED BY native_follow_a;
SELECT * FROM owners;

-- what adding a column evaluates runs as the owner, never as the extension's owner
SELECT probe.native_create('native_follow', 'events', 'event_columns');
INSERT INTO events VALUES (1);
CREATE FUNCTION whoami() RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN current_user; END';
CREATE FUNCTION is_harmless(v text) RETURNS boolean LANGUAGE plpgsql AS
    'BEGIN RAISE NOTICE ''% checked by %'', v, current_user; RETURN true; END';
CREATE DOMAIN checked AS text CHECK (native_follow.is_harmless(VALUE));
GRANT ALL ON SCHEMA native_follow TO native_follow_a;
ALTER VIEW events OWNER TO native_follow_a;
SELECT probe.native_add_column('events', 'c', 'text', 'native_follow.whoami()');
SET client_min_messages = notice;
SELECT probe.native_add_column('events', 'd', 'checked', '''x''');
SELECT * FROM events;
INSERT INTO events VALUES (2);
SET client_min_messages = warning;
SELECT * FROM events;
SELECT * FROM owners ORDER BY relation;
DROP VIEW events;

-- in a transaction that is rolled back nothing has happened
SELECT probe.native_create('native_follow', 'events', 'event_columns');
INSERT INTO events VALUES (1);
BEGIN;
DROP VIEW events;
ROLLBACK;
SELECT * FROM events;
-- the storage is not dropped by itself
DROP TABLE velo_storage.events_rows;
DROP TABLE velo_storage.events_rows CASCADE;
SELECT count(*) FROM velo.stream WHERE storage::text LIKE '%events%' OR relation::text LIKE '%events%';

-- other drops go their way
CREATE TEMP TABLE t (a int);
DROP TABLE t;
DROP SCHEMA native_follow CASCADE;
DROP ROLE native_follow_a, native_follow_b;
