-- Prompts for AI agents.  They tell a model in which order to use the tools, so that a
-- user need not.

-- The rows below register all anew: what an older version offered is gone.
DELETE FROM velo.prompt;

CREATE OR REPLACE FUNCTION velo._prompt(name text, title text, function regprocedure,
    described jsonb DEFAULT '{}') RETURNS void
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
    AS $$
INSERT INTO velo.prompt (name, title, function, described)
VALUES (_prompt.name, _prompt.title, _prompt.function::text, _prompt.described)
ON CONFLICT ON CONSTRAINT prompt_pkey DO UPDATE
SET (title, function, described) = (excluded.title, excluded.function, excluded.described)
$$;
COMMENT ON FUNCTION velo._prompt(text, text, regprocedure, jsonb) IS
'Internal: registers a prompt for AI agents, beside its function.';
REVOKE ALL ON FUNCTION velo._prompt(text, text, regprocedure, jsonb) FROM PUBLIC;

CREATE OR REPLACE VIEW velo.prompts AS
SELECT p.name, p.title, velo._callable(f.function) AS function,
       velo._arguments(f.function) AS arguments, p.described,
       pg_catalog.obj_description(f.function, 'pg_proc') AS description
FROM velo.prompt p CROSS JOIN LATERAL (SELECT velo._procedure(p.function) AS function) f
WHERE pg_catalog.has_function_privilege(f.function, 'EXECUTE');
COMMENT ON VIEW velo.prompts IS 'Prompts for AI agents that the caller may use.';
GRANT SELECT ON velo.prompts TO PUBLIC;

CREATE OR REPLACE FUNCTION velo.prompt_write_query(task text, stream text DEFAULT NULL)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT concat_ws(E'\n',
    'Write one streaming SQL query for Velostream that does this:',
    '', task, '',
    CASE WHEN stream IS NULL THEN 'First find the streams it needs with list_streams.'
         ELSE format('It is about the stream %s.', stream) END,
    'Then:',
    '1. Look at the columns and their types with describe_stream; use no other columns.',
    '2. Write the query. Aggregates over a stream need GROUP BY, and over time WINDOW TUMBLING, SLIDING or SESSION. EMIT CHANGES gives results as they change.',
    '3. Check it with validate_sql, and mend it until no diagnostic of severity ERROR is left.',
    '4. Run it with query_stream (max_rows 20) and see whether the rows answer the question.',
    'Show me the query and a few rows of its result, and say what it assumes.')
$$;
COMMENT ON FUNCTION velo.prompt_write_query(text, text) IS
'Has an AI agent write a streaming query, check it and try it out. task: what it is to answer; stream: over which stream.';
SELECT velo._prompt('write_query', 'Write a streaming query', 'velo.prompt_write_query(text,text)',
    '{"task": "What the query is to answer, in plain words.",
      "stream": "The stream that it is about; without it the agent looks for one."}');

CREATE OR REPLACE FUNCTION velo.prompt_mend_query(sql text, error text DEFAULT NULL)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS $$
SELECT concat_ws(E'\n',
    'This SQL for Velostream does not work:',
    '', sql, '',
    'It says: ' || error,
    'Find out why with validate_sql, which names line, column and a hint, and with describe_stream for the streams in it. Change as little as possible, check again until there is no error, and tell me in one sentence what was wrong.')
$$;
COMMENT ON FUNCTION velo.prompt_mend_query(text, text) IS
'Has an AI agent find out why a query fails, and mend it. sql: the query; error: what it said.';
SELECT velo._prompt('mend_query', 'Mend a query', 'velo.prompt_mend_query(text,text)',
    '{"sql": "The query that fails.", "error": "The error message, if there was one."}');

REVOKE ALL ON FUNCTION velo.prompt_write_query(text, text), velo.prompt_mend_query(text, text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.prompt_write_query(text, text),
    velo.prompt_mend_query(text, text) TO velo_user;
