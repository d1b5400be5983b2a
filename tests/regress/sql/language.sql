-- Several statements in one DO LANGUAGE velo.
\set SHOW_CONTEXT never
CREATE SCHEMA language;
SET search_path = language, public;

-- A statement sees what those before it have done, and is told what it has done itself.
DO LANGUAGE velo $$
  CREATE STREAM numbers (n integer);
  INSERT INTO numbers VALUES (7), (8);
  SELECT n FROM numbers ORDER BY n;
$$;
CREATE TABLE plain (n integer);
DO LANGUAGE velo $$
  INSERT INTO plain SELECT n FROM numbers;
  UPDATE plain SET n = n + 1 WHERE n > 7;
  DELETE FROM plain WHERE n = 7;
  TABLE plain;
$$;

-- CALL may end transactions, as on its own.
CREATE PROCEDURE twice() LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO plain VALUES (1);
  COMMIT;
  INSERT INTO plain VALUES (2);
  ROLLBACK;
END $$;
DO LANGUAGE velo $$ CALL twice(); SELECT n FROM plain ORDER BY n $$;
BEGIN;
DO LANGUAGE velo $$ CALL twice() $$;
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA language CASCADE;
