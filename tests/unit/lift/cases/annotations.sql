-- SQL Application: demo app
-- Version: 2.1
-- Tag: team:core
-- plain comment: not one
-- @author: "Ann ""A"" B"
-- @observability.metrics.enabled : true
-- @region: ${NODE|REGION:none}, ${NOPE:dflt}
-- @sticky-partition-id: 3
-- @job_mode: adaptive
-- @name: first job
-- @description: of the statement
CREATE STREAM s AS SELECT 1 FROM t -- @inside: no
EMIT CHANGES; -- @after: belongs below
-- @metric: m
-- @metric_help: 'quoted'
/* -- @block: no */
-- Name: second

-- @data.f: enum ["A","B"], weights: [0.7,0.3]
-- @data.g nothing
-- @todo tidy up
-- @x: ${NOPE}
SELECT 'a' and 'b';
-- @orphan: yes
