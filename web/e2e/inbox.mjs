// The inbox in a real browser against a running server: what a manager does in a day, and what the network does to it.
//
//   HUBBUB_URL       http://127.0.0.1:8080       HUBBUB_EMAIL, HUBBUB_PASSWORD   a manager who may write
//   HUBBUB_HOOK      path of a Telegram channel's hook; the script plays a customer there
//   HUBBUB_SECRET    the secret that Telegram would send with each update, if the channel has one
//   HUBBUB_AI        1 when an AI worker is connected that streams what it writes
//   CHROMIUM         path of the browser, /usr/bin/chromium unless told
//   SHOTS            a folder for screenshots, none unless told
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { customer } from "./customer.mjs";

const url = process.env.HUBBUB_URL ?? "http://127.0.0.1:8080";
const email = need("HUBBUB_EMAIL");
const password = need("HUBBUB_PASSWORD");
const run = Date.now().toString(36);
const who = customer({ url, hook: need("HUBBUB_HOOK"), secret: process.env.HUBBUB_SECRET, name: `Visitor ${run}` });

function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see the head of this file`);
  return value;
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-US" });
const page = await context.newPage();
page.setDefaultTimeout(20_000);

const complaints = [];
page.on("pageerror", (error) => complaints.push(error.message));
page.on("console", (line) => line.type() === "error" && /Content Security Policy/.test(line.text()) && complaints.push(line.text()));

// Every socket of the page goes through here, so that the network can be taken away.
const network = { down: false, sockets: new Set() };
await page.routeWebSocket(/\/connection\/websocket/, (socket) => {
  if (network.down) return void socket.close({ code: 3008, reason: "down" });
  network.sockets.add(socket);
  socket.connectToServer();
});
network.cut = async () => {
  network.down = true;
  for (const socket of network.sockets) await socket.close({ code: 3008, reason: "cut" });
  network.sockets.clear();
};

const at = (id) => page.getByTestId(id);
const bubble = (text) => page.locator("[data-testid=message]", { hasText: text });
const row = () => page.locator("[data-testid=conversation-row]", { hasText: who.name });
const views = ["all", "mine", "unassigned", "ai", "waiting", "closed"];
let token = null;
/** The server's counts of the views. */
async function counted() {
  const json = { "content-type": "application/json" };
  const body = JSON.stringify({ email, password });
  token ??= (await (await fetch(`${url}/api/v1/session`, { method: "POST", headers: json, body })).json()).access_token;
  const answer = await fetch(`${url}/api/v1/inbox/counts`, { headers: { authorization: `Bearer ${token}` } });
  return (await answer.json()).counts;
}
/** The counts in the tabs, which events move, become those of the server. Others may write meanwhile, so both are read again. */
async function countsAreRight(what) {
  const end = Date.now() + 15_000;
  for (;;) {
    const server = await counted();
    const tabs = {};
    for (const view of views) tabs[view] = Number((await at(`count-${view}`).textContent()).replace(/\D/g, ""));
    if (views.every((view) => tabs[view] === server[view])) return tabs;
    if (Date.now() > end) assert.deepEqual(tabs, server, what);
    await page.waitForTimeout(100);
  }
}
/** Whether the customer is in a view, by its own list. */
async function inView(view, expected) {
  await at(`filter-${view}`).click();
  await page.locator("[data-testid=conversation-list][data-phase=ready]").waitFor();
  await row().waitFor({ state: expected ? "visible" : "detached" });
}

let done = 0;
async function step(name, work) {
  const start = performance.now();
  await work();
  done += 1;
  console.log(`ok ${done} - ${name} (${Math.round(performance.now() - start)} ms)`);
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${String(done).padStart(2, "0")}.png` });
}

try {
  await step("a wrong password is refused in words and the cursor waits in the field", async () => {
    await page.goto(url);
    await at("sign-in-email").fill(email);
    await at("sign-in-password").fill(`${password} not`);
    await at("sign-in-submit").click();
    await page.getByRole("alert").filter({ hasText: "not right" }).waitFor();
    await page.waitForFunction(() => document.activeElement?.getAttribute("data-testid") === "sign-in-password");
  });

  await step("signing in shows the inbox live", async () => {
    await at("sign-in-password").fill(password);
    await at("sign-in-submit").click();
    await page.locator('[data-testid=connection-bar][data-phase=live]').waitFor({ state: "attached" });
  });

  await step("a new customer appears by himself, unread", async () => {
    await who.says(`hello ${run}`);
    await row().waitFor();
    await row().getByTestId("unread").waitFor();
    await page.waitForFunction(() => /^\(\d+\)/.test(document.title));
    const { all, ai } = await countsAreRight("after a customer's message");
    assert.ok(all >= 1 && ai >= 1, "the new conversation is counted");
    await inView("ai", true);
    await inView("mine", false);
    await inView("all", true);
  });

  await step("opening the conversation shows the message and reads it", async () => {
    await row().click();
    await bubble(`hello ${run}`).first().waitFor();
    await row().getByTestId("unread").waitFor({ state: "detached" });
  });

  await step("taking over says so in the banner", async () => {
    await at("take-over").click();
    await page.locator('[data-testid=owner-banner][data-owner=human]').waitFor();
    await at("turn-countdown").waitFor({ state: "detached" });
    assert.ok((await countsAreRight("after a take-over")).mine >= 1);
    await inView("mine", true);
    await inView("ai", false);
    await inView("all", true);
  });

  await step("by the longest wait, the row says how long", async () => {
    await at("sort-wait").click();
    await row().getByTestId("waits").waitFor();
    await page.reload();
    await row().getByTestId("waits").waitFor();
    await at("sort-recent").click();
    await row().getByTestId("waits").waitFor({ state: "detached" });
  });

  await step("a written message is sent once", async () => {
    await at("composer-input").fill(`answer ${run}`);
    await page.keyboard.press("Enter");
    await page.locator("[data-testid=message][data-direction=out]:not([data-pending])", { hasText: `answer ${run}` }).waitFor();
    await page.locator("[data-testid=message][data-status=sent], [data-testid=message][data-status=delivered], [data-testid=message][data-status=read]",
      { hasText: `answer ${run}` }).waitFor();
    assert.equal(await bubble(`answer ${run}`).count(), 1);
  });

  await step("a note stays inside", async () => {
    await at("mode-note").click();
    await at("composer-input").fill(`note ${run}`);
    await at("composer-send").click();
    await page.locator("[data-testid=message][data-direction=note]:not([data-pending])", { hasText: `note ${run}` }).waitFor();
    await at("mode-message").click();
  });

  await step("a cut is shown, what happens meanwhile is caught up, what was written meanwhile goes out once", async () => {
    await network.cut();
    await page.locator("[data-testid=connection-bar][data-tone=bad]").waitFor();
    await at("composer-input").fill(`offline one ${run}`);
    await page.keyboard.press("Enter");
    await at("composer-input").fill(`offline two ${run}`);
    await page.keyboard.press("Enter");
    await page.locator("[data-testid=message][data-pending]", { hasText: `offline two ${run}` }).waitFor();
    await who.says(`meanwhile ${run}`);
    network.down = false;
    await page.locator("[data-testid=connection-bar][data-tone=good]").waitFor();
    await bubble(`meanwhile ${run}`).first().waitFor();
    await page.locator("[data-testid=message]:not([data-pending])", { hasText: `offline two ${run}` }).waitFor();
    for (const text of ["meanwhile", "offline one", "offline two"]) assert.equal(await bubble(`${text} ${run}`).count(), 1, text);
    const seqs = await page.locator("[data-testid=message]:not([data-pending])").evaluateAll((all) => all.map((m) => Number(m.dataset.seq)));
    assert.deepEqual(seqs, seqs.map((_, index) => seqs[0] + index), "a thread without holes");
  });

  await step("a draft stays with its conversation through a reload", async () => {
    await at("composer-input").fill(`draft ${run}`);
    await page.reload();
    await at("composer-input").waitFor();
    assert.equal(await at("composer-input").inputValue(), `draft ${run}`);
    await at("composer-input").fill("");
  });

  await step("handed back, the next message opens a turn that counts down", async () => {
    await at("hand-back").click();
    await page.locator('[data-testid=owner-banner][data-owner=ai]').waitFor();
    await who.says(`question ${run}`);
    await at("turn-countdown").waitFor();
    await at("answer-now").click();
  });

  await step("the AI answers, or people are told that it cannot", async () => {
    if (process.env.HUBBUB_AI) {
      await at("ai-writing").waitFor();
      await page.locator("[data-testid=message].by-responder").waitFor();
      await at("ai-writing").waitFor({ state: "detached" });
      return;
    }
    await page.locator('[data-testid=message][class*=by-responder]:not([data-testid=ai-writing]), [data-testid=owner-banner][data-owner=nobody]')
      .first().waitFor({ timeout: 90_000 });
  });

  await step("closing needs a reopening to write", async () => {
    await at("close").click();
    await at("composer-off").waitFor();
    // The page shows it before the server has done it.
    await page.waitForFunction(() => Number(document.querySelector("[data-testid=count-closed]")?.textContent.replace(/\D/g, "")) >= 1);
    assert.ok((await countsAreRight("after a close")).closed >= 1);
    await row().waitFor({ state: "detached" });
    await inView("closed", true);
    await inView("all", false);
    await at("reopen").click();
    await at("composer-input").waitFor();
    await row().waitFor();
  });

  await step("the keyboard alone finds, opens and leaves a conversation, whatever list is loaded", async () => {
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await at("thread").waitFor({ state: "detached" });
    await inView("closed", false);
    await page.keyboard.press("/");
    await page.keyboard.type(`nobody ${run}`);
    await page.locator("[data-testid=search-results][data-phase=ready] .empty").waitFor();
    await page.keyboard.press("Escape");
    await at("conversation-list").waitFor();
    assert.equal(await at("search").inputValue(), "");
    // The beginning of the second word of the name.
    await page.keyboard.type(run);
    await page.locator("[data-testid=search-result][data-kind=contact]", { hasText: who.name }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await at("thread").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await at("thread").waitFor({ state: "detached" });
    await inView("all", true);
    await page.keyboard.press("j");
    await at("thread").waitFor();
    await page.keyboard.press("Escape");
    await at("thread").waitFor({ state: "detached" });
  });

  await step("signing out is out, after a reload too", async () => {
    await page.getByRole("button", { name: "Menu" }).click();
    await at("sign-out").click();
    await at("sign-in-email").waitFor();
    await page.reload();
    await at("sign-in-email").waitFor();
  });

  assert.deepEqual(complaints, []);
  console.log(`1..${done}`);
} catch (error) {
  console.error(`not ok ${done + 1}`, error);
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/failed.png` });
  process.exitCode = 1;
} finally {
  await browser.close();
}
