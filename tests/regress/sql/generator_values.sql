-- Does the generator make up the same records for the same seed, as its hints say?
\set SHOW_CONTEXT never
\getenv srcdir PG_ABS_SRCDIR
\set functions :srcdir '/../native/functions.sql'
SET client_min_messages = warning;
CREATE SCHEMA generator_values;
\set ECHO none
\i :functions
\set ECHO all
RESET client_min_messages;
SET search_path = generator_values, public;
SET timezone = 'UTC';
SET datestyle = 'ISO';

CREATE TYPE mood AS ENUM ('calm', 'cross', 'merry');
CREATE DOMAIN small AS int CHECK (VALUE < 1000);
CREATE TABLE all_columns (
    i2 int2, i4 int, i8 bigint, f4 real, f8 double precision, n numeric(6, 3), n0 numeric, t text,
    vc varchar(3), c char(8), b boolean, u uuid, ts timestamptz, tsl timestamp, d date, j jsonb,
    js json, y bytea, iv interval, arr int[], m mood, dom small
);
SELECT probe.generator_create('generator_values', 'everything', 'all_columns',
    '{"record_count": "3", "time_start": "2026-03-01 12:00+00", "rows_per_second": "2"}');
\x on
SELECT * FROM everything;
\x off
-- the same again, whoever asks, also in another session's time zone
CREATE TABLE first AS SELECT * FROM everything;
SET timezone = 'Asia/Tokyo';
SELECT count(*) AS different FROM (SELECT f::text FROM first f EXCEPT SELECT e::text FROM everything e) d;
SET timezone = 'UTC';
SELECT probe.source_open('everything', bounded => true) AS h \gset
SELECT seq, appended_at, event_time FROM probe.source_batch(:h);
SELECT is_ended, lag FROM probe.source_state(:h);
-- a column more does not change the others; another seed changes all
CREATE TABLE few_columns (i4 int, new text, t text);
SELECT probe.generator_create('generator_values', 'few', 'few_columns', '{"record_count": "3"}');
SELECT probe.generator_create('generator_values', 'other', 'few_columns', '{"record_count": "3", "seed": "1"}');
SELECT i4, t FROM few EXCEPT SELECT i4, t FROM everything;
SELECT count(*) FROM (SELECT * FROM few INTERSECT SELECT * FROM other) x;

-- hints
CREATE TABLE hinted_columns (
    id bigint, side text, qty int, price numeric(8, 2), zone text, phone text, who text,
    walk float8, spread float8, popular int, maybe int, at timestamptz, day date
);
SELECT probe.generator_create('generator_values', 'hinted', 'hinted_columns', '{
    "record_count": "10000", "seed": "7",
    "data.id.sequential": "true",
    "data.side": "enum [\"buy\",\"sell\",\"hold\"], weights: [0.7,0.2,0.1]",
    "data.qty.range": "[1,10]",
    "data.price": "range [5,10], distribution: normal",
    "data.zone.cardinality": "5",
    "data.phone.pattern": "+49-###-??",
    "data.who.pattern": "user-{n}", "data.who.cardinality": "100",
    "data.walk": "range [100,200], distribution: random_walk, volatility: 0.01",
    "data.spread.range": "[-1,1]",
    "data.popular": "range [1,1000], distribution: zipf",
    "data.maybe.null_probability": "0.25",
    "data.at.range": "[2026-01-01 00:00+00,2026-02-01 00:00+00]",
    "data.day": "date, start: 2026-01-01, end: 2026-01-31"}');
SELECT min(id), max(id), count(DISTINCT id) FROM hinted;
SELECT side, round(count(*) / 10000.0, 1) AS part FROM hinted GROUP BY 1 ORDER BY 2 DESC;
SELECT min(qty), max(qty), count(DISTINCT qty), round(avg(qty), 1) AS mean FROM hinted;
SELECT min(price) >= 5 AND max(price) <= 10 AS in_range, round(avg(price), 1) AS mean,
       round(stddev(price), 1) AS deviation FROM hinted;
SELECT count(DISTINCT zone), count(DISTINCT who) FROM hinted;
SELECT bool_and(phone ~ '^\+49-[0-9]{3}-[a-z]{2}$'), count(DISTINCT phone) > 9000 AS many FROM hinted;
SELECT min(walk) >= 100 AND max(walk) <= 200 AS in_range, max(abs(step)) < 5 AS is_smooth
FROM (SELECT walk, walk - lag(walk) OVER (ORDER BY id) AS step FROM hinted) w;
SELECT round(min(spread)), round(max(spread)) FROM hinted;
SELECT mode() WITHIN GROUP (ORDER BY popular), round(count(*) FILTER (WHERE popular <= 10) / 10000.0, 1) AS top_ten
FROM hinted;
SELECT round(count(*) FILTER (WHERE maybe IS NULL) / 10000.0, 2) FROM hinted;
SELECT min(at) >= '2026-01-01' AND max(at) < '2026-02-01', min(day) >= '2026-01-01', max(day) <= '2026-01-31'
FROM hinted;
CREATE TABLE first_hinted AS SELECT at, day FROM hinted;
SET timezone = 'Asia/Tokyo';
SELECT count(*) AS different FROM (SELECT at, day FROM first_hinted EXCEPT SELECT at, day FROM hinted) d;
SET timezone = 'UTC';
SELECT id, side, qty, price, zone, phone, who, popular, maybe FROM hinted LIMIT 5;

-- time spread over a range
CREATE TABLE time_columns (ts timestamptz);
SELECT probe.generator_create('generator_values', 'spread', 'time_columns',
    '{"record_count": "4", "time_start": "2026-03-01 00:00+00", "time_end": "2026-03-02 00:00+00"}');
SELECT * FROM spread;
SELECT probe.generator_create('generator_values', 'until', 'time_columns',
    '{"rows_per_second": "0.001", "time_start": "2026-03-01 00:00+00", "time_end": "2026-03-01 01:00+00"}');
SELECT * FROM until;
SELECT probe.generator_create('generator_values', 'relative', 'time_columns',
    '{"record_count": "2", "time_start": "-1h", "time_end": "now"}');
SELECT date_trunc('minute', max(ts) - min(ts)), now() - min(ts) > '1h' FROM relative;

-- endless: what is due, up to a limit
SELECT probe.generator_create('generator_values', 'endless', 'time_columns', '{"rows_per_second": "0"}');
SET velo.generator_read_max = 12;
SELECT count(*) FROM endless;
RESET velo.generator_read_max;
SELECT probe.source_open('endless') AS e \gset
SELECT seq FROM probe.source_batch(:e, 3);
SELECT regexp_replace(position, '/[^/]*/', '/…/') AS position, is_ended, lag FROM probe.source_state(:e);
SELECT position AS p FROM probe.source_state(:e) \gset
SELECT probe.source_open('endless', "position" => :'p') AS e2 \gset
SELECT seq FROM probe.source_batch(:e2, 2);
-- throttled: not before it is due
SELECT probe.generator_create('generator_values', 'slow', 'time_columns', '{"rows_per_second": "0.01"}');
SELECT probe.source_open('slow') AS s \gset
SELECT seq FROM probe.source_batch(:s);
SELECT seq FROM probe.source_batch(:s);
SELECT is_ended, lag, round(extract(epoch FROM next_due - now()), -1) AS due_in FROM probe.source_state(:s);
SELECT position AS p FROM probe.source_state(:s) \gset
-- an altered rate holds from there on
SELECT probe.generator_alter('slow', '{"rows_per_second": "0.005"}');
SELECT probe.source_open('slow', "position" => :'p') AS s2 \gset
SELECT round(extract(epoch FROM next_due - now()), -1) AS due_in FROM probe.source_state(:s2);
SELECT pg_get_viewdef('slow') ~ '0.005' AS altered;
SELECT probe.source_open('slow', "position" => 'x');

-- it is not written to
INSERT INTO endless VALUES (now());
DELETE FROM endless;

-- what makes no sense
CREATE TABLE one (a int, t text, g point);
SELECT probe.generator_create('generator_values', 'bad', 'one');
ALTER TABLE one DROP COLUMN g;
SELECT probe.generator_create('generator_values', 'bad', 'one', '{"data.a.range": "[1]"}');
SELECT probe.generator_create('generator_values', 'bad', 'one', '{"data.a.range": "[9,1]"}');
SELECT probe.generator_create('generator_values', 'bad', 'one', '{"data.a.range": "[1,9999999999]"}');
SELECT probe.generator_create('generator_values', 'bad', 'one', '{"data.a.range": "[x,y]"}');
SELECT probe.generator_create('generator_values', 'bad', 'one', '{"data.a.enum": "[1,x]"}');
SELECT probe.generator_create('generator_values', 'bad', 'one', '{"data.a": "enum [1,2], weights: [0.5]"}');
SELECT probe.generator_create('generator_values', 'bad', 'one', '{"data.a": "enum [1,2], weights: [0.5,0.6]"}');
SELECT probe.generator_create('generator_values', 'bad', 'one', '{"data.a": "range [1,2] distribution normal"}');
SELECT probe.generator_create('generator_values', 'bad', 'one', '{"data.a.distribution": "odd"}');
SELECT probe.generator_create('generator_values', 'bad', 'one', '{"data.a.null_probability": "2"}');
SELECT probe.generator_create('generator_values', 'bad', 'one', '{"time_start": "yesterday noonish"}');
SELECT probe.generator_create('generator_values', 'bad', 'one', '{"time_start": "2026-01-02", "time_end": "2026-01-01"}');
SELECT probe.generator_create('generator_values', 'odd', 'one', '{"data.a.colour": "red", "record_count": "1"}');
CREATE TABLE bad_names (_key text);
SELECT probe.generator_create('generator_values', 'bad', 'bad_names');

SET client_min_messages = warning;
DROP SCHEMA generator_values CASCADE;
