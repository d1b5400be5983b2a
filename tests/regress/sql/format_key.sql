-- Are keys written and read back as the dialect has it, and columns inferred?
\set SHOW_CONTEXT never
\getenv srcdir PG_ABS_SRCDIR
\set functions :srcdir '/../formats/functions.sql'
SET client_min_messages = warning;
CREATE SCHEMA format_key;
\set ECHO none
\i :functions
\set ECHO all
RESET client_min_messages;
SET search_path = format_key, public;
SET timezone = 'Asia/Tokyo';
CREATE TABLE keyed (a text, n int, at timestamptz, y bytea, j jsonb, l int[], v numeric);
INSERT INTO keyed VALUES
    ('x', 1, '2026-01-01 00:00:00+00', '\x00ff', '{"a": "|"}', '{1,2}', 1.50),
    (E'a|b\\c"ä', -2, '2026-01-01 00:00:00.25+00', '', '[]', '{}', 'NaN'),
    ('', NULL, NULL, NULL, NULL, NULL, NULL),
    (NULL, 0, 'infinity', '\x', 'null', '{NULL}', 0);
SELECT k.keys, f.format, probe.text_of(probe.key_write(r, k.keys, f.format)) AS key
FROM keyed r, (VALUES (1, '{a}'::text[]), (2, '{n}'), (3, '{at}'), (4, '{a,n}'), (5, '{n,at,a}'), (6, '{y,v}'), (7, '{j,l}')) k(i, keys),
    (VALUES ('string'), ('json')) f(format)
ORDER BY k.i, f.format, r.ctid;
-- back again: the key columns only
SELECT k.keys, f.format, count(*) AS keys,
    count(*) FILTER (WHERE probe.key_write(back, k.keys, f.format) IS DISTINCT FROM key) AS different,
    count(*) FILTER (WHERE (SELECT jsonb_object_agg(x, to_jsonb(back) -> x) FROM unnest(k.keys) x)
        IS DISTINCT FROM (SELECT jsonb_object_agg(x, to_jsonb(r) -> x) FROM unnest(k.keys) x)) AS other_values
FROM keyed r, (VALUES (1, '{a}'::text[]), (2, '{n}'), (3, '{at}'), (4, '{a,n}'), (5, '{n,at,a}'), (6, '{y,v}'), (7, '{j,l}')) k(i, keys),
    (VALUES ('string'), ('json')) f(format),
    LATERAL (SELECT probe.key_write(r, k.keys, f.format) AS key) w,
    LATERAL (SELECT probe.key_read(NULL::keyed, w.key, k.keys, f.format) AS back) b
GROUP BY k.i, k.keys, f.format ORDER BY k.i, f.format;
-- what others write
SELECT key, probe.key_read(NULL::keyed, probe.bytes_of(key), keys, format)
FROM (VALUES ('7', '{n}'::text[], 'json'), ('"x"', '{a}', 'json'), ('{"N":7}', '{n}', 'json'), ('null', '{a}', 'json'),
    ('[1, 2]', '{l}', 'json'), ('{"n":7,"z":1}', '{n,a}', 'json'), ('a\|b|7', '{a,n}', 'string'), ('null|7', '{a,n}', 'string'),
    ('x', '{a}', 'bytes')) v(key, keys, format);
SELECT probe.key_read(NULL::keyed, '\x00ff', '{y}', 'bytes'), probe.key_write(ROW(NULL, NULL, NULL, '\x00ff', NULL, NULL, NULL)::keyed, '{y}', 'bytes');
CREATE FUNCTION raised(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE query;
    RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' / ', SQLSTATE, SQLERRM, nullif(hint, ''));
END
$$;
SELECT raised(query) FROM (VALUES
    ($$SELECT probe.key_read(NULL::keyed, 'x', '{n}', 'string')$$),
    ($$SELECT probe.key_read(NULL::keyed, 'x', '{a,n}', 'string')$$),
    ($$SELECT probe.key_read(NULL::keyed, 'x|1|2', '{a,n}', 'string')$$),
    ($$SELECT probe.key_read(NULL::keyed, '\xff', '{a}', 'string')$$),
    ($$SELECT probe.key_read(NULL::keyed, '{"n":', '{n}', 'json')$$),
    ($$SELECT probe.key_read(NULL::keyed, '7', '{a,n}', 'json')$$),
    ($$SELECT probe.key_read(NULL::keyed, '1', '{a,n}', 'bytes')$$),
    ($$SELECT probe.key_read(NULL::keyed, '1', '{n}', 'avro')$$)) q(query);

-- inference
SELECT * FROM probe.infer(ARRAY[
    '{"id":1,"price":"1.50","rate":1,"when":"2026-01-01T00:00:00Z","ok":true,"tags":["a"],"name":"x","maybe":null,"userId":1}',
    '{"id":2,"price":"-20.000000000000000001","rate":2.5,"when":"2026-01-01 00:00:00.5+02:00","ok":false,"tags":{},"name":"1.5","userId":2,"late":"z"}']);
SELECT column_name, data_type, nullable, samples FROM probe.infer(ARRAY[
    '{"big":1,"mixed":1,"no_zone":"2026-01-01T00:00:00","day":"2026-01-01","many":"1.1234567890123456789","half":".5","exp":"1.5e3","always_null":null,"a":1,"A":2,"_timestamp":1,"_other":1}',
    '{"big":9223372036854775808,"mixed":"x","no_zone":"2026-01-01T00:00:00","day":"2026-01-01","many":"1.1","half":"0.5","exp":"1.5","always_null":null,"a":1,"A":2,"a":null,"\u0062ig":3}']);
SELECT column_name, data_type FROM probe.infer(ARRAY['{"d":"1.5"}', '{"d":1.5}', '{"f":true}', '{"f":1}', '{"g":[]}', '{"g":1}', '{"h":1e3}', '{"h":9223372036854775808}']);
SELECT count(*) FROM probe.infer(ARRAY['{}']);
SELECT raised($$SELECT probe.infer('{"[1]"}')$$), raised($$SELECT probe.infer('{"{"}')$$);
SELECT count(*) FROM probe.infer(ARRAY[(SELECT '{' || string_agg(format('"f%s":%s', g, g), ',') || '}' FROM generate_series(1, 1200) g)]);

SET client_min_messages = warning;
DROP SCHEMA format_key CASCADE;
