-- Is a native stream a relation like others to INSERT, COPY and SELECT, and does a
-- source read what was appended, in order and once?
\set SHOW_CONTEXT never
\getenv srcdir PG_ABS_SRCDIR
\set functions :srcdir '/../native/functions.sql'
SET client_min_messages = warning;
CREATE SCHEMA native_stream;
\set ECHO none
\i :functions
\set ECHO all
RESET client_min_messages;
SET search_path = native_stream, public;

CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE TABLE ride_columns (
    id bigint NOT NULL,
    zone varchar(10) COLLATE "C" DEFAULT 'north',
    fare numeric(10, 2),
    tags text[],
    feeling mood DEFAULT 'calm'
);
SELECT probe.native_create('native_stream', 'rides', 'ride_columns', '{"key.field": "id, zone"}');
\d rides
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid) AS default
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = 'velo_storage.rides_rows'::regclass AND a.attnum > 0 ORDER BY a.attnum;
SELECT is_insertable_into, is_updatable FROM information_schema.views
WHERE table_schema = 'native_stream' AND table_name = 'rides';
SELECT count(*) FILTER (WHERE is_default) AS default, count(*) FILTER (WHERE NOT is_default) AS timed,
       bool_or(lower <= now() AND now() < upper) AS has_present
FROM velo._native_partitions('velo_storage.rides_rows');

-- rows of one transaction have one append time; another stream has its own
SELECT probe.source_open('rides') AS h \gset
BEGIN;
INSERT INTO rides VALUES (1, 'south', 10, '{a,b}', 'cross'), (2, NULL, NULL, NULL, NULL);
INSERT INTO rides (id) VALUES (3) RETURNING *;
COPY rides (id, fare) FROM STDIN WITH (FORMAT csv);
4,4.5
5,
\.
COMMIT;
COPY rides FROM STDIN WHERE id > 6;
6	a|b	6	{x}	calm
7	a|b\\c	7	{y}	cross
\.
SELECT * FROM rides ORDER BY id;
COPY rides TO STDOUT;
COPY rides (fare, id) TO STDOUT WITH (FORMAT csv, HEADER);
CREATE TEMP TABLE got AS SELECT * FROM probe.source_batch(:h);
SELECT seq, is_tombstone, key, vals, event_time = appended_at AS same FROM got ORDER BY seq;
SELECT count(DISTINCT appended_at) FROM got WHERE seq <= 5;
SELECT * FROM probe.source_batch(:h);

-- rolled back rows leave no trace but a gap in the numbers
BEGIN; INSERT INTO rides (id) VALUES (100); ROLLBACK;
BEGIN;
INSERT INTO rides (id) VALUES (8);
SAVEPOINT s; INSERT INTO rides (id) VALUES (101); ROLLBACK TO s;
INSERT INTO rides (id) VALUES (9);
COMMIT;
SELECT vals[1] FROM probe.source_batch(:h);

-- in pieces, and again from a position
INSERT INTO rides (id) SELECT generate_series(10, 14);
SELECT vals[1] FROM probe.source_batch(:h, 2);
SELECT position AS p FROM probe.source_state(:h) \gset
SELECT probe.source_open('rides', "position" => :'p') AS again \gset
SELECT vals[1] FROM probe.source_batch(:again);
SELECT vals[1] FROM probe.source_batch(:h);
SELECT lag FROM probe.source_state(:h);
INSERT INTO rides (id) SELECT generate_series(15, 17);
SELECT lag FROM probe.source_state(:h);

-- where to start
SELECT probe.source_open('rides', start => 'latest') AS l \gset
INSERT INTO rides (id) VALUES (18);
SELECT vals[1] FROM probe.source_batch(:l);
SELECT clock_timestamp() AS t \gset
INSERT INTO rides (id) VALUES (19);
SELECT probe.source_open('rides', start => 'timestamp', from_time => :'t') AS f \gset
SELECT vals[1] FROM probe.source_batch(:f);
SELECT probe.source_open('rides', bounded => true) AS b \gset
INSERT INTO rides (id) VALUES (20);
SELECT count(*) FROM probe.source_batch(:b);
INSERT INTO rides (id) VALUES (21);
SELECT count(*) FROM probe.source_batch(:b);
SELECT is_ended, lag FROM probe.source_state(:b);
SELECT probe.source_open('rides', "position" => 'nonsense');

-- a bounded read sees what its own transaction wrote
BEGIN;
INSERT INTO rides (id) VALUES (22);
SELECT probe.source_open('rides', bounded => true) AS o \gset
SELECT vals[1] FROM probe.source_batch(:o) ORDER BY seq DESC LIMIT 1;
ROLLBACK;

-- renamed and added columns
ALTER VIEW rides RENAME COLUMN fare TO price;
SELECT probe.native_add_column('rides', 'extra', 'int');
INSERT INTO rides (id, price, extra) VALUES (23, 23.5, 1);
SELECT probe.source_open('rides', start => 'timestamp', from_time => :'t') AS r \gset
SELECT key, vals FROM probe.source_batch(:r);
COPY rides (price, id) FROM STDIN WHERE price < 10;
9	24
10	25
\.
SELECT key, vals FROM probe.source_batch(:r);

-- a key that is no more
ALTER VIEW rides RENAME COLUMN zone TO area;
SELECT probe.source_open('rides');

-- a derived stream's storage knows more of its rows
SELECT probe.native_create('native_stream', 'derived', 'ride_columns', '{}', true);
INSERT INTO velo_storage.derived_rows (id, _event_time, _tombstone)
VALUES (1, '2026-01-01 00:00+00', NULL), (2, '2026-01-02 00:00+00', true), (3, NULL, false);
SELECT probe.source_open('derived') AS d \gset
SELECT vals[1], CASE WHEN event_time < appended_at THEN event_time AT TIME ZONE 'UTC' END AS event_time,
       is_tombstone
FROM probe.source_batch(:d);

-- names that cannot be
CREATE TABLE bad_columns (_offset int);
SELECT probe.native_create('native_stream', 'bad', 'bad_columns');
CREATE TABLE bad_columns2 (_xid int);
SELECT probe.native_create('native_stream', 'bad', 'bad_columns2');
SELECT probe.native_create('native_stream', 'rides', 'ride_columns');
SELECT probe.native_create('native_stream', repeat('long_name_', 6), 'ride_columns');
CREATE SCHEMA native_stream2;
SELECT probe.native_create('native_stream2', 'rides', 'ride_columns');
SELECT relation, storage FROM velo.stream WHERE relation::text LIKE '%rides' OR relation::text LIKE '%long_name%' ORDER BY 1;

SET client_min_messages = warning;
DROP SCHEMA native_stream, native_stream2 CASCADE;
SELECT count(*) FROM pg_class WHERE relnamespace = 'velo_storage'::regnamespace;
