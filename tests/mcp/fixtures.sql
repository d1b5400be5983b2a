-- Tools, resources and prompts that the official conformance suite expects of a server that
-- it tests.  Not part of the product: they are rows and functions like any others, in the
-- test's own database.
CREATE SCHEMA fixture;

-- One pixel, and one tenth of a second of silence.
CREATE FUNCTION fixture.png() RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==' $$;
CREATE FUNCTION fixture.wav() RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=' $$;

-- A tool without arguments; its output schema is {}: text, or content made ready.
CREATE FUNCTION fixture.tool(name text, function regprocedure,
    input_schema jsonb DEFAULT '{"type": "object", "additionalProperties": false}')
    RETURNS void LANGUAGE sql
    AS $$ SELECT velo._tool(name, name, function, input_schema, '{}') $$;

CREATE FUNCTION fixture.simple_text() RETURNS text LANGUAGE sql
    AS $$ SELECT 'This is a simple text response for testing.' $$;
SELECT fixture.tool('test_simple_text', 'fixture.simple_text()');

CREATE FUNCTION fixture.image() RETURNS jsonb LANGUAGE sql
    AS $$ SELECT jsonb_build_object('content', jsonb_build_array(jsonb_build_object(
        'type', 'image', 'data', fixture.png(), 'mimeType', 'image/png'))) $$;
SELECT fixture.tool('test_image_content', 'fixture.image()');

CREATE FUNCTION fixture.audio() RETURNS jsonb LANGUAGE sql
    AS $$ SELECT jsonb_build_object('content', jsonb_build_array(jsonb_build_object(
        'type', 'audio', 'data', fixture.wav(), 'mimeType', 'audio/wav'))) $$;
SELECT fixture.tool('test_audio_content', 'fixture.audio()');

CREATE FUNCTION fixture.embedded() RETURNS jsonb LANGUAGE sql
    AS $$ SELECT '{"content": [{"type": "resource", "resource": {"uri": "test://embedded-resource",
        "mimeType": "text/plain", "text": "This is an embedded resource content."}}]}'::jsonb $$;
SELECT fixture.tool('test_embedded_resource', 'fixture.embedded()');

CREATE FUNCTION fixture.mixed() RETURNS jsonb LANGUAGE sql
    AS $$ SELECT jsonb_build_object('content', jsonb_build_array(
        jsonb_build_object('type', 'text', 'text', 'Multiple content types test:'),
        jsonb_build_object('type', 'image', 'data', fixture.png(), 'mimeType', 'image/png'),
        jsonb_build_object('type', 'resource', 'resource', jsonb_build_object(
            'uri', 'test://mixed-content-resource', 'mimeType', 'application/json',
            'text', '{"test":"data","value":123}')))) $$;
SELECT fixture.tool('test_multiple_content_types', 'fixture.mixed()');

CREATE FUNCTION fixture.error() RETURNS text LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'This tool intentionally returns an error for testing'; END $$;
SELECT fixture.tool('test_error_handling', 'fixture.error()');

-- Progress is a notice VE900, as a streaming query's; other notices are log messages.
CREATE FUNCTION fixture.progress() RETURNS text LANGUAGE plpgsql
    AS $$
BEGIN
    FOR i IN 0..2 LOOP
        RAISE NOTICE 'step %', i USING ERRCODE = 'VE900',
            DETAIL = jsonb_build_object('progress', i * 50, 'total', 100)::text;
        PERFORM pg_sleep(0.05);
    END LOOP;
    RETURN 'done';
END $$;
SELECT fixture.tool('test_tool_with_progress', 'fixture.progress()');

CREATE FUNCTION fixture.logging() RETURNS text LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE INFO 'Tool execution started';
    PERFORM pg_sleep(0.05);
    RAISE INFO 'Tool processing data';
    PERFORM pg_sleep(0.05);
    RAISE INFO 'Tool execution completed';
    RETURN 'done';
END $$;
SELECT fixture.tool('test_tool_with_logging', 'fixture.logging()');
SELECT fixture.tool('test_logging_tool', 'fixture.logging()');

-- --- questions to the user (multi round-trip requests) ------------------------------------

CREATE FUNCTION fixture.ask(requests jsonb, state jsonb DEFAULT NULL) RETURNS jsonb LANGUAGE sql
    AS $$ SELECT jsonb_strip_nulls(jsonb_build_object('resultType', 'input_required',
        'inputRequests', requests, 'requestState', state)) $$;
CREATE FUNCTION fixture.say(text) RETURNS jsonb LANGUAGE sql
    AS $$ SELECT jsonb_build_object('content', jsonb_build_array(
        jsonb_build_object('type', 'text', 'text', $1))) $$;
CREATE FUNCTION fixture.form(key text, message text, field text, type text DEFAULT 'string')
    RETURNS jsonb LANGUAGE sql
    AS $$ SELECT jsonb_build_object(key, jsonb_build_object('method', 'elicitation/create',
        'params', jsonb_build_object('mode', 'form', 'message', message, 'requestedSchema',
            jsonb_build_object('type', 'object', 'properties', jsonb_build_object(field,
                jsonb_build_object('type', type)), 'required', jsonb_build_array(field))))) $$;
CREATE FUNCTION fixture.sample(key text, question text) RETURNS jsonb LANGUAGE sql
    AS $$ SELECT jsonb_build_object(key, jsonb_build_object('method', 'sampling/createMessage',
        'params', jsonb_build_object('maxTokens', 100, 'messages', jsonb_build_array(
            jsonb_build_object('role', 'user', 'content',
                jsonb_build_object('type', 'text', 'text', question)))))) $$;
CREATE FUNCTION fixture.roots(key text) RETURNS jsonb LANGUAGE sql
    AS $$ SELECT jsonb_build_object(key, '{"method": "roots/list", "params": {}}'::jsonb) $$;

CREATE FUNCTION fixture.elicitation(input_responses jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql
    AS $$ SELECT CASE WHEN input_responses #>> '{user_name,content,name}' IS NULL
        THEN fixture.ask(fixture.form('user_name', 'What is your name?', 'name'))
        ELSE fixture.say('Hello, ' || (input_responses #>> '{user_name,content,name}') || '!') END $$;
SELECT fixture.tool('test_input_required_result_elicitation', 'fixture.elicitation(jsonb)');
SELECT fixture.tool('test_streaming_elicitation', 'fixture.elicitation(jsonb)');

CREATE FUNCTION fixture.sampling(input_responses jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql
    AS $$ SELECT CASE WHEN input_responses ? 'capital_question'
        THEN fixture.say((input_responses -> 'capital_question' -> 'content')::text)
        ELSE fixture.ask(fixture.sample('capital_question', 'What is the capital of France?')) END $$;
SELECT fixture.tool('test_input_required_result_sampling', 'fixture.sampling(jsonb)');
SELECT fixture.tool('test_missing_capability', 'fixture.sampling(jsonb)');

CREATE FUNCTION fixture.list_roots(input_responses jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql
    AS $$ SELECT CASE WHEN input_responses ? 'client_roots'
        THEN fixture.say('Roots: ' || (input_responses #> '{client_roots,roots}')::text)
        ELSE fixture.ask(fixture.roots('client_roots')) END $$;
SELECT fixture.tool('test_input_required_result_list_roots', 'fixture.list_roots(jsonb)');

CREATE FUNCTION fixture.stateful(input_responses jsonb DEFAULT '{}', request_state jsonb DEFAULT NULL)
    RETURNS jsonb LANGUAGE sql
    AS $$ SELECT CASE WHEN input_responses ? 'confirm' AND request_state ->> 'step' = '1'
        THEN fixture.say('state-ok')
        ELSE fixture.ask(fixture.form('confirm', 'Please confirm', 'ok', 'boolean'),
                         '{"step": 1}') END $$;
SELECT fixture.tool('test_input_required_result_request_state', 'fixture.stateful(jsonb,jsonb)');
SELECT fixture.tool('test_input_required_result_tampered_state', 'fixture.stateful(jsonb,jsonb)');

CREATE FUNCTION fixture.several(input_responses jsonb DEFAULT '{}', request_state jsonb DEFAULT NULL)
    RETURNS jsonb LANGUAGE sql
    AS $$ SELECT CASE WHEN input_responses ?& '{user_name,greeting,client_roots}'
                       AND request_state IS NOT NULL
        THEN fixture.say('all there')
        ELSE fixture.ask(fixture.form('user_name', 'What is your name?', 'name') ||
            fixture.sample('greeting', 'Generate a greeting') || fixture.roots('client_roots'),
            '{"step": 1}') END $$;
SELECT fixture.tool('test_input_required_result_multiple_inputs', 'fixture.several(jsonb,jsonb)');

CREATE FUNCTION fixture.rounds(input_responses jsonb DEFAULT '{}', request_state jsonb DEFAULT NULL)
    RETURNS jsonb LANGUAGE sql
    AS $$ SELECT CASE
        WHEN request_state ->> 'step' = '2' AND input_responses ? 'step2' THEN
            fixture.say(format('%s likes %s', request_state ->> 'name',
                               input_responses #>> '{step2,content,color}'))
        WHEN request_state ->> 'step' = '1' AND input_responses ? 'step1' THEN
            fixture.ask(fixture.form('step2', 'Step 2: What is your favorite color?', 'color'),
                jsonb_build_object('step', 2, 'name', input_responses #>> '{step1,content,name}'))
        ELSE fixture.ask(fixture.form('step1', 'Step 1: What is your name?', 'name'),
                         '{"step": 1}') END $$;
SELECT fixture.tool('test_input_required_result_multi_round', 'fixture.rounds(jsonb,jsonb)');

-- Asks only for what the client can do.
CREATE FUNCTION fixture.capable(client_capabilities jsonb DEFAULT '{}',
                                input_responses jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql
    AS $$ SELECT CASE WHEN input_responses <> '{}' THEN fixture.say('thank you') ELSE fixture.ask(
        CASE WHEN client_capabilities ? 'sampling'
             THEN fixture.sample('question', 'What is the capital of France?') ELSE '{}' END ||
        CASE WHEN client_capabilities ? 'elicitation'
             THEN fixture.form('name', 'What is your name?', 'name') ELSE '{}' END) END $$;
SELECT fixture.tool('test_input_required_result_capabilities', 'fixture.capable(jsonb,jsonb)');

-- --- schemas ------------------------------------------------------------------------------

-- Shown as it is, and refused when called: it says more than is checked.
CREATE FUNCTION fixture.nothing() RETURNS text LANGUAGE sql AS $$ SELECT 'nothing' $$;
SELECT fixture.tool('json_schema_2020_12_tool', 'fixture.nothing()', '{
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {"address": {"$anchor": "addressDef", "type": "object", "properties": {
        "street": {"type": "string"}, "city": {"type": "string"}}}},
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"}},
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": false}');

CREATE FUNCTION fixture.echo(text text, times integer DEFAULT 1) RETURNS text LANGUAGE sql
    AS $$ SELECT repeat(text, times) $$;
SELECT fixture.tool('test_mirrored_header', 'fixture.echo(text,integer)', '{
    "type": "object", "additionalProperties": false, "required": ["text"],
    "properties": {"text": {"type": "string", "x-mcp-header": "Text"},
                   "times": {"type": "integer", "minimum": 1, "maximum": 5}}}');

-- --- resources ----------------------------------------------------------------------------

CREATE FUNCTION fixture.static_text() RETURNS text LANGUAGE sql
    AS $$ SELECT 'This is the content of the static text resource.' $$;
COMMENT ON FUNCTION fixture.static_text() IS 'A text.';
SELECT velo._resource('test://static-text', 'static_text', 'Static text', 'fixture.static_text()',
                      mime_type => 'text/plain');
CREATE FUNCTION fixture.static_binary() RETURNS bytea LANGUAGE sql
    AS $$ SELECT decode(fixture.png(), 'base64') $$;
COMMENT ON FUNCTION fixture.static_binary() IS 'A picture.';
SELECT velo._resource('test://static-binary', 'static_binary', 'Static binary',
                      'fixture.static_binary()', mime_type => 'image/png');
CREATE FUNCTION fixture.templated(id text) RETURNS text LANGUAGE sql
    AS $$ SELECT format('{"id":%s,"templateTest":true,"data":"Data for ID: %s"}', to_json(id), id) $$;
COMMENT ON FUNCTION fixture.templated(text) IS 'A template.';
SELECT velo._resource('test://template/{id}/data', 'template', 'Template', 'fixture.templated(text)');

-- --- prompts ------------------------------------------------------------------------------

CREATE FUNCTION fixture.simple_prompt() RETURNS text LANGUAGE sql
    AS $$ SELECT 'This is a simple prompt for testing.' $$;
SELECT velo._prompt('test_simple_prompt', 'Simple', 'fixture.simple_prompt()');
CREATE FUNCTION fixture.prompt_with_arguments(arg1 text, arg2 text) RETURNS text LANGUAGE sql
    AS $$ SELECT format('Prompt with arguments: arg1=''%s'', arg2=''%s''', arg1, arg2) $$;
SELECT velo._prompt('test_prompt_with_arguments', 'Arguments',
                    'fixture.prompt_with_arguments(text,text)', '{"arg1": "First test argument"}');
CREATE FUNCTION fixture.prompt_with_resource("resourceUri" text) RETURNS jsonb LANGUAGE sql
    AS $$ SELECT jsonb_build_object('messages', jsonb_build_array(
        jsonb_build_object('role', 'user', 'content', jsonb_build_object('type', 'resource',
            'resource', jsonb_build_object('uri', "resourceUri", 'mimeType', 'text/plain',
                                           'text', 'Embedded resource content for testing.'))),
        '{"role": "user", "content": {"type": "text",
          "text": "Please process the embedded resource above."}}'::jsonb)) $$;
SELECT velo._prompt('test_prompt_with_embedded_resource', 'Resource',
                    'fixture.prompt_with_resource(text)');
CREATE FUNCTION fixture.prompt_with_image() RETURNS jsonb LANGUAGE sql
    AS $$ SELECT jsonb_build_object('messages', jsonb_build_array(
        jsonb_build_object('role', 'user', 'content', jsonb_build_object('type', 'image',
            'data', fixture.png(), 'mimeType', 'image/png')),
        '{"role": "user", "content": {"type": "text",
          "text": "Please analyze the image above."}}'::jsonb)) $$;
SELECT velo._prompt('test_prompt_with_image', 'Image', 'fixture.prompt_with_image()');
CREATE FUNCTION fixture.prompt_that_asks(input_responses jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql
    AS $$ SELECT CASE WHEN input_responses ? 'user_context'
        THEN jsonb_build_object('messages', jsonb_build_array(jsonb_build_object('role', 'user',
            'content', jsonb_build_object('type', 'text', 'text',
                'Context: ' || (input_responses #>> '{user_context,content,context}')))))
        ELSE fixture.ask(fixture.form('user_context', 'What context should the prompt use?',
                                      'context')) END $$;
SELECT velo._prompt('test_input_required_result_prompt', 'Asks', 'fixture.prompt_that_asks(jsonb)');

DO $$
DECLARE
    f regprocedure;
BEGIN
    -- The suite wants every tool and prompt described.
    FOR f IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'fixture'::regnamespace
                AND obj_description(p.oid, 'pg_proc') IS NULL LOOP
        EXECUTE format('COMMENT ON FUNCTION %s IS %L', f, 'Fixture ' || f::text);
    END LOOP;
END $$;
