// axe over every page, in both themes and languages, on a phone and a desk; and what axe does not see: pages that scroll
// sideways and words that are cut off. A page is a line of `pages`.
//
//   HUBBUB_URL       http://127.0.0.1:8080       HUBBUB_EMAIL, HUBBUB_PASSWORD   somebody who may see everything
//   HUBBUB_OPERATOR  an administrator of the platform with the same password; without one its pages are left out
//   CHROMIUM         path of the browser, /usr/bin/chromium unless told
//   SHOTS            a folder for screenshots of each page at 320, 360, 768, 1024 and 1600 px, none unless told
//   ALL              anything, for every look at every width
//   ONLY             part of a page's name, to run it alone
//   EMPTY            id of a company without conversations, for the empty list; without it there is no closed one
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { cutOff } from "./cut_off.mjs";

const url = (process.env.HUBBUB_URL ?? "http://127.0.0.1:8080").replace(/\/$/, "");
const [email, password] = [process.env.HUBBUB_EMAIL, process.env.HUBBUB_PASSWORD];
if (!email || !password) throw new Error("HUBBUB_EMAIL and HUBBUB_PASSWORD are not set; see the head of this file");
const operator = process.env.HUBBUB_OPERATOR;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const at = (page, id) => page.getByTestId(id);
const gallery = (name, open, only) => ({
  only,
  name: `gallery, ${name}`, path: "/gallery.html", signedIn: false, open: async (page) => {
    await page.locator("[data-part=menus]").waitFor();
    await open?.(page);
  },
});

/** A page of the settings, once what it shows has come. */
const settings = (section, shown, open) => ({
  name: `settings, ${section || "all"}`, path: `/#/settings/${section.split(",")[0]}`, open: async (page) => {
    await page.locator(`[data-testid=${shown}]`).first().waitFor();
    await open?.(page);
  },
});

const someNode = {
  name: "hub-1", address: "10.0.0.5:8080", version: "1.0.0", is_other_version: false, is_this: false, started_at: 1_794_312_000_000, state: "ready", reason: null,
  silent_ms: 900, skew_ms: 3, bus: "up", round_trip_us: 740, sessions: 21,
};

/** `path` from the root; `open` brings the page to what is to be seen; `signedIn` unless told, or an operator. `only`: what lies over a page
 * is looked at alone, since the rest of the page is out of reach while it is open. */
const pages = [
  { name: "sign-in", path: "/", signedIn: false, open: (page) => at(page, "sign-in-email").waitFor() },
  {
    name: "sign-in, refused", path: "/", signedIn: false, open: async (page) => {
      await at(page, "sign-in-submit").click();
      await page.getByRole("alert").filter({ hasText: /\S/ }).waitFor();
    },
  },
  { name: "inbox", path: "/", often: true, open: (page) => at(page, "conversation-row").first().waitFor() },
  {
    name: "inbox, menu", path: "/", open: async (page) => {
      await at(page, "conversation-row").first().waitFor();
      await page.locator("[popovertarget=menu]:visible").first().click();
      await page.locator("#menu:popover-open").waitFor();
    },
  },
  {
    name: "inbox, keys", path: "/", open: async (page) => {
      await at(page, "conversation-row").first().waitFor();
      await page.keyboard.press("?");
      await page.locator("dialog[open]").waitFor();
    },
  },
  {
    name: "inbox, search", path: "/", open: async (page) => {
      await at(page, "conversation-row").first().waitFor();
      await page.locator("input[type=search]:visible").first().fill("lantern");
      await page.locator(".found:visible, .side .empty:visible").first().waitFor();
    },
  },
  {
    name: "inbox, search for nothing", path: "/", open: async (page) => {
      await at(page, "conversation-row").first().waitFor();
      await page.locator("input[type=search]:visible").first().fill("zzqqzz");
      await page.locator(".side .empty:visible").first().waitFor();
    },
  },
  {
    name: "conversation", path: "/", often: true, open: async (page) => {
      await at(page, "conversation-row").first().click();
      await at(page, "message").first().waitFor();
    },
  },
  {
    name: "conversation, message", path: "/", open: async (page) => {
      await at(page, "conversation-row").first().click();
      await at(page, "message").first().waitFor();
      await page.evaluate(() => { location.hash = location.hash.replace(/(\/c\/[\w-]+)/, "$1/m/1"); });
      await at(page, "marked").waitFor();
    },
  },
  {
    name: "dead link, message", path: "/", open: async (page) => {
      await at(page, "conversation-row").first().click();
      await at(page, "message").first().waitFor();
      await page.evaluate(() => { location.hash = location.hash.replace(/(\/c\/[\w-]+)/, "$1/m/99999"); });
      await at(page, "message-gone").waitFor();
    },
  },
  { name: "dead link, channel", path: "/#/settings/channels/01900000-0000-7000-8000-000000000000", open: (page) => at(page, "gone").waitFor() },
  { name: "dead link, conversation", path: "/#/c/01900000-0000-7000-8000-000000000000", open: (page) => at(page, "gone").waitFor() },
  { name: "dead link, page", path: "/#/nowhere", open: (page) => at(page, "gone").waitFor() },
  {
    name: "palette", path: "/", open: async (page) => {
      await at(page, "conversation-row").first().waitFor();
      await page.keyboard.press("Control+k");
      await page.keyboard.type("se");
      await at(page, "palette-option").first().waitFor();
    },
  },
  { name: "businesses", path: "/#/businesses", open: (page) => at(page, "page-businesses").waitFor() },
  settings("", "page-settings"),
  settings("profile", "page-profile"),
  settings("appearance", "page-appearance"),
  settings("companies", "companies"),
  settings("companies/new", "field-name"),
  { ...settings("channels", "channel-line"), often: true },
  settings("channels/new", "kinds"),
  settings("channels/new-telegram", "field-name"),
  settings("channels/new-messenger", "sign-in-at", (page) => page.locator("[data-testid=by-hand] > summary").click()),
  { name: "connect, declined", path: "/#/connect/gmail?state=x&error=access_denied", open: (page) => at(page, "connect-refused").waitFor() },
  { name: "connect, over", path: "/#/connect/gmail?state=x&code=y", open: (page) => at(page, "connect-refused").waitFor() },
  { name: "settings, apps refused", path: "/#/settings/apps", open: (page) => at(page, "refused").waitFor() },
  settings("channels, one", "channel-line", async (page) => {
    await page.locator("[data-testid=channel-line]").first().click();
    await at(page, "channel-health").waitFor();
  }),
  { ...settings("windows", "windows"), often: true },
  settings("windows, one", "windows", async (page) => {
    await page.locator("[data-testid=windows] a").first().click();
    await at(page, "window-form").waitFor();
  }),
  settings("people", "people"),
  settings("log", "log-line"),
  settings("jobs", "page-jobs"),
  { ...settings("nodes", "node-line"), signedIn: "operator" },
  // Answered for the server: the states that one server does not get into by itself.
  {
    ...settings("nodes", "node-line"), name: "settings, nodes in trouble", signedIn: "operator", answers: { "**/api/v1/nodes": { nodes: [
      { ...someNode, id: "1", is_this: true },
      { ...someNode, id: "2", name: "hub-2", is_other_version: true, version: "0.9.0", state: "not_ready", reason: "bus", bus: "down", round_trip_us: null, skew_ms: -61_000 },
      { ...someNode, id: "3", name: "hub-3", state: "silent", silent_ms: 754_000 },
      { ...someNode, id: "4", name: "hub-4", state: "draining", bus: "alone", round_trip_us: null },
    ] } },
  },
  { ...settings("nodes", "page-nodes"), name: "settings, no nodes", signedIn: "operator", answers: { "**/api/v1/nodes": { nodes: [] } } },
  gallery("parts"),
  gallery("dialog", async (page) => {
    await at(page, "open-dialog").click();
    await page.getByRole("dialog").waitFor();
  }),
  gallery("long dialog", async (page) => {
    await at(page, "open-long").click();
    await page.getByRole("dialog").waitFor();
  }),
  gallery("question", async (page) => {
    await at(page, "open-confirm").click();
    await page.getByRole("alertdialog").waitFor();
  }),
  gallery("menu", async (page) => {
    await page.locator("[data-testid=menus] button").first().click();
    await page.getByRole("menu").waitFor();
  }, "[data-part=menus], .ui-positioner"),
  gallery("combobox", async (page) => {
    await page.locator("[data-part=combobox] [role=combobox]").click();
    await page.getByRole("listbox").waitFor();
  }, "[data-part=combobox], .ui-positioner"),
  gallery("refused form", async (page) => {
    await at(page, "refuse-field").click();
    await page.locator("[data-part=form] [role=checkbox]").nth(1).click();
    await page.locator("[data-part=form] [type=submit]").click();
    await page.locator("[data-part=form] [data-testid=gallery-name][data-invalid]").waitFor();
  }),
  { name: "docs", path: "/docs", signedIn: false, open: (page) => page.locator(".docs-operation").first().waitFor() },
  {
    name: "docs, opened", path: "/docs", signedIn: false, open: async (page) => {
      await page.locator(".docs-operation").first().waitFor();
      for (const operation of (await page.locator(".docs-operation h3 button").all()).slice(0, 12)) await operation.click();
      for (const shape of (await page.locator(".docs-shape > summary").all()).slice(0, 6)) await shape.click();
    },
  },
  { name: "docs, socket", path: "/docs/socket", signedIn: false, plain: true },
  // The last one: a window keeps the part of the inbox that it was asked for.
  { name: "inbox, none", path: `/#/inbox/closed${process.env.EMPTY ? `?company=${process.env.EMPTY}` : ""}`, open: (page) => page.locator(".side .empty:visible, .list .empty:visible").first().waitFor() },
].filter(({ name, signedIn }) => name.includes(process.env.ONLY ?? "") && (signedIn !== "operator" || operator));

/** Colours are the theme's and room is the language's, so that two looks show what is wrong: every page is looked at in the
 * longer words on a small dark screen, and in a wide light one. The pages that are seen most are looked at in the other
 * pairs too, and on a tablet, where a list stands beside a narrow thread. With ALL set, all of them in all. */
const everyLook = ["light", "dark"].flatMap((theme) => ["en", "ru"].map((language) => ({ theme, language, dir: "ltr" })));
const full = { 320: ["dark ru"], 1280: ["light en"] };
const brief = { 320: ["light en"], 768: ["dark ru"], 1280: ["light ru", "dark en"] };
const widths = process.env.ALL ? [320, 360, 768, 1280] : Object.keys(brief).map(Number);
const has = (table, width, { theme, language }) => (table[width] ?? []).includes(`${theme} ${language}`);
const looksAt = (width) => everyLook.filter((one) => process.env.ALL || has(full, width, one) || has(brief, width, one));
const pagesIn = (width, one) => pages.filter(({ often }) => process.env.ALL || often || has(full, width, one));
/** Right to left, the gallery only: no language of the page runs that way yet. */
const mirrored = { theme: "light", language: "en", dir: "rtl" };

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const counts = { runs: 0, rules: 0, wrong: 0 };
const known = new Set();

function wrong(where, what) {
  counts.wrong += 1;
  // The same thing on the same page in another look is one line.
  const line = `${where.page}: ${what}`;
  if (!known.has(line)) console.log(`not ok - ${line}   [${where.theme}, ${where.language}, ${where.dir}, ${where.width}]`);
  known.add(line);
}

async function context(look, width, state) {
  return browser.newContext({
    viewport: { width, height: width < 700 ? 700 : 900 }, colorScheme: look.theme, reducedMotion: "reduce", hasTouch: width < 700,
    locale: look.language === "ru" ? "ru-RU" : "en-US", ...(state && { storageState: state }),
  });
}

/** A session for each look: refresh tokens turn over, so that two windows cannot share one. */
async function signIn(look, width, who = email) {
  const made = await context(look, width);
  const page = await made.newPage();
  await page.goto(`${url}/`);
  await at(page, "sign-in-email").fill(who);
  await at(page, "sign-in-password").fill(password);
  await at(page, "sign-in-submit").click();
  await at(page, "conversation-row").first().waitFor();
  await page.close();
  return made;
}

/** What a page shows that did not get to where it was to be looked at. */
async function seen(page) {
  const text = await page.evaluate(() => document.body?.innerText.replaceAll(/\s+/g, " ").slice(0, 400)).catch(() => "nothing");
  return `${page.url()} shows: ${text}`;
}

/** A page that does not open is opened once more, and both are told: how fast and how surely pages open is proved elsewhere. */
async function look(made, entry, where, again = true) {
  const page = await made.newPage();
  page.setDefaultTimeout(15_000);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (line) => line.type() === "error" && /Content Security Policy/.test(line.text()) && complaints.push(line.text()));
  for (const [path, json] of Object.entries(entry.answers ?? {})) await page.route(path, (route) => route.fulfill({ json }));
  try {
    const query = entry.path.startsWith("/gallery") || entry.path === "/docs" ? `?lang=${where.language}&theme=${where.theme}${where.dir === "rtl" ? "&dir=rtl" : ""}` : "";
    await page.goto(url + entry.path + query);
    try {
      await entry.open?.(page);
    } catch (error) {
      const what = `${error.message.split("\n")[0]} ${await seen(page)}`;
      if (!again) throw new Error(what);
      console.log(`# ${where.page} did not open: ${what}   [${where.theme}, ${where.language}, ${where.dir}, ${where.width}]`);
      await page.close();
      return await look(made, entry, where, false);
    }
    // Opening and closing are animated for those who have not asked for less; here they are over in a frame.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await page.evaluate(axe);
    const found = await page.evaluate((only) => globalThis.axe.run({
      ...(only && { include: [only] }),
      // They pass the focus on the moment they get it.
      exclude: ["[data-base-ui-focus-guard]"],
    }, {
      rules: { region: { enabled: !only } },
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"],
    }), entry.only);
    counts.runs += 1;
    counts.rules += found.passes.length;
    for (const { id, nodes } of found.violations) {
      for (const node of nodes) wrong(where, `${id}: ${node.target.join(" ")} ${node.html.slice(0, 140)} — ${node.failureSummary?.split("\n").slice(1, 3).join(";").trim()}`);
    }
    for (const what of await page.evaluate(cutOff)) wrong(where, what);
    for (const what of complaints) wrong(where, `the page complained: ${what}`);
  } catch (error) {
    wrong(where, `could not be looked at: ${error.message.split("\n")[0]}`);
  } finally {
    await page.close();
  }
}

async function shots() {
  for (const theme of ["light", "dark"]) {
    for (const width of [320, 360, 768, 1024, 1600]) {
      const language = width % 3 === 0 ? "ru" : "en";
      const [outside, inside] = [await context({ theme, language }, width), await signIn({ theme, language }, width)];
      const desk = operator ? await signIn({ theme, language }, width, operator) : null;
      for (const entry of pages) {
        const page = await (entry.signedIn === false ? outside : entry.signedIn === "operator" ? desk : inside).newPage();
        for (const [path, json] of Object.entries(entry.answers ?? {})) await page.route(path, (route) => route.fulfill({ json }));
        await page.goto(url + entry.path + (entry.signedIn === false && !entry.plain && entry.path !== "/" ? `?lang=${language}&theme=${theme}` : ""));
        await entry.open?.(page).catch(() => undefined);
        await page.screenshot({ path: `${process.env.SHOTS}/${entry.name.replaceAll(/\W+/g, "-")}-${width}-${theme}.png`, fullPage: entry.name === "gallery, parts" });
        await page.close();
      }
      await outside.close();
      await inside.close();
      await desk?.close();
    }
  }
}

try {
  for (const width of widths) {
    for (const one of looksAt(width)) {
      const inside = pages.some(({ signedIn }) => signedIn !== false) ? await signIn(one, width) : null;
      const outside = await context(one, width);
      const desk = operator && pagesIn(width, one).some(({ signedIn }) => signedIn === "operator") ? await signIn(one, width, operator) : null;
      for (const entry of pagesIn(width, one)) await look(entry.signedIn === false ? outside : entry.signedIn === "operator" ? desk : inside, entry, { ...one, width, page: entry.name });
      await outside.close();
      await inside?.close();
      await desk?.close();
    }
    if (!process.env.ALL && !full[width]) continue;
    const outside = await context(mirrored, width);
    for (const entry of pages.filter(({ path }) => path.startsWith("/gallery"))) await look(outside, entry, { ...mirrored, width, page: entry.name });
    await outside.close();
  }
  if (process.env.SHOTS) await shots();
} finally {
  await browser.close();
}
console.log(`${pages.length} pages, ${counts.runs} runs of axe, ${counts.rules} rules passed, ${counts.wrong} violations`);
process.exit(counts.wrong > 0 || counts.runs === 0 ? 1 : 0);
