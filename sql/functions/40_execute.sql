-- The dialect for drivers.

CREATE OR REPLACE FUNCTION velo.execute(sql text, params jsonb DEFAULT '{}') RETURNS SETOF jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_execute';
COMMENT ON FUNCTION velo.execute(text, jsonb) IS
'Runs one or more statements of the dialect in the caller''s transaction and returns the rows of the last one as jsonb; a CREATE or job statement returns {"command", "object", "job", "notices"}. params: values for ${NAME} in properties.';

CREATE OR REPLACE FUNCTION velo.validate(sql text, params jsonb DEFAULT '{}')
    RETURNS TABLE (statement integer, severity text, sqlstate text, message text, detail text,
                   hint text, line integer, "column" integer, end_line integer, end_column integer)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_validate';
COMMENT ON FUNCTION velo.validate(text, jsonb) IS
'Everything that is wrong with a text, without doing anything: one row a diagnostic, with 1-based line and column of the text. Works in a read-only transaction.';

CREATE OR REPLACE FUNCTION velo.query(sql text, params jsonb DEFAULT '{}') RETURNS SETOF jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_query';
COMMENT ON FUNCTION velo.query(text, jsonb) IS
'Rows of one query over a stream as they are produced, when called in the select list. The whole call is one snapshot: for endless queries prefer DO LANGUAGE velo or velo.open.';

CREATE OR REPLACE FUNCTION velo.open(sql text, params jsonb DEFAULT '{}') RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_open';
COMMENT ON FUNCTION velo.open(text, jsonb) IS
'Starts a query that lives in this session; take its rows with velo.next and end it with velo.close.';

CREATE OR REPLACE FUNCTION velo.next(handle uuid, max_rows integer DEFAULT 1000,
                                     wait interval DEFAULT '1 second') RETURNS SETOF jsonb
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_next';
COMMENT ON FUNCTION velo.next(uuid, integer, interval) IS
'Up to max_rows rows of an open query, waiting at most "wait" for the first. No row: nothing came, or the query has ended.';

CREATE OR REPLACE FUNCTION velo.close(handle uuid) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_close';
COMMENT ON FUNCTION velo.close(uuid) IS 'Ends a query that velo.open started.';

REVOKE ALL ON FUNCTION velo.execute(text, jsonb), velo.validate(text, jsonb),
    velo.query(text, jsonb), velo.open(text, jsonb), velo.next(uuid, integer, interval),
    velo.close(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.execute(text, jsonb), velo.validate(text, jsonb),
    velo.query(text, jsonb), velo.open(text, jsonb), velo.next(uuid, integer, interval),
    velo.close(uuid) TO velo_user;

CREATE OR REPLACE FUNCTION velo.run(sql text, inputs jsonb, params jsonb DEFAULT '{}') RETURNS SETOF jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_run';
COMMENT ON FUNCTION velo.run(text, jsonb, jsonb) IS
'Runs one query, CREATE … AS or INSERT … SELECT over given rows, to their end and in virtual time, and returns what it would write. inputs: {"stream": [{row}, …]}; {"_commit": true} ends a batch, {"_clock": "…"} sets the time.';
REVOKE ALL ON FUNCTION velo.run(text, jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.run(text, jsonb, jsonb) TO velo_user;
