// What can never go through is not tried for ever; what was done before the server knew it survives a cut and a reload.
import assert from "node:assert/strict";

export async function sendingChecks(kit, check) {
  const { world, at, live, bubble, sent, arrived, until } = kit;

  await check("39,000 letters of two bytes are sent once, the socket stays, and what is written after them goes out", async () => {
    let net;
    const page = await kit.person({ before: async (fresh) => { net = await kit.network(fresh); } });
    const field = await kit.open(page, "Mira");
    const sockets = net.sockets;
    const parts = world.telegram.sent.length;
    await field.fill("ж".repeat(39_000));
    await field.press("Enter");
    await field.fill("short, after the long one");
    await field.press("Enter");
    await sent(page, "short, after the long one").waitFor();
    assert.ok(await until(() => arrived("short, after the long one") === 1));
    const letters = world.telegram.sent.slice(parts).reduce((sum, { text }) => sum + [...text].filter((one) => one === "ж").length, 0);
    assert.deepEqual([letters, net.sockets], [39_000, sockets]);
    await page.context().close();
  });

  await check("a paste that no frame takes is refused in words without a cut, can be edited, and holds nothing up", async () => {
    let net;
    const page = await kit.person({ before: async (fresh) => { net = await kit.network(fresh); } });
    const field = await kit.open(page, "Mira");
    const sockets = net.sockets;
    // In words: one word of that length takes a browser seconds to break into lines.
    const paste = Array(40_000).fill("жжжжжжжжж").join(" ");
    await field.fill(paste);
    await field.press("Enter");
    await page.locator("[data-testid=message][data-status=failed]", { hasText: "too long for this server" }).waitFor();
    await field.fill("past the paste");
    await field.press("Enter");
    await sent(page, "past the paste").waitFor();
    await page.reload();
    await live(page);
    await kit.open(page, "Mira");
    // The reload brings it back as it was: refused, and not tried.
    await page.locator("[data-testid=message][data-status=failed]", { hasText: "too long for this server" }).waitFor();
    await at(page, "pending-edit").click();
    await at(page, "composer-refused").waitFor();
    await page.waitForFunction((length) => document.querySelector("[data-testid=composer-input]")?.value.length === length, paste.length);
    assert.equal(net.sockets - sockets, 1, "the reload's");
    await page.context().close();
  });

  await check("a note over the limit is refused in words, and the next one is written", async () => {
    const page = await kit.person();
    const field = await kit.open(page, "Noor");
    await at(page, "mode-note").click();
    await field.fill("n".repeat(40_001));
    await field.press("Enter");
    await page.locator("[data-testid=message][data-status=failed] .problem").waitFor();
    await field.fill("a note of the usual length");
    await field.press("Enter");
    await page.locator("[data-testid=message][data-direction=note]:not([data-pending])", { hasText: "usual length" }).waitFor();
    await page.context().close();
  });

  await check("what ends the connection each time is given up, also over a reload, and the next message goes out", async () => {
    let net;
    const page = await kit.person({ before: async (fresh) => { net = await kit.network(fresh); } });
    const field = await kit.open(page, "Mira");
    net.poison = "poisonous";
    await field.fill("something poisonous");
    await field.press("Enter");
    await field.fill("harmless, after it");
    await field.press("Enter");
    const failed = page.locator("[data-testid=message][data-status=failed]", { hasText: "poisonous" });
    await failed.waitFor({ timeout: 30_000 });
    await sent(page, "harmless, after it").waitFor();
    const sockets = net.sockets;
    await page.reload();
    await live(page);
    await kit.open(page, "Mira");
    await failed.waitFor();
    await page.waitForTimeout(3_000);
    assert.equal(net.sockets - sockets, 1, "the reload's");
    assert.equal(arrived("something poisonous"), 0);
    await page.context().close();
  });

  await check("a read mark that was set without a network survives a reload", async () => {
    let net;
    const page = await kit.person({ before: async (fresh) => { net = await kit.network(fresh); } });
    await world.says(5_550_003, "Reader", "read me");
    await kit.row(page, "Reader").getByTestId("unread").waitFor();
    net.down = true;
    await net.cut();
    await kit.open(page, "Reader");
    await kit.row(page, "Reader").getByTestId("unread").waitFor({ state: "detached" });
    await page.reload();
    await kit.row(page, "Reader").waitFor();
    assert.equal(await kit.row(page, "Reader").getByTestId("unread").count(), 0);
    net.down = false;
    await live(page);
    const beside = await kit.person();
    assert.ok(await until(async () => (await kit.row(beside, "Reader").getByTestId("unread").count()) === 0));
    await page.context().close();
    await beside.context().close();
  });

  await check("an assignment and a take-over without a network are shown at once and made up for after a reload", async () => {
    let net;
    const page = await kit.person({ before: async (fresh) => { net = await kit.network(fresh); } });
    await world.says(5_550_004, "Taken", "who answers?");
    await kit.open(page, "Taken");
    net.down = true;
    await net.cut();
    await at(page, "take-over").click();
    await page.locator("[data-testid=owner-banner][data-owner=human]").waitFor();
    await at(page, "assign").selectOption({ label: "Petra" });
    await page.reload();
    await page.locator("[data-testid=owner-banner][data-owner=human]").waitFor();
    assert.equal(await at(page, "assign").locator("option:checked").innerText(), "Petra");
    net.down = false;
    await live(page);
    const petra = await kit.person({ email: kit.agent });
    await kit.open(petra, "Taken");
    await petra.locator("[data-testid=owner-banner][data-owner=human]").waitFor();
    assert.ok(await until(async () => (await at(petra, "assign").locator("option:checked").innerText()).startsWith("Me")));
    await page.context().close();
    await petra.context().close();
  });

  await check("a change that is refused is taken back in words", async () => {
    let net;
    const page = await kit.person({ before: async (fresh) => { net = await kit.network(fresh); } });
    const beside = await kit.person();
    await world.says(5_550_005, "Closed", "bye");
    await kit.open(page, "Closed");
    net.down = true;
    await net.cut();
    await at(page, "take-over").click();
    await page.locator("[data-testid=owner-banner][data-owner=human]").waitFor();
    await kit.open(beside, "Closed");
    await at(beside, "close").click();
    await at(beside, "composer-off").waitFor();
    net.down = false;
    await page.locator(".notice-error").waitFor({ timeout: 30_000 });
    await at(page, "composer-off").waitFor();
    assert.equal(await bubble(page, "bye").count(), 1);
    await page.context().close();
    await beside.context().close();
  });

  await check("a server that accepts and then drops is asked ever more seldom", async () => {
    let net;
    const page = await kit.person({ before: async (fresh) => { net = await kit.network(fresh); } });
    const before = net.sockets;
    for (const end = performance.now() + 20_000; performance.now() < end; await page.waitForTimeout(20)) {
      if ((await at(page, "connection-bar").getAttribute("data-phase")) === "live") await net.cut();
    }
    assert.ok(net.sockets - before <= 9, `${net.sockets - before} connections in 20 seconds`);
    await page.context().close();
  });

  await check("nor is one that drops before it answers", async () => {
    let net;
    const page = await kit.person({ before: async (fresh) => { net = await kit.network(fresh); } });
    const before = net.sockets;
    net.down = true;
    net.code = 1001;
    await net.cut();
    await page.waitForTimeout(15_000);
    assert.ok(net.sockets - before <= 9, `${net.sockets - before} connections in 15 seconds`);
    await page.context().close();
  });
}
