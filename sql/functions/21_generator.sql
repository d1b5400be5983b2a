CREATE OR REPLACE FUNCTION velo._generator_rows(options jsonb, base timestamptz)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'velo_generator_rows';
COMMENT ON FUNCTION velo._generator_rows(jsonb, timestamptz) IS
    'Internal: the records of a generator stream; its view is a SELECT from this.';
-- Whoever may read a stream's view calls this with his own rights.
GRANT EXECUTE ON FUNCTION velo._generator_rows(jsonb, timestamptz) TO PUBLIC;
