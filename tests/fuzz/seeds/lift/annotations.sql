-- SQL Application: demo
-- Version: 1.0
-- @region: "${REGION}", @x
-- @job_mode: adaptive
-- @data.f: enum ["A","B"], weights: [0.7,0.3]
-- @data.g no colon
/* block */ -- @metric: m
-- @metric_type: counter
SELECT 1 FROM a EMIT CHANGES; -- @name: after
