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

CREATE OR REPLACE FUNCTION velo.query_rows(sql text, max_rows integer DEFAULT 100,
                                           wait interval DEFAULT '5 seconds',
                                           params jsonb DEFAULT '{}') RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_query_rows';
COMMENT ON FUNCTION velo.query_rows(text, integer, interval, jsonb) IS
'Rows of one query that only reads, as one JSON object {"columns", "rows", "row_count", "truncated", "complete", "elapsed_ms"}. A SELECT ... EMIT CHANGES over a stream never ends by itself: it gives what comes within "wait", at most max_rows rows. truncated: it was cut off after max_rows rows; complete: the query has ended and these are all its rows. Also for SHOW, DESCRIBE and EXPLAIN. params: values for ${NAME} in properties.';
REVOKE ALL ON FUNCTION velo.query_rows(text, integer, interval, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.query_rows(text, integer, interval, jsonb) TO velo_user;

SELECT velo._route('POST', '/api/validate', 'velo.validate(text,jsonb)');
SELECT velo._route('POST', '/api/execute', 'velo.execute(text,jsonb)', read_only => false,
                   runs_sql => true, audit => 'execute');
SELECT velo._route('POST', '/api/query', 'velo.query_rows(text,integer,interval,jsonb)',
                   result => 'value', runs_sql => true);

SELECT velo._tool('query_stream', 'Query a stream', 'velo.query_rows(text,integer,interval,jsonb)',
    input_schema => '{
    "type": "object",
    "additionalProperties": false,
    "properties": {
        "sql": {
            "type": "string",
            "minLength": 1,
            "description": "One query that only reads. SELECT ... FROM rides LIMIT 10 gives what a stream or table holds now; SELECT ... FROM rides EMIT CHANGES follows a stream until max_rows or wait is reached; SHOW STREAMS, SHOW JOBS, DESCRIBE name and EXPLAIN query work too. Check it with validate_sql first."
        },
        "max_rows": {
            "type": "integer",
            "minimum": 1,
            "maximum": 10000,
            "default": 100,
            "description": "At most so many rows; if there were more, truncated is true."
        },
        "wait": {
            "type": "string",
            "default": "5 seconds",
            "examples": ["5 seconds", "500 milliseconds"],
            "description": "How long a query with EMIT CHANGES waits for rows, at most 5 minutes."
        },
        "params": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "default": {},
            "description": "Values for ${NAME} in properties of the query, seldom needed."
        }
    },
    "required": ["sql"]
}',
    output_schema => '{
    "type": "object",
    "additionalProperties": false,
    "properties": {
        "columns": {"type": "array", "items": {"type": "object", "additionalProperties": false,
            "properties": {
                "name": {"type": "string"},
                "type": {"type": "string", "description": "type of PostgreSQL"}
            }, "required": ["name", "type"]}},
        "rows": {"type": "array", "items": {"type": "object"}, "description": "one object a row; keys are names of columns"},
        "row_count": {"type": "integer", "minimum": 0},
        "truncated": {"type": "boolean", "description": "there may be more rows: it was cut off at max_rows, or at 16 MB"},
        "complete": {"type": "boolean", "description": "the query has ended, and these are all of its rows"},
        "elapsed_ms": {"type": "integer", "minimum": 0}
    },
    "required": ["columns", "rows", "row_count", "truncated", "complete", "elapsed_ms"]
}');
SELECT velo._tool('validate_sql', 'Validate SQL', 'velo.validate(text,jsonb)',
    input_schema => '{
    "type": "object",
    "additionalProperties": false,
    "properties": {
        "sql": {
            "type": "string",
            "description": "One or more statements. Nothing is done; objects that earlier statements create are known to later ones."
        },
        "params": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "default": {},
            "description": "Values for ${NAME} in properties of the statements, seldom needed."
        }
    },
    "required": ["sql"]
}',
    output_schema => '{
    "type": "object",
    "additionalProperties": false,
    "properties": {
        "diagnostics": {"type": "array", "description": "empty: nothing is wrong", "items": {"type": "object",
            "properties": {
                "statement": {"type": "integer", "description": "number of the statement, from 1"},
                "severity": {"type": "string", "enum": ["ERROR", "WARNING", "INFO"]},
                "sqlstate": {"type": "string"},
                "message": {"type": "string"},
                "detail": {"type": ["string", "null"]},
                "hint": {"type": ["string", "null"], "description": "what to do about it"},
                "line": {"type": "integer", "description": "from 1"},
                "column": {"type": "integer", "description": "in characters, from 1"},
                "end_line": {"type": "integer"},
                "end_column": {"type": "integer"}
            }, "required": ["statement", "severity", "sqlstate", "message", "line", "column", "end_line", "end_column"]}}
    },
    "required": ["diagnostics"]
}',
    result_key => 'diagnostics');

CREATE OR REPLACE FUNCTION velo.run(sql text, inputs jsonb, params jsonb DEFAULT '{}') RETURNS SETOF jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'velo_run';
COMMENT ON FUNCTION velo.run(text, jsonb, jsonb) IS
'Runs one query, CREATE … AS or INSERT … SELECT over given rows, to their end and in virtual time, and returns what it would write. inputs: {"stream": [{row}, …]}; {"_commit": true} ends a batch, {"_clock": "…"} sets the time.';
REVOKE ALL ON FUNCTION velo.run(text, jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.run(text, jsonb, jsonb) TO velo_user;
