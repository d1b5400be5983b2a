-- SQL faces of extension/src/api/test_source.c, in schema "probe".  Needs a test
-- build of the extension and a superuser.
CREATE SCHEMA IF NOT EXISTS probe;

CREATE OR REPLACE FUNCTION probe.native_create(
        schema regnamespace, name text, template regclass,
        options jsonb DEFAULT '{}', is_derived boolean DEFAULT false)
    RETURNS regclass LANGUAGE c STRICT AS 'velostream', 'velo_test_native_create';

CREATE OR REPLACE FUNCTION probe.native_add_column(
        stream regclass, name text, type regtype, default_text text DEFAULT '')
    RETURNS void LANGUAGE c STRICT AS 'velostream', 'velo_test_native_add_column';

CREATE OR REPLACE FUNCTION probe.generator_create(
        schema regnamespace, name text, template regclass, options jsonb DEFAULT '{}')
    RETURNS regclass LANGUAGE c STRICT AS 'velostream', 'velo_test_generator_create';

CREATE OR REPLACE FUNCTION probe.generator_alter(stream regclass, options jsonb)
    RETURNS void LANGUAGE c STRICT AS 'velostream', 'velo_test_generator_alter';

CREATE OR REPLACE FUNCTION probe.source_open(
        stream regclass, options jsonb DEFAULT '{}', bounded boolean DEFAULT false,
        "position" text DEFAULT NULL, start text DEFAULT NULL, from_time timestamptz DEFAULT NULL)
    RETURNS integer LANGUAGE c AS 'velostream', 'velo_test_source_open';

CREATE OR REPLACE FUNCTION probe.source_batch(
        handle integer, max_rows integer DEFAULT 2000000000, pause_ms integer DEFAULT 0,
        OUT seq bigint, OUT appended_at timestamptz, OUT event_time timestamptz,
        OUT is_tombstone boolean, OUT key text, OUT vals text[])
    RETURNS SETOF record LANGUAGE c AS 'velostream', 'velo_test_source_batch';

CREATE OR REPLACE FUNCTION probe.source_state(
        handle integer, OUT "position" text, OUT watermark_limit timestamptz,
        OUT is_ended boolean, OUT lag bigint, OUT next_due timestamptz)
    LANGUAGE c AS 'velostream', 'velo_test_source_state';

CREATE OR REPLACE FUNCTION probe.source_close(handle integer)
    RETURNS void LANGUAGE c STRICT AS 'velostream', 'velo_test_source_close';

CREATE OR REPLACE FUNCTION probe.source_drain(handle integer)
    RETURNS bigint LANGUAGE c STRICT AS 'velostream', 'velo_test_source_drain';

CREATE OR REPLACE FUNCTION probe.wake_wait(stream regclass, timeout_ms integer)
    RETURNS boolean LANGUAGE c STRICT AS 'velostream', 'velo_test_wake_wait';
