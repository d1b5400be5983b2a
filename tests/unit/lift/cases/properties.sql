CREATE STREAM s WITH ('a' = '${BROKERS}', 'b' = 'x-${EMPTY}-${REGION}', 'c' = '${NOPE:-def}', 'd' = '${QUOTE}', 'e' = '${secret:pw}', 'f' = '$x ${', 'g' = '${NOPE:-}');
CREATE STREAM s WITH ('a' = '${NOPE}', 'b' = '${NOPE:?set it to the broker}', 'c' = '${NOPE:x}', 'd' = '${}', 'e' = '${1}');
CREATE STREAM s WITH (a = E'x\ty', b = U&'\0041', c = $$it's$$, d = 'one'
  'two', e = +5, "F" = G);
CREATE STREAM s WITH ('a', b 'c', d = , e = 5m, f == g, 'h' = 'i' 'j' = 'k', 5 = l, m = ${V}, n = (1, 2), o = 'fine');
CREATE STREAM s WITH ();
CREATE STREAM s WITH (a = b;
CREATE STREAM s WITH a = b;
CREATE STREAM s WITH (a => b);
CREATE STREAM s WITH (a = E'\u00zz');
