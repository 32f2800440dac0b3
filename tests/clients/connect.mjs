// Accounts of every kind are connected in Chromium, in a demo in which nothing is connected yet.
import { fileURLToPath } from "node:url";
import { run, start } from "./processes.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

export async function connectChecks(world, check) {
  const demo = start("the demo", world.binary, ["demo", "--unconnected", "--listen", "127.0.0.1:0"]);
  const shop = {};

  await check("a demo without channels says what is at hand to connect", async () => {
    shop.url = (await demo.said(/Hubbub demo: (http:\S+)/))[1];
    shop.bot = (await demo.said(/Telegram bot: token (\S+) at (\S+)/)).slice(1).join(" ");
    shop.waha = (await demo.said(/WAHA: (\S+) with the key (\S+)/)).slice(1).join(" ");
    [, shop.owner, shop.agent, shop.password] = await demo.said(/Sign in as (\S+) or (\S+) with the password (\S+)/);
    shop.operator = (await demo.said(/apps of providers are (\S+)'s/))[1];
  });

  await check("an account of each kind is connected in a browser, and customers write to it", async () => {
    const said = await run("the browser", process.execPath, [`${root}web/e2e/connect.mjs`], {
      ms: 600_000,
      env: {
        HUBBUB_URL: shop.url, HUBBUB_EMAIL: shop.owner, HUBBUB_AGENT: shop.agent, HUBBUB_OPERATOR: shop.operator,
        HUBBUB_PASSWORD: shop.password, HUBBUB_BOT: shop.bot, HUBBUB_WAHA: shop.waha, ...(process.env.SHOTS && { SHOTS: process.env.SHOTS }),
        CHROMIUM: `${root}tests/clients/chromium.sh`, HUBBUB_TEST_CHROMIUM: process.env.CHROMIUM ?? "",
      },
    });
    console.log(said.trimEnd().replaceAll(/^/gm, "    "));
  });

  await check("told to stop, that demo ends well", async () => {
    await demo.stop();
  });
}
