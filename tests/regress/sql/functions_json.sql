-- Functions of JSON and arrays, in plain SQL.
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE TEMP TABLE path AS SELECT unnest(ARRAY['$', '$.a', '$.a.b[0]', '$.a.b.1.c', '$.a.b[-1]', '$.a.b[9]', '$.n', '$."x y"', '$[''x y'']', '$.t', '$.none', '$.a.none.more', '$.f']) AS path;
CREATE TEMP TABLE doc AS SELECT '{"a": {"b": [10, {"c": "x"}]}, "n": null, "x y": 1.50, "t": true, "f": "a\"b"}'::text AS t;
SELECT path, velo.json_value(t, path) AS text, velo.json_value(t::json, path) AS json, velo.json_value(t::jsonb, path) AS jsonb FROM doc, path;
SELECT path, velo.json_query(t, path) AS text, velo.json_query(t::json, path) AS json, velo.json_query(t::jsonb, path) AS jsonb FROM doc, path;
SELECT path, velo.json_exists(t, path) AS text, velo.json_exists(t::json, path) AS json, velo.json_exists(t::jsonb, path) AS jsonb FROM doc, path;
SELECT velo.json_extract('[1, 2]', '$[1]'), velo.json_extract_scalar('"s"'::jsonb, '$'), velo.json_extract('{"a": {"b": 1}}'::json, '$.a');
-- What is no JSON, or none that can be had as text.
SELECT bad, velo.json_value(bad, '$.a'), velo.json_query(bad, '$'), velo.json_exists(bad, '$.a') FROM unnest(ARRAY['nope', '', '{"a": 1', '{"a": "\u0000"}', '{"a": "\ud800"}', NULL]) AS bad;
SELECT velo.json_value('{}', 'a');
SELECT velo.json_value('{}', '');
SELECT velo.json_value('{}', '$.');
SELECT velo.json_value('{}', '$.a[');
SELECT velo.json_value('{}', '$[x]');
SELECT velo.json_value('{}', '$[1');
SELECT velo.json_value('{}', '$."a');
SELECT velo.json_value('{}', '$.a[*]');
SELECT velo.json_value('{}', '$' || repeat('.a', 257));
SELECT velo.json_value('{}', '$' || repeat('.a', 256)) IS NULL AS deep;

-- Objects.
SELECT velo.struct('a', 1, 'b', 'x'), velo.struct(1, 'x'::text, true), velo.struct(1 > 2, 'b'), velo.struct(), velo.struct(1), velo.struct('x'), velo.struct('a', NULL), velo.struct(NULL, 1);
SELECT velo.struct(date '2026-01-01', 1.50, '{1,2}'::int[], '{"a": 1}'::jsonb, ROW(1, 'x')), velo.struct(VARIADIC ARRAY['a', 'b']), velo.struct('a'::text, 1);
SELECT velo.map('a', 1, 'b', NULL), velo.map(), velo.map(1, 2);
SELECT velo.map('a');
SELECT velo.map(NULL, 1);
SELECT velo.map_keys('{"bb": 1, "a": [2], "c": null}'), velo.map_values('{"bb": 1, "a": [2], "c": null}'), velo.map_keys('{}'), velo.map_values('{}'), velo.map_keys(NULL);
SELECT velo.map_keys('{"a": {"b": 1}}'), velo.map_values('{"a": {"b": 1}}');
SELECT velo.map_keys('[1]');
SELECT velo.map_values('1');

-- Arrays.
SELECT velo.array(1, 2.5), velo.array('a', 'b'), velo.array(NULL::int);
SELECT velo.array(ARRAY[1], ARRAY[2]);
SELECT velo.array_length(ARRAY[1, 2]), velo.array_length('{}'::int[]), velo.array_length(NULL::int[]), velo.array_length('[1, "x"]'::jsonb), velo.array_length('[]'::jsonb), velo.array_length('{{1,2},{3,4}}'::int[]);
SELECT velo.array_length('{"a": 1}'::jsonb);
SELECT velo.array_contains(ARRAY[1, 2], 2), velo.array_contains(ARRAY[1, 2], 2.0), velo.array_contains(ARRAY[1, NULL], 3), velo.array_contains('{}'::text[], 'x'), velo.array_contains(ARRAY[1, NULL], NULL);
SELECT velo.array_contains(a, 'x'), velo.array_contains(a, 1), velo.array_contains(a, 1.0), velo.array_contains(a, 2), velo.array_contains(a, '[2]'::jsonb), velo.array_contains(a, true), velo.array_contains(a, 1::float8), velo.array_contains(a, NULL::text)
FROM (VALUES ('[1, "x", [2], true]'::jsonb)) v(a);
SELECT velo.array_contains('{"a": 1}'::jsonb, 'a');
