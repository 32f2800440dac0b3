// A server as an operator sets it up: the binary, its own commands, a shop with a Telegram bot. No fixed ports, and
// nothing is left behind.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, start } from "./processes.mjs";
import { startTelegram } from "./telegram.mjs";

const METRICS_TOKEN = "a-token-of-the-operator";

/** `descriptors`: as many as the server may have, if not all; `env`: more of its configuration. */
export async function startWorld(binary, { descriptors, env: more = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "hubbub-outside-"));
  // However the run ends.
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const env = {
    HUBBUB_DATA_DIR: folder,
    HUBBUB_LISTEN: "127.0.0.1:0",
    HUBBUB_METRICS_TOKEN: METRICS_TOKEN,
    // The emulated provider is on this machine.
    HUBBUB_ALLOW_PRIVATE_HOSTS: "127.0.0.1",
    ...more,
  };
  const telegram = await startTelegram();
  const server = descriptors
    ? start("the server", "sh", ["-c", `ulimit -n ${descriptors} && exec "$0" serve`, binary], env)
    : start("the server", binary, ["serve"], env);
  const url = (await server.said(/hubbub listens on (http:\/\/\S+)/))[1];
  const admin = async (input, ...args) =>
    JSON.parse(await run(`admin ${args[0]} ${args[1]}`, binary, ["admin", ...args, "--json"], { env, input }));

  const tenant = (await admin("", "tenant", "create", "--name", "Lantern Shop")).id;
  const company = (await admin("", "company", "create", "--tenant", tenant, "--name", "Lanterns", "--kind", "product")).id;
  const email = "owner@example.com";
  const password = "a lantern for every window";
  await admin(password, "user", "create", "--email", email, "--name", "Olive Owner", "--password-stdin",
    "--tenant", tenant, "--role", "owner");
  const channel = (await admin(`token=${telegram.token}`, "channel", "create", "--tenant", tenant, "--company", company,
    "--kind", "telegram", "--name", "Shop bot", "--credential", `api_base=${telegram.base}`, "--credentials-stdin")).id;
  await admin("", "channel", "connect", "--id", channel, "--public-url", url);

  let updates = 1;
  return {
    binary,
    url,
    socket: `${url.replace("http", "ws")}/connection/websocket`,
    email,
    password,
    tenant,
    company,
    channel,
    telegram,
    /** Runs one of the server's own commands: its words, and what it reads. */
    admin,
    output: server.output,
    metrics: { authorization: `Bearer ${METRICS_TOKEN}` },
    /** The hook and its secret, as the provider was told them. */
    hook: telegram.hook,
    /** A colleague, with the owner's password; her email. */
    async colleague(name, role = "agent") {
      const email = `${name.toLowerCase()}@example.com`;
      await admin(password, "user", "create", "--email", email, "--name", name, "--password-stdin", "--tenant", tenant, "--role", role);
      return email;
    },
    key: async (name) => (await admin("", "key", "create", "--tenant", tenant, "--name", name)).key,
    /** A customer writes: posted with curl, signed with the secret or with what is given. Gives the status. */
    async says(chat, name, text, secret = telegram.hook().secret) {
      telegram.opened(chat);
      // The provider may have been told an address that nothing serves: the server does not know its port when it starts.
      const hook = `${url}${new URL(telegram.hook().url).pathname}`;
      const id = updates++;
      const from = { id: chat, is_bot: false, first_name: name };
      const message = { message_id: id, date: Math.floor(Date.now() / 1000), chat: { id: chat, type: "private", first_name: name }, from, text };
      const status = await run("curl", "curl", ["--silent", "--show-error", "--max-time", "20", "--output", join(folder, "answer"),
        "--write-out", "%{http_code}", "--header", "content-type: application/json",
        "--header", `x-telegram-bot-api-secret-token: ${secret}`, "--data-binary", "@-", hook],
      { input: JSON.stringify({ update_id: 9_000_000 + id, message }) });
      return Number(status);
    },
    async signIn() {
      const answer = await fetch(`${url}/api/v1/session`, {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ email, password }),
      });
      if (answer.status !== 200) throw new Error(`signing in: ${answer.status} ${await answer.text()}`);
      return (await answer.json()).access_token;
    },
    async stop() {
      await server.stop();
      telegram.stop();
    },
  };
}
