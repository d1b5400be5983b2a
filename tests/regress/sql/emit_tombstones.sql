-- Groups that come and go through HAVING.
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE SCHEMA emit_tombstones;
SET search_path = emit_tombstones;
SET client_min_messages = warning;
\getenv srcdir PG_ABS_SRCDIR
\set wait :srcdir '/wait.sql'
\set ECHO none
\i :wait
\set ECHO all
DO LANGUAGE velo $$
CREATE STREAM events (k text, v integer);
CREATE TABLE current AS SELECT k, sum(v) AS s FROM events GROUP BY k HAVING sum(v) > 0;
CREATE STREAM changes AS SELECT k, sum(v) AS s FROM events GROUP BY k HAVING sum(v) > 0 EMIT CHANGES;
$$;
INSERT INTO events VALUES ('a', 1), ('b', -1), (NULL, 5);
CALL wait_for('current', 3);
CALL wait_for('changes', 3);
SELECT * FROM current ORDER BY k;
SELECT k, s, _tombstone FROM velo_storage.changes_rows ORDER BY _seq;
-- Gone: the row is deleted, the stream gets the key alone.
INSERT INTO events VALUES ('a', -1), (NULL, -6), ('b', 2);
CALL wait_for('current', 6);
CALL wait_for('changes', 6);
SELECT * FROM current ORDER BY k;
SELECT k, s, _tombstone FROM velo_storage.changes_rows ORDER BY _seq;
-- What appears and disappears within a batch emits nothing.
INSERT INTO events VALUES ('c', 1), ('c', -1), ('a', 7);
CALL wait_for('current', 9);
CALL wait_for('changes', 9);
SELECT * FROM current ORDER BY k;
SELECT k, s, _tombstone FROM velo_storage.changes_rows WHERE _seq > 6 OR k = 'c' ORDER BY _seq;
-- A table made of the changelog holds its current rows; a condition does not stop a tombstone.
DO LANGUAGE velo $$
CREATE TABLE mirror AS SELECT * FROM changes;
CREATE TABLE large AS SELECT k, s * 10 AS tens FROM changes WHERE s > 0;
$$;
CALL wait_for('mirror', 6);
CALL wait_for('large', 6);
SELECT * FROM mirror ORDER BY k;
SELECT * FROM large ORDER BY k;
INSERT INTO events VALUES ('a', -7), (NULL, 9);
CALL wait_for('mirror', 8);
CALL wait_for('large', 8);
SELECT * FROM mirror ORDER BY k;
SELECT * FROM large ORDER BY k;
DROP SCHEMA emit_tombstones CASCADE;
