-- Functions of numbers and texts, in plain SQL.
\set VERBOSITY terse
\set SHOW_CONTEXT never
-- Half away from zero, of the number as it is written.
SELECT x, n, velo.round(x, n) FROM (VALUES (2.675::float8, 2), (-2.5, 0), (2.5, 0), (1234.5, -2), ('NaN', 1),
    ('-Infinity', 1), (1e300, 2), (5e-324, 3), (0.1, 400), (1e22, -500), (NULL, 1), (1, NULL)) v(x, n);
-- Integers stay PostgreSQL's.
SELECT velo.round(5::smallint, 2), velo.round(15, -1), velo.round(15::bigint, 1);
SELECT velo.len('häß'), velo.len(''), velo.len(NULL), velo.split('a-b-c', '-'), velo.split('ab', '-'), velo.split('', '-'), velo.split('a', NULL);
SELECT velo.join(', ', 1, NULL, 'x', true, '{1,2}'::int[]), velo.join(NULL, 'a', 'b'), velo.join('-', VARIADIC ARRAY['a', 'b']);
SELECT velo.position('b', 'abcb'), velo.position('x', 'abc'), velo.position('', 'abc'), velo.position(NULL, 'abc');
SELECT velo.position('b', 'äbcb', 3), velo.position('b', 'abcb', 5), velo.position('', 'abc', 4), velo.position('', 'abc', 5), velo.position('b', 'abcb', NULL);
SELECT velo.position('b', 'abcb', 0);
SELECT velo.regexp('abc', '^a.c$'), velo.regexp('abc', 'B'), velo.regexp(NULL, 'a');
SELECT velo.regexp('abc', '(');
