-- Does the table sink leave what a client's own statements would have left?
\set SHOW_CONTEXT never
CREATE SCHEMA sink_table;
SET search_path = sink_table;
SET client_min_messages = warning;
CREATE FUNCTION sink_open(type text, target regclass, columns text[], keys text[] DEFAULT '{}')
    RETURNS int LANGUAGE c AS '$libdir/velostream', 'velo_sink_check_open';
CREATE FUNCTION sink_write(sink int, target_rows jsonb) RETURNS void LANGUAGE c
    AS '$libdir/velostream', 'velo_sink_check_write';
CREATE FUNCTION sink_fill(sink int, n int, distinct_keys int) RETURNS void LANGUAGE c
    AS '$libdir/velostream', 'velo_sink_check_fill';
CREATE FUNCTION sink_close(sink int) RETURNS void LANGUAGE c
    AS '$libdir/velostream', 'velo_sink_check_close';

-- Random upserts and deletes in chunks of random size, each its own transaction,
-- beside the same changes one by one in plain SQL.  Some transactions abort.
CREATE PROCEDURE random_changes(sink int, target regclass, model regclass, steps int)
LANGUAGE plpgsql AS $$
DECLARE
    changes jsonb;
    change jsonb;
BEGIN
    FOR step IN 1 .. steps LOOP
        SELECT jsonb_agg(jsonb_strip_nulls(
            CASE WHEN random() < 0.25
                 THEN jsonb_build_object('a', a, 'b', b, '_tombstone', 'true')
                 ELSE jsonb_build_object('a', a, 'b', b, 'v', v) END))
        INTO changes
        FROM (SELECT (random() * 12)::int::text AS a,
                     CASE WHEN random() < 0.7 THEN chr(97 + (random() * 5)::int) END AS b,
                     CASE WHEN random() < 0.9 THEN (random() * 1000)::int::text END AS v
              FROM generate_series(1, 1 + (random() * random() * 150)::int) OFFSET 0) made;
        PERFORM sink_write(sink, changes);
        FOR change IN SELECT jsonb_array_elements(changes) LOOP
            EXECUTE format('DELETE FROM %s WHERE a = $1 AND b IS NOT DISTINCT FROM $2', model)
                USING (change->>'a')::int, change->>'b';
            IF change->'_tombstone' IS NULL THEN
                EXECUTE format('INSERT INTO %s (a, b, v) VALUES ($1, $2, $3)', model)
                    USING (change->>'a')::int, change->>'b', (change->>'v')::bigint;
            END IF;
        END LOOP;
        IF random() < 0.1 THEN
            ROLLBACK;
        ELSE
            COMMIT;
        END IF;
    END LOOP;
END
$$;
CREATE FUNCTION differences(target regclass, model regclass) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM ((TABLE %1$s EXCEPT ALL TABLE %2$s)
                    UNION ALL (TABLE %2$s EXCEPT ALL TABLE %1$s)) d', target, model) INTO n;
    RETURN n;
END
$$;
SELECT setseed(0.5);

-- A plain table with NULL keys.
CREATE TABLE plain (a int, b text, v bigint, UNIQUE NULLS NOT DISTINCT (b, a));
CREATE TABLE model (LIKE plain);
SELECT sink_open('table', 'plain', '{a,b,v}', '{a,b}') AS sink \gset
CALL random_changes(:sink, 'plain', 'model', 150);
SELECT differences('plain', 'model'), count(*) > 20 AS has_rows FROM model;

-- Renamed while the sink is open.
ALTER TABLE plain RENAME TO renamed;
CALL random_changes(:sink, 'renamed', 'model', 20);
SELECT differences('renamed', 'model');

-- A column and a trigger come while the sink is open: kept plans follow.
CREATE TABLE seen (op text, n int);
INSERT INTO seen VALUES ('INSERT', 0), ('UPDATE', 0), ('DELETE', 0);
CREATE FUNCTION count_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Settings that shape the sink's own plans do not reach triggers.
    ASSERT current_setting('enable_seqscan') = 'on';
    UPDATE sink_table.seen SET n = n + 1 WHERE op = TG_OP;
    RETURN NULL;
END $$;
ALTER TABLE renamed ADD COLUMN d int DEFAULT 7;
ALTER TABLE model ADD COLUMN d int DEFAULT 7;
CREATE TRIGGER count_changes AFTER INSERT OR UPDATE OR DELETE ON renamed
    FOR EACH ROW EXECUTE FUNCTION count_changes();
CALL random_changes(:sink, 'renamed', 'model', 40);
SELECT differences('renamed', 'model');
SELECT op, n > 0 AS fired FROM seen ORDER BY op;
SELECT sink_close(:sink);

-- Partitions.
CREATE TABLE parted (a int, b text, v bigint, UNIQUE NULLS NOT DISTINCT (a, b)) PARTITION BY HASH (a);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1 (b text, v bigint, a int);
ALTER TABLE parted ATTACH PARTITION parted_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
TRUNCATE model;
ALTER TABLE model DROP COLUMN d;
SELECT sink_open('table', 'parted', '{a,b,v}', '{a,b}') AS sink \gset
CALL random_changes(:sink, 'parted', 'model', 50);
SELECT differences('parted', 'model');
SELECT sink_close(:sink);

-- Generated, identity and default columns; keys by their own equality.
CREATE TABLE rich (
    id int GENERATED ALWAYS AS IDENTITY,
    k numeric PRIMARY KEY,
    v bigint CHECK (v < 100000),
    doubled bigint GENERATED ALWAYS AS (v * 2) STORED,
    note text DEFAULT 'new',
    CONSTRAINT v_present CHECK (v IS NOT NULL)
);
SELECT sink_open('table', 'rich', '{k,v}', '{k}') AS sink \gset
SELECT sink_write(:sink, '[{"k": "1.0", "v": "1"}, {"k": "1.00", "v": "2"}, {"k": "2", "v": "3"}]');
UPDATE rich SET note = 'kept' WHERE k = 1;
SELECT sink_write(:sink, '[{"k": "1.000", "v": "4"}, {"k": "3", "v": "5"}, {"k": "2.0", "_tombstone": "true"}]');
TABLE rich;

-- A row that cannot be stored leaves nothing of its chunk, and the sink goes on.
SELECT sink_write(:sink, '[{"k": "10", "v": "1"}, {"k": "1", "v": "100000"}]');
SELECT sink_write(:sink, '[{"k": "10", "v": "1"}, {"v": "1"}]');
DO $$
BEGIN
    PERFORM sink_write(0, '[{"k": "11", "v": "1"}, {"k": "12"}]');
EXCEPTION WHEN check_violation THEN
    PERFORM sink_write(0, '[{"k": "11", "v": "1"}]');
END $$;
SELECT k, v FROM rich ORDER BY k;
SELECT sink_close(:sink);

-- Columns that the result does not have keep their values, also those out of line;
-- values longer than a page come and go.
CREATE TABLE long (k int PRIMARY KEY, v text, kept text);
ALTER TABLE long ALTER v SET STORAGE EXTERNAL, ALTER kept SET STORAGE EXTERNAL;
INSERT INTO long VALUES (1, repeat('a', 20000), repeat('b', 30000));
SELECT sink_open('table', 'long', '{v,k}', '{k}') AS sink \gset
SELECT sink_write(:sink, '[{"k": "1", "v": "short"}]');
SELECT sink_write(:sink, jsonb_build_array(jsonb_build_object('k', k::text, 'v', repeat('c', 40000))))
FROM generate_series(1, 2) k;
SELECT k, length(v), kept = repeat('b', 30000) AS kept FROM long ORDER BY k;
SELECT sink_close(:sink);

-- Only keys: there is nothing to update.
CREATE TABLE only_keys (a int, b int, PRIMARY KEY (b, a));
SELECT sink_open('table', 'only_keys', '{a,b}', '{a,b}') AS sink \gset
SELECT sink_write(:sink, '[{"a": "1", "b": "1"}, {"a": "1", "b": "1"}, {"a": "1", "b": "2"}]');
SELECT sink_write(:sink, '[{"a": "1", "b": "1"}, {"a": "1", "b": "2", "_tombstone": "true"}]');
TABLE only_keys;
SELECT sink_close(:sink);

-- A value that is unique beside the key moves from a deleted row to a new one.
CREATE TABLE two_keys (k int PRIMARY KEY, u int UNIQUE);
SELECT sink_open('table', 'two_keys', '{k,u}', '{k}') AS sink \gset
SELECT sink_write(:sink, '[{"k": "1", "u": "5"}]');
SELECT sink_write(:sink, '[{"k": "2", "u": "5"}, {"k": "1", "_tombstone": "true"}]');
TABLE two_keys;
SELECT sink_write(:sink, '[{"k": "3", "u": "5"}]');
SELECT sink_close(:sink);

-- Without a unique constraint on exactly the key there is no upsert.
CREATE TABLE keyless (a int, b int, UNIQUE (a));
CREATE UNIQUE INDEX ON keyless (b) WHERE b > 0;
SELECT sink_open('table', 'keyless', '{a,b}', '{b}');

-- Appending: a plain table, then one that needs the executor.
CREATE TABLE appended (id bigserial, k bigint NOT NULL, v text DEFAULT 'x', at timestamptz DEFAULT now(),
                       CHECK (k <> -13));
CREATE INDEX ON appended (k);
SELECT sink_open('table', 'appended', '{k}') AS sink \gset
SELECT sink_fill(:sink, 10, 1);
\set VERBOSITY terse
SELECT sink_write(:sink, '[{"k": "20"}, {"k": "-13"}]');
SELECT sink_write(:sink, '[{"k": "20"}, {}]');
\set VERBOSITY default
CREATE FUNCTION double_k() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.k := NEW.k * 2;
    RETURN NEW;
END $$;
CREATE TRIGGER double_k BEFORE INSERT ON appended FOR EACH ROW EXECUTE FUNCTION double_k();
SELECT sink_fill(:sink, 10, 1);
SELECT count(*), count(DISTINCT id), sum(k), min(v), count(at) FROM appended;
DROP TRIGGER double_k ON appended;
SELECT sink_fill(:sink, 100000, 1);
SELECT count(*), count(DISTINCT id), sum(k) FROM appended;
SET enable_seqscan = off;
SELECT count(*) FROM appended WHERE k = 99999;
RESET enable_seqscan;
SELECT sink_close(:sink);

-- 100,000 keys.
CREATE TABLE many (k bigint PRIMARY KEY, v text);
SELECT sink_open('table', 'many', '{k,v}', '{k}') AS sink \gset
SELECT sink_fill(:sink, 100000, 100000);
SELECT sink_fill(:sink, 100000, 70000);
SELECT count(*), count(*) FILTER (WHERE v = 'row ' || k + 70000) AS second, max(k) FROM many;
SELECT sink_close(:sink);

-- Rights of the current role, column by column.
CREATE ROLE regress_sink_writer;
GRANT USAGE ON SCHEMA sink_table TO regress_sink_writer;
CREATE TABLE owned (k int PRIMARY KEY, v bigint, secret text);
GRANT INSERT (k, v), SELECT (k) ON owned TO regress_sink_writer;
SELECT sink_open('table', 'owned', '{k,v}', '{k}') AS upserts,
       sink_open('table', 'owned', '{k,v}') AS appends,
       sink_open('table', 'owned', '{k,v,secret}') AS secrets \gset
\set VERBOSITY sqlstate
SET ROLE regress_sink_writer;
SELECT sink_write(:appends, '[{"k": "1", "v": "1"}]');
SELECT sink_write(:secrets, '[{"k": "2", "v": "1", "secret": "x"}]');
SELECT sink_write(:upserts, '[{"k": "2", "v": "1"}]');
RESET ROLE;
GRANT UPDATE (v), SELECT (v) ON owned TO regress_sink_writer;
SET ROLE regress_sink_writer;
SELECT sink_write(:upserts, '[{"k": "2", "v": "1"}]');
SELECT sink_write(:upserts, '[{"k": "2", "_tombstone": "true"}]');
RESET ROLE;

-- Row-level security holds for both ways of writing.
\set VERBOSITY default
GRANT ALL ON owned TO regress_sink_writer;
ALTER TABLE owned ENABLE ROW LEVEL SECURITY;
CREATE POLICY small ON owned USING (v < 10) WITH CHECK (v < 10);
INSERT INTO owned VALUES (50, 50);
SET ROLE regress_sink_writer;
SELECT sink_write(:appends, '[{"k": "3", "v": "3"}]');
SELECT sink_write(:appends, '[{"k": "4", "v": "11"}]');
SELECT sink_write(:upserts, '[{"k": "3", "v": "4"}]');
SELECT sink_write(:upserts, '[{"k": "3", "v": "11"}]');
SELECT sink_write(:upserts, '[{"k": "50", "_tombstone": "true"}]');
RESET ROLE;
SELECT k, v FROM owned ORDER BY k;
SELECT sink_close(:appends), sink_close(:upserts), sink_close(:secrets);

-- Writes in which every row is new: after some of them rows are no longer looked for, and
-- one that is there after all is found all the same, also with a row that no table takes.
CREATE TABLE fresh (k int PRIMARY KEY, v int CHECK (v < 1000));
SELECT sink_open('table', 'fresh', '{k,v}', '{k}') AS fresh \gset
CREATE FUNCTION some_rows(first int, last int, v int) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_agg(jsonb_build_object('k', k::text, 'v', v::text)) FROM generate_series(first, last) k
$$;
SELECT count(sink_write(:fresh, some_rows(40 * i, 40 * i + 39, i))) FROM generate_series(0, 24) i;
SELECT sink_write(:fresh, some_rows(980, 1039, 99));
SELECT sink_write(:fresh, some_rows(1040, 1079, 100));
SELECT sink_write(:fresh, some_rows(1080, 1119, 101) || some_rows(1120, 1120, 1000));
SELECT count(*), count(DISTINCT k), max(k), count(*) FILTER (WHERE v = 99) AS changed,
       count(*) FILTER (WHERE v = 24) AS kept, sum(v) FROM fresh;
SELECT sink_close(:fresh);

DROP SCHEMA sink_table CASCADE;
DROP ROLE regress_sink_writer;
