SELECT E'a\\n\\u0041\\'', U&'\\0041\\+00D83D', B'01', X'1F', N'a', $$a;b$$, $t$ $$ $t$, 'a'
  'b' -- c
  'c', 1.5e-3, .5, 1..2, 0x1F, 1_000, $1, a<-b, a@-b, a/*x/*y*/z*/b;
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 'unterminated
