-- Run by bench/state_and_sinks.
SET client_min_messages = warning;
CREATE FUNCTION sink_open(text, regclass, text[], text[] DEFAULT '{}') RETURNS int LANGUAGE c
    AS '$libdir/velostream', 'velo_sink_check_open';
CREATE FUNCTION sink_fill(int, int, int) RETURNS void LANGUAGE c
    AS '$libdir/velostream', 'velo_sink_check_fill';
CREATE FUNCTION store_make(int, int) RETURNS void LANGUAGE c
    AS '$libdir/velostream', 'velo_state_make';
CREATE FUNCTION store_write(int, int, text, int, int) RETURNS void LANGUAGE c
    AS '$libdir/velostream', 'velo_state_write';
CREATE FUNCTION store_read(int, int, text) RETURNS bigint LANGUAGE c
    AS '$libdir/velostream', 'velo_state_read';

-- Runs a statement as many times as said, each in a transaction of its own.
CREATE PROCEDURE measure(what text, rows_each int, runs int, statement text)
LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
    wal pg_lsn := pg_current_wal_insert_lsn();
BEGIN
    FOR run IN 1 .. runs LOOP
        EXECUTE statement;
        COMMIT;
    END LOOP;
    INSERT INTO result VALUES (what,
        round(extract(epoch FROM clock_timestamp() - began) * 1e9 / (rows_each::bigint * runs)),
        round((pg_current_wal_insert_lsn() - wal) / (rows_each::bigint * runs)));
END $$;
CREATE TABLE result (what text, "ns/row" int, "WAL B/row" int);

CREATE TABLE appended (k bigint, v text, w double precision DEFAULT 3);
CREATE TABLE indexed (k bigint, v text, w double precision DEFAULT 3);
CREATE INDEX ON indexed (k);
CREATE TABLE upserted (k bigint, g text, n bigint, s double precision,
                       UNIQUE NULLS NOT DISTINCT (k, g)) WITH (fillfactor = 50);
CREATE TABLE triggered (LIKE upserted INCLUDING ALL);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER nothing AFTER TRUNCATE ON triggered FOR EACH STATEMENT EXECUTE FUNCTION nothing();
CREATE TABLE storage (k bigint, v text, _timestamp timestamptz NOT NULL DEFAULT now(),
                      _xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
                      _seq bigint GENERATED ALWAYS AS IDENTITY (CACHE 32))
    PARTITION BY RANGE (_timestamp);
CREATE TABLE storage_now PARTITION OF storage DEFAULT;
CREATE INDEX ON storage (_xid, _seq);
CREATE VIEW stream AS SELECT k, v FROM storage;
INSERT INTO velo.stream (relation, kind, type, storage) VALUES ('stream', 'stream', 'native', 'storage');
SELECT sink_open('discard', 'upserted', '{k,g,n,s}', '{k,g}') AS discard,
       sink_open('table', 'appended', '{k,v}') AS appended,
       sink_open('table', 'indexed', '{k,v}') AS indexed,
       sink_open('table', 'upserted', '{k,g,n,s}', '{k,g}') AS upserted,
       sink_open('table', 'triggered', '{k,g,n,s}', '{k,g}') AS triggered,
       sink_open('native', 'stream', '{k,v}') AS native \gset

\set fill 'SELECT sink_fill(' :discard ', 1000000, 1000000)'
CALL measure('discard: making rows of 4 columns', 1000000, 3, :'fill');
\set fill 'SELECT sink_fill(' :appended ', 1000000, 1)'
CALL measure('table: append', 1000000, 3, :'fill');
\set fill 'SELECT sink_fill(' :indexed ', 1000000, 1)'
CALL measure('table: append, one index', 1000000, 1, :'fill');
\set fill 'SELECT sink_fill(' :native ', 1000000, 1)'
CALL measure('native: append to a partition with an index', 1000000, 1, :'fill');
\set fill 'SELECT sink_fill(' :upserted ', 10000, 10000)'
CALL measure('table: upsert of 10,000 keys, 10,000 a commit', 10000, 100, :'fill');
\set fill 'SELECT sink_fill(' :triggered ', 10000, 10000)'
CALL measure('  the same by statement (table has a trigger)', 10000, 100, :'fill');
\set fill 'SELECT sink_fill(' :upserted ', 1000000, 1000000)'
CALL measure('table: upsert of a million new keys', 1000000, 1, :'fill');
CALL measure('table: upsert of a million keys that are there', 1000000, 1, :'fill');

SELECT store_make(1, 0) \g /dev/null
CALL measure('store: a million groups of 88 bytes in one commit', 1000000, 1,
             'SELECT store_write(1, 0, ''x'', 1000000, 88)');
CALL measure('store: recovery of a million records', 1000000, 3, 'SELECT store_read(1, 0, ''x'')');
\pset format aligned
\pset tuples_only off
\pset footer off
TABLE result;
