/** Logging in with a user and a password of PostgreSQL. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
	closeBrowser,
	database,
	gateway,
	openPage,
	phase,
	psql,
	ready,
	screenshot,
	typeSql,
} from "./stack.mjs";

const { PGPORT } = process.env;
const PASSWORD = "correct horse 'battery' ü";
let server;

before(async () => {
	psql(`DROP ROLE IF EXISTS web_analyst, web_guest;
		CREATE ROLE web_analyst LOGIN IN ROLE velo_user PASSWORD $$${PASSWORD}$$;
		CREATE ROLE web_guest LOGIN PASSWORD $$${PASSWORD}$$;
		GRANT SELECT ON orders TO web_analyst`);
	const { PGUSER } = process.env;
	// By TCP, where a password is asked for.
	server = await gateway(
		"--auth=password",
		`--database=host=127.0.0.1 port=${PGPORT} dbname=${database} user=${PGUSER} password=${new URL(process.env.VELO_DSN).password}`,
	);
});

after(async () => {
	await closeBrowser();
	await server?.stop();
	psql("DROP OWNED BY web_analyst; DROP ROLE web_analyst, web_guest");
});

async function logIn(page, user, password) {
	await page.getByLabel("User").fill(user);
	await page.getByLabel("Password").fill(password);
	await page.getByRole("button", { name: "Log in" }).click();
}

test("the form refuses a wrong password, lets the right one in, and out again", async () => {
	const { page, context, finish, expected } = await openPage(server.url);
	await page.getByRole("heading", { name: "Velostream Studio" }).waitFor();
	await screenshot(page, "login-light");
	await logIn(page, "web_analyst", "wrong");
	assert.equal(await page.getByRole("alert").textContent(), "User or password is wrong.");
	await screenshot(page, "login-wrong");
	await logIn(page, "web_analyst", PASSWORD);
	await ready(page);
	assert.equal(await page.getByTestId("user").textContent(), "web_analyst");

	const cookies = await context.cookies();
	assert.deepEqual(
		cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite })),
		[{ name: "velo_session", httpOnly: true, sameSite: "Strict" }],
	);
	assert.equal(
		await page.evaluate(() => JSON.stringify(localStorage).includes("correct horse")),
		false,
	);

	// What runs, runs as that user, with that user's rights.
	await typeSql(page, "SELECT current_user::text AS me");
	await page.keyboard.press("ControlOrMeta+Enter");
	await phase(page, "complete");
	assert.deepEqual(await page.locator('[role="gridcell"]').allTextContents(), ["web_analyst"]);
	await page.locator('[data-stream="orders"]').waitFor();
	assert.equal(await page.locator("[data-stream]").count(), 1, "only what may be read");
	await page.getByText("No jobs").waitFor();
	await typeSql(page, "SELECT * FROM revenue");
	await page.keyboard.press("ControlOrMeta+Enter");
	await phase(page, "failed");
	const results = page.getByRole("region", { name: "Results" });
	assert.match(await results.getByRole("alert").textContent(), /permission denied.*42501/s);

	await page.getByRole("button", { name: "Log out" }).click();
	await page.getByLabel("Password").waitFor();
	assert.equal(await page.getByText("orders").count(), 0, "nothing is left to see");
	await page.reload();
	await page.getByLabel("Password").waitFor();
	expected(/status of 401/);
	await finish();
});

test("a user without rights is told what is missing", async () => {
	const { page, finish, expected } = await openPage(server.url, { colorScheme: "dark" });
	await page.getByLabel("User").waitFor();
	await screenshot(page, "login-dark");
	await logIn(page, "web_guest", PASSWORD);
	await page.getByText("GRANT velo_user TO web_guest").waitFor();
	await page.getByText("You may not see streams").waitFor();
	await page.getByText("You may not see jobs").waitFor();
	await ready(page);
	await screenshot(page, "no-permission");
	expected(/status of 40[13]/);
	await finish();
});

test("a job that may be seen but not touched says why", async () => {
	psql("GRANT pg_monitor TO web_analyst");
	const { page, finish, expected } = await openPage(server.url);
	await logIn(page, "web_analyst", PASSWORD);
	const job = page.locator('[data-job="revenue"]');
	await job.getByRole("button", { name: "Stop job revenue" }).click();
	assert.match(await job.getByRole("alert").textContent(), /revenue/);
	await job.locator('[data-status="running"]').waitFor();
	await job.getByRole("button", { name: "Dismiss" }).click();
	await job.getByRole("alert").waitFor({ state: "detached" });
	expected(/status of 40[13]/);
	await finish();
});
