// Nothing fails before the first drawing: the page opens, or says in words what it needs.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export async function drawingChecks(kit, check) {
  const { browser, world, at } = kit;
  const fresh = async (prepare) => {
    const page = await (await browser.newContext({ locale: "en-US" })).newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await prepare(page);
    await page.goto(world.url);
    return { page, errors };
  };

  await check("with site data blocked the page opens, says what it needs, and works while it is open", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hubbub-profile-"));
    mkdirSync(join(folder, "Default"));
    writeFileSync(join(folder, "Default/Preferences"), JSON.stringify({ profile: { default_content_setting_values: { cookies: 2 } } }));
    const context = await kit.chromium.launchPersistentContext(folder, { ...kit.engine, locale: "en-US" });
    const page = await context.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(world.url);
    await at(page, "sign-in-cookies").waitFor();
    await kit.enter(page);
    const field = await kit.open(page, "Mira");
    await field.fill("from a browser that keeps nothing");
    await field.press("Enter");
    await kit.sent(page, "from a browser that keeps nothing").waitFor();
    assert.deepEqual(errors, []);
    await context.close();
    rmSync(folder, { recursive: true, force: true });
  });

  await check("a storage that is full, and a browser without channels, locks and random ids, cost only comfort", async () => {
    const { page, errors } = await fresh((one) => one.addInitScript(() => {
      Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
      delete window.BroadcastChannel;
      delete window.indexedDB;
      Object.defineProperty(navigator, "locks", { value: undefined });
      delete Crypto.prototype.randomUUID;
    }));
    await kit.enter(page);
    const field = await kit.open(page, "Mira");
    await field.fill("with a full storage");
    await field.press("Enter");
    await kit.sent(page, "with a full storage").waitFor();
    await page.reload();
    await kit.live(page);
    assert.deepEqual(errors, []);
    await page.context().close();
  });

  await check("a script that cannot be loaded is said, with a way to try again", async () => {
    const { page } = await fresh((one) => one.route(/\/assets\/.*\.js$/, (route) => route.abort()));
    await page.getByRole("alert").filter({ hasText: "could not be loaded" }).waitFor();
    await page.unroute(/\/assets\/.*\.js$/);
    await page.getByRole("button", { name: "Load again" }).click();
    await at(page, "sign-in-email").waitFor();
    await page.context().close();
  });

  await check("an error before the first drawing, and a browser without modules, are said", async () => {
    const broken = await fresh((one) => one.addInitScript(() => { Intl.PluralRules = undefined; }));
    await broken.page.getByRole("alert").filter({ hasText: "could not start" }).waitFor();
    const old = await fresh((one) => one.addInitScript(() => { delete HTMLScriptElement.prototype.noModule; }));
    // This one has modules in truth, so the page takes the place of the words.
    await old.page.locator("#root > *").first().waitFor();
    for (const { page } of [broken, old]) await page.context().close();
  });
}
