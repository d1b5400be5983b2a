-- Aggregates that PostgreSQL lacks.

CREATE OR REPLACE FUNCTION velo._first(state anyelement, value anyelement) RETURNS anyelement
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_first';
COMMENT ON FUNCTION velo._first(anyelement, anyelement) IS 'Internal: transition of velo.first.';

CREATE OR REPLACE FUNCTION velo._last(state anyelement, value anyelement) RETURNS anyelement
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_last';
COMMENT ON FUNCTION velo._last(anyelement, anyelement) IS 'Internal: transition of velo.last.';

CREATE OR REPLACE AGGREGATE velo.first(anyelement) (SFUNC = velo._first, STYPE = anyelement);
COMMENT ON AGGREGATE velo.first(anyelement) IS 'The first non-NULL value, by arrival.';

CREATE OR REPLACE AGGREGATE velo.last(anyelement) (SFUNC = velo._last, STYPE = anyelement);
COMMENT ON AGGREGATE velo.last(anyelement) IS 'The last non-NULL value, by arrival.';
