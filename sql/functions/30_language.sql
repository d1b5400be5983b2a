-- LANGUAGE velo: DO $$ … $$ and procedures.

CREATE OR REPLACE FUNCTION velo._language_call() RETURNS language_handler
    LANGUAGE c AS 'MODULE_PATHNAME', 'velo_language_call';
COMMENT ON FUNCTION velo._language_call() IS 'Internal: runs a procedure in LANGUAGE velo.';

CREATE OR REPLACE FUNCTION velo._language_inline(internal) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'velo_language_inline';
COMMENT ON FUNCTION velo._language_inline(internal) IS 'Internal: runs DO LANGUAGE velo.';

CREATE OR REPLACE FUNCTION velo._language_validator(oid) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'velo_language_validator';
COMMENT ON FUNCTION velo._language_validator(oid) IS 'Internal: checks a procedure in LANGUAGE velo.';

CREATE OR REPLACE TRUSTED LANGUAGE velo
    HANDLER velo._language_call
    INLINE velo._language_inline
    VALIDATOR velo._language_validator;
COMMENT ON LANGUAGE velo IS 'Streaming SQL: DO LANGUAGE velo $$ … $$ runs statements of the dialect and shows live rows.';
