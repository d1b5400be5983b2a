/** What a person does with the page, on a gateway in open mode. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
	axeSource,
	closeBrowser,
	figure,
	gateway,
	openPage,
	phase,
	psql,
	ready,
	screenshot,
	typeSql,
	waitFor,
} from "./stack.mjs";

let server;

before(async () => {
	server = await gateway();
});

after(async () => {
	await closeBrowser();
	await server?.stop();
});

const WINDOWS = `SELECT _window_start AS since, product, count(*) AS orders,
    sum(quantity * price) AS revenue
FROM orders WINDOW TUMBLING(2s)
GROUP BY product
EMIT CHANGES;`;

/** Monaco has alerts of its own. */
function results(page) {
	return page.getByRole("region", { name: "Results" });
}

/** Left and top of a text in the editor, from the editor's own layout. */
async function wordBox(page, word) {
	return page.evaluate((wanted) => {
		const lines = document.querySelector(".monaco-editor .view-lines");
		const walker = document.createTreeWalker(lines, NodeFilter.SHOW_TEXT);
		for (let node = walker.nextNode(); node; node = walker.nextNode()) {
			const at = node.textContent.indexOf(wanted);
			if (at < 0) continue;
			const range = document.createRange();
			range.setStart(node, at);
			range.setEnd(node, at + wanted.length);
			const box = range.getBoundingClientRect();
			return { left: box.left, right: box.right, top: box.top, bottom: box.bottom };
		}
		return null;
	}, word);
}

test("an error is marked where it is, and goes when it is mended", async () => {
	const { page, finish } = await openPage(server.url);
	await ready(page);
	await typeSql(page, "SELECT product,\n       pricee\nFROM orders EMIT CHANGES");
	const squiggle = page.locator(".monaco-editor .squiggly-error");
	await squiggle.waitFor();
	assert.match(await page.locator('[data-testid="validation"]').textContent(), /1 error/);
	const line = page.getByRole("list", { name: "Problems" }).getByRole("button");
	assert.match(await line.textContent(), /column "pricee" does not exist.*2:8$/s);
	const mark = await squiggle.boundingBox();
	const word = await wordBox(page, "pricee");
	assert.ok(Math.abs(mark.x - word.left) < 3, `${mark.x} ${word.left}`);
	assert.ok(Math.abs(mark.x + mark.width - word.right) < 3, `${mark.x + mark.width} ${word.right}`);
	assert.ok(mark.y >= word.top - 2 && mark.y <= word.bottom, "on its line");
	await screenshot(page, "error");

	await typeSql(page, "SELECT product,\n       price\nFROM orders EMIT CHANGES");
	await page.getByText("No problems").waitFor();
	assert.equal(await squiggle.count(), 0);
	await finish();
});

test("an answer about an earlier text is dropped", async () => {
	const { page, finish } = await openPage(server.url);
	await ready(page);
	await typeSql(page, "SELECT wrong FROM orders");
	await sleep(260); // just when it is being asked
	await typeSql(page, "SELECT price FROM orders");
	await page.getByText("No problems").waitFor();
	await sleep(600);
	assert.equal(await page.locator(".squiggly-error").count(), 0);
	assert.equal(await page.getByText("No problems").count(), 1);
	await finish();
});

test("rows and chart are live; pause, resume and stop do what they say", async () => {
	const { page, finish } = await openPage(server.url);
	await ready(page);
	await typeSql(page, WINDOWS);
	await page.keyboard.press("ControlOrMeta+Enter");
	await phase(page, "running");
	await page.locator('[role="gridcell"]').first().waitFor();
	const early = await figure(page, "rows");
	await waitFor(async () => (await figure(page, "rows")) > early + 40, "40 more rows");
	await waitFor(async () => (await figure(page, "rows/s")) > 5, "a rate");
	await page.locator('[data-figure="watermark"]').waitFor();

	const chart = page.getByRole("img", { name: /Line chart of revenue by since, 5 lines/ });
	await chart.waitFor();
	const canvas = () => page.locator(".uplot canvas").evaluate((element) => element.toDataURL());
	const before = await canvas();
	await waitFor(async () => (await canvas()) !== before, "the chart moves");
	await screenshot(page, "live-light");

	await page.getByRole("button", { name: "Pause", exact: true }).click();
	await phase(page, "paused");
	await sleep(300);
	const paused = await figure(page, "rows");
	await sleep(1500);
	assert.equal(await figure(page, "rows"), paused, "no rows while paused");
	await page.getByRole("button", { name: "Resume", exact: true }).click();
	await phase(page, "running");
	await waitFor(async () => (await figure(page, "rows")) > paused, "rows again");

	const backends = () =>
		Number(
			psql(
				"SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%TUMBLING(2s)%' AND pid <> pg_backend_pid() AND state = 'active'",
			),
		);
	assert.equal(backends(), 1, "one backend runs it");
	await page.getByRole("button", { name: "Stop", exact: true }).click();
	await phase(page, "complete");
	await page.getByText("Stopped").waitFor();
	const stopped = await figure(page, "rows");
	await waitFor(() => backends() === 0, "the backend is gone");
	await sleep(500);
	assert.equal(await figure(page, "rows"), stopped);
	await finish();
});

test("a query that ends, fails or is lost says so", async () => {
	const { page, finish, expected } = await openPage(server.url);
	await ready(page);
	await typeSql(
		page,
		"SELECT * FROM (VALUES (1, NULL::text, '{\"a\": [1, 2]}'::jsonb), (2, 'x', '\"s\"')) AS t (n, t, doc)",
	);
	await page.keyboard.press("ControlOrMeta+Enter");
	await phase(page, "complete");
	assert.equal(await figure(page, "rows"), 2);
	assert.deepEqual(await page.locator('[role="row"] [role="gridcell"]').allTextContents(), [
		"1",
		"NULL",
		'{"a":[1,2]}',
		"2",
		"x",
		'"s"',
	]);
	// A row in full, by keys alone.
	await page.keyboard.press("Alt+r");
	await page.keyboard.press("ArrowDown");
	await page.keyboard.press("Enter");
	assert.match(await page.getByRole("dialog").textContent(), /"a": \[/);
	await page.keyboard.press("Escape");

	await typeSql(page, "\n\nSELECT 1 / (2 - i) AS x\nFROM generate_series(1, 5) AS i");
	await page.keyboard.press("ControlOrMeta+Enter");
	await phase(page, "failed");
	assert.match(await results(page).getByRole("alert").textContent(), /division by zero.*22012/s);

	await typeSql(page, "SELECT * FROM orders EMIT CHANGES");
	await page.keyboard.press("ControlOrMeta+Enter");
	await phase(page, "running");
	await waitFor(async () => (await figure(page, "rows")) > 5, "rows");
	await server.stop("SIGKILL");
	await phase(page, "lost");
	await page.getByText("Gateway not reachable").waitFor();
	await screenshot(page, "disconnected");
	await server.start();
	await page.getByText("Connected", { exact: true }).waitFor();
	expected(/ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|WebSocket/);
	await finish();
});

test("statements without rows show what they did, one by one until one fails", async () => {
	const { page, finish, expected } = await openPage(server.url);
	await ready(page);
	await typeSql(
		page,
		"CREATE STREAM web_clicks (page text);\nINSERT INTO web_clicks VALUES ('home'), ('shop');\nDROP STREAM nothing_there;\nSELECT 1;",
	);
	await page.keyboard.press("ControlOrMeta+Shift+Enter");
	const steps = page.getByRole("list", { name: "Statements" }).getByRole("listitem");
	await page.getByText("The statement failed").waitFor();
	assert.equal(await steps.count(), 3, "the fourth was not run");
	assert.match(await steps.first().textContent(), /CREATE STREAM public\.web_clicks/);
	assert.match(await steps.last().textContent(), /nothing_there.*does not exist.*42P01/s);
	assert.equal(psql("SELECT count(*) FROM web_clicks"), "2");
	// Streams are listed anew, and one click asks what is in it.
	await page
		.locator('[data-stream="web_clicks"]')
		.getByRole("button", { name: /web_clicks.*native/ })
		.click();
	await typeSql(page, "SELECT page FROM web_clicks;");
	await page.getByRole("button", { name: "Run", exact: true }).click();
	await phase(page, "complete");
	assert.deepEqual(await page.locator('[role="gridcell"]').allTextContents(), ["home", "shop"]);
	psql("SELECT velo.execute('DROP STREAM web_clicks')");
	expected(/status of 404/);
	await finish();
});

test("names and words are completed", async () => {
	const { page, finish } = await openPage(server.url);
	await ready(page);
	await typeSql(page, "SELECT  FROM orders o EMIT CHANGES");
	await page.keyboard.press("Home");
	for (let i = 0; i < 7; i++) await page.keyboard.press("ArrowRight");
	await page.keyboard.type("o.quan");
	const list = page.locator(".suggest-widget");
	await list.getByText("quantity").first().waitFor();
	await page.keyboard.press("Enter");
	await waitFor(
		async () => /o\.quantity/.test(await page.locator(".view-lines").textContent()),
		"o.quantity",
	);
	await typeSql(page, "SELECT * FROM bests");
	await page.keyboard.press("Control+Space");
	await list.getByText("bestseller").first().waitFor();
	await page.keyboard.press("Escape");
	await finish();
});

test("jobs are stopped, started, paused and resumed", async () => {
	const { page, finish } = await openPage(server.url);
	const job = page.locator('[data-job="bestseller"]');
	const status = () => psql("SELECT status FROM velo.job_status('bestseller')");
	await job.locator('[data-status="running"]').waitFor();
	await job.getByRole("button", { name: "Stop job bestseller" }).click();
	await job.locator('[data-status="stopped"]').waitFor();
	assert.equal(status(), "stopped");
	await job.getByRole("button", { name: "Start job bestseller" }).click();
	await job.locator('[data-status="running"]').waitFor();
	assert.equal(status(), "running");
	await job.getByRole("button", { name: "Pause job bestseller" }).click();
	await job.locator('[data-status="paused"]').waitFor();
	await job.getByRole("button", { name: "Resume job bestseller" }).click();
	await job.locator('[data-status="running"]').waitFor();
	await finish();
});

test("a hundred thousand rows are kept and scrolled without a stop", async (t) => {
	const { page, finish } = await openPage(server.url);
	await ready(page);
	await typeSql(
		page,
		"SELECT i, md5(i::text) AS hash, i * 0.5 AS half FROM generate_series(1, 120000) AS i",
	);
	await page.getByRole("button", { name: "Table", exact: true }).click();
	await page.keyboard.press("Alt+e");
	const began = Date.now();
	await page.keyboard.press("ControlOrMeta+Enter");
	await phase(page, "complete");
	const took = Date.now() - began;
	assert.equal(await figure(page, "rows"), 120000);
	assert.equal(await page.locator('[role="grid"]').getAttribute("aria-rowcount"), "100001");
	const frames = await page.locator("#results").evaluate(async (grid) => {
		const times = [];
		let last = performance.now();
		const end = last + 2000;
		while (performance.now() < end) {
			grid.scrollTop = (grid.scrollTop + 1700) % grid.scrollHeight;
			await new Promise((done) => requestAnimationFrame(done));
			times.push(performance.now() - last);
			last = performance.now();
		}
		return times.sort((a, b) => a - b);
	});
	const median = frames[Math.floor(frames.length / 2)];
	const p95 = frames[Math.floor(frames.length * 0.95)];
	t.diagnostic(
		`120000 rows in ${took} ms; frames while scrolling: median ${median.toFixed(0)} ms, 95 % ${p95.toFixed(0)} ms`,
	);
	// Generous: the cores may be busy. All rows in the document would take seconds a frame.
	assert.ok(median < 150 && p95 < 500, `frames of ${median} ms, ${p95} ms`);
	assert.ok(
		(await page.locator('[role="row"]').count()) < 80,
		"only rows in sight are in the document",
	);
	await page.locator("#results").focus();
	await page.keyboard.press("End");
	await page.getByText("59999.5", { exact: true }).waitFor();
	await finish();
});

test("both themes are accessible, remembered, and fit narrow windows", async () => {
	for (const colorScheme of ["light", "dark"]) {
		const { page, finish } = await openPage(server.url, { colorScheme });
		await ready(page);
		assert.equal(
			await page.locator("html").getAttribute("data-theme"),
			colorScheme,
			"the system's choice",
		);
		await typeSql(page, WINDOWS);
		await page.keyboard.press("ControlOrMeta+Enter");
		await page.locator(".uplot").waitFor();
		await page.getByRole("button", { name: "Show columns of orders" }).click();
		await waitFor(async () => (await figure(page, "rows")) > 100, "rows");
		await screenshot(page, `studio-${colorScheme}`);
		await accessible(page);
		await page.keyboard.press("Alt+s");
		await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
		await accessible(page);
		await screenshot(page, `help-${colorScheme}`);
		await page.keyboard.press("Escape");

		for (const width of [1024, 800]) {
			await page.setViewportSize({ width, height: 768 });
			const wide = await page.evaluate(() => document.documentElement.scrollWidth);
			assert.ok(wide <= width, `${wide} pixels in ${width}`);
			await page.getByRole("button", { name: "Run", exact: true }).click();
			await waitFor(async () => (await figure(page, "rows")) > 20, "rows");
			await screenshot(page, `studio-${colorScheme}-${width}`);
		}
		await page.getByRole("button", { name: "Show streams and jobs" }).click();
		await page.locator('[data-job="revenue"]').waitFor();

		const other = colorScheme === "light" ? "dark" : "light";
		await page.keyboard.press("Alt+t");
		assert.equal(await page.locator("html").getAttribute("data-theme"), other);
		await page.reload();
		await ready(page);
		assert.equal(await page.locator("html").getAttribute("data-theme"), other, "remembered");
		assert.match(await page.locator(".view-lines").textContent(), /TUMBLING/, "so is the text");
		await finish();
	}
});

/** No fault that axe calls serious or worse. */
async function accessible(page) {
	// Its text goes in by the debugger, which a Content-Security-Policy does not bind.
	await page.evaluate(await (await import("node:fs/promises")).readFile(axeSource, "utf8"));
	const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
	const bad = found.violations
		.filter((violation) => violation.impact === "serious" || violation.impact === "critical")
		.map(
			(violation) =>
				`${violation.id}: ${violation.nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`,
		);
	assert.deepEqual(bad, []);
}

test("a path that is no page says so", async () => {
	const { page, finish } = await openPage(`${server.url}`);
	await ready(page);
	await page.goto(`${server.url}/nowhere`);
	await page.getByText("There is no such page").waitFor();
	await finish();
});
