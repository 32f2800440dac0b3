// Connecting an account of every kind in a real browser, against a demo in which nothing is connected yet; what is refused on
// the way, and the platform's page of apps. axe looks at each new page.
//
//   HUBBUB_URL         of `hubbub demo --unconnected`
//   HUBBUB_EMAIL, HUBBUB_AGENT, HUBBUB_OPERATOR, HUBBUB_PASSWORD   its people
//   HUBBUB_BOT         "token address", HUBBUB_WAHA "address key", as it tells them
//   CHROMIUM           path of the browser, /usr/bin/chromium unless told
//   SHOTS              a folder for screenshots of each page at 360 and 1280 px, none unless told
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { cutOff } from "./cut_off.mjs";

const need = (name) => process.env[name] ?? assert.fail(`${name} is not set; see the head of this file`);
const url = need("HUBBUB_URL");
const [owner, agent, operator, password] = ["HUBBUB_EMAIL", "HUBBUB_AGENT", "HUBBUB_OPERATOR", "HUBBUB_PASSWORD"].map(need);
const [bot, waha] = ["HUBBUB_BOT", "HUBBUB_WAHA"].map((name) => need(name).split(" "));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const patience = 20_000;

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const complaints = [];

async function open(email, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-US", reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (line) => line.type() === "error" && /Content Security Policy/.test(line.text()) && complaints.push(line.text()));
  await page.goto(url);
  if (email) await signIn(page, email);
  return page;
}

async function signIn(page, email) {
  await page.getByTestId("sign-in-email").fill(email);
  await page.getByTestId("sign-in-password").fill(password);
  await page.getByTestId("sign-in-submit").click();
  await page.getByTestId("nav").waitFor();
}

const looks = ["light", "dark"].flatMap((colorScheme) => [360, 1280].map((width) => ({ colorScheme, width })));
let [seen, rules] = [0, 0];

/** What axe finds, words that are cut off, and a page that scrolls sideways; in both themes, narrow and wide. */
async function look(page, name) {
  for (const { colorScheme, width } of looks) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await page.evaluate(axe);
    const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
    const said = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).slice(0, 2).join(" | ")}`);
    assert.deepEqual(said, [], `${name}, ${colorScheme}, ${width}`);
    assert.deepEqual(await page.evaluate(cutOff), [], `${name}, cut off at ${width}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${name} scrolls sideways at ${width} by ${wide}`);
    [seen, rules] = [seen + 1, rules + passes.length];
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}-${colorScheme}-${width}.png` });
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** The same address in Russian. */
async function inRussian(page, email, name, ready) {
  const other = await open(email, { locale: "ru-RU" });
  await other.goto(page.url());
  await other.getByTestId(ready).first().waitFor();
  await look(other, `${name}-ru`);
  await other.context().close();
}

const step = async (name, work) => {
  const begun = performance.now();
  await work();
  console.log(`${name} (${Math.round(performance.now() - begun)} ms)`);
};

const page = await open(owner);
const at = (id) => page.getByTestId(id);
const kinds = ["telegram", "waha", "whatsapp-cloud", "messenger", "instagram", "gmail"];
const refused = () => at("connect-refused").first();

/** To the form of a kind, as a person goes. */
async function choose(kind) {
  await page.goto(`${url}/#/settings/channels/new`);
  await at(`kind-${kind}`).click();
  await page.locator("ol.steps").waitFor();
}

/** On the page of a channel that works. */
async function works() {
  await page.locator("[data-testid=channel-health][data-health=connected]").waitFor();
}

async function pickAccount(which) {
  await at("accounts").waitFor();
  const accounts = page.getByTestId("account");
  if (which !== undefined) await accounts.nth(which).check();
  await at("connect-account").click();
}

await step("every kind is offered, with what it needs", async () => {
  await page.goto(`${url}/#/settings/channels`);
  await at("new-channel").first().click();
  for (const kind of kinds) await at(`kind-${kind}`).waitFor();
  await look(page, "choice");
  await inRussian(page, owner, "choice", "kinds");
});

await step("a Telegram bot is connected by its token, from the keyboard alone", async () => {
  await at("kind-telegram").focus();
  await page.keyboard.press("Enter");
  await page.locator("ol.steps").waitFor();
  // Nothing filled in: the field says so, and has the focus.
  await at("save").press("Enter");
  await page.locator("[data-testid=field-token][aria-invalid=true]:focus").waitFor();
  await look(page, "telegram");
  await inRussian(page, owner, "telegram", "field-token");
  await at("field-token").focus();
  await page.keyboard.type(bot[0]);
  await page.locator(".form-more summary").press("Enter");
  await at("field-api_base").fill(bot[1]);
  await at("field-api_base").press("Enter");
  await works();
});

await step("a token of another bot is asked about, and nothing moves until somebody agrees", async () => {
  const credentials = page.getByTestId("credentials");
  await at("field-token").fill("7000000002:of_another_bot");
  await credentials.getByTestId("save").click();
  await page.getByRole("alertdialog", { name: /of another account/ }).waitFor();
  await look(page, "other-account");
  await page.keyboard.press("Escape");
  await credentials.getByText(/This channel and its conversations are of another account/).waitFor();
  await at("field-token").fill("");
  await page.reload();
  await works();
});

await step("a phone at a WAHA server is connected by the server's key", async () => {
  await choose("waha");
  await at("field-base_url").fill(waha[0]);
  await at("field-api_key").fill(waha[1]);
  await at("field-session").fill("default");
  await look(page, "waha");
  await at("save").click();
  await at("pair").waitFor();
  await look(page, "pairing");
  await at("pair").press("Enter");
  await at("pairing-qr").waitFor();
  // A code that is typed, for who cannot scan; both are looked at while they last.
  await at("field-phone").fill("+1 (202) 555-0100");
  await at("field-phone").press("Enter");
  await at("pairing-code").waitFor();
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/pairing-code.png`, fullPage: true });
  await works();
  await page.getByText("Linked: messages come from now on.").waitFor();
});

await step("Messenger: signing in at Facebook, and the choice among pages survives a reload", async () => {
  await choose("messenger");
  await look(page, "messenger");
  await inRussian(page, owner, "messenger", "sign-in-at");
  await at("sign-in-at").click();
  await at("accounts").waitFor();
  assert.ok((await page.getByTestId("account").count()) > 1);
  await page.reload();
  await at("accounts").waitFor();
  await at("connect-account").click();
  await page.getByRole("alert").filter({ hasText: /\S/ }).waitFor();
  await look(page, "accounts");
  await inRussian(page, owner, "accounts", "accounts");
  await at("accounts").locator("input").first().focus();
  await page.keyboard.press("Space");
  await at("field-name").fill("The shop's page");
  await page.keyboard.press("Enter");
  await works();
  await page.getByRole("heading", { name: "The shop's page" }).waitFor();
  await look(page, "channel");
  await inRussian(page, owner, "channel", "channel-health");
});

await step("an account that is taken is refused in words, and another one is chosen", async () => {
  await choose("messenger");
  await at("sign-in-at").click();
  await pickAccount(0);
  await refused().waitFor();
  assert.match(await refused().innerText(), /Another channel has this account/);
  await pickAccount(1);
  await works();
  await page.locator("h1:focus").waitFor();
});

await step("the channel is connected anew", async () => {
  await at("sign-in-at").click();
  await at("accounts").waitFor();
  assert.equal(await at("field-name").count(), 0, "its name stays");
  await pickAccount(1);
  await works();
});

for (const kind of ["whatsapp-cloud", "instagram"]) {
  await step(`${kind} is connected by signing in`, async () => {
    await choose(kind);
    await at("sign-in-at").click();
    await at("accounts").waitFor();
    await pickAccount((await page.getByTestId("account").count()) > 1 ? 0 : undefined);
    await works();
  });
}

await step("Gmail: somebody declines, begins again, and connects the second mailbox", async () => {
  await choose("gmail");
  await at("sign-in-at").click();
  await page.getByRole("link", { name: "Deny" }).click();
  await refused().waitFor();
  assert.match(await refused().innerText(), /You declined at Google/);
  await look(page, "declined");
  await inRussian(page, owner, "declined", "connect-refused");
  await at("connect-begin").click();
  await at("sign-in-at").click();
  await page.getByRole("link", { name: /Allow as orders/ }).click();
  await pickAccount();
  await works();
});

await step("whoever was signed out meanwhile signs in here and goes on", async () => {
  await choose("gmail");
  await at("sign-in-at").click();
  const allow = page.getByRole("link", { name: /Allow as hello/ });
  await allow.waitFor();
  await page.context().clearCookies();
  await allow.click();
  await signIn(page, owner);
  await pickAccount();
  await works();
});

await step("what somebody else began is not theirs to finish", async () => {
  await choose("gmail");
  await at("sign-in-at").click();
  const allow = page.getByRole("link", { name: /Allow as hello/ });
  await allow.waitFor();
  await page.context().clearCookies();
  await allow.click();
  await signIn(page, agent);
  await refused().waitFor();
  assert.match(await refused().innerText(), /Somebody else began this sign-in/);
  await at("connect-sign-out").click();
  await signIn(page, owner);
});

await step("a sign-in that is over, and an address that nobody came back to, say so", async () => {
  await page.goto(`${url}/#/connect/gmail?state=nobodys&code=1`);
  await refused().waitFor();
  assert.match(await refused().innerText(), /This sign-in is over/);
  await page.goto(`${url}/#/connect/gmail`);
  await page.getByText("says nothing of a sign-in").waitFor();
  await page.goto(`${url}/connect/messenger?error=access_denied&state=x`);
  await page.getByText("You declined at Facebook").waitFor();
});

await step("customers of every account write, and their messages are in the inbox", async () => {
  const json = { "content-type": "application/json" };
  const body = JSON.stringify({ email: owner, password });
  const token = (await (await fetch(`${url}/api/v1/session`, { method: "POST", headers: json, body })).json()).access_token;
  const get = async (path) => (await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })).json();
  const begun = performance.now();
  let missing;
  do {
    const { channels } = await get("/api/v1/channels");
    const { conversations } = await get("/api/v1/inbox?limit=200");
    const written = new Set(conversations.map((one) => one.channel));
    const kindsOf = new Set(channels.filter((one) => written.has(one.id)).map((one) => one.kind));
    missing = kinds.filter((kind) => !kindsOf.has(kind));
    assert.ok(performance.now() - begun < 120_000, `nobody wrote to ${missing}; ${JSON.stringify(channels.map((one) => [one.kind, one.health]))}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  } while (missing.length > 0);
  await page.goto(`${url}/#/inbox/all`);
  await at("conversation-row").first().waitFor();
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/inbox.png` });
});

await step("a channel is disconnected, after a question, and connected again", async () => {
  await page.goto(`${url}/#/settings/channels`);
  await page.getByTestId("channel-line").filter({ hasText: "Telegram bot" }).click();
  await works();
  await at("disconnect").click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Cancel" }).press("Enter");
  await works();
  await at("disconnect").click();
  await look(page, "disconnect");
  await page.getByRole("alertdialog").getByRole("button").last().click();
  await page.locator("[data-testid=channel-health][data-health=paused]").waitFor();
  await at("connect").click();
  await works();
});

await step("a tracked link is shown with its code as soon as it is made", async () => {
  await page.goto(`${url}/#/settings/links`);
  await at("new-link").first().click();
  await at("link-form").locator("select[name=channel]").selectOption({ label: "Telegram bot" });
  await at("field-name").fill("A flyer");
  await at("field-target").fill("shop_bot");
  await at("save").click();
  await at("link-qr").waitFor();
  await look(page, "link");
  await inRussian(page, owner, "link", "link-qr");
});

await step("an owner does not see the platform's apps", async () => {
  await page.goto(`${url}/#/settings`);
  await page.getByTestId("section-channels").waitFor();
  assert.equal(await page.getByTestId("section-apps").count(), 0);
  await page.goto(`${url}/#/settings/apps`);
  await at("refused").waitFor();
});

await step("an operator sees the pool, adds an app, approves it, and copies its addresses", async () => {
  const desk = await open(operator);
  const on = (id) => desk.getByTestId(id);
  await desk.goto(`${url}/#/settings`);
  await on("section-apps").click();
  await on("app-line").first().waitFor();
  await look(desk, "apps");
  await inRussian(desk, operator, "apps", "app-line");
  await on("new-app").first().click();
  await on("app-form").waitFor();
  await on("save").click();
  await desk.locator("[aria-invalid=true]:focus").waitFor();
  await look(desk, "app-new");
  await on("field-name").fill("A second app");
  await on("field-app_id").fill("555000999888777");
  await on("field-app_secret").fill("not a real secret");
  await on("field-verify_token").fill("not a real token");
  await on("save").click();
  await on("app-addresses").waitFor();
  const addresses = await desk.locator("[data-testid=app-addresses] input").evaluateAll((fields) => fields.map((field) => field.value));
  for (const part of [/\/hooks\/meta\/[\w-]+$/, /\/connect\/messenger$/, /\/connect\/instagram$/, /\/connect\/whatsapp-cloud$/, /\/deauthorize$/, /\/data-deletion$/]) {
    assert.ok(addresses.some((address) => part.test(address) && address.startsWith(url)), `${part} among ${addresses}`);
  }
  await on("field-state").selectOption("approved");
  await on("save").click();
  await desk.locator(".form-status", { hasText: "Saved" }).waitFor();
  await look(desk, "app");
  await inRussian(desk, operator, "app", "app-form");
  await desk.goto(`${url}/#/settings/apps`);
  await desk.locator("[data-testid=pool-meta][data-few]").waitFor();
  await desk.context().close();
});

assert.deepEqual(complaints, []);
console.log(`axe: ${seen} looks, ${rules} rules passed`);
await browser.close();
