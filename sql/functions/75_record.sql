-- The record's headers.  In a query over a stream the planner adds the record's own ones
-- as the last argument (plan/record.c); elsewhere there is no record.

CREATE OR REPLACE FUNCTION velo.header(k text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULL::text;
COMMENT ON FUNCTION velo.header(text) IS
'The value of a header of the record, in a query over a stream; NULL elsewhere.';

CREATE OR REPLACE FUNCTION velo.header(k text, headers jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE pg_catalog.jsonb_typeof(headers OPERATOR(pg_catalog.->) k)
        WHEN 'array' THEN headers OPERATOR(pg_catalog.->) k OPERATOR(pg_catalog.->>) -1
        ELSE headers OPERATOR(pg_catalog.->>) k END;
COMMENT ON FUNCTION velo.header(text, jsonb) IS
'The value of one of these headers; of a repeated one the last.';

CREATE OR REPLACE FUNCTION velo.has_header(k text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN false;
COMMENT ON FUNCTION velo.has_header(text) IS
'Has the record this header? In a query over a stream; false elsewhere.';

CREATE OR REPLACE FUNCTION velo.has_header(k text, headers jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(headers OPERATOR(pg_catalog.?) k, false);
COMMENT ON FUNCTION velo.has_header(text, jsonb) IS
'Is there such a header?';

CREATE OR REPLACE FUNCTION velo.header_keys() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULL::text;
COMMENT ON FUNCTION velo.header_keys() IS
'The names of the record''s headers with commas between them, in a query over a stream; NULL elsewhere.';

CREATE OR REPLACE FUNCTION velo.header_keys(headers jsonb) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.array_to_string(velo.map_keys(headers), ',');
COMMENT ON FUNCTION velo.header_keys(jsonb) IS
'The names of these headers with commas between them.';
