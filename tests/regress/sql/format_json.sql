-- Do JSON records become rows, and rows JSON records, as documented?
\set SHOW_CONTEXT never
\getenv srcdir PG_ABS_SRCDIR
\set functions :srcdir '/../formats/functions.sql'
SET client_min_messages = warning;
CREATE SCHEMA format_json;
\set ECHO none
\i :functions
\set ECHO all
RESET client_min_messages;
SET search_path = format_json, public;
SET timezone = 'Asia/Tokyo';
SET datestyle = 'ISO';
SET bytea_output = 'hex';
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE DOMAIN small AS int CHECK (VALUE < 1000);
CREATE DOMAIN present AS text NOT NULL;
CREATE DOMAIN tags AS text[] CHECK (cardinality(VALUE) < 3);
CREATE TYPE point3 AS (x int, "Y" numeric(6, 2), at timestamptz);

-- names: exact, other case, both, twice, unknown, escaped; missing and null
CREATE TABLE named (userid int, "Price" numeric, note text);
SELECT (probe.decode(NULL::named, probe.bytes_of(r))).*
FROM (VALUES
    ('{"userid":1,"Price":2.50,"note":"a"}'), ('{"userId":2,"price":3,"NOTE":"b"}'),
    ('{"userId":3,"userid":4}'), ('{"userid":5,"USERID":6}'), ('{"userid":7,"userid":8}'),
    ('{"other":{"userid":0,"x":[1,"]"]},"userid":9}'), ('{"\u0075serid":10,"note":null}'),
    (' { "note" : "c" , "userid" : 11 } '), (U&'\FEFF{"userid":12}'), ('{}')) v(r);

-- each type: what it takes and what it refuses
SELECT type, json, probe.field(type, json)
FROM (VALUES
    ('int2', '32767,-32768,32768,-32769,1.5,"7"'), ('int', '2147483647,-2147483648,2147483648,0,-0'),
    ('int', '1.0,1e3,1.5e1,120e-1,1e-1,1e10,1e400,0e999999999,"12"," 12 ","1e2","x","","1.5"'),
    ('bigint', '9223372036854775807,-9223372036854775808,9223372036854775808,1e18,1e19'),
    ('bigint', '100000000000000000000000000e-10,123456789012345678901234567890,0.00000000000000000000000e30'),
    ('int', 'true,null,[1],"{}"'),
    ('real', '1.5,16777217,0.1,3.4e38,3.5e38,1e-46,"NaN","-Infinity","x"'),
    ('double precision', '1.5,0.1,523.93,1e22,1e23,123456789012345678,1.7976931348623157e308,1e309'),
    ('double precision', '4.9e-324,1e-400,0e400,-0.0,"NaN","Infinity","-Infinity","1e3",true'),
    ('numeric', '1.50,-0.000,1e3,1.5E-3,123456789012345678901234567890.123,"1.50","NaN","x",0'),
    ('numeric(6,2)', '1.005,1.5,9999.994,9999.995,12345,"1.234"'),
    ('boolean', 'true,false,"true","f","yes",1,0,2,"x"')) t(type, list),
    string_to_table(list, ',') json;
SELECT type, json, probe.field(type, json)
FROM (VALUES
    ('int', '"12"'), ('int', '" 12 "'), ('int', '"1e2"'), ('int', '"1.5"'), ('int', '{"a":1}'), ('int', '[1]'),
    ('int', '"\u0031"'), ('int', '"\u0000"'), ('numeric', '"1.50"'), ('double precision', '"1e3"'),
    ('text', '"a"'), ('text', '""'), ('text', '"\"\\\/\b\f\n\r\t"'), ('text', '"\u00e4\ud83d\ude00"'),
    ('text', '"ä😀"'), ('text', '"\u0000"'), ('text', '"\ud83d"'), ('text', '"\ude00x"'),
    ('text', '1.50'), ('text', 'true'), ('text', '{"a": [1,  2]}'), ('text', '[1, "x"]'), ('text', 'null'),
    ('varchar(3)', '"abc"'), ('varchar(3)', '"äöü"'), ('varchar(3)', '"abcd"'), ('varchar(3)', '"abc  "'),
    ('varchar(3)', '1234'), ('char(3)', '"a"'), ('char(3)', '"abcd"'), ('present', 'null'), ('present', '"x"'),
    ('bytea', '"aGVsbG8="'), ('bytea', '""'), ('bytea', '"aGVsbG8"'), ('bytea', '"*"'), ('bytea', '1'),
    ('uuid', '"0b5e2c9e-4f39-4d2a-9c57-6f3c0a1b2d3e"'), ('uuid', '"0B5E2C9E4F394D2A9C576F3C0A1B2D3E"'),
    ('uuid', '"0b5e2c9e-4f39-4d2a-9c57-6f3c0a1b2d3"'), ('uuid', '"0b5e2c9e-4f39-4d2a-9c57-6f3c0a1b2d3g"')) t(type, json);
SELECT type, json, probe.field(type, json)
FROM (VALUES
    ('timestamptz', '"2026-01-31T23:59:59.123456Z"'), ('timestamptz', '"2026-01-31T23:59:59"'),
    ('timestamptz', '"2026-01-31 23:59:59+02"'), ('timestamptz', '"2026-01-31"'),
    ('timestamptz', '1767225600000'), ('timestamptz', '1767225600000.5'), ('timestamptz', '-1'), ('timestamptz', '1e400'),
    ('timestamptz', '9e18'), ('timestamptz', '1.23456e3'), ('timestamptz(0)', '"2026-01-31T23:59:59.6Z"'),
    ('timestamptz', '"infinity"'), ('timestamptz', '"2026-02-30T00:00:00Z"'), ('timestamptz', '"yesterday-ish"'),
    ('timestamptz', 'true'), ('timestamptz', '"10000-01-01T00:00:00+00:00"'),
    ('timestamp', '"2026-01-31T23:59:59"'), ('timestamp', '"2026-01-31T23:59:59+02:00"'), ('timestamp', '1767225600000'),
    ('date', '"2026-01-31"'), ('date', '"2026-01-31T23:59:59-05:00"'), ('date', '1767225600000'), ('date', '-1'),
    ('date', '"2026-02-30"'), ('date', '1e18'), ('date', 'false'), ('time', '"12:30"'), ('interval', '"P1DT2H"'),
    ('interval', '"1 day"')) t(type, json);
SELECT type, json, probe.field(type, json)
FROM (VALUES
    ('json', '{"b":1, "a":[ ]}'), ('jsonb', '{"b":1, "a":[ ]}'), ('jsonb', '"x\u00e4"'), ('jsonb', '12.50'),
    ('jsonb', 'null'), ('jsonb', '"\u0000"'), ('json', '"a"'), ('int[]', '[1,null,"3"]'), ('int[]', '[[1,2],[3,4]]'),
    ('int[]', '"{1,2}"'), ('int[]', '[1,"x"]'), ('int[]', '[[1],[2,3]]'), ('int[]', '5'), ('text[]', '[]'),
    ('point3', '{"x":1,"Y":2.345,"at":"2026-01-01T00:00:00Z"}'), ('point3', '{"x":"z"}'),
    ('point3[]', '[{"x":1},{"x":2}]'), ('tags', '["a","b"]'), ('tags', '["a","b","c"]'), ('mood', '"calm"'),
    ('mood', '"glad"'), ('small', '999'), ('small', '1000'), ('int4range', '"[1,5)"'), ('inet', '"10.0.0.1"')) t(type, json);

-- records that are none
CREATE TABLE strict (id int NOT NULL, t text);
CREATE FUNCTION why(record bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    RETURN probe.decode(NULL::strict, record)::text;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' ', SQLSTATE, SQLERRM, detail);
END
$$;
SELECT r, why(probe.bytes_of(r))
FROM (VALUES
    (''), (' '), ('{'), ('[]'), ('1'), ('null'), ('"x"'), ('{"id":1'), ('{"id":1}x'), ('{"id":1,}'), ('{"id" 1}'),
    ('{"id":01}'), ('{"id":tru}'), ('{"t":"x'), ('{"t":"\q"}'), ('{id:1}'), ('{"id":null}'), ('{"t":"x"}'),
    ('{"id":1,"skipped":[1,}'), ('{"id":99999999999}'),
    ('{"id":"a long text that is not a number at all, and longer than what is shown"}')) v(r);
SELECT why('{"id":1,"t":"a'::bytea || '\xff'::bytea || '"}'::bytea);
SELECT why('{"id":1,"skipped":"'::bytea || '\xc0af'::bytea || '"}'::bytea);
SELECT why(probe.bytes_of('{"id":1,"deep":' || repeat('[', 600) || repeat(']', 600) || '}'));
SELECT why(probe.bytes_of('{"id":1,"deep":' || repeat('[', 511) || repeat(']', 511) || '}'));
-- only what is needed is read, so that nothing else can fail
SELECT probe.decode(NULL::strict, '{"id":"x","t":"y"}', '{}', '{t}');

-- rows become records
CREATE TABLE all_types (
    i2 int2, i4 int, i8 bigint, f4 real, f8 double precision, n numeric, t text, vc varchar(20), c char(3), b boolean,
    tstz timestamptz, ts timestamp, d date, ti time, iv interval, u uuid, y bytea, j json, jb jsonb, ia int[], m mood,
    dom small, p point3, pa point3[], ip inet
);
INSERT INTO all_types VALUES
    (1, -2, 9007199254740993, 0.1, 1e22, 1.50, E'a"\\/\b\f\n\r\t\x01ä😀', 'x', 'y', true, '2026-01-31 23:59:59.5+00',
     '2026-01-31 23:59:59.123456', '2026-01-31', '12:30:00.5', '1 year 2 mons 3 days 04:05:06.7',
     '0b5e2c9e-4f39-4d2a-9c57-6f3c0a1b2d3e', '\x00ff10', '{"b": 1,  "a":2}', '{"b": 1.50, "a": [null]}',
     '{{1,NULL},{3,4}}', 'calm', 5, '(1,2.5,"2026-01-01 00:00:00+00")', '{"(1,2,)",NULL}', '10.0.0.1'),
    (32767, 2147483647, 9223372036854775807, 'NaN', '-Infinity', 'NaN', '', '', '', false, 'infinity', '-infinity',
     'infinity', '24:00', '-1 days', NULL, '', '[]', '"x"', '{}', 'cross', 0, '(,,)', '{}', '::1'),
    (-32768, -2147483648, -9223372036854775808, 1e38, 4.9e-324, 123456789012345678901234567890.123456789, 'z', 'z', 'zzz',
     NULL, '0044-03-15 00:00:00+00 BC', '12026-01-01', '0044-03-15 BC', '00:00', '0', NULL, NULL, '1', 'null', NULL, NULL,
     NULL, NULL, NULL, NULL);
INSERT INTO all_types DEFAULT VALUES;
SELECT probe.text_of(probe.encode(a)) FROM all_types a;
SELECT probe.text_of(probe.encode(a, '{"json.decimal": "string", "json.timestamp": "epoch_millis"}')) FROM all_types a;
-- it is JSON, and it reads back as the same row whatever the session's settings are
SELECT count(*) FROM all_types a WHERE probe.text_of(probe.encode(a))::jsonb IS NULL;
-- (but for jsonb null, which JSON cannot tell from NULL)
UPDATE all_types SET jb = NULL WHERE jb = 'null';
SELECT count(*) AS rows, count(*) FILTER (WHERE probe.decode(NULL::all_types, probe.encode(a))::text <> a::text) AS different
FROM all_types a;
SET timezone = 'America/New_York';
SET datestyle = 'German';
SET intervalstyle = 'sql_standard';
SET extra_float_digits = -5;
SELECT count(*) FILTER (WHERE record = again) AS same
FROM (SELECT probe.encode(a) AS record FROM all_types a) r,
    LATERAL (SELECT probe.encode(probe.decode(NULL::all_types, record)) AS again) x;
RESET extra_float_digits;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
-- a dropped column has neither field nor place
ALTER TABLE named DROP COLUMN "Price";
SELECT probe.text_of(probe.encode(ROW(1, 'x')::named)), probe.decode(NULL::named, '{"userid":2,"note":"y","Price":3}');
CREATE TABLE columnless ();
SELECT probe.text_of(probe.encode(ROW()::columnless));

-- ten thousand random rows, there and back; and read as PostgreSQL would
CREATE TABLE random_rows AS
SELECT (random() * 60000 - 30000)::int2 AS i2, ((random() - 0.5) * 4e9)::int AS i4,
    ((random() - 0.5) * 1.8e19)::bigint AS i8, (random() * 10 ^ (random() * 60 - 30))::real AS f4,
    (random() - 0.5) * 10 ^ (random() * 500 - 250) AS f8,
    round((random() * 10 ^ (random() * 20))::numeric, (random() * 10)::int) AS n,
    (SELECT string_agg(chr((ARRAY[34, 92, 10, 1, 47, 65, 228, 8364, 128512, 127])[1 + (random() * 9.99)::int % 10]), '')
     FROM generate_series(1, (random() * 40)::int + 0 * g)) AS t,
    random() < 0.5 AS b, '2026-01-01'::timestamptz + (random() - 0.5) * interval '4000 years' AS tstz,
    '2026-01-01'::timestamp + (random() - 0.5) * interval '3000 years' AS ts,
    '2026-01-01'::date + ((random() - 0.5) * 2e6)::int AS d,
    random() * interval '10 years' AS iv, gen_random_uuid() AS u, sha256(g::text::bytea) AS y,
    jsonb_build_object('a', random(), 'b', ARRAY[g]) AS jb, ARRAY[g, NULL, -g] AS ia
FROM generate_series(1, 10000) g;
SELECT count(*) AS rows, count(*) FILTER (WHERE probe.decode(NULL::random_rows, probe.encode(r)) IS DISTINCT FROM r) AS different
FROM random_rows r;
SELECT count(*) FILTER (WHERE probe.decode(NULL::random_rows, probe.encode(r, '{"json.decimal": "string"}')) IS DISTINCT FROM r)
FROM random_rows r;
CREATE TABLE plain_rows AS SELECT i2, i4, i8, f4, f8, n, t, b, tstz, d, u, jb, ia FROM random_rows;
SELECT count(*) FILTER (WHERE probe.decode(NULL::plain_rows, probe.bytes_of(to_jsonb(r)::text)) IS DISTINCT FROM r) AS theirs,
    count(*) FILTER (WHERE jsonb_populate_record(NULL::plain_rows, probe.text_of(probe.encode(r))::jsonb) IS DISTINCT FROM r) AS ours
FROM plain_rows r;

-- formats string and bytes
CREATE TABLE note (t text);
CREATE TABLE number (n numeric(6, 2));
CREATE TABLE blob (y bytea);
SELECT probe.decode(NULL::note, probe.bytes_of('a,"ä'), '{"format": "string"}'), probe.decode(NULL::note, '', '{"format": "string"}');
SELECT probe.decode(NULL::number, '1.234', '{"format": "string"}'), probe.decode(NULL::blob, '\x00ff', '{"format": "bytes"}');
SELECT probe.encode(ROW('a,"ä')::note, '{"format": "string"}'), probe.encode(ROW(1.5)::number, '{"format": "string"}'),
    probe.encode(ROW('\x00ff')::blob, '{"format": "bytes"}');
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
    ($$SELECT probe.decode(NULL::note, '\xc3', '{"format": "string"}')$$),
    ($$SELECT probe.decode(NULL::number, 'x', '{"format": "string"}')$$),
    ($$SELECT probe.decode(NULL::strict, 'x', '{"format": "string"}')$$),
    ($$SELECT probe.encode(ROW(1, 'x')::strict, '{"format": "bytes"}')$$),
    ($$SELECT probe.decode(NULL::note, 'x', '{"format": "bytes"}')$$),
    ($$SELECT probe.encode(ROW(NULL)::note, '{"format": "string"}')$$),
    ($$SELECT probe.decode(NULL::note, 'x', '{"format": "avro"}')$$),
    ($$SELECT probe.decode(NULL::note, 'x', '{"format": "protobuf"}')$$)) q(query);

SET client_min_messages = warning;
DROP SCHEMA format_json CASCADE;
