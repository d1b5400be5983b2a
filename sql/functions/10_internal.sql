-- Stand-ins that plans of continuous queries are made of.  They do nothing when
-- called from SQL.

CREATE OR REPLACE FUNCTION velo._rows() RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_rows';
COMMENT ON FUNCTION velo._rows() IS 'Internal: stands for the rows of a source while a query is planned.';

CREATE OR REPLACE FUNCTION velo._replay() RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_replay';
COMMENT ON FUNCTION velo._replay() IS 'Internal: kept arguments of the group that is being emitted.';

CREATE OR REPLACE FUNCTION velo._inputs_add(internal, VARIADIC "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_inputs_add';
COMMENT ON FUNCTION velo._inputs_add(internal, "any") IS 'Internal: transition of velo._inputs.';

CREATE OR REPLACE FUNCTION velo._inputs_out(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_inputs_out';
COMMENT ON FUNCTION velo._inputs_out(internal) IS 'Internal: saves a state of velo._inputs.';

CREATE OR REPLACE FUNCTION velo._inputs_in(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_inputs_in';
COMMENT ON FUNCTION velo._inputs_in(bytea, internal) IS 'Internal: restores a state of velo._inputs.';

CREATE OR REPLACE AGGREGATE velo._inputs(VARIADIC "any") (
    SFUNC = velo._inputs_add,
    STYPE = internal,
    FINALFUNC = velo._inputs_out,
    SERIALFUNC = velo._inputs_out,
    DESERIALFUNC = velo._inputs_in
);
COMMENT ON AGGREGATE velo._inputs("any") IS 'Internal: keeps the arguments of aggregates that need all of them.';

CREATE OR REPLACE FUNCTION velo._micros(at timestamptz) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_micros';
COMMENT ON FUNCTION velo._micros(timestamptz) IS 'Internal: microseconds since 2000-01-01, whatever the time zone.';

CREATE OR REPLACE FUNCTION velo._timestamp(micros bigint) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_timestamp_of';
COMMENT ON FUNCTION velo._timestamp(bigint) IS 'Internal: the inverse of velo._micros.';

CREATE OR REPLACE FUNCTION velo._restored() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'velo_restored';
COMMENT ON FUNCTION velo._restored() IS 'Internal: marks catalog rows that come from a dump.';
CREATE OR REPLACE TRIGGER job_restored BEFORE INSERT ON velo.job
    FOR EACH ROW EXECUTE FUNCTION velo._restored();
CREATE OR REPLACE TRIGGER stream_restored BEFORE INSERT ON velo.stream
    FOR EACH ROW EXECUTE FUNCTION velo._restored();

CREATE OR REPLACE FUNCTION velo._jobs_dropped(relations oid[]) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'velo_jobs_dropped';
COMMENT ON FUNCTION velo._jobs_dropped(oid[]) IS 'Internal: removes the jobs of relations that are gone.';
REVOKE ALL ON FUNCTION velo._jobs_dropped(oid[]) FROM PUBLIC;
