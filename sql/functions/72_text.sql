-- Functions of numbers and texts that PostgreSQL has under other names, or not at all.
-- Bodies in RETURN form are inlined by the planner.

CREATE OR REPLACE FUNCTION velo.round(x double precision, n integer) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_round';
COMMENT ON FUNCTION velo.round(double precision, integer) IS
'A number rounded to n places, half away from zero, as it is written: 2.675 becomes 2.68.';

CREATE OR REPLACE FUNCTION velo.round(x smallint, n integer) RETURNS numeric
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.round(x::numeric, n);
COMMENT ON FUNCTION velo.round(smallint, integer) IS
'A number rounded to n places, as PostgreSQL does it.';

CREATE OR REPLACE FUNCTION velo.round(x integer, n integer) RETURNS numeric
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.round(x::numeric, n);
COMMENT ON FUNCTION velo.round(integer, integer) IS
'A number rounded to n places, as PostgreSQL does it.';

CREATE OR REPLACE FUNCTION velo.round(x bigint, n integer) RETURNS numeric
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.round(x::numeric, n);
COMMENT ON FUNCTION velo.round(bigint, integer) IS
'A number rounded to n places, as PostgreSQL does it.';

CREATE OR REPLACE FUNCTION velo.len(s text) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.length(s);
COMMENT ON FUNCTION velo.len(text) IS
'How many characters a text has.';

CREATE OR REPLACE FUNCTION velo.split(s text, d text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.split_part(s, d, 1);
COMMENT ON FUNCTION velo.split(text, text) IS
'The part of a text before the first delimiter; all of it if there is none.';

CREATE OR REPLACE FUNCTION velo.join(d text, VARIADIC "any") RETURNS text
    LANGUAGE internal STABLE PARALLEL SAFE
    AS 'text_concat_ws';
COMMENT ON FUNCTION velo.join(text, "any") IS
'Values that are not NULL as texts, with a delimiter between them: concat_ws.';

CREATE OR REPLACE FUNCTION velo.position(sub text, s text) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.strpos(s, sub);
COMMENT ON FUNCTION velo.position(text, text) IS
'Where a text is first found in another, counted from 1; 0: nowhere.';

CREATE OR REPLACE FUNCTION velo.position(sub text, s text, from_position integer) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_position';
COMMENT ON FUNCTION velo.position(text, text, integer) IS
'Where a text is first found in another from a place on, counted from 1; 0: nowhere.';

CREATE OR REPLACE FUNCTION velo.regexp(s text, p text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN s OPERATOR(pg_catalog.~) p;
COMMENT ON FUNCTION velo.regexp(text, text) IS
'Does a text match a regular expression somewhere? As s ~ p.';
