-- Do both scanners cut the same tokens?  Needs :module, the path of the library.
\set ON_ERROR_STOP on
\set VERBOSITY terse
SET client_min_messages = warning;
SET standard_conforming_strings = on;
BEGIN;
CREATE SCHEMA scanner_diff;
SET LOCAL search_path = scanner_diff;
CREATE FUNCTION tokens_pg(text) RETURNS text[] LANGUAGE c STRICT AS :'module';
CREATE FUNCTION tokens_lift(text) RETURNS text[] LANGUAGE c STRICT AS :'module';

-- Where PostgreSQL already judges a literal's contents, we only find its end:
-- then the tokens before the error must be the same.
CREATE FUNCTION agree(a text[], b text[]) RETURNS boolean LANGUAGE sql AS $$
	SELECT CASE
		WHEN a[cardinality(a)] LIKE 'error invalid Unicode%'
			OR a[cardinality(a)] LIKE 'error invalid byte sequence%'
			OR a[cardinality(a)] LIKE 'error operator too long%'
			THEN trim_array(a, 1) = b[1:cardinality(a) - 1]
		WHEN a[cardinality(a)] LIKE 'error %'
			THEN trim_array(a, 1) || 'error'::text = b
		ELSE a IS NOT DISTINCT FROM b END
$$;

CREATE TABLE sample (id serial, sql text NOT NULL);

-- Tricky by hand.
INSERT INTO sample (sql) VALUES
	(''), (' '), (E'\t\r\n\f'), ('a'), ('A$b1_é'), ('"a""b"'), ('""'), ('"a'), ('u&"a"'), ('U&"\0041"'), ('u&""'),
	('u & "a"'), ('u&a'), ('U&''x'' uescape ''!'''), ('''a'''), ('''a''''b'''), ('''a'), (''''''), (E'''a''\n''b'''), (E'''a'' \n\n  ''b'''),
	('''a'' ''b'''), (E'''a'' --c\n''b'''), (E'''a'' --c'), (E'''a'' --it''s\n --x\n ''b'''), (E'''a'' /* c */\n''b'''), (E'''a''\n/* c */''b'''), (E'''a''\r''b'''),
	(E'''a''\n--c'), (E'''a''\n--c\n'), (E'e''a''\n''\\''b'''), ('e''\'''), ('e''\\'''), ($q$E'\'''$q$), ($q$E'\''$q$), ('e''\u0041\U00000041\x41\101\n'''), ('e''\'), ('e''\u12'''), ('e''\ud83d\ude00'''), ('e''\ud83d'''),
	('b''01'''), ('B''01'), ('x''1F'''), (E'x''1''\n''F'''), ('X''1'), ('n''a'''), ('N ''a'''), ('nn''a'''), ('$$a$$'), ('$$a'), ('$a$ $b$ $a$'), ('$a$ $$ $A$ $a$'), ('$1a$'), ('$a'), ('$'), ('a$$b$$'), ('$é$x$é$'), ('$a b$'), ('$_$;$_$'), ('1$$a$$'),
	('$1'), ('$1a'), ('$1 a'), ('$12.5'), ('$a$b$a'), ('$$$$'), ('$$$'), ('$a$$a$'), ('$a$a$a$'),
	('1'), ('1.'), ('.1'), ('1.5'), ('1..2'), ('1...2'), ('..1'), ('.'), ('..'), ('...'), ('1e5'), ('1e+5'), ('1e-5'), ('1e'), ('1e+'), ('1ex'), ('1.e5'), ('.e5'), ('1.5e5.5'), ('1a'), ('1.a'), ('1.5a'), ('1e5a'), ('1_000'), ('1__0'), ('1_'), ('0x1F'), ('0x'), ('0xg'), ('0b1'), ('0o7'), ('0b2'), ('0x1Fg'),
	('5m'), ('500ms'), ('5 m'), ('5μs'), ('5mm'), ('a.1'), ('a.b'), ('a.5.b'), ('1::int'), ('a::b'), (':::'), (':='), (':a'), ('a:=b'), ('a=>b'), ('a=-b'), ('a=>-b'), ('=>>'), ('<='), ('>='), ('<>'), ('!='), ('!=-'), ('<=-'), ('<->'), ('<-'), ('@-'), ('@-+'), ('+-+'), ('-+-'), ('+'), ('-'), ('--'), ('- -'), ('a--b'), (E'a--b\nc'), (E'a--b\rc'), ('a-/*b*/-c'), ('a*/*b*/c'), ('a/*'), ('/*a*/'), ('/*/'), ('/**/'), ('/***/'), ('/*/**/*/'), ('/* /* */'), ('/*a*/b/*c*/'), ('*/'), ('a*/b'), ('/ *'), ('@/*x*/@'), ('@--x'), ('<--x'), ('%+'), ('?-'), ('~+-'), ('||'), ('|/'), ('#>>'), ('->>'), ('`a`'), ('a!b'), ('\a'), ('{a}'), ('[1:2]'), ('(a,b);'), ('a,b'), ('é''a'''), ('''é'''), ('select'), ('SELECT x FROM y WHERE z = ''a;b'' -- c'), ('a' || repeat('+', 80)), (repeat('a', 80)), ('"' || repeat('é', 40) || '"'), (repeat('-+', 10)), (repeat('/*', 5) || repeat('*/', 5));

-- And put together from pieces, by chance but always the same.
DO 'BEGIN PERFORM setseed(0.2718); END';
CREATE TABLE piece (n serial, p text);
INSERT INTO piece (p) SELECT unnest(ARRAY[
	'''', '''', '''', '"', '"', '$', '$$', '$a$', 'a', 'B', 'e', 'E', 'u&', 'U&', 'n', 'x', 'b', 'm', 'é', '_', '0', '1', '7', '9', '.', '.', '..', 'e5', '+', '-', '--', '-', '*', '/', '/*', '*/', '<', '>', '=', '!', '@', '#', '~', '|', '&', '^', '%', '?', '`', ':', '::', ':=', '=>', ',', ';', '(', ')', '[', ']', '{', '}', '\', '\''', '\\', ' ', ' ', E'\n', E'\n', E'\r', E'\t', E'''\n''', E''' --c\n''', 'select ', ' from', '5m', '1e', '0x', '12_3', '$1', '$2x', 'U&"', 'e''', 'x''', '/**/', 'ms', 'abc', E'--z\n']);
INSERT INTO sample (sql)
	SELECT string_agg(p, '' ORDER BY k) FROM (
		SELECT i, k, (SELECT p FROM piece WHERE n = r) AS p FROM (
			SELECT i, k, 1 + floor(random() * (SELECT count(*) FROM piece))::int AS r
			FROM generate_series(1, 20000) i, generate_series(1, 16) k WHERE k <= 1 + i % 16 ORDER BY i, k) x) y
	GROUP BY i;

SELECT count(*) AS texts, count(*) FILTER (WHERE (tokens_pg(sql))[1] NOT LIKE 'error%') AS with_tokens,
	count(*) FILTER (WHERE NOT agree(tokens_pg(sql), tokens_lift(sql))) AS different FROM sample;
SELECT quote_literal(sql) AS text, tokens_pg(sql), tokens_lift(sql) FROM sample
	WHERE NOT agree(tokens_pg(sql), tokens_lift(sql)) ORDER BY length(sql), sql LIMIT 20;
DO $$ BEGIN
	IF EXISTS (SELECT FROM scanner_diff.sample WHERE NOT scanner_diff.agree(scanner_diff.tokens_pg(sql), scanner_diff.tokens_lift(sql))) THEN
		RAISE EXCEPTION 'the scanners differ';
	END IF;
END $$;
ROLLBACK;
