-- Aggregates of schema velo in plain SELECTs: values, NULLs, errors, and that parts joined
-- by PostgreSQL's parallel aggregation give the same.
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE TEMP TABLE v (x text, t integer, n numeric);
INSERT INTO v VALUES ('a', 3, 1.10), ('b', 1, 2.20), ('c', 2, 3.30), ('c', 5, NULL), (NULL, 9, 1.1), ('d', NULL, 7);
SELECT velo.first(x), velo.last(x), velo.first(x, t), velo.last(x, t), velo.first(x, n), velo.last(t, n) FROM v;
-- Equal times: the first to come, the last to come.
SELECT velo.first(x, 1), velo.last(x, 1) FROM v;
SELECT velo.count_distinct(x), velo.count_distinct(n), velo.approx_count_distinct(x), velo.approx_count_distinct(n) FROM v;
SELECT velo.topk(t, 3), velo.topk(x, 2), velo.topk_distinct(x, 2), velo.topk(n, 100), velo.topk_distinct(n, 100), velo.topk(x COLLATE "C", 1) FROM v;
SELECT velo.median(t), velo.median(n), velo.median(t) FILTER (WHERE t < 5), velo.delta(t), velo.delta(n) FROM v;
SELECT velo.delta(t::smallint), velo.delta(t::bigint), velo.delta(t::real), velo.delta(t::float8), velo.delta(t * interval '1 s') FROM v;
SELECT velo.listagg(x), velo.listagg(t, ' | '), velo.collect(n), velo.collect(n, NULL), velo.group_concat(t > 2), velo.group_concat(x, ''), velo.string_agg(t), velo.listagg(x || '  '::char(3)) FROM v;
SELECT velo.listagg(x ORDER BY x DESC), velo.listagg(DISTINCT x) FROM v;
SELECT velo.approx_percentile(t, 0), velo.approx_percentile(t, 1), velo.approx_percentile(t, ARRAY[0, NULL, 1]), velo.approx_percentile(t, ARRAY[[0, 1], [1, 0]]), velo.approx_percentile(t, '{}'::float8[]), velo.approx_percentile(t, NULL::float8) FROM v;
SELECT abs(velo.approx_percentile(x, 0.5) / 500 - 1) <= 0.01 AS middle, velo.approx_percentile(-x, 0.5) BETWEEN -505 AND -495 AS negative FROM generate_series(1, 999) x;
SELECT velo.approx_percentile(x, ARRAY[0, 0.25, 0.5, 0.75, 1]) FROM unnest('{-Infinity,0,0,Infinity,NaN}'::float8[]) x;
SELECT velo.median(x) = percentile_cont(0.5) WITHIN GROUP (ORDER BY x) AS same, velo.median(x) FROM unnest('{-Infinity,3,NaN,1}'::float8[]) x;
SELECT velo.approx_percentile(x, ARRAY[0, 0.5, 1]) FROM (VALUES (-1e308), (5e-324), (1.7e308)) v(x);
-- Nothing, and nothing but NULLs.
SELECT velo.first(x, t), velo.count_distinct(x), velo.approx_count_distinct(x), velo.topk(x, 2), velo.median(t), velo.delta(t), velo.listagg(x), velo.approx_percentile(t, 0.5), velo.approx_percentile(t, ARRAY[0.5]) FROM v WHERE false;
SELECT velo.first(x, t), velo.count_distinct(x), velo.approx_count_distinct(x), velo.topk(x, 2), velo.median(t), velo.delta(t), velo.listagg(x), velo.approx_percentile(t, 0.5), velo.approx_percentile(t, ARRAY[0.5]) FROM (VALUES (NULL::text, NULL::int)) v(x, t);
-- As window functions: states that go on after a result.
SELECT t, velo.median(t) OVER w, velo.topk(t, 2) OVER w, velo.count_distinct(x) OVER w, velo.listagg(x) OVER w, velo.delta(t) OVER w, velo.last(x, t) OVER w FROM v WINDOW w AS (ORDER BY t NULLS FIRST) ORDER BY t NULLS FIRST;
-- Errors.
SELECT velo.topk(t, 0) FROM v;
SELECT velo.topk(t, 100001) FROM v;
SELECT velo.topk_distinct(t, NULL) FROM v;
SELECT velo.topk(t, CASE WHEN t < 3 THEN 1 ELSE 2 END) FROM v WHERE t IS NOT NULL;
SELECT velo.topk(x::json, 1) FROM (VALUES ('1')) v(x);
SELECT velo.count_distinct(x::json) FROM (VALUES ('1')) v(x);
SELECT velo.approx_count_distinct(x::json) FROM (VALUES ('1')) v(x);
SELECT velo.first(x, x::json) FROM (VALUES ('1')) v(x);
SELECT velo.delta(x) FROM v;
SELECT velo.approx_percentile(t, 1.5) FROM v;
SELECT velo.approx_percentile(t, 'NaN'::float8) FROM v;
SELECT velo.approx_percentile(t, ARRAY[0.5, -0.1]) FROM v;
SELECT velo.approx_percentile(t, t / 10.0) FROM v WHERE t IS NOT NULL;

-- In parallel: states are saved, restored and joined.
CREATE TABLE public.functions_numbers AS SELECT g AS i, (g * 7919) % 100003 AS h, 'k' || g % 3000 AS k, ((g * 7919) % 1000)::numeric / 7 AS n FROM generate_series(1, 200000) g;
ANALYZE public.functions_numbers;
CREATE TEMP VIEW results AS SELECT velo.first(k, i) AS f, velo.last(k, i) AS l, velo.count_distinct(k) AS cd, velo.count_distinct(n) AS cn, velo.approx_count_distinct(h) AS ah, velo.approx_count_distinct(i % 500) AS a500,
    velo.approx_percentile(h, 0.5) AS p, velo.approx_percentile(i, ARRAY[0.1, 0.9]) AS ps, velo.median(n::float8) AS m, velo.topk(n, 3) AS t, velo.topk_distinct(n, 3) AS td, velo.topk(k, 2) AS tk, velo.delta(n) AS d, length(velo.listagg(i)) AS ll FROM public.functions_numbers;
SET max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE alone AS SELECT * FROM results;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT velo.median(n::float8) FROM public.functions_numbers;
CREATE TEMP TABLE together AS SELECT * FROM results;
SELECT count(*) AS differences FROM (TABLE alone EXCEPT TABLE together) d;
SELECT f, l, cd, cn, a500, t, td, tk, d, ll, abs(ah / 100003.0 - 1) < 0.03 AS near, m = (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY n::float8) FROM public.functions_numbers) AS median FROM together;
DROP VIEW results;
DROP TABLE public.functions_numbers;
