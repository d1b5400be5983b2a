/** The page's pure parts, as Node runs TypeScript: without a build. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

const source = join(process.env.VELO_ROOT, "web/src");
const { Ring } = await import(join(source, "lib/ring.ts"));
const sql = await import(join(source, "lib/sql.ts"));
const types = await import(join(source, "lib/types.ts"));
const columns = await import(join(source, "features/live/columns.ts"));
const protocol = await import(join(source, "features/live/protocol.ts"));
const context = await import(join(source, "features/editor/context.ts"));

test("a ring keeps the newest rows in order", () => {
	const ring = new Ring(5);
	ring.push([1, 2, 3], 10);
	assert.deepEqual([ring.size, ring.dropped, ring.at(0), ring.at(3)], [3, 0, 1, undefined]);
	ring.push([4, 5, 6, 7], 20);
	assert.deepEqual(
		[0, 1, 2, 3, 4].map((i) => ring.at(i)),
		[3, 4, 5, 6, 7],
	);
	assert.deepEqual([ring.size, ring.total, ring.dropped], [5, 7, 2]);
	assert.deepEqual([ring.timeAt(0), ring.timeAt(1)], [10, 20]);
	ring.clear();
	assert.deepEqual([ring.size, ring.at(0)], [0, undefined]);
	assert.throws(() => new Ring(0), RangeError);
	// Times have to grow with it.
	const large = new Ring(5000);
	large.push(
		Array.from({ length: 7000 }, (_, i) => i),
		7,
	);
	assert.deepEqual([large.at(0), large.at(4999), large.timeAt(4999)], [2000, 6999, 7]);
});

test("statements end at semicolons that are no text", () => {
	const split = (text) => sql.splitStatements(text).map((statement) => statement.text);
	assert.deepEqual(split("SELECT 1; ;\n-- only a comment\n; SELECT 2"), ["SELECT 1", "SELECT 2"]);
	assert.deepEqual(split("SELECT ';''', \";\", $$;$$, $a$ ; $$ ; $a$, E'\\';'; SELECT 2"), [
		"SELECT ';''', \";\", $$;$$, $a$ ; $$ ; $a$, E'\\';'",
		"SELECT 2",
	]);
	assert.deepEqual(split("/* a /* ; */ ; */ SELECT 1 -- ;\n;-- @name: x\nSELECT 2"), [
		"/* a /* ; */ ; */ SELECT 1 -- ;",
		"-- @name: x\nSELECT 2",
	]);
	assert.deepEqual(split("SELECT 'open; SELECT 2"), ["SELECT 'open; SELECT 2"]);
	const statements = sql.splitStatements("SELECT 1;\nSELECT 2;");
	assert.equal(sql.statementAt(statements, 9).text, "SELECT 1");
	assert.equal(sql.statementAt(statements, 12).text, "SELECT 2");
	assert.equal(sql.statementAt([], 0), undefined);
});

test("queries are told from what is executed", () => {
	for (const text of [
		"select 1",
		"-- x\n/* y */ WITH a AS (SELECT 1) SELECT 1",
		"(SELECT 1)",
		"SHOW JOBS",
		"explain SELECT 1",
	]) {
		assert.ok(sql.isQuery(text), text);
	}
	for (const text of ["CREATE STREAM x (a int)", "INSERT INTO a SELECT 1", "-- SELECT", ""])
		assert.ok(!sql.isQuery(text), text);
	assert.deepEqual(["a_1", "Order", 'a"b'].map(sql.quoteName), ["a_1", '"Order"', '"a""b"']);
	// Characters are counted by PostgreSQL, UTF-16 units by editors.
	assert.deepEqual(sql.placeInText("x;\n SELECT '😀', b", 4, 1, 13), { line: 2, column: 15 });
});

test("values are written by the type of their column", () => {
	assert.equal(types.scaleOf("numeric(10,2)", []), 2);
	assert.equal(types.scaleOf("numeric", [1.5, 2.25, 3]), 2);
	assert.equal(types.scaleOf("numeric", [1 / 3]), undefined);
	assert.equal(types.scaleOf("double precision", [1.5]), undefined);
	assert.equal(types.formatValue(12.5, "numeric", 2), "12.50");
	assert.equal(types.formatValue(12.125, "numeric", 2), "12.125", "digits are never lost");
	assert.equal(types.formatValue("9007199254740993", "bigint"), "9007199254740993");
	assert.equal(types.formatValue("a", "jsonb"), '"a"');
	assert.equal(types.formatValue({ a: 1 }, "jsonb"), '{"a":1}');
	assert.deepEqual(
		["int4[]", "timestamp with time zone", "date", "numeric(5)", "boolean", "json", "interval"].map(
			types.kindOf,
		),
		["text", "time", "time", "number", "boolean", "json", "text"],
	);
	assert.equal(types.parseTime("2026-03-01 08:00:00.25+02"), Date.UTC(2026, 2, 1, 6, 0, 0, 250));
	assert.equal(types.parseTime("2026-03-01 08:00:00-05:30"), Date.UTC(2026, 2, 1, 13, 30));
	assert.equal(types.parseTime("2026-03-01"), Date.UTC(2026, 2, 1));
	assert.ok(Number.isNaN(types.parseTime("infinity")));
});

test("a chart is chosen by types and names", () => {
	const named = (...list) =>
		list.map((entry) => ({ name: entry.split(" ")[0], type: entry.slice(entry.indexOf(" ") + 1) }));
	const rows = [
		["a", 1],
		["b", 2],
		["a", 3],
		["b", 4],
		["a", 5],
	];
	assert.deepEqual(columns.chooseChart(named("zone text", "n bigint"), rows), {
		x: columns.ARRIVAL,
		y: 1,
		series: 0,
	});
	const window = named(
		"until timestamp with time zone",
		"_window_start timestamp with time zone",
		"order_id bigint",
		"fare numeric",
	);
	assert.deepEqual(columns.chooseChart(window, []), { x: 1, y: 3, series: null });
	assert.equal(columns.chooseChart(named("zone text"), [["a"]]), null);
	assert.deepEqual(columns.chooseChart(named("order_id bigint"), [[1]]), {
		x: columns.ARRIVAL,
		y: 0,
		series: null,
	});
});

test("a window's newer result takes the place of the older", () => {
	const ring = new Ring(10);
	const at = (second) => `2026-03-01 08:00:0${second}+00`;
	ring.push(
		[
			[at(1), "a", 1],
			[at(0), "a", 5],
			[at(1), "b", "7"],
			[at(1), "a", 2],
			[at(1), "c", null],
		],
		0,
	);
	const layout = [
		{ name: "at", type: "timestamptz" },
		{ name: "zone", type: "text" },
		{ name: "n", type: "bigint" },
	];
	const chart = columns.chartData(layout, { x: 0, y: 2, series: 1 }, ring);
	const start = Date.UTC(2026, 2, 1, 8) / 1000;
	assert.deepEqual(chart, {
		data: [
			[start, start + 1],
			[5, 2],
			[undefined, 7],
		],
		names: ["a", "b"],
		left: 0,
	});
});

test("a live query's state follows its frames", () => {
	const play = (...events) =>
		events.reduce((state, event) => protocol.reduce(state, event, 1000), protocol.idle);
	const begun = [
		{ type: "start", sql: "SELECT 1" },
		{ type: "open" },
		{ type: "rows", rows: [[1], [2]] },
	];
	assert.deepEqual([play(...begun).phase, play(...begun).rows], ["running", 2]);
	const paused = [...begun, { type: "ask", what: "pause" }, { type: "paused" }];
	assert.deepEqual([play(...paused).phase, play(...paused).asked], ["paused", null]);
	assert.equal(play(...paused, { type: "ask", what: "resume" }).asked, "resume");
	assert.equal(play(...paused, { type: "resumed" }).phase, "running");
	const failed = play(
		...begun,
		{ type: "error", error: { message: "no" } },
		{ type: "complete", rows: 2, reason: "end" },
	);
	assert.deepEqual([failed.phase, failed.problem.message], ["failed", "no"]);
	assert.equal(play(...begun, { type: "closed", problem: { message: "gone" } }).phase, "lost");
	const cancelled = play(
		...begun,
		{ type: "ask", what: "cancel" },
		{ type: "closed", problem: { message: "gone" } },
	);
	assert.deepEqual([cancelled.phase, cancelled.reason], ["complete", "cancelled"]);
	assert.deepEqual(
		play(...begun, { type: "news", from: "later" }),
		play(...begun),
		"unknown frames change nothing",
	);
});

test("completion knows where it is", () => {
	assert.deepEqual(context.placeOf("SELECT o."), { kind: "member", of: "o" });
	assert.deepEqual(context.placeOf('SELECT "My Stream".a'), { kind: "member", of: "My Stream" });
	assert.deepEqual(context.placeOf("SELECT * FROM or"), { kind: "relation" });
	assert.deepEqual(context.placeOf("CREATE STREAM x (a int) WITH ('type' = 'kafka', 'to"), {
		kind: "property",
	});
	assert.deepEqual(context.placeOf("SELECT a, "), { kind: "anything" });
	const found = context.relationsIn(
		'SELECT * FROM orders o JOIN public."Big One" AS b ON true WINDOW TUMBLING(5s)',
	);
	assert.deepEqual(
		[...found],
		[
			["orders", "orders"],
			["o", "orders"],
			["Big One", "Big One"],
			["b", "Big One"],
		],
	);
});
