-- Everything public has a COMMENT: it is what a stranger, the API's description and
-- an agent's tool list show.  A name that starts with _ is not public.
WITH object AS (
    SELECT 'pg_class'::regclass AS catalog, c.oid, c.relname AS name, c.relnamespace AS schema
    FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
      -- a sequence behind a column is described by the column
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                      AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND c.relkind = 'S')
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, p.proname, p.pronamespace FROM pg_proc p
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, t.typname, t.typnamespace FROM pg_type t
    WHERE t.typtype IN ('b', 'd', 'e', 'r')
      AND t.typelem = 0 AND t.typrelid = 0
       OR t.typrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c')
    UNION ALL
    SELECT 'pg_operator'::regclass, o.oid, o.oprname, o.oprnamespace FROM pg_operator o
)
SELECT 'no COMMENT ON ' || pg_describe_object(object.catalog, object.oid, 0)
FROM object
WHERE object.schema = to_regnamespace('velo') AND object.name NOT LIKE '\_%'
  AND obj_description(object.oid, object.catalog::text) IS NULL
ORDER BY 1;
