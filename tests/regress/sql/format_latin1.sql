-- Are records UTF-8 also where the database is not?
\set SHOW_CONTEXT never
\getenv srcdir PG_ABS_SRCDIR
\set functions :srcdir '/../formats/functions.sql'
CREATE DATABASE format_latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0;
\set home :DBNAME
\connect format_latin1
SET client_encoding = 'UTF8';
SET client_min_messages = warning;
CREATE EXTENSION velostream;
\set ECHO none
\i :functions
\set ECHO all
CREATE TABLE l ("ä" text, j jsonb, t varchar(3), a text[], y bytea);
CREATE FUNCTION try(record bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN probe.decode(NULL::l, record)::text;
EXCEPTION WHEN OTHERS THEN
    RETURN concat_ws(' ', SQLSTATE, SQLERRM);
END
$$;
-- every way in which a value gets in: raw, escaped, inside of JSON, up to a limit, in an array
SELECT try(probe.bytes_of('{"ä":"ü\u00df","j":{"x":"ü"},"t":"üüü","a":["ü"],"y":"/A=="}'));
SELECT try(probe.bytes_of('{"\u00e4":"x"}')), try(probe.bytes_of('{"t":"üüüü"}')), try(probe.bytes_of('{"y":"ü"}'));
-- what the database cannot hold, where it is wanted and where it is not
SELECT try(probe.bytes_of('{"ä":"') || '\xe282ac' || probe.bytes_of('"}'));
SELECT try(probe.bytes_of('{"ä":"\u20ac"}'));
SELECT try(probe.bytes_of('{"other":"') || '\xe282ac' || probe.bytes_of('","t":"x"}'));
CREATE TABLE rows AS SELECT * FROM (VALUES ('üß"\', '{"x":"ü"}'::jsonb, 'üüü'::varchar(3), '{ü}'::text[], '\x00ff'::bytea)) v("ä", j, t, a, y);
SELECT encode(probe.encode(r), 'escape'), probe.text_of(probe.encode(r)) FROM rows r;
SELECT probe.decode(NULL::rows, probe.encode(r)) = r AS same FROM rows r;
SELECT probe.text_of(probe.key_write(r, '{ä,t}', f)), probe.key_read(NULL::rows, probe.key_write(r, '{ä,t}', f), '{ä,t}', f)
FROM rows r, (VALUES ('string'), ('json')) v(f);
SELECT * FROM probe.infer(ARRAY['{"größe":"ü","z":1}']);
CREATE TABLE note (t text);
SELECT probe.decode(NULL::note, probe.bytes_of('ü'), '{"format": "string"}'), probe.encode(ROW('ü')::note, '{"format": "string"}');
\connect :home
DROP DATABASE format_latin1;
