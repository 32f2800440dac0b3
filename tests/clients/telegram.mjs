// As much of the Bot API as a bot needs to be connected and to answer, with the same refusals. Keeps what was sent.
import { createServer } from "node:http";

const TOKEN = "7000000002:outside-test_token";

export async function startTelegram() {
  const sent = [];
  const known = new Set(); // chats that a customer opened; a bot cannot write first
  let strangers = false;
  const watchers = new Set();
  let webhook = null;

  const methods = {
    getMe: () => ({ id: 7000000002, is_bot: true, first_name: "Outside", username: "outside_test_bot" }),
    setWebhook: (given) => {
      if (!/^http:\/\/127\.0\.0\.1:\d+\/hooks\/\S+$/.test(given.url)) throw refusal(400, "Bad Request: bad webhook");
      webhook = given;
      return true;
    },
    getWebhookInfo: () => ({ url: webhook?.url ?? "", pending_update_count: 0 }),
    sendChatAction: () => true,
    setMessageReaction: () => true,
    sendMessage: ({ chat_id, text }) => {
      const chat = Number(chat_id);
      if (!strangers && !known.has(chat)) throw refusal(400, "Bad Request: chat not found");
      if (!text?.trim()) throw refusal(400, "Bad Request: message text is empty");
      if ([...text].length > 4096) throw refusal(400, "Bad Request: message is too long");
      sent.push({ chat, text });
      for (const look of watchers) look();
      return { message_id: 100_000 + sent.length, date: Math.floor(Date.now() / 1000), chat: { id: chat, type: "private" }, text };
    },
  };

  const server = createServer(async (request, response) => {
    const answer = (status, body) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    try {
      const [, bot, name] = request.url.split("/");
      if (bot !== `bot${TOKEN}`) throw refusal(401, "Unauthorized");
      if (!Object.hasOwn(methods, name)) throw refusal(404, "Not Found");
      let body = "";
      for await (const piece of request) body += piece;
      answer(200, { ok: true, result: methods[name](body ? JSON.parse(body) : {}) });
    } catch (error) {
      const code = error.code_of_api ?? 400;
      answer(code, { ok: false, error_code: code, description: error.message });
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));

  return {
    token: TOKEN,
    base: `http://127.0.0.1:${server.address().port}`,
    sent,
    hook: () => ({ url: webhook.url, secret: webhook.secret_token }),
    opened: (chat) => known.add(chat),
    /** From now on customers open chats that we are not told of. */
    letStrangersIn: () => {
      strangers = true;
    },
    /** Waits until something that fits was sent. */
    until(fits, what) {
      return within(what, new Promise((resolve) => {
        const look = () => {
          const found = sent.find(fits);
          if (found) {
            watchers.delete(look);
            resolve(found);
          }
        };
        watchers.add(look);
        look();
      }));
    },
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function refusal(code, description) {
  return Object.assign(new Error(description), { code_of_api: code });
}

/** Long, because machines are slow; nothing sleeps through it. */
export async function within(what, promise, ms = 60_000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
