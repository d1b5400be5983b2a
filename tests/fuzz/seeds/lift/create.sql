-- SQL Application: demo
-- @name: r
CREATE STREAM IF NOT EXISTS app.rides (id bigint PRIMARY KEY, s STRING NOT NULL DEFAULT 'x', m MAP(STRING, INT), a ARRAY(ARRAY(DOUBLE))) WITH ("event.time.field" = 'at', topic = ${x}, retries = -1, 'b' = '${BROKERS}', 'c'='${X:-d}');
CREATE TABLE t (a, b int) AS SELECT x AS a PRIMARY KEY, y FROM s JOIN k ON s.i = k.i INTO z WITH ('k' = 'v');
CREATE TABLE plain (a int) WITH (fillfactor = 70);
