-- Do rows reach the client while a statement runs, and a queue keep them until taken?
\set SHOW_CONTEXT never
CREATE SCHEMA sink_memory;
SET search_path = sink_memory;
CREATE FUNCTION sink_open(type text, target regclass, columns text[], keys text[] DEFAULT '{}')
    RETURNS int LANGUAGE c AS '$libdir/velostream', 'velo_sink_check_open';
CREATE FUNCTION sink_write(sink int, target_rows jsonb) RETURNS void LANGUAGE c
    AS '$libdir/velostream', 'velo_sink_check_write';
CREATE FUNCTION sink_fill(sink int, n int, distinct_keys int) RETURNS void LANGUAGE c
    AS '$libdir/velostream', 'velo_sink_check_fill';
CREATE FUNCTION sink_commit(sink int) RETURNS void LANGUAGE c
    AS '$libdir/velostream', 'velo_sink_check_commit';
CREATE FUNCTION sink_take(sink int) RETURNS text LANGUAGE c
    AS '$libdir/velostream', 'velo_sink_check_take';
CREATE FUNCTION sink_is_full(sink int) RETURNS boolean LANGUAGE c
    AS '$libdir/velostream', 'velo_sink_check_is_full';
CREATE FUNCTION sink_close(sink int) RETURNS void LANGUAGE c
    AS '$libdir/velostream', 'velo_sink_check_close';
CREATE TABLE shape (k bigint, v text, at timestamptz);

-- Client: one result of several batches, each sent after its commit.
SELECT sink_open('client', 'shape', '{k,v}') AS sink \gset
DO $$
BEGIN
    PERFORM sink_fill(0, 3, 1);
    COMMIT;
    PERFORM sink_commit(0);
    PERFORM sink_write(0, '[{"k": "7"}, {"v": "ünï \\ \"q\""}]');
    COMMIT;
    PERFORM sink_commit(0);
END $$;
-- An error after rows is an error.
DO $$
BEGIN
    PERFORM sink_fill(0, 1, 1);
    PERFORM sink_commit(0);
    PERFORM 1 / 0;
END $$;
SELECT 'the connection is in order' AS result;
SELECT sink_close(:sink);

-- Queue: rows come out in order, and only after the commit of their batch.
SET velo.open_query_buffer_rows = 2000;
SELECT sink_open('queue', 'shape', '{k,v}', '{k}') AS sink \gset
SELECT sink_take(:sink);
SELECT sink_write(:sink, '[{"k": "1", "v": "one"}, {"k": "2"}, {"k": "3", "_tombstone": "true"}]');
SELECT sink_take(:sink);
SELECT sink_commit(:sink);
SELECT sink_take(:sink) FROM generate_series(1, 4);
SELECT sink_fill(:sink, 1999, 1999), sink_is_full(:sink);
SELECT sink_fill(:sink, 10, 10), sink_is_full(:sink);
SELECT sink_commit(:sink);
SELECT sink_take(:sink);
SELECT count(sink_take(:sink)), sink_is_full(:sink) FROM generate_series(1, 9);
SELECT sink_is_full(:sink);
SELECT count(sink_take(:sink)) FROM generate_series(1, 3000);
-- Round and round.
DO $$
DECLARE
    n bigint := 0;
BEGIN
    FOR i IN 1 .. 200 LOOP
        PERFORM sink_fill(0, (i * 37) % 1500, 1500);
        PERFORM sink_commit(0);
        SELECT n + count(sink_take(0)) INTO n FROM generate_series(1, (i * 53) % 1600);
    END LOOP;
    SELECT n + count(sink_take(0)) INTO n FROM generate_series(1, 200000);
    ASSERT n = (SELECT sum((i * 37) % 1500) FROM generate_series(1, 200) i);
END $$;
SELECT sink_close(:sink);

-- Discard.
SELECT sink_open('discard', 'shape', '{k,v}') AS sink \gset
SELECT sink_fill(:sink, 5000, 1);
SELECT sink_close(:sink);

DROP SCHEMA sink_memory CASCADE;
