-- Functions of JSON and arrays.

CREATE OR REPLACE FUNCTION velo._json_path(path text) RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_json_path';
COMMENT ON FUNCTION velo._json_path(text) IS
'Internal: the steps of a path such as $.a.b[0].';

CREATE OR REPLACE FUNCTION velo._json_of(s text) RETURNS json
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_json_of';
COMMENT ON FUNCTION velo._json_of(text) IS
'Internal: a text as JSON, or NULL if it is none.';

CREATE OR REPLACE FUNCTION velo._json_container(j jsonb) RETURNS jsonb
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_json_container';
COMMENT ON FUNCTION velo._json_container(jsonb) IS
'Internal: an object or an array, or NULL.';

CREATE OR REPLACE FUNCTION velo._json_array_contains(a jsonb, x jsonb) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_json_array_contains';
COMMENT ON FUNCTION velo._json_array_contains(jsonb, jsonb) IS
'Internal: is a value among the elements of an array?';

CREATE OR REPLACE FUNCTION velo.json_value(j json, path text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.json_extract_path_text(j, VARIADIC velo._json_path(path));
COMMENT ON FUNCTION velo.json_value(json, text) IS
'What stands at a path ($.a.b[0]) of a JSON value, as text; NULL if it is no JSON or there is nothing.';

CREATE OR REPLACE FUNCTION velo.json_value(j jsonb, path text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.jsonb_extract_path_text(j, VARIADIC velo._json_path(path));
COMMENT ON FUNCTION velo.json_value(jsonb, text) IS
'What stands at a path ($.a.b[0]) of a JSON value, as text; NULL if it is no JSON or there is nothing.';

CREATE OR REPLACE FUNCTION velo.json_value(j text, path text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.json_extract_path_text(velo._json_of(j), VARIADIC velo._json_path(path));
COMMENT ON FUNCTION velo.json_value(text, text) IS
'What stands at a path ($.a.b[0]) of a JSON value, as text; NULL if it is no JSON or there is nothing.';

CREATE OR REPLACE FUNCTION velo.json_extract(j json, path text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.json_extract_path_text(j, VARIADIC velo._json_path(path));
COMMENT ON FUNCTION velo.json_extract(json, text) IS
'What stands at a path ($.a.b[0]) of a JSON value, as text; NULL if it is no JSON or there is nothing.';

CREATE OR REPLACE FUNCTION velo.json_extract(j jsonb, path text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.jsonb_extract_path_text(j, VARIADIC velo._json_path(path));
COMMENT ON FUNCTION velo.json_extract(jsonb, text) IS
'What stands at a path ($.a.b[0]) of a JSON value, as text; NULL if it is no JSON or there is nothing.';

CREATE OR REPLACE FUNCTION velo.json_extract(j text, path text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.json_extract_path_text(velo._json_of(j), VARIADIC velo._json_path(path));
COMMENT ON FUNCTION velo.json_extract(text, text) IS
'What stands at a path ($.a.b[0]) of a JSON value, as text; NULL if it is no JSON or there is nothing.';

CREATE OR REPLACE FUNCTION velo.json_extract_scalar(j json, path text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.json_extract_path_text(j, VARIADIC velo._json_path(path));
COMMENT ON FUNCTION velo.json_extract_scalar(json, text) IS
'What stands at a path ($.a.b[0]) of a JSON value, as text; NULL if it is no JSON or there is nothing.';

CREATE OR REPLACE FUNCTION velo.json_extract_scalar(j jsonb, path text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.jsonb_extract_path_text(j, VARIADIC velo._json_path(path));
COMMENT ON FUNCTION velo.json_extract_scalar(jsonb, text) IS
'What stands at a path ($.a.b[0]) of a JSON value, as text; NULL if it is no JSON or there is nothing.';

CREATE OR REPLACE FUNCTION velo.json_extract_scalar(j text, path text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.json_extract_path_text(velo._json_of(j), VARIADIC velo._json_path(path));
COMMENT ON FUNCTION velo.json_extract_scalar(text, text) IS
'What stands at a path ($.a.b[0]) of a JSON value, as text; NULL if it is no JSON or there is nothing.';

CREATE OR REPLACE FUNCTION velo.json_query(j json, path text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo._json_container(pg_catalog.json_extract_path(j, VARIADIC velo._json_path(path))::jsonb);
COMMENT ON FUNCTION velo.json_query(json, text) IS
'The object or array at a path ($.a.b[0]) of a JSON value; NULL if there is none.';

CREATE OR REPLACE FUNCTION velo.json_query(j jsonb, path text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo._json_container(pg_catalog.jsonb_extract_path(j, VARIADIC velo._json_path(path)));
COMMENT ON FUNCTION velo.json_query(jsonb, text) IS
'The object or array at a path ($.a.b[0]) of a JSON value; NULL if there is none.';

CREATE OR REPLACE FUNCTION velo.json_query(j text, path text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo._json_container(pg_catalog.json_extract_path(velo._json_of(j), VARIADIC velo._json_path(path))::jsonb);
COMMENT ON FUNCTION velo.json_query(text, text) IS
'The object or array at a path ($.a.b[0]) of a JSON value; NULL if there is none.';

CREATE OR REPLACE FUNCTION velo.json_exists(j json, path text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.json_extract_path(j, VARIADIC velo._json_path(path)) IS NOT NULL;
COMMENT ON FUNCTION velo.json_exists(json, text) IS
'Is there anything at a path ($.a.b[0]) of a JSON value?';

CREATE OR REPLACE FUNCTION velo.json_exists(j jsonb, path text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.jsonb_extract_path(j, VARIADIC velo._json_path(path)) IS NOT NULL;
COMMENT ON FUNCTION velo.json_exists(jsonb, text) IS
'Is there anything at a path ($.a.b[0]) of a JSON value?';

CREATE OR REPLACE FUNCTION velo.json_exists(j text, path text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.json_extract_path(velo._json_of(j), VARIADIC velo._json_path(path)) IS NOT NULL;
COMMENT ON FUNCTION velo.json_exists(text, text) IS
'Is there anything at a path ($.a.b[0]) of a JSON value?';

CREATE OR REPLACE FUNCTION velo.struct(VARIADIC "any") RETURNS jsonb
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_struct';
COMMENT ON FUNCTION velo.struct("any") IS
'A JSON object of pairs of a literal name and a value; of other arguments with the names field0, field1 and so on.';

CREATE OR REPLACE FUNCTION velo.struct() RETURNS jsonb
    LANGUAGE internal IMMUTABLE PARALLEL SAFE
    AS 'jsonb_build_object_noargs';
COMMENT ON FUNCTION velo.struct() IS
'An empty JSON object.';

CREATE OR REPLACE FUNCTION velo.map(VARIADIC "any") RETURNS jsonb
    LANGUAGE internal STABLE PARALLEL SAFE
    AS 'jsonb_build_object';
COMMENT ON FUNCTION velo.map("any") IS
'A JSON object of pairs of a name and a value.';

CREATE OR REPLACE FUNCTION velo.map() RETURNS jsonb
    LANGUAGE internal IMMUTABLE PARALLEL SAFE
    AS 'jsonb_build_object_noargs';
COMMENT ON FUNCTION velo.map() IS
'An empty JSON object.';

CREATE OR REPLACE FUNCTION velo.map_keys(j jsonb) RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_map_keys';
COMMENT ON FUNCTION velo.map_keys(jsonb) IS
'The names of the members of a JSON object, in its order.';

CREATE OR REPLACE FUNCTION velo.map_values(j jsonb) RETURNS jsonb[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_map_values';
COMMENT ON FUNCTION velo.map_values(jsonb) IS
'The values of the members of a JSON object, in its order.';

CREATE OR REPLACE FUNCTION velo.array(VARIADIC anycompatiblearray) RETURNS anycompatiblearray
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_array';
COMMENT ON FUNCTION velo.array(anycompatiblearray) IS
'An array of its arguments.';

CREATE OR REPLACE FUNCTION velo.array_length(a anyarray) RETURNS integer
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
    AS 'array_cardinality';
COMMENT ON FUNCTION velo.array_length(anyarray) IS
'How many elements an array has.';

CREATE OR REPLACE FUNCTION velo.array_length(a jsonb) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.jsonb_array_length(a);
COMMENT ON FUNCTION velo.array_length(jsonb) IS
'How many elements a JSON array has.';

CREATE OR REPLACE FUNCTION velo.array_contains(a anycompatiblearray, x anycompatible) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_array_contains';
COMMENT ON FUNCTION velo.array_contains(anycompatiblearray, anycompatible) IS
'Is a value among the elements of an array?';

CREATE OR REPLACE FUNCTION velo.array_contains(a jsonb, x jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo._json_array_contains(a, x);
COMMENT ON FUNCTION velo.array_contains(jsonb, jsonb) IS
'Is a value among the elements of a JSON array?';

CREATE OR REPLACE FUNCTION velo.array_contains(a jsonb, x text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo._json_array_contains(a, pg_catalog.to_jsonb(x));
COMMENT ON FUNCTION velo.array_contains(jsonb, text) IS
'Is a value among the elements of a JSON array?';

CREATE OR REPLACE FUNCTION velo.array_contains(a jsonb, x double precision) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo._json_array_contains(a, pg_catalog.to_jsonb(x));
COMMENT ON FUNCTION velo.array_contains(jsonb, double precision) IS
'Is a value among the elements of a JSON array?';

CREATE OR REPLACE FUNCTION velo.array_contains(a jsonb, x numeric) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo._json_array_contains(a, pg_catalog.to_jsonb(x));
COMMENT ON FUNCTION velo.array_contains(jsonb, numeric) IS
'Is a value among the elements of a JSON array?';

CREATE OR REPLACE FUNCTION velo.array_contains(a jsonb, x boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo._json_array_contains(a, pg_catalog.to_jsonb(x));
COMMENT ON FUNCTION velo.array_contains(jsonb, boolean) IS
'Is a value among the elements of a JSON array?';
