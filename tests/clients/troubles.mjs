// Troubles that people report of pages like this one: what cannot be sent, clocks that are wrong, several tabs, two people
// at one browser, bad networks, browsers that deny things. One file for each kind;
// TROUBLES=sending,tabs plays only those.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { clockChecks } from "./troubles/clocks.mjs";
import { drawingChecks } from "./troubles/drawing.mjs";
import { endChecks } from "./troubles/ends.mjs";
import { keyChecks } from "./troubles/keys.mjs";
import { presenceChecks } from "./troubles/presence.mjs";
import { sendingChecks } from "./troubles/sending.mjs";
import { tabChecks } from "./troubles/tabs.mjs";
import { startWorld } from "./world.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { chromium } = createRequire(`${root}web/package.json`)("playwright-core");

export async function troubleChecks(outside, check) {
  const engine = { executablePath: `${root}tests/clients/chromium.sh`, env: { ...process.env, HUBBUB_TEST_CHROMIUM: process.env.CHROMIUM ?? "" } };
  const browser = await chromium.launch(engine);
  // Tokens that live as shortly as a server allows, so that a renewal is seen.
  const world = await startWorld(outside.binary, { env: { HUBBUB_ACCESS_TOKEN_TTL_S: "60" } });
  const agent = await world.colleague("Petra");
  // Another process has changed the rights: the server hears of it in time, and lets everybody connect again.
  await new Promise((done) => setTimeout(done, 4_000));
  await world.says(5_550_001, "Mira", "hello from Mira");
  await world.says(5_550_002, "Noor", "hello from Noor");
  const kit = { browser, chromium, engine, world, agent, ...steps(world, browser) };
  const chosen = process.env.TROUBLES?.split(",");
  const kinds = { sending: sendingChecks, clocks: clockChecks, tabs: tabChecks, ends: endChecks, presence: presenceChecks, keys: keyChecks, drawing: drawingChecks };
  try {
    for (const [name, checks] of Object.entries(kinds)) if (!chosen || chosen.includes(name)) await checks(kit, check);
  } finally {
    await browser.close();
    await world.stop();
  }
}

function steps(world, browser) {
  const at = (page, id) => page.getByTestId(id);
  const live = (page) => page.locator("[data-testid=connection-bar][data-phase=live]").waitFor({ state: "attached", timeout: 30_000 });
  const row = (page, name) => page.locator("[data-testid=conversation-row]", { hasText: name });
  return {
    at, live, row,
    out: (page) => at(page, "sign-in-email").waitFor({ timeout: 30_000 }),
    async enter(page, email = world.email) {
      await page.goto(world.url);
      await at(page, "sign-in-email").fill(email);
      await at(page, "sign-in-password").fill(world.password);
      await at(page, "sign-in-submit").click();
      await live(page);
    },
    /** A page of a browser of its own, signed in. `before`: what happens to the page before it is opened. */
    async person({ email = world.email, before = async () => {} } = {}) {
      const context = await browser.newContext({ locale: "en-US" });
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      await before(page);
      await this.enter(page, email);
      return page;
    },
    /** Another tab of the same browser. */
    async tab(page) {
      const other = await page.context().newPage();
      other.setDefaultTimeout(20_000);
      await other.goto(world.url);
      await live(other);
      return other;
    },
    async open(page, name) {
      await row(page, name).click();
      await page.locator("[data-testid=thread]", { hasText: name }).waitFor();
      return at(page, "composer-input");
    },
    bubble: (page, text) => page.locator("[data-testid=message]", { hasText: text }),
    sent: (page, text) => page.locator("[data-testid=message][data-direction=out]:not([data-pending])", { hasText: text }),
    arrived: (text) => world.telegram.sent.filter((one) => one.text === text).length,
    /** Every socket of the page goes through here, so that it can be cut, and what it says be looked at. */
    async network(page) {
      const net = { down: false, sockets: 0, opened: new Set(), poison: null, code: 3008 };
      await page.routeWebSocket(/\/connection\/websocket/, (socket) => {
        net.sockets += 1;
        if (net.down) return void socket.close({ code: net.code, reason: "down" });
        net.opened.add(socket);
        const server = socket.connectToServer();
        socket.onMessage((text) => {
          if (net.poison && String(text).includes(net.poison)) return void socket.close({ code: 3008, reason: "poison" });
          server.send(text);
        });
      });
      // The network is down for what the page falls back to as well.
      await page.route(/\/(?:connection\/(?:http_stream|sse)|emulation|health\/live)/, (route) => (net.down ? route.abort() : route.continue()));
      net.cut = async (code = 3008) => {
        const open = [...net.opened];
        net.opened.clear();
        for (const socket of open) await socket.close({ code, reason: "cut" });
      };
      return net;
    },
    async until(look, ms = 15_000) {
      for (const end = performance.now() + ms; performance.now() < end;) {
        if (await look()) return true;
        await new Promise((done) => setTimeout(done, 50));
      }
      return false;
    },
    /** The computer's clock is wrong by so much; `setClock` on the page changes it. */
    wrongClock: (ms) => (page) => page.addInitScript((off) => {
      const Real = Date;
      window.clockOff = off;
      window.Date = class extends Real {
        constructor(...given) {
          if (given.length) super(...given);
          else super(Real.now() + window.clockOff);
        }
        static now() { return Real.now() + window.clockOff; }
      };
    }, ms),
  };
}
