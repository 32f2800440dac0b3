// axe over the pages of the finished server, with a conversation in the inbox. The pages are listed in web/e2e/axe.mjs.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { run } from "./processes.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

export async function axeChecks(world, check) {
  await check("axe finds nothing on any page, in both themes and languages, from 320 px", async () => {
    for (const [chat, name] of [[7001, "Carla Customer"], [7002, "Длинное Имя-Покупателя Сказочного"]]) {
      assert.equal(await world.says(chat, name, "How long does a lantern burn?"), 200);
    }
    const empty = (await world.admin("", "company", "create", "--tenant", world.tenant, "--name", "Nothing yet", "--kind", "product")).id;
    const operator = "operator@example.com";
    await world.admin(world.password, "user", "create", "--email", operator, "--name", "Oda Operator", "--password-stdin", "--platform-role", "admin");
    // Some hundred looks, each with its own page.
    const said = await run("axe", process.execPath, [`${root}web/e2e/axe.mjs`], {
      ms: 600_000,
      env: {
        HUBBUB_URL: world.url, HUBBUB_EMAIL: world.email, HUBBUB_OPERATOR: operator, HUBBUB_PASSWORD: world.password, SHOTS: process.env.SHOTS ?? "", EMPTY: empty, ONLY: process.env.ONLY ?? "", ALL: process.env.ALL ?? "",
        CHROMIUM: `${root}tests/clients/chromium.sh`, HUBBUB_TEST_CHROMIUM: process.env.CHROMIUM ?? "",
      },
    });
    console.log(said.trimEnd().replaceAll(/^/gm, "    "));
  });
}
