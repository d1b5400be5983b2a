-- Does the store give back what was committed, and only that?
\set SHOW_CONTEXT never
\set VERBOSITY default
CREATE SCHEMA state_store;
SET search_path = state_store;
SET client_min_messages = warning;
CREATE PROCEDURE store_check(seed bigint, steps int, is_locked bool DEFAULT false) LANGUAGE c
    AS '$libdir/velostream', 'velo_state_check';
CREATE FUNCTION store_make(job int, task int) RETURNS void LANGUAGE c
    AS '$libdir/velostream', 'velo_state_make';
CREATE FUNCTION store_remove(job int, task int) RETURNS void LANGUAGE c
    AS '$libdir/velostream', 'velo_state_remove';
CREATE FUNCTION store_empty(job int, task int) RETURNS void LANGUAGE c
    AS '$libdir/velostream', 'velo_state_empty';
CREATE FUNCTION store_write(job int, task int, layout text, records int, bytes int) RETURNS void
    LANGUAGE c AS '$libdir/velostream', 'velo_state_write';
CREATE FUNCTION store_read(job int, task int, layout text) RETURNS bigint LANGUAGE c
    AS '$libdir/velostream', 'velo_state_read';

-- Random operations, commits, aborts and recoveries against a model in memory.
-- The last one is long enough for segments to change places several times.
CALL store_check(1, 200);
CALL store_check(2, 200);
CALL store_check(3, 2000);
SELECT store_remove(999999, 0);

-- Tables: members of the extension, no TOAST table, closed to everybody.
SELECT store_make(999998, 0);
SELECT relname, reltoastrelid = 0 AS no_toast, relacl,
       pg_get_userbyid(relowner) = (SELECT pg_get_userbyid(extowner) FROM pg_extension
                                    WHERE extname = 'velostream') AS owner_is_extensions,
       (SELECT count(*) FROM pg_depend WHERE objid = c.oid AND deptype = 'e') AS memberships
FROM pg_class c
WHERE relnamespace = 'velo_state'::regnamespace AND relname LIKE 'job\_999998\_%' AND relkind = 'r'
ORDER BY relname;

-- An aborted transaction leaves nothing, a committed one everything.
SELECT store_read(999998, 0, 'one');
BEGIN;
SELECT store_write(999998, 0, 'one', 100, 200);
SELECT store_read(999998, 0, 'one');
ROLLBACK;
SELECT store_read(999998, 0, 'one');
SELECT store_write(999998, 0, 'one', 1000, 200);
SELECT store_write(999998, 0, 'one', 1000, 200);
SELECT store_read(999998, 0, 'one');

-- Records longer than a row.
SELECT store_write(999998, 0, 'one', 3, 1000000);
SELECT store_read(999998, 0, 'one');
SELECT max(octet_length(data)) <= 8100 AS rows_fit FROM velo_state.job_999998_0_a;

-- State of another layout.
SELECT store_read(999998, 0, 'two');

-- Damaged and missing rows are noticed.
BEGIN;
UPDATE velo_state.job_999998_0_a
SET data = set_byte(data, 500, 255 - get_byte(data, 500)) WHERE seq = 1;
SELECT store_read(999998, 0, 'one');
ROLLBACK;
BEGIN;
DELETE FROM velo_state.job_999998_0_a
WHERE seq = (SELECT min(seq) FROM velo_state.job_999998_0_a WHERE seq > 1);
SELECT store_read(999998, 0, 'one');
ROLLBACK;

-- The order of rows in the table does not matter.
BEGIN;
WITH moved AS (DELETE FROM velo_state.job_999998_0_a WHERE seq = 1 RETURNING *)
INSERT INTO velo_state.job_999998_0_a SELECT * FROM moved;
SELECT store_read(999998, 0, 'one');
ROLLBACK;

-- Discarding, inside a transaction like all the rest.
BEGIN;
SELECT store_empty(999998, 0);
SELECT store_read(999998, 0, 'two');
ROLLBACK;
SELECT store_read(999998, 0, 'one');
SELECT store_empty(999998, 0);
SELECT store_read(999998, 0, 'one');

-- Dropping; twice does no harm.
SELECT store_remove(999998, 0);
SELECT store_remove(999998, 0);
SELECT count(*) FROM pg_class WHERE relname LIKE 'job\_999998\_%';
SELECT store_read(999998, 0, 'one');

DROP SCHEMA state_store CASCADE;
