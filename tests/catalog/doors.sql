-- What the doors offer fits the functions behind it, and is open to those it is meant for.
WITH route AS (
    SELECT r.*, format('route %s %s', r.method, r.path) AS what, velo._procedure(r.function) AS oid
    FROM velo.route r
), tool AS (
    SELECT t.*, format('tool %s', t.name) AS what, velo._procedure(t.function) AS oid FROM velo.tool t
), resource AS (
    SELECT r.*, format('resource %s', r.uri_template) AS what, velo._procedure(r.function) AS oid,
           velo._procedure(r.list_function) AS list_oid
    FROM velo.resource r
), offered AS (
    SELECT what, oid, function FROM route
    UNION ALL SELECT what, oid, function FROM tool
    UNION ALL SELECT what, oid, function FROM resource
    UNION ALL SELECT what, list_oid, list_function FROM resource WHERE list_function IS NOT NULL
), argument AS (
    SELECT o.what, a ->> 'name' AS name, (a ->> 'required')::boolean AS required
    FROM (SELECT DISTINCT what, oid FROM offered) o, jsonb_array_elements(velo._arguments(o.oid)) a
), fault AS (
    SELECT what || ': there is no function ' || function AS message FROM offered WHERE oid IS NULL
    UNION ALL
    -- A comment that names velo_admin says who else may call it.
    SELECT what || ': neither may velo_user execute ' || function || ' nor does its comment say that it is for velo_admin'
    FROM offered
    WHERE NOT has_function_privilege('velo_user', oid, 'EXECUTE')
      AND obj_description(oid, 'pg_proc') NOT LIKE '%velo_admin%'
    UNION ALL
    SELECT what || ': ' || function || ' is not of schema velo, or is internal'
    FROM offered WHERE function !~ '^velo\.[a-z]'
    UNION ALL
    -- Strangers have no business here; velo.session tells them so.
    SELECT what || ': PUBLIC may execute ' || function
    FROM offered o JOIN pg_proc p ON p.oid = o.oid
    WHERE function <> 'velo.session()'
      AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)
    UNION ALL
    SELECT what || ': changes something and has no audit class'
    FROM (SELECT what, read_only, audit FROM route UNION ALL SELECT what, read_only, audit FROM tool) o
    WHERE NOT read_only AND coalesce(audit, '') = ''
    UNION ALL
    SELECT what || ': GET must not change anything' FROM route WHERE method = 'GET' AND NOT read_only
    UNION ALL
    SELECT r.what || ': there is no argument ' || m[1]
    FROM route r, regexp_matches(r.path, '\{([^}]*)\}', 'g') m
    WHERE NOT EXISTS (SELECT FROM argument a WHERE a.what = r.what AND a.name = m[1])
    UNION ALL
    SELECT r.what || ': there is no argument ' || m[1]
    FROM resource r, regexp_matches(r.uri_template, '\{([^}]*)\}', 'g') m
    WHERE NOT EXISTS (SELECT FROM argument a WHERE a.what = r.what AND a.name = m[1])
    UNION ALL
    SELECT r.what || ': result is ' || r.result || ', but the function returns ' || pg_get_function_result(r.oid)
    FROM route r JOIN pg_proc p ON p.oid = r.oid
    WHERE p.proretset <> (r.result IN ('rows', 'row')) OR (r.result = 'text') <> (r.content_type NOT LIKE '%json%')
    UNION ALL
    SELECT t.what || ': ' || CASE WHEN p.proretset THEN 'rows need a result_key'
                                  ELSE 'without rows it must return jsonb and have no result_key' END
    FROM tool t JOIN pg_proc p ON p.oid = t.oid
    WHERE p.proretset <> (t.result_key IS NOT NULL) OR (NOT p.proretset AND p.prorettype <> 'jsonb'::regtype)
    UNION ALL
    SELECT what || ': input_schema must be a closed object, output_schema an object'
    FROM tool
    WHERE (input_schema ->> 'type', input_schema -> 'additionalProperties', output_schema ->> 'type')
          IS DISTINCT FROM ('object', 'false'::jsonb, 'object')
    UNION ALL
    SELECT t.what || ': there is no argument ' || k
    FROM tool t, jsonb_object_keys(t.input_schema -> 'properties') k
    WHERE NOT EXISTS (SELECT FROM argument a WHERE a.what = t.what AND a.name = k)
    UNION ALL
    SELECT t.what || ': "required" must be the arguments without a default'
    FROM tool t
    WHERE (SELECT jsonb_agg(a.name ORDER BY a.name) FROM argument a WHERE a.what = t.what AND a.required)
          IS DISTINCT FROM (SELECT jsonb_agg(k ORDER BY k) FROM jsonb_array_elements_text(t.input_schema -> 'required') k)
    UNION ALL
    SELECT t.what || ': a required argument is not among the properties: ' || k
    FROM tool t, jsonb_array_elements_text(t.input_schema -> 'required') k
    WHERE NOT t.input_schema -> 'properties' ? k
    UNION ALL
    SELECT t.what || ': no description of ' || p.key
    FROM tool t, jsonb_each(t.input_schema -> 'properties') p
    WHERE coalesce(p.value ->> 'description', '') = ''
    UNION ALL
    SELECT t.what || ': output_schema does not have the result_key'
    FROM tool t WHERE NOT coalesce(t.output_schema -> 'properties' ? t.result_key, t.result_key IS NULL)
    UNION ALL
    -- Of rows: what is promised is what the function returns.
    SELECT t.what || ': there is no output column ' || k
    FROM tool t JOIN pg_proc p ON p.oid = t.oid,
         jsonb_object_keys(t.output_schema #> ARRAY['properties', t.result_key, 'items', 'properties']) k
    WHERE t.result_key IS NOT NULL AND p.proargnames IS NOT NULL AND k <> ALL (p.proargnames)
    UNION ALL
    SELECT what || ': annotations must say whether it only reads'
    FROM tool WHERE (annotations -> 'readOnlyHint') IS DISTINCT FROM to_jsonb(read_only)
    UNION ALL
    SELECT what || ': list_function must return uri, name, title and description'
    FROM resource r JOIN pg_proc p ON p.oid = r.list_oid
    WHERE NOT p.proargnames @> ARRAY['uri', 'name', 'title', 'description']
)
SELECT message FROM fault ORDER BY 1;
