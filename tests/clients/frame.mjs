// The frame of the page in headless Chromium: addresses, reload, back and forward, dead links, what each role is shown,
// narrow screens, the palette and the keys. SHOTS names a folder for screenshots.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { startSubPath } from "./sub_path.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { chromium } = createRequire(`${root}web/package.json`)("playwright-core");

const password = "a lantern for every window";
const at = (page, id) => page.getByTestId(id);
const live = (page) => page.locator("[data-testid=connection-bar][data-phase=live]").waitFor({ state: "attached" });
const hash = (page) => new URL(page.url()).hash;
const shown = (page, text) => page.locator("[data-testid=message]", { hasText: text });

export async function frameChecks(world, check) {
  const browser = await chromium.launch({
    executablePath: `${root}tests/clients/chromium.sh`,
    env: { ...process.env, HUBBUB_TEST_CHROMIUM: process.env.CHROMIUM ?? "" },
  });
  const other = await world.admin("", "tenant", "create", "--name", "Harbour Books");
  const people = {
    owner: { email: world.email, role: "owner" },
    agent: { email: "agent@example.com", role: "agent" },
    viewer: { email: "viewer@example.com", role: "viewer" },
    manager: { email: "manager@example.com", platform: "manager" },
    admin: { email: "admin@example.com", platform: "admin" },
  };
  for (const [name, { email, role, platform }] of Object.entries(people)) {
    if (name === "owner") continue;
    const part = platform ? ["--platform-role", platform] : ["--tenant", world.tenant, "--role", role];
    await world.admin(password, "user", "create", "--email", email, "--name", `Person ${name}`, "--password-stdin", ...part);
  }
  for (let chat = 1; chat <= 30; chat++) await world.says(5_550_300 + chat, `Customer ${String(chat).padStart(2, "0")}`, `first of ${chat}`);
  for (let number = 1; number <= 130; number++) await world.says(5_550_400, "Talkative", `line ${number}.`);

  const complaints = [];
  /** Signs in at an address of the page. `refused` collects what the server refused the page. */
  async function enter(who, { to = "", width = 1280, height = 800, locale = "en-US", scheme = "light", url = world.url } = {}) {
    const context = await browser.newContext({ viewport: { width, height }, locale, colorScheme: scheme });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (line) => line.type() === "error" && /Content Security Policy/.test(line.text()) && complaints.push(line.text()));
    page.refused = [];
    page.on("response", (answer) => answer.status() === 403 && page.refused.push(answer.url()));
    await page.goto(`${url}/${to}`);
    await at(page, "sign-in-email").fill(people[who].email);
    await at(page, "sign-in-password").fill(password);
    await at(page, "sign-in-submit").click();
    await live(page);
    return page;
  }
  const leave = (page) => page.context().close();
  const row = (page, name) => page.locator("[data-testid=conversation-row]", { hasText: name });
  /** The list draws what is in view only: goes down it until the row is there. */
  async function open(page, name) {
    await at(page, "conversation-row").first().waitFor();
    for (let tries = 0; tries < 40 && (await row(page, name).count()) === 0; tries++) {
      await page.locator(".list").evaluate((list) => list.scrollBy(0, 300));
      await page.waitForTimeout(50);
    }
    await row(page, name).click();
  }
  const shot = async (page, name) => process.env.SHOTS && page.screenshot({ path: `${process.env.SHOTS}/${name}.png` });

  try {
    await check("an address opens what it names, through the sign-in and a reload", async () => {
      const page = await enter("owner", { to: "#/inbox/all?sort=wait" });
      await page.locator("[data-testid=sort-wait][aria-pressed=true]").waitFor();
      await open(page, "Talkative");
      await shown(page, "line 130.").waitFor();
      assert.match(hash(page), /^#\/inbox\/all\/c\/[\w-]+\?sort=wait$/);
      assert.match(await page.title(), /Talkative/);
      const before = hash(page);
      await page.reload();
      await shown(page, "line 130.").waitFor();
      assert.equal(hash(page), before);
      await page.locator("[data-testid=sort-wait][aria-pressed=true]").waitFor();
      // The address of a former version.
      const id = /\/c\/([\w-]+)/.exec(before)[1];
      await page.goto(`${world.url}/#/c/${id}`);
      await page.reload();
      await shown(page, "line 130.").waitFor();
      await leave(page);
    });

    await check("back and forward go through views, conversations and pages, and the list stays where it was", async () => {
      const page = await enter("owner");
      await row(page, "Customer 30").waitFor();
      await page.locator(".list").evaluate((list) => list.scrollTo(0, 900));
      await page.waitForTimeout(100);
      const top = await page.locator(".list").evaluate((list) => list.scrollTop);
      assert.ok(top > 300, "the list is long enough to be scrolled");
      await page.locator("[data-testid=conversation-row]").nth(12).click();
      await at(page, "thread").waitFor();
      await at(page, "nav-settings").click();
      await at(page, "page-settings").waitFor();
      assert.equal(await page.evaluate(() => document.activeElement?.tagName), "H1", "the focus is on the new page's heading");
      await at(page, "section-people").click();
      await at(page, "people").waitFor();
      assert.match(await page.title(), /^(\(\d+\) )?People · Hubbub$/);
      await page.keyboard.press("?");
      await page.locator("[data-testid=help][open]").waitFor();
      await page.goBack();
      await at(page, "page-settings").waitFor();
      await page.locator("[data-testid=help][open]").waitFor({ state: "detached" });
      await page.goBack();
      await at(page, "thread").waitFor();
      await page.goBack();
      await at(page, "thread").waitFor({ state: "detached" });
      assert.equal(await page.locator(".list").evaluate((list) => list.scrollTop), top);
      await page.goForward();
      await at(page, "thread").waitFor();
      await at(page, "filter-closed").click();
      await page.locator("[data-testid=filter-closed][aria-pressed=true]").waitFor();
      await page.goBack();
      await page.locator("[data-testid=filter-all][aria-pressed=true]").waitFor();
      await leave(page);
    });

    await check("an address of a message shows the thread around it, however far back", async () => {
      const page = await enter("owner");
      await open(page, "Talkative");
      await shown(page, "line 130.").waitFor();
      const id = /\/c\/([\w-]+)/.exec(hash(page))[1];
      await page.goto(`${world.url}/#/c/${id}/m/5`);
      await at(page, "marked").filter({ hasText: "line 5." }).waitFor();
      await page.reload();
      const marked = at(page, "marked").filter({ hasText: "line 5." });
      await marked.waitFor();
      await page.waitForFunction(() => {
        const [mark, box] = ["marked", "thread-window"].map((id) => document.querySelector(`[data-testid=${id}]`)?.getBoundingClientRect());
        return mark && box && mark.top >= box.top && mark.bottom <= box.bottom;
      });
      assert.equal(await shown(page, "line 130.").count(), 0, "what lies between is not loaded");
      await shot(page, "message");
      // Newer ones come as one scrolls, without holes.
      for (let tries = 0; tries < 30 && (await shown(page, "line 90.").count()) === 0; tries++) {
        await page.locator("[data-testid=thread-window]").evaluate((box) => box.scrollTo(0, box.scrollHeight));
        await page.waitForTimeout(150);
      }
      const seqs = await page.locator("[data-testid=message]").evaluateAll((all) => all.map((one) => Number(one.dataset.seq)));
      assert.deepEqual(seqs, seqs.map((_, index) => seqs[0] + index));
      await at(page, "jump-to-latest").click();
      await shown(page, "line 130.").waitFor();
      await page.goto(`${world.url}/#/c/${id}/m/99999`);
      await at(page, "message-gone").waitFor();
      await at(page, "way-out").click();
      await shown(page, "line 130.").waitFor();
      await leave(page);
    });

    await check("a dead link says what is missing, and leads out", async () => {
      const page = await enter("owner");
      const dead = [
        "#/nowhere/at/all", "#/c/0190aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa", "#/c/no-id", "#/inbox/everything",
        `#/inbox/all?tenant=${other.id}`, `#/settings/people?tenant=${other.id}`, `#/settings/channels/0190aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa?tenant=${world.tenant}`,
      ];
      for (const address of dead) {
        await page.goto(`${world.url}/${address}`);
        await at(page, "gone").waitFor();
        await page.reload();
        await at(page, "gone").waitFor();
        await at(page, "gone").getByTestId("way-out").click();
        await at(page, "gone").waitFor({ state: "detached" });
      }
      for (const from of [world.url, "about:blank"]) {
        await page.goto(from);
        await page.goto(`${world.url}/#/inbox/all?channel=0190aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa`);
        await at(page, "dropped").waitFor();
        await row(page, "Customer").first().waitFor();
        assert.equal(hash(page), "#/inbox/all");
      }
      await leave(page);
    });

    for (const [name, pages] of Object.entries({
      owner: ["companies", "channels", "windows", "links", "leads", "details", "people", "log", "jobs", "profile", "appearance"],
      agent: ["companies", "channels", "links", "leads", "people", "profile", "appearance"],
      viewer: ["companies", "channels", "links", "leads", "people", "profile", "appearance"],
      manager: ["companies", "channels", "links", "leads", "people", "apps", "profile", "appearance"],
      admin: ["companies", "channels", "windows", "links", "leads", "details", "people", "log", "jobs", "apps", "nodes", "profile", "appearance"],
    })) {
      await check(`${name}: the pages and controls that are shown are those that the server grants`, async () => {
        const page = await enter(name, { to: "#/settings" });
        await at(page, "page-settings").waitFor();
        const links = page.locator(".settings-side .settings-link");
        assert.deepEqual((await links.evaluateAll((all) => all.map((link) => link.dataset.testid.replace("section-", "")))), pages);
        for (const section of ["companies", "channels", "windows", "links", "leads", "details", "people", "log", "jobs", "profile", "appearance"]) {
          await page.goto(`${world.url}/#/settings/${section}?tenant=${world.tenant}`);
          await at(page, `page-${section}`).waitFor();
          if (pages.includes(section)) await page.locator(".data-loading").waitFor({ state: "detached" });
          else await at(page, "refused").waitFor();
        }
        const manages = pages.includes("log");
        await page.goto(`${world.url}/#/settings/channels/${world.channel}?tenant=${world.tenant}`);
        await at(page, "channel-health").waitFor();
        // The forms ask for what they show.
        if (manages) await at(page, "field-token").waitFor({ timeout: 20_000 });
        for (const id of ["pause", "connect", "field-name", "field-token"]) assert.equal(await at(page, id).count(), manages ? 1 : 0, `${name} ${id}`);
        await page.goto(`${world.url}/#/settings/channels?tenant=${world.tenant}`);
        await at(page, "channels").waitFor();
        assert.equal(await at(page, "new-channel").count(), manages ? 1 : 0);
        for (const section of ["companies", "channels"]) {
          await page.goto(`${world.url}/#/settings/${section}/new?tenant=${world.tenant}`);
          await at(page, !manages ? "refused" : section === "channels" ? "kinds" : "field-name").waitFor();
          await page.goto(`${world.url}/#/settings/${section}/01900000-0000-7000-8000-000000000000?tenant=${world.tenant}`);
          await at(page, "gone").waitFor();
        }
        assert.equal(await at(page, "nav-businesses").count(), name === "manager" || name === "admin" ? 1 : 0);
        await page.goto(`${world.url}/#/`);
        await open(page, "Customer 30");
        await at(page, "thread").waitFor();
        for (const id of ["close", "composer-input"]) assert.equal(await at(page, id).count(), name === "viewer" ? 0 : 1, `${name} ${id}`);
        await page.keyboard.press("Escape");
        if (name === "viewer") {
          await page.keyboard.press("t");
          await page.keyboard.press("Control+k");
          await at(page, "palette-input").fill("take over");
          assert.equal(await at(page, "palette-option").filter({ hasText: /^Take over/ }).count(), 0);
          await page.keyboard.press("Escape");
        }
        assert.deepEqual(page.refused, []);
        await leave(page);
      });
    }

    await check("a channel is paused, named and set by forms, with the server's refusals at their fields, and other pages follow", async () => {
      const page = await enter("owner", { to: `#/settings/windows/${world.channel}?tenant=${world.tenant}` });
      const watcher = await enter("owner", { to: `#/settings/channels?tenant=${world.tenant}` });
      await at(watcher, "channel-line").first().waitFor();
      await at(page, "field-quiet_ms").fill("900");
      await at(page, "save").click();
      await page.getByText("Between 0 and 600").waitFor();
      assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("data-testid")), "field-quiet_ms");
      await at(page, "field-quiet_ms").fill("x");
      await at(page, "save").click();
      await page.getByText("Give a whole number").waitFor();
      await at(page, "field-quiet_ms").fill("2.5");
      await at(page, "save").click();
      await page.getByText("Saved.").waitFor();
      await page.goto(`${world.url}/#/settings/channels/${world.channel}?tenant=${world.tenant}`);
      await at(page, "field-name").fill("Bot of the shop");
      // An edit that is not saved survives a look at another page.
      await at(page, "section-people").click();
      await at(page, "people").waitFor();
      await page.goBack();
      assert.equal(await at(page, "field-name").inputValue(), "Bot of the shop");
      await at(page, "save").first().click();
      await at(watcher, "channel-line").filter({ hasText: "Bot of the shop" }).waitFor();
      await at(page, "pause").click();
      await at(watcher, "channel-line").filter({ hasText: "Paused" }).waitFor();
      await at(page, "pause").click();
      await at(watcher, "channel-line").filter({ hasText: "Paused" }).waitFor({ state: "detached" });
      await at(page, "connect").click();
      await at(page, "switches-told").filter({ hasText: "Connected" }).waitFor();
      await page.goto(`${world.url}/#/settings/log?tenant=${world.tenant}`);
      await at(page, "log-line").nth(49).waitFor();
      await at(page, "load-more").click();
      await at(page, "log-line").nth(99).waitFor();
      await at(page, "replay").first().click();
      await page.getByText("Replayed:").waitFor();
      await page.goto(`${world.url}/#/settings/companies/new?tenant=${world.tenant}`);
      await at(page, "save").click();
      await page.getByText("Fill this in").waitFor();
      await at(page, "field-name").fill("Candles");
      await at(page, "save").click();
      await at(page, "companies").filter({ hasText: "Candles" }).waitFor();
      await leave(watcher);
      await leave(page);
    });

    await check("a page whose code cannot be loaded says so, and comes when it can", async () => {
      const page = await enter("owner");
      await page.route(/assets\/Settings-/, (route) => route.abort());
      await at(page, "nav-settings").click();
      await at(page, "page-failed").waitFor();
      await at(page, "nav-inbox").click();
      await row(page, "Customer 30").waitFor();
      await page.unroute(/assets\/Settings-/);
      await at(page, "nav-settings").click();
      await page.getByRole("button", { name: "Try again" }).click().catch(() => {});
      await at(page, "page-settings").waitFor();
      await leave(page);
    });

    await check("the keyboard alone: palette, pages, conversations, help, in fields and under another alphabet", async () => {
      const page = await enter("owner");
      await row(page, "Customer 30").waitFor();
      await page.keyboard.press("Control+k");
      await at(page, "palette-input").waitFor();
      await page.keyboard.type("integr log");
      await page.keyboard.press("Enter");
      await at(page, "page-log").waitFor();
      await page.keyboard.press("Control+k");
      await page.keyboard.type("customer 17");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowUp");
      await shot(page, "palette");
      await page.keyboard.press("Enter");
      await page.locator("[data-testid=thread]", { hasText: "Customer 17" }).waitFor();
      await page.keyboard.press("r");
      await page.waitForFunction(() => document.activeElement?.id === "composer");
      await page.keyboard.type("t?/jk");
      assert.equal(await at(page, "composer-input").inputValue(), "t?/jk");
      // The palette opens from a field; what is under it stays.
      await page.keyboard.press("Control+k");
      await at(page, "palette-input").waitFor();
      await page.keyboard.press("Escape");
      await at(page, "palette-input").waitFor({ state: "detached" });
      await page.waitForFunction(() => document.activeElement?.id === "composer");
      assert.equal(await at(page, "composer-input").inputValue(), "t?/jk");
      await at(page, "composer-input").fill("");
      await page.keyboard.press("Escape");
      const before = hash(page);
      const type = (key, code, more = {}) => page.evaluate(([key, code, more]) => {
        const event = new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true, ...more });
        document.body.dispatchEvent(event);
        return event.defaultPrevented;
      }, [key, code, more]);
      assert.equal(await type("j", "KeyJ", { keyCode: 229 }), false);
      assert.equal(await type("j", "KeyJ", { isComposing: true }), false);
      assert.equal(hash(page), before);
      assert.equal(await type("о", "KeyJ"), true);
      await page.waitForFunction((before) => location.hash !== before, before);
      await type("л", "KeyK", { ctrlKey: true });
      await at(page, "palette-input").waitFor();
      // A dialog has the keys.
      assert.equal(await type("о", "KeyJ"), false);
      await page.keyboard.press("Escape");
      await at(page, "palette-input").waitFor({ state: "detached" });
      await page.keyboard.press("?");
      await page.locator("[data-testid=help][open]").waitFor();
      await page.keyboard.press("Escape");
      await page.keyboard.press("2");
      await page.locator("[data-testid=filter-mine][aria-pressed=true]").waitFor();
      await leave(page);
    });

    await check("at 320 and 360 px the bar leads everywhere, and nothing that is said covers what one works with", async () => {
      for (const width of [320, 360]) {
        const page = await enter("owner", { width, height: 640 });
        await row(page, "Customer 30").waitFor();
        for (const id of ["nav-inbox", "nav-settings", "open-palette"]) {
          const box = await at(page, id).boundingBox();
          assert.ok(box.y + box.height <= 640 && box.y > 560, `${id} is in the bar at the bottom`);
        }
        await open(page, "Talkative");
        await at(page, "composer-input").waitFor();
        assert.equal(await at(page, "nav").isVisible(), false);
        await page.context().setOffline(true);
        await page.evaluate(() => window.dispatchEvent(new Event("offline")));
        await page.locator("[data-testid=connection-bar][data-tone=bad]").waitFor({ timeout: 60_000 });
        const covered = await page.evaluate(() => {
          const seen = (element) => {
            const { x, y, width, height } = element.getBoundingClientRect();
            const top = document.elementFromPoint(x + width / 2, y + height / 2);
            return element.contains(top) || (top?.contains(element) ?? false);
          };
          const last = [...document.querySelectorAll("[data-testid=message] .bubble")].at(-1);
          return { composer: seen(document.getElementById("composer")), last: seen(last), wide: document.documentElement.scrollWidth };
        });
        assert.deepEqual(covered, { composer: true, last: true, wide: width });
        await shot(page, `offline-${width}`);
        await page.context().setOffline(false);
        await live(page);
        await leave(page);
      }
    });

    await check("in Russian every page is named, and under a sub-path behind a proxy everything works", async () => {
      const proxy = await startSubPath(Number(new URL(world.url).port), "/hub");
      try {
        const page = await enter("owner", { locale: "ru-RU", url: `${proxy.url}/hub` });
        await open(page, "Customer 30");
        await at(page, "thread").waitFor();
        await page.reload();
        await live(page);
        await at(page, "thread").waitFor();
        await at(page, "nav-settings").click();
        await at(page, "section-log").click();
        await page.getByRole("heading", { name: "Журнал интеграций" }).waitFor();
        await at(page, "log-line").first().waitFor();
        await leave(page);
      } finally {
        proxy.stop();
      }
    });

    if (process.env.SHOTS) await check("screenshots", () => shots(world, enter, leave, shot));
    assert.deepEqual(complaints, []);
  } finally {
    await browser.close();
  }
}

async function shots(world, enter, leave, shot) {
  const at = `tenant=${world.tenant}`;
  const addresses = {
    inbox: "#/", settings: "#/settings", channels: `#/settings/channels?${at}`, channel: `#/settings/channels/${world.channel}?${at}`,
    new: `#/settings/channels/new?${at}`, windows: `#/settings/windows/${world.channel}?${at}`, people: `#/settings/people?${at}`, log: `#/settings/log?${at}`,
    jobs: `#/settings/jobs?${at}`, profile: "#/settings/profile", appearance: "#/settings/appearance", businesses: "#/businesses", gone: "#/nowhere",
  };
  for (const [scheme, locale] of [["light", "en-US"], ["dark", "ru-RU"]]) {
    const page = await enter("admin", { scheme, locale });
    for (const width of [360, 768, 1024, 1600]) {
      await page.setViewportSize({ width, height: width === 360 ? 740 : 900 });
      for (const [name, address] of Object.entries(addresses)) {
        await page.goto(`${world.url}/${address}`);
        await page.waitForTimeout(500);
        await shot(page, `${name}-${width}-${scheme}`);
      }
      await page.goto(`${world.url}/#/`);
      await page.locator("[data-testid=conversation-row]", { hasText: "Talkative" }).click();
      await page.waitForTimeout(500);
      await shot(page, `thread-${width}-${scheme}`);
      await page.keyboard.press("Control+k");
      await page.waitForTimeout(200);
      await shot(page, `palette-${width}-${scheme}`);
      await page.keyboard.press("Escape");
    }
    await leave(page);
  }
}
