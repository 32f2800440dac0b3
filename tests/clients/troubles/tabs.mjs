// Tabs share one browser without the last one winning, and without anybody's words leaving in another's name.
import assert from "node:assert/strict";

export async function tabChecks(kit, check) {
  const { world, at, live, sent, arrived, until, tab, open } = kit;

  await check("the drafts of two tabs are both kept", async () => {
    const one = await kit.person();
    const two = await tab(one);
    await (await open(one, "Mira")).fill("a long answer for Mira");
    await (await open(two, "Noor")).fill("a long answer for Noor");
    const next = await one.context().newPage();
    await one.close();
    await two.close();
    await next.goto(world.url);
    await live(next);
    assert.equal(await (await open(next, "Mira")).inputValue(), "a long answer for Mira");
    assert.equal(await (await open(next, "Noor")).inputValue(), "a long answer for Noor");
    await next.context().close();
  });

  await check("a draft that was sent in one tab is gone in the other, and does not come back", async () => {
    const one = await kit.person();
    const two = await tab(one);
    const field = await open(one, "Mira");
    await field.fill("sent from the first tab");
    const other = await open(two, "Mira");
    assert.ok(await until(async () => (await other.inputValue()) === "sent from the first tab"));
    await field.press("Enter");
    await sent(one, "sent from the first tab").waitFor();
    assert.ok(await until(async () => (await other.inputValue()) === ""));
    await (await open(two, "Noor")).fill("something else");
    await two.reload();
    await live(two);
    assert.equal(await (await open(two, "Mira")).inputValue(), "");
    assert.equal(arrived("sent from the first tab"), 1);
    await one.context().close();
  });

  await check("what waits in a tab that is closed is sent by another one, once", async () => {
    const keeper = await kit.person();
    const gone = await keeper.context().newPage();
    const net = await kit.network(gone);
    await gone.goto(world.url);
    await live(gone);
    const field = await open(gone, "Mira");
    net.down = true;
    await net.cut();
    await field.fill("written in the tunnel");
    await field.press("Enter");
    await kit.bubble(gone, "written in the tunnel").waitFor();
    await gone.close({ runBeforeUnload: false });
    await open(keeper, "Mira");
    await sent(keeper, "written in the tunnel").waitFor();
    await keeper.reload();
    await live(keeper);
    await keeper.waitForTimeout(1_000);
    assert.equal(arrived("written in the tunnel"), 1);
    await keeper.context().close();
  });

  await check("so it is in a browser without locks and channels, and by the next page that is opened", async () => {
    const bare = (page) => page.addInitScript(() => {
      Object.defineProperty(navigator, "locks", { value: undefined });
      delete window.BroadcastChannel;
      delete Crypto.prototype.randomUUID;
    });
    const page = await kit.person({ before: bare });
    const gone = await page.context().newPage();
    await bare(gone);
    const net = await kit.network(gone);
    await gone.goto(world.url);
    await live(gone);
    const field = await open(gone, "Noor");
    net.down = true;
    await net.cut();
    await field.fill("written in the second tunnel");
    await field.press("Enter");
    await page.close();
    await gone.close();
    const next = await gone.context().newPage();
    await bare(next);
    await next.goto(world.url);
    await live(next);
    await open(next, "Noor");
    await sent(next, "written in the second tunnel").waitFor();
    assert.equal(arrived("written in the second tunnel"), 1);
    await next.context().close();
  });

  await check("when somebody else signs in in a second tab, the first is over, sends nothing in that name, and is that person's from then on", async () => {
    const one = await kit.person({ before: async (page) => { page.net = await kit.network(page); } });
    const field = await open(one, "Mira");
    one.net.down = true;
    await one.net.cut();
    await field.fill("in the owner's name");
    await field.press("Enter");
    await field.fill("half a sentence of the owner");
    const two = await one.context().newPage();
    // The server has ended the first session meanwhile, and the browser has lost its cookie.
    await one.context().clearCookies();
    await kit.out(await goto(two));
    await signIn(two, kit.agent);
    one.net.down = false;
    await kit.out(one);
    assert.ok(!(await one.locator("body").innerText()).includes("Mira"));
    await one.reload();
    await live(one);
    await one.getByRole("button", { name: "Menu" }).click();
    await one.locator(".menu-user", { hasText: kit.agent }).waitFor();
    await one.keyboard.press("Escape");
    await open(one, "Mira");
    assert.equal(await at(one, "composer-input").inputValue(), "");
    await one.waitForTimeout(2_000);
    assert.equal(await kit.bubble(one, "in the owner's name").count(), 0);
    assert.equal(arrived("in the owner's name"), 0);
    const kept = JSON.stringify(await two.evaluate(() => ({ ...localStorage })));
    assert.ok(!kept.includes("owner"), kept);
    await one.context().close();
  });

  await check("the language and the appearance that are chosen in one tab are those of the others, and neither undoes the other", async () => {
    const one = await kit.person();
    const two = await tab(one);
    await one.getByRole("button", { name: "Menu" }).click();
    await one.getByRole("button", { name: "Dark" }).click();
    await two.locator("html[data-theme=dark]").waitFor({ state: "attached" });
    await at(two, "filter-mine").click();
    await two.reload();
    await two.locator("html[data-theme=dark]").waitFor({ state: "attached" });
    await one.context().close();
  });

  async function goto(page) {
    await page.goto(world.url);
    return page;
  }

  async function signIn(page, email) {
    await at(page, "sign-in-email").fill(email);
    await at(page, "sign-in-password").fill(world.password);
    await at(page, "sign-in-submit").click();
    await live(page);
  }
}
