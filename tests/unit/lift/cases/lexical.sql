SELECT ';', $$;$$, $a$ ; $$ $a$, "x;y", E'\';', /* ; /* ; */ ; */ 1 -- ;
;
SELECT 'a'
  'b;c' -- comment with '
  'd' EMIT CHANGES;
SELECT U&'\0041;' , U&"d\0061t" , B'01', X'1F', N'x;' FROM t EMIT CHANGES;
SELECT a<-b, a@-1, 1.5e-3, .5, 1_000, 0x1F, $1 FROM t EMIT CHANGES;
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;
CREATE OR REPLACE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC SELECT 1 AS end; INSERT INTO t VALUES (1); END;
CREATE FUNCTION g() RETURNS int LANGUAGE sql AS $$ SELECT 1; SELECT 2; $$;
CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2);
BEGIN; COMMIT; END;
;;
SELECT 1 FROM x WHERE (a; SELECT 2 FROM y EMIT CHANGES;
SELECT 1 FROM x WHERE a); SELECT (1]; SELECT [1);
SELECT "" FROM t; SELECT 1abc; SELECT $1x;
SELECT Ünïcödé, "Ä" FROM Straße EMIT CHANGES;
CREATE STREAM aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggghhhh WITH (a = b);
CREATE STREAM aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggéé WITH (a = b);
SELECT 'unterminated EMIT CHANGES; SELECT 2;
