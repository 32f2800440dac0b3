// The pages that the server serves, and the inbox in headless Chromium while the reference AI worker answers.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { run, start } from "./processes.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

export async function pageChecks(world, check) {
  await check("the page, the API browser and the socket's document are served", async () => {
    for (const [path, part] of [["/", "<div id=\"root\""], ["/docs", "<title>Hubbub API"], ["/gallery.html", "<div id=\"root\""], ["/docs/socket", "message.send"], ["/api/v1/openapi.json", "\"openapi\""]]) {
      const answer = await fetch(world.url + path);
      assert.equal(answer.status, 200, path);
      assert.ok((await answer.text()).includes(part), `${path} has no ${part}`);
    }
  });

  const responder = start("the responder", world.binary, ["responder", "--url", world.socket], {
    HUBBUB_API_KEY: await world.key("Reference worker"),
  });
  await check("a manager's day in the inbox, in a browser", async () => {
    const hook = world.hook();
    world.telegram.letStrangersIn();
    const said = await run("the browser", process.execPath, [`${root}web/e2e/inbox.mjs`], {
      env: {
        HUBBUB_URL: world.url, HUBBUB_EMAIL: world.email, HUBBUB_PASSWORD: world.password,
        HUBBUB_HOOK: new URL(hook.url).pathname, HUBBUB_SECRET: hook.secret, HUBBUB_AI: "1",
        CHROMIUM: `${root}tests/clients/chromium.sh`, HUBBUB_TEST_CHROMIUM: process.env.CHROMIUM ?? "",
      },
    });
    console.log(said.trimEnd().replaceAll(/^/gm, "    "));
  });
  await check("told to stop, the reference worker ends well", async () => {
    await responder.stop();
  });
}
