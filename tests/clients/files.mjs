// Files of customers and managers on a channel of every provider, in Chromium, in a demo that does what it is told.
import { fileURLToPath } from "node:url";
import { run, start } from "./processes.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

export async function fileChecks(world, check) {
  const demo = start("the demo", world.binary, ["demo", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
  const shop = {};

  await check("a demo whose customers do what they are told says where", async () => {
    shop.url = (await demo.said(/Hubbub demo: (http:\S+)/))[1];
    shop.control = (await demo.said(/Control: (http:\S+)/))[1];
    [, shop.owner, , shop.password] = await demo.said(/Sign in as (\S+) or (\S+) with the password (\S+)/);
  });

  await check("files go both ways on a channel of every provider, and a cut upload goes on, in a browser", async () => {
    const said = await run("the browser", process.execPath, [`${root}web/e2e/files.mjs`], {
      ms: 600_000,
      env: {
        HUBBUB_URL: shop.url, HUBBUB_CONTROL: shop.control, HUBBUB_EMAIL: shop.owner, HUBBUB_PASSWORD: shop.password,
        CHROMIUM: `${root}tests/clients/chromium.sh`, HUBBUB_TEST_CHROMIUM: process.env.CHROMIUM ?? "",
      },
    });
    console.log(said.trimEnd().replaceAll(/^/gm, "    "));
  });

  await check("told to stop, that demo ends well", async () => {
    await demo.stop();
  });
}
