-- Aggregates whose states are C structures (extension/src/function): each has the functions
-- that add a value, join two states, and save and restore one, so that jobs survive a
-- restart and a plain SELECT may run in parallel.

-- The value of the earliest and of the latest record.

CREATE OR REPLACE FUNCTION velo._first_at(internal, anyelement, "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_first_at';
COMMENT ON FUNCTION velo._first_at(internal, anyelement, "any") IS 'Internal: adds a value to a state of velo.first and velo.last by a time.';

CREATE OR REPLACE FUNCTION velo._last_at(internal, anyelement, "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_last_at';
COMMENT ON FUNCTION velo._last_at(internal, anyelement, "any") IS 'Internal: adds a value to a state of velo.first and velo.last by a time.';

CREATE OR REPLACE FUNCTION velo._first_at_merge(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_first_at_merge';
COMMENT ON FUNCTION velo._first_at_merge(internal, internal) IS 'Internal: joins two states of velo.first and velo.last by a time.';

CREATE OR REPLACE FUNCTION velo._last_at_merge(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_last_at_merge';
COMMENT ON FUNCTION velo._last_at_merge(internal, internal) IS 'Internal: joins two states of velo.first and velo.last by a time.';

CREATE OR REPLACE FUNCTION velo._at_save(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_at_save';
COMMENT ON FUNCTION velo._at_save(internal) IS 'Internal: saves a state of velo.first and velo.last by a time.';

CREATE OR REPLACE FUNCTION velo._at_load(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_at_load';
COMMENT ON FUNCTION velo._at_load(bytea, internal) IS 'Internal: restores a state of velo.first and velo.last by a time.';

CREATE OR REPLACE FUNCTION velo._at_final(internal, anyelement, "any") RETURNS anyelement
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_at_final';
COMMENT ON FUNCTION velo._at_final(internal, anyelement, "any") IS 'Internal: the result of velo.first and velo.last by a time.';

CREATE OR REPLACE AGGREGATE velo.first(anyelement, "any") (
    SFUNC = velo._first_at,
    STYPE = internal,
    FINALFUNC = velo._at_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = velo._first_at_merge,
    SERIALFUNC = velo._at_save,
    DESERIALFUNC = velo._at_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.first(anyelement, "any") IS 'The value of the record with the least time (second argument); of equal ones the first to come. NULLs are skipped.';

CREATE OR REPLACE AGGREGATE velo.last(anyelement, "any") (
    SFUNC = velo._last_at,
    STYPE = internal,
    FINALFUNC = velo._at_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = velo._last_at_merge,
    SERIALFUNC = velo._at_save,
    DESERIALFUNC = velo._at_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.last(anyelement, "any") IS 'The value of the record with the greatest time (second argument); of equal ones the last to come. NULLs are skipped.';

-- Distinct values.

CREATE OR REPLACE FUNCTION velo._distinct_add(internal, anyelement) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_distinct_add';
COMMENT ON FUNCTION velo._distinct_add(internal, anyelement) IS 'Internal: adds a value to a state of velo.count_distinct.';

CREATE OR REPLACE FUNCTION velo._distinct_merge(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_distinct_merge';
COMMENT ON FUNCTION velo._distinct_merge(internal, internal) IS 'Internal: joins two states of velo.count_distinct.';

CREATE OR REPLACE FUNCTION velo._distinct_save(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_distinct_save';
COMMENT ON FUNCTION velo._distinct_save(internal) IS 'Internal: saves a state of velo.count_distinct.';

CREATE OR REPLACE FUNCTION velo._distinct_load(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_distinct_load';
COMMENT ON FUNCTION velo._distinct_load(bytea, internal) IS 'Internal: restores a state of velo.count_distinct.';

CREATE OR REPLACE FUNCTION velo._distinct_count(internal) RETURNS bigint
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_distinct_count';
COMMENT ON FUNCTION velo._distinct_count(internal) IS 'Internal: the result of velo.count_distinct.';

CREATE OR REPLACE AGGREGATE velo.count_distinct(anyelement) (
    SFUNC = velo._distinct_add,
    STYPE = internal,
    FINALFUNC = velo._distinct_count,
    COMBINEFUNC = velo._distinct_merge,
    SERIALFUNC = velo._distinct_save,
    DESERIALFUNC = velo._distinct_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.count_distinct(anyelement) IS 'How many different values that are not NULL; exact, keeps them all.';

CREATE OR REPLACE FUNCTION velo._approx_add(internal, anyelement) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_approx_add';
COMMENT ON FUNCTION velo._approx_add(internal, anyelement) IS 'Internal: adds a value to a state of velo.approx_count_distinct.';

CREATE OR REPLACE FUNCTION velo._approx_merge(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_approx_merge';
COMMENT ON FUNCTION velo._approx_merge(internal, internal) IS 'Internal: joins two states of velo.approx_count_distinct.';

CREATE OR REPLACE FUNCTION velo._approx_save(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_approx_save';
COMMENT ON FUNCTION velo._approx_save(internal) IS 'Internal: saves a state of velo.approx_count_distinct.';

CREATE OR REPLACE FUNCTION velo._approx_load(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_approx_load';
COMMENT ON FUNCTION velo._approx_load(bytea, internal) IS 'Internal: restores a state of velo.approx_count_distinct.';

CREATE OR REPLACE FUNCTION velo._approx_count(internal) RETURNS bigint
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_approx_count';
COMMENT ON FUNCTION velo._approx_count(internal) IS 'Internal: the result of velo.approx_count_distinct.';

CREATE OR REPLACE AGGREGATE velo.approx_count_distinct(anyelement) (
    SFUNC = velo._approx_add,
    STYPE = internal,
    FINALFUNC = velo._approx_count,
    COMBINEFUNC = velo._approx_merge,
    SERIALFUNC = velo._approx_save,
    DESERIALFUNC = velo._approx_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.approx_count_distinct(anyelement) IS 'How many different values that are not NULL, with a standard error of 0.81 % (HyperLogLog); up to 1024 are counted exactly. At most 16 kB a group.';

-- Percentiles.

CREATE OR REPLACE FUNCTION velo._percentile_add(internal, double precision, double precision) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_percentile_add';
COMMENT ON FUNCTION velo._percentile_add(internal, double precision, double precision) IS 'Internal: adds a value to a state of velo.approx_percentile.';

CREATE OR REPLACE FUNCTION velo._percentiles_add(internal, double precision, double precision[]) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_percentiles_add';
COMMENT ON FUNCTION velo._percentiles_add(internal, double precision, double precision[]) IS 'Internal: adds a value to a state of velo.approx_percentile.';

CREATE OR REPLACE FUNCTION velo._percentile_merge(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_percentile_merge';
COMMENT ON FUNCTION velo._percentile_merge(internal, internal) IS 'Internal: joins two states of velo.approx_percentile.';

CREATE OR REPLACE FUNCTION velo._percentile_save(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_percentile_save';
COMMENT ON FUNCTION velo._percentile_save(internal) IS 'Internal: saves a state of velo.approx_percentile.';

CREATE OR REPLACE FUNCTION velo._percentile_load(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_percentile_load';
COMMENT ON FUNCTION velo._percentile_load(bytea, internal) IS 'Internal: restores a state of velo.approx_percentile.';

CREATE OR REPLACE FUNCTION velo._percentile_final(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_percentile_final';
COMMENT ON FUNCTION velo._percentile_final(internal) IS 'Internal: the result of velo.approx_percentile.';

CREATE OR REPLACE FUNCTION velo._percentiles_final(internal) RETURNS double precision[]
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_percentiles_final';
COMMENT ON FUNCTION velo._percentiles_final(internal) IS 'Internal: the result of velo.approx_percentile.';

CREATE OR REPLACE AGGREGATE velo.approx_percentile(double precision, double precision) (
    SFUNC = velo._percentile_add,
    STYPE = internal,
    FINALFUNC = velo._percentile_final,
    COMBINEFUNC = velo._percentile_merge,
    SERIALFUNC = velo._percentile_save,
    DESERIALFUNC = velo._percentile_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.approx_percentile(double precision, double precision) IS 'The value below which the given fraction (0 to 1) of the values lies, with a relative error of 1 % (DDSketch).';

CREATE OR REPLACE AGGREGATE velo.approx_percentile(double precision, double precision[]) (
    SFUNC = velo._percentiles_add,
    STYPE = internal,
    FINALFUNC = velo._percentiles_final,
    COMBINEFUNC = velo._percentile_merge,
    SERIALFUNC = velo._percentile_save,
    DESERIALFUNC = velo._percentile_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.approx_percentile(double precision, double precision[]) IS 'Several percentiles at once: an array like the one of fractions, with a relative error of 1 % (DDSketch).';

CREATE OR REPLACE FUNCTION velo._median_add(internal, double precision) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_median_add';
COMMENT ON FUNCTION velo._median_add(internal, double precision) IS 'Internal: adds a value to a state of velo.median.';

CREATE OR REPLACE FUNCTION velo._median_merge(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_median_merge';
COMMENT ON FUNCTION velo._median_merge(internal, internal) IS 'Internal: joins two states of velo.median.';

CREATE OR REPLACE FUNCTION velo._median_save(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_median_save';
COMMENT ON FUNCTION velo._median_save(internal) IS 'Internal: saves a state of velo.median.';

CREATE OR REPLACE FUNCTION velo._median_load(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_median_load';
COMMENT ON FUNCTION velo._median_load(bytea, internal) IS 'Internal: restores a state of velo.median.';

CREATE OR REPLACE FUNCTION velo._median_final(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_median_final';
COMMENT ON FUNCTION velo._median_final(internal) IS 'Internal: the result of velo.median.';

CREATE OR REPLACE AGGREGATE velo.median(double precision) (
    SFUNC = velo._median_add,
    STYPE = internal,
    FINALFUNC = velo._median_final,
    COMBINEFUNC = velo._median_merge,
    SERIALFUNC = velo._median_save,
    DESERIALFUNC = velo._median_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.median(double precision) IS 'The middle value, between the two middle ones if their number is even: percentile_cont(0.5). Exact, keeps all values.';

-- By the order of values.

CREATE OR REPLACE FUNCTION velo._topk_add(internal, anyelement, integer) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_topk_add';
COMMENT ON FUNCTION velo._topk_add(internal, anyelement, integer) IS 'Internal: adds a value to a state of velo.topk and velo.topk_distinct.';

CREATE OR REPLACE FUNCTION velo._topk_distinct_add(internal, anyelement, integer) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_topk_distinct_add';
COMMENT ON FUNCTION velo._topk_distinct_add(internal, anyelement, integer) IS 'Internal: adds a value to a state of velo.topk and velo.topk_distinct.';

CREATE OR REPLACE FUNCTION velo._topk_merge(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_topk_merge';
COMMENT ON FUNCTION velo._topk_merge(internal, internal) IS 'Internal: joins two states of velo.topk and velo.topk_distinct.';

CREATE OR REPLACE FUNCTION velo._topk_distinct_merge(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_topk_distinct_merge';
COMMENT ON FUNCTION velo._topk_distinct_merge(internal, internal) IS 'Internal: joins two states of velo.topk and velo.topk_distinct.';

CREATE OR REPLACE FUNCTION velo._topk_save(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_topk_save';
COMMENT ON FUNCTION velo._topk_save(internal) IS 'Internal: saves a state of velo.topk and velo.topk_distinct.';

CREATE OR REPLACE FUNCTION velo._topk_load(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_topk_load';
COMMENT ON FUNCTION velo._topk_load(bytea, internal) IS 'Internal: restores a state of velo.topk and velo.topk_distinct.';

CREATE OR REPLACE FUNCTION velo._topk_final(internal, anyelement, integer) RETURNS anyarray
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_topk_final';
COMMENT ON FUNCTION velo._topk_final(internal, anyelement, integer) IS 'Internal: the result of velo.topk and velo.topk_distinct.';

CREATE OR REPLACE AGGREGATE velo.topk(anyelement, integer) (
    SFUNC = velo._topk_add,
    STYPE = internal,
    FINALFUNC = velo._topk_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = velo._topk_merge,
    SERIALFUNC = velo._topk_save,
    DESERIALFUNC = velo._topk_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.topk(anyelement, integer) IS 'The k greatest values that are not NULL, descending.';

CREATE OR REPLACE AGGREGATE velo.topk_distinct(anyelement, integer) (
    SFUNC = velo._topk_distinct_add,
    STYPE = internal,
    FINALFUNC = velo._topk_final,
    FINALFUNC_EXTRA,
    COMBINEFUNC = velo._topk_distinct_merge,
    SERIALFUNC = velo._topk_save,
    DESERIALFUNC = velo._topk_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.topk_distinct(anyelement, integer) IS 'The k greatest different values that are not NULL, descending.';

CREATE OR REPLACE FUNCTION velo._extremes_add(internal, anyelement) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_extremes_add';
COMMENT ON FUNCTION velo._extremes_add(internal, anyelement) IS 'Internal: adds a value to a state of velo.delta.';

CREATE OR REPLACE FUNCTION velo._extremes_merge(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_extremes_merge';
COMMENT ON FUNCTION velo._extremes_merge(internal, internal) IS 'Internal: joins two states of velo.delta.';

CREATE OR REPLACE FUNCTION velo._extremes_save(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_extremes_save';
COMMENT ON FUNCTION velo._extremes_save(internal) IS 'Internal: saves a state of velo.delta.';

CREATE OR REPLACE FUNCTION velo._extremes_load(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_extremes_load';
COMMENT ON FUNCTION velo._extremes_load(bytea, internal) IS 'Internal: restores a state of velo.delta.';

CREATE OR REPLACE FUNCTION velo._extremes_delta(internal, anyelement) RETURNS anyelement
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_extremes_delta';
COMMENT ON FUNCTION velo._extremes_delta(internal, anyelement) IS 'Internal: the result of velo.delta.';

CREATE OR REPLACE AGGREGATE velo.delta(smallint) (
    SFUNC = velo._extremes_add,
    STYPE = internal,
    FINALFUNC = velo._extremes_delta,
    FINALFUNC_EXTRA,
    COMBINEFUNC = velo._extremes_merge,
    SERIALFUNC = velo._extremes_save,
    DESERIALFUNC = velo._extremes_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.delta(smallint) IS 'The greatest value less the least one.';

CREATE OR REPLACE AGGREGATE velo.delta(integer) (
    SFUNC = velo._extremes_add,
    STYPE = internal,
    FINALFUNC = velo._extremes_delta,
    FINALFUNC_EXTRA,
    COMBINEFUNC = velo._extremes_merge,
    SERIALFUNC = velo._extremes_save,
    DESERIALFUNC = velo._extremes_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.delta(integer) IS 'The greatest value less the least one.';

CREATE OR REPLACE AGGREGATE velo.delta(bigint) (
    SFUNC = velo._extremes_add,
    STYPE = internal,
    FINALFUNC = velo._extremes_delta,
    FINALFUNC_EXTRA,
    COMBINEFUNC = velo._extremes_merge,
    SERIALFUNC = velo._extremes_save,
    DESERIALFUNC = velo._extremes_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.delta(bigint) IS 'The greatest value less the least one.';

CREATE OR REPLACE AGGREGATE velo.delta(real) (
    SFUNC = velo._extremes_add,
    STYPE = internal,
    FINALFUNC = velo._extremes_delta,
    FINALFUNC_EXTRA,
    COMBINEFUNC = velo._extremes_merge,
    SERIALFUNC = velo._extremes_save,
    DESERIALFUNC = velo._extremes_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.delta(real) IS 'The greatest value less the least one.';

CREATE OR REPLACE AGGREGATE velo.delta(double precision) (
    SFUNC = velo._extremes_add,
    STYPE = internal,
    FINALFUNC = velo._extremes_delta,
    FINALFUNC_EXTRA,
    COMBINEFUNC = velo._extremes_merge,
    SERIALFUNC = velo._extremes_save,
    DESERIALFUNC = velo._extremes_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.delta(double precision) IS 'The greatest value less the least one.';

CREATE OR REPLACE AGGREGATE velo.delta(numeric) (
    SFUNC = velo._extremes_add,
    STYPE = internal,
    FINALFUNC = velo._extremes_delta,
    FINALFUNC_EXTRA,
    COMBINEFUNC = velo._extremes_merge,
    SERIALFUNC = velo._extremes_save,
    DESERIALFUNC = velo._extremes_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.delta(numeric) IS 'The greatest value less the least one.';

CREATE OR REPLACE AGGREGATE velo.delta(interval) (
    SFUNC = velo._extremes_add,
    STYPE = internal,
    FINALFUNC = velo._extremes_delta,
    FINALFUNC_EXTRA,
    COMBINEFUNC = velo._extremes_merge,
    SERIALFUNC = velo._extremes_save,
    DESERIALFUNC = velo._extremes_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.delta(interval) IS 'The greatest value less the least one.';

-- Values as a text.

CREATE OR REPLACE FUNCTION velo._listagg_add(internal, anyelement) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_listagg_add';
COMMENT ON FUNCTION velo._listagg_add(internal, anyelement) IS 'Internal: adds a value to a state of velo.listagg.';

CREATE OR REPLACE FUNCTION velo._listagg_add(internal, anyelement, text) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_listagg_add';
COMMENT ON FUNCTION velo._listagg_add(internal, anyelement, text) IS 'Internal: adds a value to a state of velo.listagg.';

CREATE OR REPLACE FUNCTION velo._listagg_merge(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_listagg_merge';
COMMENT ON FUNCTION velo._listagg_merge(internal, internal) IS 'Internal: joins two states of velo.listagg.';

CREATE OR REPLACE FUNCTION velo._listagg_save(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_listagg_save';
COMMENT ON FUNCTION velo._listagg_save(internal) IS 'Internal: saves a state of velo.listagg.';

CREATE OR REPLACE FUNCTION velo._listagg_load(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_listagg_load';
COMMENT ON FUNCTION velo._listagg_load(bytea, internal) IS 'Internal: restores a state of velo.listagg.';

CREATE OR REPLACE FUNCTION velo._listagg_final(internal) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_listagg_final';
COMMENT ON FUNCTION velo._listagg_final(internal) IS 'Internal: the result of velo.listagg.';

CREATE OR REPLACE AGGREGATE velo.listagg(anyelement) (
    SFUNC = velo._listagg_add,
    STYPE = internal,
    FINALFUNC = velo._listagg_final,
    COMBINEFUNC = velo._listagg_merge,
    SERIALFUNC = velo._listagg_save,
    DESERIALFUNC = velo._listagg_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.listagg(anyelement) IS 'Values that are not NULL as texts, by arrival, with commas between them.';

CREATE OR REPLACE AGGREGATE velo.listagg(anyelement, text) (
    SFUNC = velo._listagg_add,
    STYPE = internal,
    FINALFUNC = velo._listagg_final,
    COMBINEFUNC = velo._listagg_merge,
    SERIALFUNC = velo._listagg_save,
    DESERIALFUNC = velo._listagg_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.listagg(anyelement, text) IS 'Values that are not NULL as texts, by arrival, with a separator between them.';

CREATE OR REPLACE AGGREGATE velo.collect(anyelement) (
    SFUNC = velo._listagg_add,
    STYPE = internal,
    FINALFUNC = velo._listagg_final,
    COMBINEFUNC = velo._listagg_merge,
    SERIALFUNC = velo._listagg_save,
    DESERIALFUNC = velo._listagg_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.collect(anyelement) IS 'Values that are not NULL as texts, by arrival, with commas between them.';

CREATE OR REPLACE AGGREGATE velo.collect(anyelement, text) (
    SFUNC = velo._listagg_add,
    STYPE = internal,
    FINALFUNC = velo._listagg_final,
    COMBINEFUNC = velo._listagg_merge,
    SERIALFUNC = velo._listagg_save,
    DESERIALFUNC = velo._listagg_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.collect(anyelement, text) IS 'Values that are not NULL as texts, by arrival, with a separator between them.';

CREATE OR REPLACE AGGREGATE velo.group_concat(anyelement) (
    SFUNC = velo._listagg_add,
    STYPE = internal,
    FINALFUNC = velo._listagg_final,
    COMBINEFUNC = velo._listagg_merge,
    SERIALFUNC = velo._listagg_save,
    DESERIALFUNC = velo._listagg_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.group_concat(anyelement) IS 'Values that are not NULL as texts, by arrival, with commas between them.';

CREATE OR REPLACE AGGREGATE velo.group_concat(anyelement, text) (
    SFUNC = velo._listagg_add,
    STYPE = internal,
    FINALFUNC = velo._listagg_final,
    COMBINEFUNC = velo._listagg_merge,
    SERIALFUNC = velo._listagg_save,
    DESERIALFUNC = velo._listagg_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.group_concat(anyelement, text) IS 'Values that are not NULL as texts, by arrival, with a separator between them.';

CREATE OR REPLACE AGGREGATE velo.string_agg(anyelement) (
    SFUNC = velo._listagg_add,
    STYPE = internal,
    FINALFUNC = velo._listagg_final,
    COMBINEFUNC = velo._listagg_merge,
    SERIALFUNC = velo._listagg_save,
    DESERIALFUNC = velo._listagg_load,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE velo.string_agg(anyelement) IS 'Values that are not NULL as texts, by arrival, with commas between them.';
