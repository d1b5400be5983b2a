-- SQL faces of extension/src/api/test_format.c, in schema "probe".  Needs a test build of
-- the extension and a superuser.  "template" and "data" rows say which relation is meant.
CREATE SCHEMA IF NOT EXISTS probe;

CREATE OR REPLACE FUNCTION probe.decode(
        template anyelement, data bytea, options jsonb DEFAULT '{}', needed text[] DEFAULT NULL)
    RETURNS anyelement LANGUAGE c AS 'velostream', 'velo_test_decode';

CREATE OR REPLACE FUNCTION probe.encode("row" anyelement, options jsonb DEFAULT '{}')
    RETURNS bytea LANGUAGE c AS 'velostream', 'velo_test_encode';

CREATE OR REPLACE FUNCTION probe.decode_ns(
        template anyelement, records bytea[], times integer, options jsonb DEFAULT '{}',
        needed text[] DEFAULT NULL)
    RETURNS double precision LANGUAGE c AS 'velostream', 'velo_test_decode_ns';

CREATE OR REPLACE FUNCTION probe.encode_ns(
        "row" anyelement, times integer, options jsonb DEFAULT '{}')
    RETURNS double precision LANGUAGE c AS 'velostream', 'velo_test_encode_ns';

CREATE OR REPLACE FUNCTION probe.key_write("row" anyelement, keys text[], format text)
    RETURNS bytea LANGUAGE c STRICT AS 'velostream', 'velo_test_key_write';

CREATE OR REPLACE FUNCTION probe.key_read(
        template anyelement, key bytea, keys text[], format text)
    RETURNS anyelement LANGUAGE c AS 'velostream', 'velo_test_key_read';

CREATE OR REPLACE FUNCTION probe.infer(
        records text[], OUT column_name text, OUT data_type regtype, OUT nullable boolean,
        OUT samples bigint)
    RETURNS SETOF record LANGUAGE c STRICT AS 'velostream', 'velo_test_infer';

-- The record as text, for reading.
CREATE OR REPLACE FUNCTION probe.text_of(record bytea)
    RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT convert_from(record, 'UTF8') $$;

-- A record given as text.
CREATE OR REPLACE FUNCTION probe.bytes_of(record text)
    RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT convert_to(record, 'UTF8') $$;

-- What decoding a field "v" into a column "v" of that type gives: its text or its error.
CREATE OR REPLACE FUNCTION probe.field(type text, field text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('CREATE TEMPORARY TABLE one_column (v %s)', type);
    BEGIN
        EXECUTE 'SELECT (probe.decode(NULL::one_column, $1)).v::text'
            INTO result USING probe.bytes_of(format('{"v":%s}', field));
        result := coalesce(result, 'NULL');
    EXCEPTION WHEN OTHERS THEN
        result := SQLSTATE || ' ' || SQLERRM;
    END;
    DROP TABLE one_column;
    RETURN result;
END
$$;
