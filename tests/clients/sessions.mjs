// A person's session in headless Chromium: an answer that is lost, two servers of one address, a copied cookie, and what
// is left in the browser after signing out.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { startNetwork } from "./proxy.mjs";
import { startWorld } from "./world.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { chromium } = createRequire(`${root}web/package.json`)("playwright-core");

const at = (page, id) => page.getByTestId(id);
const live = (page) =>
  page.locator("[data-testid=connection-bar][data-phase=live]").waitFor({ state: "attached", timeout: 20_000 });
const out = (page) => at(page, "sign-in-email").waitFor({ timeout: 20_000 });

async function enter(page, world, url = world.url) {
  await page.goto(url);
  await at(page, "sign-in-email").fill(world.email);
  await at(page, "sign-in-password").fill(world.password);
  await at(page, "sign-in-submit").click();
  await live(page);
}

/** Opens the only conversation and leaves words in it. */
async function draft(page, text) {
  await at(page, "conversation-row").first().click();
  await at(page, "composer-input").fill(text);
  await page.waitForTimeout(500);
}

/** What a script of the page, and so anybody's who gets one into it, can find in this tab. */
const withinReach = (page) =>
  page.evaluate(() => ({ cookie: document.cookie, browser: { ...localStorage }, tab: { ...sessionStorage } }));

async function leftBehind(page) {
  const { browser, tab } = await withinReach(page);
  const keys = [...Object.keys(browser), ...Object.keys(tab)];
  return keys.filter((key) => !["hubbub.language", "hubbub.theme"].includes(key) && !isEmptyList(key, browser[key]));
}

const isEmptyList = (key, value) =>
  key.startsWith("hubbub.list.") && Object.entries(JSON.parse(value)).every(([name, one]) => name === "sort" || one === null);

export async function sessionChecks(world, check) {
  const browser = await chromium.launch({
    executablePath: `${root}tests/clients/chromium.sh`,
    env: { ...process.env, HUBBUB_TEST_CHROMIUM: process.env.CHROMIUM ?? "" },
  });
  await world.says(5_550_177, "Mira", "hello");
  /** Somebody with a copy of the cookie. */
  const renew = async (cookie) => {
    const answer = await fetch(`${world.url}/api/v1/session/refresh`, {
      method: "POST", headers: { "content-type": "application/json", cookie }, body: "{}",
    });
    return { status: answer.status, cookie: answer.headers.getSetCookie()[0]?.split(";")[0] };
  };
  try {
    await check("an answer to a renewal is lost, the network is away, and the person stays signed in", async () => {
      const network = await startNetwork(Number(new URL(world.url).port));
      const context = await browser.newContext();
      const page = await context.newPage();
      await enter(page, world, `http://127.0.0.1:${network.port}`);
      network.loseTheAnswerTo("/api/v1/session/refresh");
      const answer = await page.evaluate(() => fetch("/api/v1/session/refresh", {
        method: "POST", headers: { "content-type": "application/json" }, body: "{}",
      }).then((one) => one.status, () => "lost"));
      assert.equal(answer, "lost");
      // Longer than any grace would be.
      await page.waitForTimeout(12_000);
      network.mend();
      await page.reload();
      await live(page);
      await page.reload();
      await live(page);
      await context.close();
      network.stop();
    });

    await check("two servers of one address leave each other's sessions alone", async () => {
      const other = await startWorld(world.binary);
      const context = await browser.newContext();
      const [one, two] = [await context.newPage(), await context.newPage()];
      await enter(one, world);
      await enter(two, other);
      for (const page of [one, two, one]) {
        await page.reload();
        await live(page);
      }
      await one.getByRole("button", { name: "Menu" }).click();
      await at(one, "sign-out").click();
      await out(one);
      await two.reload();
      await live(two);
      await context.close();
      await other.stop();
    });

    await check("no script of the page can reach the refresh token", async () => {
      const context = await browser.newContext();
      const page = await context.newPage();
      const bodies = [];
      page.on("response", (answer) => {
        if (answer.url().includes("/api/v1/session")) bodies.push(answer.text());
      });
      await enter(page, world);
      await page.reload();
      await live(page);
      const [cookie] = await context.cookies(`${world.url}/api/v1/session`);
      assert.ok(cookie.httpOnly && cookie.sameSite === "Strict" && cookie.value.startsWith("hbr_"), cookie.name);
      const found = JSON.stringify([await Promise.all(bodies), await withinReach(page)]);
      assert.ok(found.includes("access_token") && !found.includes("hbr_"));
      await context.close();
    });

    await check("signing out in one tab is signing out in all, and leaves nothing behind", async () => {
      const context = await browser.newContext();
      const [one, two] = [await context.newPage(), await context.newPage()];
      await enter(one, world);
      await two.goto(world.url);
      await live(two);
      await draft(two, "half a secret");
      assert.ok((await leftBehind(two)).some((key) => key.startsWith("hubbub.draft.")));
      // What is typed in the last moment is not written down after the end either.
      await at(two, "composer-input").fill("half a secret more");
      await one.getByRole("button", { name: "Menu" }).click();
      await at(one, "sign-out").click();
      await Promise.all([out(one), out(two)]);
      await two.waitForTimeout(1_000);
      assert.deepEqual([await leftBehind(one), await leftBehind(two)], [[], []]);
      assert.deepEqual(await context.cookies(`${world.url}/api/v1/session`), []);
      assert.equal(new URL(two.url()).hash, "");
      await context.close();
    });

    await check("signing out without a network is made up for when it is back", async () => {
      const network = await startNetwork(Number(new URL(world.url).port));
      const url = `http://127.0.0.1:${network.port}`;
      const context = await browser.newContext();
      const page = await context.newPage();
      await enter(page, world, url);
      const [{ name, value }] = await context.cookies(`${url}/api/v1/session`);
      network.cut();
      await page.getByRole("button", { name: "Menu" }).click();
      await at(page, "sign-out").click();
      await out(page);
      await page.close();
      network.mend();
      const next = await context.newPage();
      await next.goto(url);
      await out(next);
      await next.waitForTimeout(1_000);
      assert.deepEqual([await leftBehind(next), await context.cookies(`${url}/api/v1/session`)], [[], []]);
      assert.equal(await renew(`${name}=${value}`).then((answer) => answer.status), 401);
      await context.close();
      network.stop();
    });

    await check("a copied cookie ends with the session, and nothing stays in any tab", async () => {
      const context = await browser.newContext();
      const [page, beside] = [await context.newPage(), await context.newPage()];
      await enter(page, world);
      await beside.goto(world.url);
      await live(beside);
      await draft(page, "half an answer");
      const [{ name, value }] = await context.cookies(`${world.url}/api/v1/session`);
      const first = await renew(`${name}=${value}`);
      const second = await renew(first.cookie);
      assert.deepEqual([first.status, second.status], [200, 200]);
      await page.reload();
      await Promise.all([out(page), out(beside)]);
      assert.equal((await renew(second.cookie)).status, 401);
      assert.deepEqual([await leftBehind(page), await leftBehind(beside)], [[], []]);
      await context.close();
    });

    await check("a session that was over when the browser was opened leaves nothing either", async () => {
      const context = await browser.newContext();
      const page = await context.newPage();
      await enter(page, world);
      await draft(page, "half an answer");
      assert.notDeepEqual(await leftBehind(page), []);
      await page.close();
      await context.clearCookies();
      const next = await context.newPage();
      await next.goto(world.url);
      await out(next);
      assert.deepEqual(await leftBehind(next), []);
      await context.close();
    });
  } finally {
    await browser.close();
  }
}
