-- Everything the extension defines, one line a fact, in a form that does not depend on
-- OIDs or on the order things were made in.  Two databases with equal output have the
-- same extension in them; scripts/check_upgrade compares an updated and a new one.
\set QUIET on
\pset format unaligned
\pset tuples_only on
SET search_path = pg_catalog;

CREATE TEMP VIEW member AS
SELECT d.classid, d.objid
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'velostream';
CREATE TEMP VIEW relation AS
SELECT c.*, c.oid::regclass AS name FROM pg_class c
JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid;

-- Grants in the order of the grantees: an ACL array keeps the order they were made in.
CREATE FUNCTION pg_temp.acl(aclitem[]) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest($1) AS a $$;

CREATE TEMP VIEW fact AS
SELECT 'member' AS kind, i.type || ' ' || i.identity AS object, '' AS fact
FROM member m, pg_identify_object(m.classid, m.objid, 0) i
UNION ALL
SELECT 'comment', i.type || ' ' || i.identity, d.description
FROM pg_description d
JOIN member m ON m.classid = d.classoid AND m.objid = d.objoid,
     pg_identify_object(d.classoid, d.objoid, d.objsubid) i
UNION ALL
SELECT 'initial grants', i.type || ' ' || i.identity, pg_temp.acl(p.initprivs)
FROM pg_init_privs p
JOIN member m ON m.classid = p.classoid AND m.objid = p.objoid,
     pg_identify_object(p.classoid, p.objoid, p.objsubid) i
UNION ALL
SELECT 'function', p.oid::regprocedure::text,
       CASE WHEN p.prokind = 'a' THEN a::text ELSE pg_get_functiondef(p.oid) END
FROM pg_proc p
JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
LEFT JOIN LATERAL (SELECT aggkind, aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn,
    aggtranstype::regtype, agginitval FROM pg_aggregate WHERE aggfnoid = p.oid) a ON p.prokind = 'a'
UNION ALL
SELECT 'function grants', p.oid::regprocedure::text, pg_temp.acl(p.proacl)
FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
UNION ALL
SELECT 'schema grants', n.nspname, pg_temp.acl(n.nspacl)
FROM pg_namespace n JOIN member m ON m.classid = 'pg_namespace'::regclass AND m.objid = n.oid
UNION ALL
SELECT 'relation', r.name::text,
       concat_ws(' ', r.relkind, r.relpersistence, r.relrowsecurity, r.relforcerowsecurity,
                 r.reloptions::text, pg_temp.acl(r.relacl), pg_get_partkeydef(r.oid))
FROM relation r
UNION ALL
SELECT 'view', r.name::text, pg_get_viewdef(r.oid) FROM relation r WHERE r.relkind IN ('v', 'm')
UNION ALL
SELECT 'column', r.name || '.' || a.attname,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
                 a.attstorage, a.attcollation::regcollation, pg_get_expr(d.adbin, d.adrelid),
                 pg_temp.acl(a.attacl))
FROM relation r
JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
UNION ALL
SELECT 'constraint', coalesce(r.name::text, c.contypid::regtype::text) || ' ' || c.conname,
       pg_get_constraintdef(c.oid)
FROM pg_constraint c
LEFT JOIN relation r ON r.oid = c.conrelid
LEFT JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = c.contypid
WHERE r.oid IS NOT NULL OR m.objid IS NOT NULL
UNION ALL
SELECT 'index', i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN relation r ON r.oid = i.indrelid
UNION ALL
SELECT 'trigger', r.name || ' ' || t.tgname, concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL
SELECT 'rule', r.name || ' ' || w.rulename, pg_get_ruledef(w.oid)
FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class
UNION ALL
SELECT 'policy', r.name || ' ' || p.polname,
       concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::regrole[]::text,
                 pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy p JOIN relation r ON r.oid = p.polrelid
UNION ALL
SELECT 'sequence', s.seqrelid::regclass::text, concat_ws(' ', s.seqtypid::regtype, s.seqstart,
       s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle)
FROM pg_sequence s JOIN relation r ON r.oid = s.seqrelid
UNION ALL
SELECT 'type', t.oid::regtype::text,
       concat_ws(' ', t.typtype, t.typlen, t.typbyval, t.typcategory, t.typstorage, t.typnotnull,
                 t.typdefault, t.typbasetype::regtype, t.typinput, t.typoutput, pg_temp.acl(t.typacl),
                 (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)
                  FROM pg_enum e WHERE e.enumtypid = t.oid))
FROM pg_type t JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
UNION ALL
SELECT 'event trigger', t.evtname, concat_ws(' ', t.evtevent, t.evtfoid::regprocedure, t.evtenabled,
       t.evttags::text)
FROM pg_event_trigger t JOIN member m ON m.classid = 'pg_event_trigger'::regclass AND m.objid = t.oid
UNION ALL
SELECT 'operator', o.oid::regoperator::text,
       concat_ws(' ', o.oprcode, o.oprresult::regtype, o.oprcom::regoperator, o.oprnegate::regoperator,
                 o.oprrest, o.oprjoin, o.oprcanhash, o.oprcanmerge)
FROM pg_operator o JOIN member m ON m.classid = 'pg_operator'::regclass AND m.objid = o.oid
UNION ALL
SELECT 'cast', c.castsource::regtype || ' as ' || c.casttarget::regtype,
       concat_ws(' ', c.castfunc::regprocedure, c.castcontext, c.castmethod)
FROM pg_cast c JOIN member m ON m.classid = 'pg_cast'::regclass AND m.objid = c.oid
UNION ALL
SELECT 'language', l.lanname, concat_ws(' ', l.lanpltrusted, l.lanplcallfoid::regprocedure,
       l.laninline::regprocedure, l.lanvalidator::regprocedure, pg_temp.acl(l.lanacl))
FROM pg_language l JOIN member m ON m.classid = 'pg_language'::regclass AND m.objid = l.oid
UNION ALL
SELECT 'foreign data wrapper', f.fdwname, concat_ws(' ', f.fdwhandler::regprocedure,
       f.fdwvalidator::regprocedure, f.fdwoptions::text, pg_temp.acl(f.fdwacl))
FROM pg_foreign_data_wrapper f
JOIN member m ON m.classid = 'pg_foreign_data_wrapper'::regclass AND m.objid = f.oid
UNION ALL
SELECT 'server', s.srvname, concat_ws(' ', s.srvoptions::text, pg_temp.acl(s.srvacl))
FROM pg_foreign_server s JOIN member m ON m.classid = 'pg_foreign_server'::regclass AND m.objid = s.oid
UNION ALL
SELECT 'dumped table', c.relation::text, c.condition
FROM (SELECT unnest(e.extconfig)::regclass AS relation, unnest(e.extcondition) AS condition
      FROM pg_extension e WHERE e.extname = 'velostream') c;

SELECT kind || ' | ' || object || ' | ' || coalesce(replace(fact, E'\n', E'\n    '), '')
FROM fact ORDER BY kind, object, fact;

-- Rows that the scripts themselves put into tables (routes, tools, settings).  Columns
-- that hold when they did so differ by nature.
SELECT format('SELECT %L || '' | '' || (to_jsonb(t) - ''{%s}''::text[])::text FROM %s t ORDER BY 1',
              'row | ' || r.name,
              (SELECT coalesce(string_agg(attname, ','), '') FROM pg_attribute
               WHERE attrelid = r.oid AND attnum > 0 AND atttypid = 'timestamptz'::regtype),
              r.name)
FROM relation r WHERE r.relkind IN ('r', 'p') ORDER BY r.name::text
\gexec
