/**
 * What the tests of the page need: the real gateway before the real database, and a real
 * browser. Nothing here stands in for anything.
 *
 * The server is that of PGHOST and PGPORT; the database is VELO_WEB_DATABASE with
 * examples/demo.sql in it. Packages are found in VELO_WEB_TOOLS (scripts/web tools), the
 * page in VELO_HOME/web/dist. Screenshots go to VELO_LOG.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const { env } = process;
const require = createRequire(join(env.VELO_WEB_TOOLS, "package.json"));
const { chromium } = require("playwright-core");
export const database = env.VELO_WEB_DATABASE;
export const axeSource = require.resolve("axe-core/axe.min.js");

/** Long enough for a machine whose two cores do other things as well. */
export const WAIT_MS = 30_000;

export function psql(sql) {
	return execFileSync(
		"psql",
		["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql],
		{
			encoding: "utf8",
		},
	).trim();
}

async function freePort() {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address();
	server.close();
	await once(server, "close");
	return port;
}

/** Until condition() returns something true, which is returned. */
export async function waitFor(condition, what, timeout = WAIT_MS) {
	const deadline = Date.now() + timeout;
	for (;;) {
		const value = await condition();
		if (value) return value;
		assert.ok(Date.now() < deadline, `not within ${timeout} ms: ${what}`);
		await sleep(50);
	}
}

/** A gateway of one's own. stop() ends it; start() begins again on the same port. */
export async function gateway(...options) {
	const port = await freePort();
	const url = `http://127.0.0.1:${port}`;
	let child;
	const self = {
		url,
		log: "",
		async start() {
			const flags = [
				`--port=${port}`,
				`--static=${env.VELO_HOME}/web/dist`,
				`--database=host=${env.PGHOST} port=${env.PGPORT} user=${env.PGUSER} dbname=${database}`,
				...options,
			];
			child = spawn(
				join(env.VELO_PROGRAMS ?? `${env.VELO_HOME}/build/programs`, "velo-gateway"),
				flags,
				{
					stdio: ["ignore", "ignore", "pipe"],
				},
			);
			child.stderr.on("data", (data) => {
				self.log += data;
			});
			await waitFor(async () => {
				assert.equal(child.exitCode, null, `the gateway ended:\n${self.log}`);
				return (await fetch(`${url}/ready`).catch(() => null))?.ok;
			}, "gateway is ready");
		},
		async stop(signal = "SIGTERM") {
			if (child.exitCode !== null || child.signalCode !== null) return;
			const ended = once(child, "exit");
			child.kill(signal);
			const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
			await ended;
			clearTimeout(timer);
		},
	};
	await self.start();
	return self;
}

let browser;

/** One browser for all tests of a file. The sandbox needs rights that root in a container lacks. */
export async function openBrowser() {
	browser ??= await chromium.launch({
		executablePath: env.VELO_CHROMIUM ?? "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-dev-shm-usage"],
	});
	return browser;
}

export async function closeBrowser() {
	await browser?.close();
	browser = undefined;
}

/**
 * A page whose every message, violation and request is watched. faults holds what should
 * never be; expected(pattern) takes out what a test provoked itself.
 */
export async function openPage(url, options = {}) {
	const context = await (await openBrowser()).newContext({
		viewport: { width: 1440, height: 900 },
		colorScheme: "light",
		...options,
	});
	context.setDefaultTimeout(WAIT_MS);
	const page = await context.newPage();
	const faults = [];
	page.on("pageerror", (error) => faults.push(`uncaught: ${error.stack ?? error.message}`));
	page.on("console", (message) => {
		if (message.type() === "error" || message.type() === "warning") {
			faults.push(`console ${message.type()}: ${message.text()} ${message.location().url}`);
		}
	});
	page.on("request", (request) => {
		const target = new URL(request.url());
		if (target.protocol !== "data:" && target.protocol !== "blob:" && target.origin !== url) {
			faults.push(`request to ${target.href}`);
		}
	});
	page.on("websocket", (socket) => {
		if (new URL(socket.url()).host !== new URL(url).host) faults.push(`socket to ${socket.url()}`);
	});
	await page.addInitScript(() => {
		window.violations = [];
		document.addEventListener("securitypolicyviolation", (event) => {
			window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
		});
	});
	await page.goto(url);
	return {
		page,
		context,
		expected(pattern) {
			const left = faults.filter((fault) => !pattern.test(fault));
			assert.ok(left.length < faults.length, `there was no ${pattern}: ${faults.join("\n")}`);
			faults.splice(0, faults.length, ...left);
		},
		async finish() {
			const violations = await page.evaluate(() => window.violations);
			await context.close();
			assert.deepEqual([...faults, ...violations], []);
		},
	};
}

export async function ready(page) {
	await page.locator(".monaco-editor .view-lines").waitFor();
}

/** Replaces the editor's text, as one paste would. */
export async function typeSql(page, sql) {
	// By keys: a list of completions may lie over the text.
	await page.keyboard.press("Alt+e");
	await page.keyboard.press("Escape");
	await page.keyboard.press("ControlOrMeta+A");
	await page.keyboard.insertText(sql);
}

export async function screenshot(page, name) {
	await page.screenshot({ path: join(env.VELO_LOG, `${name}.png`) });
}

/** A figure of the bar above the rows, as a number. */
export async function figure(page, name) {
	const text = await page.locator(`[data-figure="${name}"]`).textContent();
	return Number(text.replaceAll(",", ""));
}

export function phase(page, wanted) {
	return page.locator(`[data-phase="${wanted}"]`).waitFor();
}
