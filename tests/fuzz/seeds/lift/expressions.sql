SELECT INTERVAL '5' MINUTES, timestamp(a, 'x'), timestamp(3) 'now', a::timestamp(3), position(a, b), position(a in b), extract('day', t), extract(day from t), array(a, b), array(select 1), json_value(a, b), first_value(a), first_value(a) over w, cast(a as DOUBLE), b::STRUCT(a INT) FROM t WINDOW w AS (PARTITION BY x) EMIT CHANGES;
SELECT avg(v) OVER (ROWS WINDOW BUFFER 50 ROWS PARTITION BY sensor EXPIRE AFTER INTERVAL '10' MINUTE) FROM r;
SELECT * FROM a JOIN b ON a.x = b.x WITHIN 5m; SELECT * FROM a JOIN b FOR SYSTEM_TIME AS OF a.t ON true; SELECT @alert('n', x) AS c FROM 'kafka://h/t';
WITH RECURSIVE c (a) AS NOT MATERIALIZED (SELECT 1) SELECT * FROM c, (SELECT * FROM d WINDOW TUMBLING(5m) EMIT CHANGES) e UNION ALL (SELECT 2) EMIT FINAL;
