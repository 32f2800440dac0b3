// The engine and the server behind nginx and HAProxy, all at once. Left out where the two are not installed.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, programOf } from "./fronts.mjs";
import { start } from "./processes.mjs";
import { checkHub } from "./proxied_hub.mjs";
import { checkServer } from "./proxied_server.mjs";
import { startWorld } from "./world.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { chromium } = createRequire(`${root}web/package.json`)("playwright-core");

export async function proxyChecks({ binary }, check) {
  const kinds = ["nginx", "haproxy"].filter((kind) => programOf(kind));
  if (kinds.length < 2) console.log(`# ${["nginx", "haproxy"].filter((kind) => !kinds.includes(kind))} not installed: left out`);
  if (!kinds.length) return;
  const ports = Object.fromEntries(await Promise.all(kinds.map(async (kind) => [kind, await freePort()])));
  const origins = kinds.map((kind) => `https://localhost:${ports[kind]}`);
  const world = await startWorld(binary, {
    env: { HUBBUB_PUBLIC_URL: origins[0], HUBBUB_ALLOWED_ORIGINS: origins.slice(1).join(), HUBBUB_TRUSTED_PROXIES: "127.0.0.1" },
  });
  const open = (flags) => start("an open hub", join(dirname(binary), "examples", "open"), ["0", ...flags]);
  const running = { usual: open([]), pinging: open(["--ping-ms=2500"]), silent: open(["--ping-ms=60000"]) };
  const hubs = {};
  for (const [name, hub] of Object.entries(running)) hubs[name] = `127.0.0.1:${(await hub.said(/listening on \S+:(\d+)\n/))[1]}`;
  const browser = await chromium.launch({
    executablePath: `${root}tests/clients/chromium.sh`,
    env: { ...process.env, HUBBUB_TEST_CHROMIUM: process.env.CHROMIUM ?? "" },
  });
  try {
    await Promise.all(kinds.flatMap((kind) => [
      checkHub(kind, hubs, check),
      checkServer(kind, world, ports[kind], browser, check),
    ]));
  } finally {
    await browser.close();
  }
  for (const hub of Object.values(running)) await hub.stop();
  await world.stop();
}
