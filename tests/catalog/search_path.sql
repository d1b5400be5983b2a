-- A function in a language that resolves names fixes its search_path, or whoever calls
-- it chooses what its names mean.  C functions resolve none; bodies in SQL-standard
-- form (BEGIN ATOMIC) were resolved when they were made.
SELECT 'no SET search_path: ' || p.oid::regprocedure
FROM pg_proc p
JOIN pg_language l ON l.oid = p.prolang
JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'velostream'
WHERE l.lanname IN ('sql', 'plpgsql') AND p.prosqlbody IS NULL
  AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS setting WHERE setting LIKE 'search_path=%')
ORDER BY 1;
