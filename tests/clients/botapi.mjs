// Telegram as somebody else emulates it (telegram-test-api of npm): a bot is connected, a customer writes, and the answer
// is read back there. It knows neither secret tokens nor `getWebhookInfo` and typing: a bridge before it adds them.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { openFeed } from "./feed.mjs";

const TelegramServer = createRequire(import.meta.url)("telegram-test-api");

const TOKEN = "666:test_token-of-another-server"; // its bots are all number 666
const CHAT = 5_550_190;

export async function botApiChecks(world, check) {
  const foreign = new TelegramServer({ host: "127.0.0.1", port: await freePort() });
  await foreign.start();
  const bridge = await startBridge(foreign.config.apiURL, world.url);
  const { client, events, states } = await openFeed(world);
  await states.until("connected", (one) => one.state === "connected");
  const customer = foreign.getClient(TOKEN, { userId: CHAT, chatId: CHAT, firstName: "Tove", timeout: 20_000 });
  const written = (text) => (event) => event.kind === "message.created" && event.message.text === text;
  let channel;
  let conversation;

  await check("another server's Bot API: a bot is connected, with its webhook set there", async () => {
    channel = (await world.admin(`token=${TOKEN}`, "channel", "create", "--tenant", world.tenant, "--company", world.company,
      "--kind", "telegram", "--name", "Another bot", "--credential", `api_base=${bridge.base}`, "--credentials-stdin")).id;
    await world.admin("", "channel", "connect", "--id", channel, "--public-url", world.url);
    const hook = foreign.webhooks[TOKEN];
    assert.ok(hook.url.startsWith(bridge.base), hook.url);
    assert.ok(hook.secret_token.length >= 16 && hook.allowed_updates.includes("message"));
  });

  await check("another server's Bot API: messages and a command arrive once, in order", async () => {
    const texts = ["is anybody there?", "один вопрос 🙂", "/start now"];
    for (const text of texts) {
      // It answers before its webhook does, and until then the next message would get the same numbers.
      const taken = foreign.waitUserMessage();
      const answer = text.startsWith("/") ? customer.sendCommand(customer.makeCommand(text)) : customer.sendMessage(customer.makeMessage(text));
      assert.equal((await answer).ok, true);
      await taken;
    }
    for (const text of texts) conversation = (await events.until(text, written(text))).conversation;
    assert.deepEqual([conversation.contact.name, conversation.channel], ["Tove", channel]);
    const stored = events.all.filter((one) => one.kind === "message.created" && one.conversation?.id === conversation.id);
    assert.deepEqual(stored.map((one) => one.message.text), texts);
    assert.deepEqual(bridge.statuses, texts.map(() => 200));
  });

  await check("another server's Bot API: the answers of a person are read there, once and in order", async () => {
    const texts = ["Yes, here. Ask away!", "<b>not bold</b> & *not* _cursive_"];
    for (const [at, text] of texts.entries()) {
      const sent = (await client.rpc("message.send", { conversation: conversation.id, client_id: `botapi-${at}`, text })).data.message;
      await events.until("the tick", (one) => one.kind === "message.updated" && one.message.id === sent.id && one.message.status === "sent");
    }
    const read = (await customer.getUpdates()).result.map((one) => [Number(one.message.chat_id), one.message.text]);
    assert.deepEqual(read, texts.map((text) => [CHAT, text]));
  });

  client.disconnect();
  bridge.stop();
  await foreign.stop();
}

/** The server takes the number of a port only. */
async function freePort() {
  const server = createServer();
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Calls go through to `api`, updates to the hub at `hub`: signed with the secret of the last `setWebhook`. */
async function startBridge(api, hub) {
  const statuses = [];
  let webhook;
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    const answer = async (status, text) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(text);
    };
    try {
      if (request.url.startsWith("/hooks/")) {
        const headers = { "content-type": "application/json", "x-telegram-bot-api-secret-token": webhook.secret_token };
        const taken = await fetch(hub + request.url, { method: "POST", headers, body });
        statuses.push(taken.status);
        return answer(taken.status, await taken.text());
      }
      const method = request.url.split("/").at(-1);
      if (method === "getWebhookInfo") return answer(200, JSON.stringify({ ok: true, result: { url: webhook?.url ?? "", pending_update_count: 0 } }));
      if (method === "sendChatAction") return answer(200, JSON.stringify({ ok: true, result: true }));
      if (method === "setWebhook") {
        webhook = JSON.parse(body);
        body = JSON.stringify({ ...webhook, url: base + new URL(webhook.url).pathname });
      }
      const done = await fetch(api + request.url, { method: "POST", headers: { "content-type": "application/json" }, body: body || "{}" });
      return answer(done.status, await done.text());
    } catch (error) {
      return answer(502, JSON.stringify({ ok: false, error_code: 502, description: error.message }));
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const base = `http://127.0.0.1:${server.address().port}`;
  return {
    base,
    statuses,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
