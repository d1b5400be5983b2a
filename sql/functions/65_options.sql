-- Which properties there are.

CREATE OR REPLACE FUNCTION velo.options()
    RETURNS TABLE (name text, aliases text[], scopes text[], types text[], type text, choices text[],
                   standard text, alterable boolean, description text)
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_options';
COMMENT ON FUNCTION velo.options() IS
'Properties for WITH ( … ): where each may stand (source, sink, job), for which source or sink types, its type, choices and default. Durations are in milliseconds.';
REVOKE ALL ON FUNCTION velo.options() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION velo.options() TO velo_user;
SELECT velo._route('GET', '/api/options', 'velo.options()');
