-- In statements of the dialect bigint milliseconds since 1970 can be compared with
-- timestamptz and subtracted from it.  Operators cannot be replaced, so they stand here.

CREATE FUNCTION velo._from_ms(ms bigint) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_timestamp_from';
COMMENT ON FUNCTION velo._from_ms(bigint) IS 'Internal: milliseconds since 1970 as a time.';

CREATE FUNCTION velo._ms_eq(a bigint, b timestamptz) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo._from_ms(a) OPERATOR(pg_catalog.=) b;
COMMENT ON FUNCTION velo._ms_eq(bigint, timestamptz) IS 'Internal: operator =.';
CREATE OPERATOR velo.= (FUNCTION = velo._ms_eq, LEFTARG = bigint, RIGHTARG = timestamptz,
    COMMUTATOR = OPERATOR(velo.=), NEGATOR = OPERATOR(velo.<>));
COMMENT ON OPERATOR velo.= (bigint, timestamptz) IS
'Is the first time equal to the second? One of them in milliseconds since 1970.';

CREATE FUNCTION velo._time_eq(a timestamptz, b bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN a OPERATOR(pg_catalog.=) velo._from_ms(b);
COMMENT ON FUNCTION velo._time_eq(timestamptz, bigint) IS 'Internal: operator =.';
CREATE OPERATOR velo.= (FUNCTION = velo._time_eq, LEFTARG = timestamptz, RIGHTARG = bigint,
    COMMUTATOR = OPERATOR(velo.=), NEGATOR = OPERATOR(velo.<>));
COMMENT ON OPERATOR velo.= (timestamptz, bigint) IS
'Is the first time equal to the second? One of them in milliseconds since 1970.';

CREATE FUNCTION velo._ms_ne(a bigint, b timestamptz) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo._from_ms(a) OPERATOR(pg_catalog.<>) b;
COMMENT ON FUNCTION velo._ms_ne(bigint, timestamptz) IS 'Internal: operator <>.';
CREATE OPERATOR velo.<> (FUNCTION = velo._ms_ne, LEFTARG = bigint, RIGHTARG = timestamptz,
    COMMUTATOR = OPERATOR(velo.<>), NEGATOR = OPERATOR(velo.=));
COMMENT ON OPERATOR velo.<> (bigint, timestamptz) IS
'Is the first time other than the second? One of them in milliseconds since 1970.';

CREATE FUNCTION velo._time_ne(a timestamptz, b bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN a OPERATOR(pg_catalog.<>) velo._from_ms(b);
COMMENT ON FUNCTION velo._time_ne(timestamptz, bigint) IS 'Internal: operator <>.';
CREATE OPERATOR velo.<> (FUNCTION = velo._time_ne, LEFTARG = timestamptz, RIGHTARG = bigint,
    COMMUTATOR = OPERATOR(velo.<>), NEGATOR = OPERATOR(velo.=));
COMMENT ON OPERATOR velo.<> (timestamptz, bigint) IS
'Is the first time other than the second? One of them in milliseconds since 1970.';

CREATE FUNCTION velo._ms_lt(a bigint, b timestamptz) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo._from_ms(a) OPERATOR(pg_catalog.<) b;
COMMENT ON FUNCTION velo._ms_lt(bigint, timestamptz) IS 'Internal: operator <.';
CREATE OPERATOR velo.< (FUNCTION = velo._ms_lt, LEFTARG = bigint, RIGHTARG = timestamptz,
    COMMUTATOR = OPERATOR(velo.>), NEGATOR = OPERATOR(velo.>=));
COMMENT ON OPERATOR velo.< (bigint, timestamptz) IS
'Is the first time before the second? One of them in milliseconds since 1970.';

CREATE FUNCTION velo._time_lt(a timestamptz, b bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN a OPERATOR(pg_catalog.<) velo._from_ms(b);
COMMENT ON FUNCTION velo._time_lt(timestamptz, bigint) IS 'Internal: operator <.';
CREATE OPERATOR velo.< (FUNCTION = velo._time_lt, LEFTARG = timestamptz, RIGHTARG = bigint,
    COMMUTATOR = OPERATOR(velo.>), NEGATOR = OPERATOR(velo.>=));
COMMENT ON OPERATOR velo.< (timestamptz, bigint) IS
'Is the first time before the second? One of them in milliseconds since 1970.';

CREATE FUNCTION velo._ms_le(a bigint, b timestamptz) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo._from_ms(a) OPERATOR(pg_catalog.<=) b;
COMMENT ON FUNCTION velo._ms_le(bigint, timestamptz) IS 'Internal: operator <=.';
CREATE OPERATOR velo.<= (FUNCTION = velo._ms_le, LEFTARG = bigint, RIGHTARG = timestamptz,
    COMMUTATOR = OPERATOR(velo.>=), NEGATOR = OPERATOR(velo.>));
COMMENT ON OPERATOR velo.<= (bigint, timestamptz) IS
'Is the first time not after the second? One of them in milliseconds since 1970.';

CREATE FUNCTION velo._time_le(a timestamptz, b bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN a OPERATOR(pg_catalog.<=) velo._from_ms(b);
COMMENT ON FUNCTION velo._time_le(timestamptz, bigint) IS 'Internal: operator <=.';
CREATE OPERATOR velo.<= (FUNCTION = velo._time_le, LEFTARG = timestamptz, RIGHTARG = bigint,
    COMMUTATOR = OPERATOR(velo.>=), NEGATOR = OPERATOR(velo.>));
COMMENT ON OPERATOR velo.<= (timestamptz, bigint) IS
'Is the first time not after the second? One of them in milliseconds since 1970.';

CREATE FUNCTION velo._ms_gt(a bigint, b timestamptz) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo._from_ms(a) OPERATOR(pg_catalog.>) b;
COMMENT ON FUNCTION velo._ms_gt(bigint, timestamptz) IS 'Internal: operator >.';
CREATE OPERATOR velo.> (FUNCTION = velo._ms_gt, LEFTARG = bigint, RIGHTARG = timestamptz,
    COMMUTATOR = OPERATOR(velo.<), NEGATOR = OPERATOR(velo.<=));
COMMENT ON OPERATOR velo.> (bigint, timestamptz) IS
'Is the first time after the second? One of them in milliseconds since 1970.';

CREATE FUNCTION velo._time_gt(a timestamptz, b bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN a OPERATOR(pg_catalog.>) velo._from_ms(b);
COMMENT ON FUNCTION velo._time_gt(timestamptz, bigint) IS 'Internal: operator >.';
CREATE OPERATOR velo.> (FUNCTION = velo._time_gt, LEFTARG = timestamptz, RIGHTARG = bigint,
    COMMUTATOR = OPERATOR(velo.<), NEGATOR = OPERATOR(velo.<=));
COMMENT ON OPERATOR velo.> (timestamptz, bigint) IS
'Is the first time after the second? One of them in milliseconds since 1970.';

CREATE FUNCTION velo._ms_ge(a bigint, b timestamptz) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo._from_ms(a) OPERATOR(pg_catalog.>=) b;
COMMENT ON FUNCTION velo._ms_ge(bigint, timestamptz) IS 'Internal: operator >=.';
CREATE OPERATOR velo.>= (FUNCTION = velo._ms_ge, LEFTARG = bigint, RIGHTARG = timestamptz,
    COMMUTATOR = OPERATOR(velo.<=), NEGATOR = OPERATOR(velo.<));
COMMENT ON OPERATOR velo.>= (bigint, timestamptz) IS
'Is the first time not before the second? One of them in milliseconds since 1970.';

CREATE FUNCTION velo._time_ge(a timestamptz, b bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN a OPERATOR(pg_catalog.>=) velo._from_ms(b);
COMMENT ON FUNCTION velo._time_ge(timestamptz, bigint) IS 'Internal: operator >=.';
CREATE OPERATOR velo.>= (FUNCTION = velo._time_ge, LEFTARG = timestamptz, RIGHTARG = bigint,
    COMMUTATOR = OPERATOR(velo.<=), NEGATOR = OPERATOR(velo.<));
COMMENT ON OPERATOR velo.>= (timestamptz, bigint) IS
'Is the first time not before the second? One of them in milliseconds since 1970.';

CREATE FUNCTION velo._ms_minus(a bigint, b timestamptz) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN velo._from_ms(a) OPERATOR(pg_catalog.-) b;
COMMENT ON FUNCTION velo._ms_minus(bigint, timestamptz) IS 'Internal: operator -.';
CREATE OPERATOR velo.- (FUNCTION = velo._ms_minus, LEFTARG = bigint, RIGHTARG = timestamptz);
COMMENT ON OPERATOR velo.- (bigint, timestamptz) IS
'The interval between two times, one of them in milliseconds since 1970.';

CREATE FUNCTION velo._time_minus(a timestamptz, b bigint) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN a OPERATOR(pg_catalog.-) velo._from_ms(b);
COMMENT ON FUNCTION velo._time_minus(timestamptz, bigint) IS 'Internal: operator -.';
CREATE OPERATOR velo.- (FUNCTION = velo._time_minus, LEFTARG = timestamptz, RIGHTARG = bigint);
COMMENT ON OPERATOR velo.- (timestamptz, bigint) IS
'The interval between two times, one of them in milliseconds since 1970.';
