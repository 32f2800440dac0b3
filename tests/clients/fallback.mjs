// The page in headless Chromium behind proxies that break WebSockets: it falls back by itself and says so.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { startProxy } from "./http_proxy.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { chromium } = createRequire(`${root}web/package.json`)("playwright-core");

const at = (page, id) => page.getByTestId(id);
const bar = (page, state) => page.locator(`[data-testid=connection-bar]${state}`).waitFor({ state: "attached", timeout: 30_000 });
const live = (page, transport) => bar(page, `[data-phase=live][data-transport=${transport}]`);
const shown = (page, text) => page.locator("[data-testid=message]", { hasText: text }).waitFor({ timeout: 20_000 });

export async function fallbackChecks(world, check) {
  const browser = await chromium.launch({
    executablePath: `${root}tests/clients/chromium.sh`,
    env: { ...process.env, HUBBUB_TEST_CHROMIUM: process.env.CHROMIUM ?? "" },
  });
  const port = Number(new URL(world.url).port);
  const chat = 5_550_180;
  await world.says(chat, "Petra", "is anybody there?");
  const complaints = [];

  /** A person behind a proxy, with Petra's conversation open. */
  const behind = async (how, transport, locale = "en-US") => {
    const proxy = await startProxy(port, how);
    const context = await browser.newContext({ locale });
    const page = await context.newPage();
    page.on("console", (line) => /Content Security Policy/.test(line.text()) && complaints.push(line.text()));
    await page.goto(proxy.url);
    await at(page, "sign-in-email").fill(world.email);
    await at(page, "sign-in-password").fill(world.password);
    await at(page, "sign-in-submit").click();
    await live(page, transport);
    await page.locator("[data-testid=conversation-row]", { hasText: "Petra" }).click();
    return { proxy, page, end: () => context.close().then(() => proxy.stop()) };
  };
  /** Both directions, and over a cut. */
  const talks = async ({ proxy, page }, transport) => {
    await world.says(chat, "Petra", `live over ${transport}?`);
    await shown(page, `live over ${transport}?`);
    const say = async (text) => {
      await at(page, "composer-input").fill(text);
      await page.keyboard.press("Enter");
      await world.telegram.until((one) => one.chat === chat && one.text === text, `the provider gets ${text}`);
    };
    await say(`yes, over ${transport}`);
    proxy.hold(true);
    await bar(page, "[data-phase=lost]");
    await world.says(chat, "Petra", `still there over ${transport}?`);
    proxy.hold(false);
    await live(page, transport);
    await shown(page, `still there over ${transport}?`);
    await say(`still there, over ${transport}`);
    // A proxy's time-out: the stream ends, and nothing else is wrong.
    for (let n = 0; n < 2; n += 1) {
      proxy.cut();
      await bar(page, "[data-phase=lost]");
      await live(page, transport);
    }
    await say(`and again, over ${transport}`);
    assert.equal(await page.locator("[data-testid=message]", { hasText: `still there over ${transport}?` }).count(), 1);
  };

  try {
    await check("behind a proxy that refuses upgrades the page is live over a stream, and says so", async () => {
      const person = await behind({}, "http_stream");
      const words = person.page.getByTestId("connection-bar").getByText("WebSocket does not get through this network");
      await words.first().waitFor({ state: "attached", timeout: 10_000 });
      if (process.env.SHOTS) await person.page.screenshot({ path: `${process.env.SHOTS}/fallback.png` });
      await talks(person, "http_stream");
      await person.end();
    });

    await check("where streams of requests break as well, the page uses server-sent events", async () => {
      const person = await behind({ broken: ["/connection/http_stream"] }, "sse", "ru-RU");
      await person.page.getByText("WebSocket эта сеть не пропускает").first().waitFor({ state: "attached", timeout: 10_000 });
      if (process.env.SHOTS) await person.page.screenshot({ path: `${process.env.SHOTS}/fallback-ru.png` });
      await talks(person, "sse");
      await person.end();
    });

    await check("a WebSocket that opens and carries nothing does not keep the page from falling back", async () => {
      const person = await behind({ upgrades: "cut" }, "http_stream");
      assert.ok(person.proxy.counted.upgrades >= 3, `${person.proxy.counted.upgrades} tries`);
      await world.says(chat, "Petra", "through at last?");
      await shown(person.page, "through at last?");
      await person.end();
    });

    assert.deepEqual(complaints, []);
  } finally {
    await browser.close();
  }
}
