// What is only of the moment ends with what settles it.
import assert from "node:assert/strict";

export async function presenceChecks(kit, check) {
  const { at, until, open, bubble } = kit;
  const both = async () => {
    let net;
    const olive = await kit.person();
    const petra = await kit.person({ email: kit.agent, before: async (page) => { net = await kit.network(page); } });
    await open(olive, "Mira");
    const field = await open(petra, "Mira");
    await at(olive, "viewers").locator(".avatar").first().waitFor();
    return { olive, petra, field, net };
  };
  const typing = (page) => at(page, "typing").count();
  const close = async (...pages) => { for (const page of pages) await page.context().close(); };

  for (const [name, mode] of [["a message", "mode-message"], ["a note", "mode-note"]]) {
    await check(`"is typing" ends with ${name}`, async () => {
      const { olive, petra, field } = await both();
      const words = `I look after ${name}`;
      // Notes are not announced, so the typing is of a message in any case.
      await field.pressSequentially(words, { delay: 20 });
      assert.ok(await until(async () => (await typing(olive)) === 1, 3_000));
      if (mode === "mode-note") await at(petra, mode).click();
      await field.press("Enter");
      await bubble(olive, words).waitFor();
      assert.ok(await until(async () => (await typing(olive)) === 0, 500));
      await close(olive, petra);
    });
  }

  await check("who closes the page looks on and types no more", async () => {
    const { olive, petra, field } = await both();
    await field.pressSequentially("never to be sent", { delay: 20 });
    assert.ok(await until(async () => (await typing(olive)) === 1, 3_000));
    await close(petra);
    assert.ok(await until(async () => (await typing(olive)) === 0, 1_500));
    assert.equal(await at(olive, "viewers").locator(".avatar").count(), 0);
    await close(olive);
  });

  await check("what was of the moment is not shown over a cut", async () => {
    const { olive, petra, net } = await both();
    await at(petra, "viewers").locator(".avatar").first().waitFor();
    net.down = true;
    await net.cut();
    assert.ok(await until(async () => (await at(petra, "viewers").locator(".avatar").count()) === 0, 1_500));
    net.down = false;
    await at(petra, "viewers").locator(".avatar").first().waitFor();
    await close(olive, petra);
  });
}
