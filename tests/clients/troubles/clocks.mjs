// The computer's clock decides nothing.
import assert from "node:assert/strict";

const bar = (page) => page.locator("[data-testid=connection-bar]").getAttribute("data-phase");

export async function clockChecks(kit, check) {
  const { world, row, bubble } = kit;
  let number = 0;
  const says = (text) => world.says(5_550_100 + (number += 1), `Clock ${number}`, text).then(() => `Clock ${number}`);

  for (const [name, ms] of [["ten minutes behind", -600_000], ["a day ahead", 86_400_000]]) {
    await check(`with a clock ${name}, the page stays live past the end of its token, and renews it once in its time`, async () => {
      const page = await kit.person({ before: kit.wrongClock(ms) });
      let [lost, renewals] = [0, 0];
      page.on("request", (request) => { if (request.url().endsWith("/session/refresh")) renewals += 1; });
      for (let second = 0; second < 75; second += 1) {
        await page.waitForTimeout(1_000);
        if ((await bar(page)) !== "live") lost += 1;
      }
      const customer = await says("past the end of the token");
      await row(page, customer).waitFor({ timeout: 5_000 });
      assert.ok(lost <= 2 && renewals >= 1 && renewals <= 3, `lost for ${lost} s, ${renewals} renewals`);
      await page.context().close();
    });
  }

  await check("a message of this moment is of now, with a clock 25 minutes ahead", async () => {
    const page = await kit.person({ before: kit.wrongClock(25 * 60_000) });
    const customer = await says("this moment");
    await row(page, customer).waitFor();
    await page.waitForTimeout(500);
    assert.equal(await row(page, customer).locator("time").innerText(), "now");
    await page.context().close();
  });

  await check("it is so, too, when the clock is set while the page is open", async () => {
    const page = await kit.person({ before: kit.wrongClock(0) });
    await page.evaluate(() => { window.clockOff = -3 * 3_600_000; });
    const customer = await says("after the clock was set");
    await row(page, customer).waitFor();
    await page.waitForTimeout(6_000);
    assert.equal(await row(page, customer).locator("time").innerText(), "now");
    const field = await kit.open(page, customer);
    await field.fill("written after the clock was set");
    await field.press("Enter");
    await kit.sent(page, "written after the clock was set").waitFor();
    assert.equal(await bar(page), "live");
    await page.context().close();
  });

  await check("times are told anew in the time zone to which the reader has travelled", async () => {
    const page = await kit.person();
    await kit.open(page, "Mira");
    const time = () => bubble(page, "hello from Mira").locator("time").innerText();
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Emulation.setTimezoneOverride", { timezoneId: "Asia/Kolkata" });
    await page.evaluate(() => window.dispatchEvent(new Event("focus")));
    const expected = await page.evaluate((at) => new Intl.DateTimeFormat("en", { hour: "numeric", minute: "2-digit", timeZone: "Asia/Kolkata" }).format(at),
      Date.parse(await bubble(page, "hello from Mira").locator("time").getAttribute("datetime")));
    assert.ok(await kit.until(async () => (await time()) === expected, 3_000), `${await time()} is not ${expected}`);
    await page.context().close();
  });
}
