// The built page in Chromium with a large inbox and many messages a second, by the browser's own tracing. Prints a table;
// nothing is asserted, since the figures are those of a machine. The server is a stub (scale/stub.mjs): what it costs is
// its own process's.
//
//   node e2e/scale.mjs [--dist dist] [--conversations 100000] [--rate 100] [--seconds 30] [--hour 360000] [--patience 240]
//
//   --hour      so many events are sent as fast as the page takes them: 100 a second for an hour; it is given up after
//               --patience seconds
//   CHROMIUM    path of the browser, /usr/bin/chromium unless told
import { fork } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { eventCosts, longestTask, share } from "./scale/trace.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const option = (name, standard) => ({ [name]: { type: "string", default: String(standard) } });
const { values } = parseArgs({ options: {
  ...option("dist", here("../dist")), ...option("conversations", 100_000), ...option("rate", 100), ...option("seconds", 30),
  ...option("hour", 360_000), ...option("patience", 240),
} });
const [rate, seconds, hour, patience] = [values.rate, values.seconds, values.hour, values.patience].map(Number);

const stub = fork(here("scale/stub.mjs"), [values.dist, values.conversations]);
const heard = () => new Promise((done) => stub.once("message", done));
const tell = async (what) => {
  const answer = heard();
  stub.send(what);
  return answer;
};
const { url, first } = await heard();
const rows = [];
const row = (what, value) => {
  rows.push([what, value]);
  console.log(`${what.padEnd(52)} ${value}`);
};
const ms = (list) => {
  const sorted = [...list].sort((a, b) => a - b);
  const at = (part) => (sorted.length === 0 ? "none" : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))].toFixed(2));
  return `${at(0.5)} / ${at(0.99)} / ${at(1)} ms (${sorted.length})`;
};
const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const pause = (forMs) => new Promise((done) => setTimeout(done, forMs));

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--enable-precise-memory-info"] });
try {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-US" })).newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  await page.addInitScript({ path: here("scale/watch.js") });
  const session = await page.context().newCDPSession(page);
  const heap = async () => {
    await session.send("HeapProfiler.collectGarbage");
    await session.send("HeapProfiler.collectGarbage");
    return (await session.send("Runtime.getHeapUsage")).usedSize;
  };
  const categories = ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline", "blink.user_timing"];
  const traced = async (work) => {
    await page.evaluate(() => { Object.assign(window.seen, { painted: [], keys: [], slowKeys: [] }); window.seen.marks.clear(); });
    await browser.startTracing(page, { categories });
    await work();
    const trace = JSON.parse((await browser.stopTracing()).toString()).traceEvents;
    return { trace, ...(await page.evaluate(() => ({ painted: window.seen.painted, keys: window.seen.keys, slowKeys: window.seen.slowKeys }))) };
  };

  // First load.
  const assets = readdirSync(`${values.dist}/assets`).filter((name) => name.endsWith(".js"));
  let fetched = 0;
  page.on("response", (response) => {
    const name = new URL(response.url()).pathname.split("/").pop();
    if (assets.includes(name)) fetched += gzipSync(readFileSync(`${values.dist}/assets/${name}`), { level: 9 }).length;
  });
  await browser.startTracing(page, { categories });
  await page.goto(url);
  await page.waitForFunction(() => window.seen.row > 0);
  await page.locator("[data-testid=connection-bar][data-phase=live]").waitFor({ state: "attached" });
  const load = JSON.parse((await browser.stopTracing()).toString()).traceEvents;
  row("first load: JavaScript, compressed (gzip)", `${(fetched / 1000).toFixed(1)} kB`);
  row("first load: rows painted after", `${(await page.evaluate(() => window.seen.row)).toFixed(0)} ms`);
  row("first load: longest task", longestTask(load));

  await page.goto(`${url}/#/c/${first}`);
  await page.getByTestId("composer-input").waitFor();
  const steady = async (name) => {
    await tell({ flow: { rate, mark: true, open: first } });
    await pause(1_000);
    const { trace, painted, keys, slowKeys } = await traced(async () => {
      const end = Date.now() + seconds * 1000;
      await page.getByTestId("composer-input").focus();
      while (Date.now() < end) {
        await page.keyboard.press("abcdefghij klmnop"[Math.floor(Date.now() / 100) % 17]);
        await pause(60);
      }
    });
    await page.getByTestId("composer-input").fill("");
    row(`${name}: state work an event (p50 / p99 / most)`, ms(eventCosts(trace)));
    row(`${name}: longest task`, longestTask(trace));
    row(`${name}: main thread busy`, share(trace));
    row(`${name}: frame to painted`, ms(painted));
    row(`${name}: key to painted`, ms(keys));
    row(`${name}: slowest key by Event Timing`, slowKeys.length ? `${Math.max(...slowKeys)} ms` : "under 16 ms");
    const scrolled = await traced(async () => {
      await page.mouse.move(150, 400);
      for (let at = 0; at < 60; at += 1) {
        await page.mouse.wheel(0, at < 40 ? 700 : -1_400);
        await pause(80);
      }
    });
    row(`${name}: longest task while the list is scrolled`, longestTask(scrolled.trace));
    await tell({});
  };
  await steady(`${rate}/s`);

  // An hour in a few minutes.
  const heaps = [await heap()];
  const begun = Date.now();
  let sent = 0;
  while (sent < hour && Date.now() - begun < patience * 1000) {
    const { cursor } = await tell({ burst: 1_000, of: 20 });
    sent += 1_000;
    await page.waitForFunction((to) => window.seen.cursor >= to, cursor, { timeout: 600_000, polling: 20 });
    if (sent % (hour / 6) < 1_000) heaps.push(await heap());
  }
  const took = (Date.now() - begun) / 1000;
  row("the hour: events", `${sent} of ${hour} in ${took.toFixed(0)} s (${((took / sent) * 1000).toFixed(2)} ms each, all told)`);
  row("the hour: heap after GC, at its sixths", heaps.map(mb).join(", "));
  await steady("after it");
  row("heap at the end", mb(await heap()));
  row("page", await page.evaluate(() => `${document.querySelectorAll("[data-testid=conversation-row]").length} rows and ${document.querySelectorAll("[data-testid=message]").length} messages drawn, ${document.querySelectorAll("*").length} elements`));
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/scale.png` });
  if (problems.length) row("errors", problems.join("; "));
} finally {
  await browser.close();
  stub.kill();
}
