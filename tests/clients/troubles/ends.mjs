// The ends of a session: nothing of it stays on any screen or in the browser. And one tab renews for all.
import assert from "node:assert/strict";

export async function endChecks(kit, check) {
  const { at, out, tab, open } = kit;
  const kept = (page) => page.evaluate(() => Object.keys({ ...localStorage, ...sessionStorage }).filter((key) => !/^hubbub\.(language$|theme$|list\.)/.test(key)));

  for (const code of [3500, 3503, 3999]) {
    await check(`the code ${code} of the socket ends the session in every tab, and leaves nothing`, async () => {
      let net;
      const one = await kit.person({ before: async (page) => { net = await kit.network(page); } });
      const two = await tab(one);
      await (await open(two, "Mira")).fill("half an answer");
      await two.waitForTimeout(500);
      await net.cut(code);
      await Promise.all([out(one), out(two)]);
      await two.waitForTimeout(500);
      assert.deepEqual([await kept(one), await kept(two)], [[], []]);
      assert.equal(await one.getByText("half an answer").count(), 0);
      await one.context().close();
    });
  }

  await check("a browser without channels hears of it, too", async () => {
    const bare = (page) => page.addInitScript(() => { delete window.BroadcastChannel; });
    let net;
    const one = await kit.person({ before: async (page) => { await bare(page); net = await kit.network(page); } });
    const two = await one.context().newPage();
    await bare(two);
    await two.goto(kit.world.url);
    await kit.live(two);
    await net.cut(3507);
    await Promise.all([out(one), out(two)]);
    await one.context().close();
  });

  await check("three tabs renew one token once", async () => {
    const one = await kit.person();
    const tabs = [one, await tab(one), await tab(one)];
    let renewals = 0;
    for (const page of tabs) page.on("request", (request) => { if (request.url().endsWith("/session/refresh")) renewals += 1; });
    await one.waitForTimeout(66_000);
    assert.ok(renewals >= 1 && renewals <= 2, `${renewals} renewals of three tabs in a little more than a minute`);
    for (const page of tabs) assert.equal(await at(page, "connection-bar").getAttribute("data-phase"), "live");
    await one.context().close();
  });
}
