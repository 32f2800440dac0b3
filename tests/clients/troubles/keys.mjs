// A key that belongs to a composition is no command anywhere. Names are ordered and found in one form of text.
import assert from "node:assert/strict";

export async function keyChecks(kit, check) {
  const { world, at, open } = kit;
  /** As the input method tells it: by its own code, inside the composition or, in Safari's order, after its end. */
  const key = (devtools, name) => devtools.send("Input.dispatchKeyEvent", { type: "rawKeyDown", key: name, code: name, windowsVirtualKeyCode: 229 });
  const compose = (devtools, text) => devtools.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });

  await check("the Enter that confirms a composition sends nothing, in either order; the next one sends", async () => {
    const page = await kit.person();
    const field = await open(page, "Mira");
    await field.focus();
    const devtools = await page.context().newCDPSession(page);
    const sent = world.telegram.sent.length;
    await compose(devtools, "にほん");
    await world.says(5_550_002, "Noor", "an event while somebody composes");
    await page.waitForTimeout(300);
    assert.equal(await field.inputValue(), "にほん");
    await key(devtools, "Enter");
    await devtools.send("Input.insertText", { text: "日本" });
    await compose(devtools, "ご");
    await devtools.send("Input.insertText", { text: "語" });
    await key(devtools, "Enter");
    await page.waitForTimeout(500);
    assert.deepEqual([await field.inputValue(), world.telegram.sent.length - sent], ["日本語", 0]);
    await field.press("Enter");
    await kit.sent(page, "日本語").waitFor();
    await page.context().close();
  });

  await check("nor does it open what was searched for, and Escape clears no search", async () => {
    const page = await kit.person();
    const devtools = await page.context().newCDPSession(page);
    await at(page, "search").fill("Mira");
    await page.locator("#search-results-0").waitFor();
    await at(page, "search").focus();
    await key(devtools, "Enter");
    await key(devtools, "Escape");
    await page.waitForTimeout(300);
    assert.equal(await at(page, "search").inputValue(), "Mira");
    assert.equal(await at(page, "thread").count(), 0);
    await page.context().close();
  });

  await check("nor does Escape leave the field or the conversation", async () => {
    const page = await kit.person();
    const field = await open(page, "Mira");
    await field.focus();
    const devtools = await page.context().newCDPSession(page);
    await key(devtools, "Escape");
    await page.waitForTimeout(200);
    assert.ok(await field.evaluate((one) => document.activeElement === one));
    await page.context().close();
  });
}
