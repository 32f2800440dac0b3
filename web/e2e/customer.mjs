// A customer who writes by Telegram: sends updates to the channel's hook as Telegram would.

export function customer({ url, hook, secret, name }) {
  const chat = 5_550_000_000 + (Date.now() % 1_000_000);
  let update = Date.now();
  let message = 0;
  return {
    name,
    async says(text) {
      update += 1;
      message += 1;
      const from = { id: chat, is_bot: false, first_name: name, language_code: "en" };
      const body = {
        update_id: update,
        message: { message_id: message, date: Math.floor(Date.now() / 1000), chat: { id: chat, type: "private", first_name: name }, from, text },
      };
      const headers = { "content-type": "application/json", ...(secret ? { "x-telegram-bot-api-secret-token": secret } : {}) };
      const answer = await fetch(new URL(hook, url), { method: "POST", headers, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`the hook answered ${answer.status}: ${await answer.text()}`);
    },
  };
}
