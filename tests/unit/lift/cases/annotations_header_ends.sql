-- @app: a
-- @metric: m
-- @version: 3
SELECT 1;
-- @version: 4
SELECT 2;
