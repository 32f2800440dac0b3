// How long a customer waits for an answer that costs no thought: from the webhook to the call at the provider, through
// a turn and an AI worker that answers at once. Run by hand, beside whatever is to be measured (docs/scale.md):
//   node reach.mjs --url http://127.0.0.1:8080 --hook /hooks/… --secret … --key hbk_… --port 9555 --rate 20 --seconds 30
// The channel's api_base is http://127.0.0.1:9555 here, and its quiet_ms 0.
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:8080" },
    hook: { type: "string" },
    secret: { type: "string" },
    key: { type: "string" },
    port: { type: "string", default: "9555" },
    rate: { type: "string", default: "20" },
    seconds: { type: "string", default: "30" },
  },
});
const [rate, seconds] = [Number(values.rate), Number(values.seconds)];

const due = new Map(); // by text
const waits = [];
let number = 0;
const provider = createServer(async (request, response) => {
  let body = "";
  for await (const piece of request) body += piece;
  const { text } = JSON.parse(body || "{}");
  if (due.has(text)) waits.push(performance.now() - due.get(text));
  due.delete(text);
  number += 1;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ ok: true, result: { message_id: number, date: 1, chat: { id: 1, type: "private" } } }));
});
await new Promise((ready) => provider.listen(Number(values.port), "127.0.0.1", ready));

const worker = new Centrifuge(`${values.url.replace("http", "ws")}/connection/websocket`, {
  websocket: WebSocket,
  data: { api_key: values.key, capacity: 200 },
});
worker.on("publication", async ({ data }) => {
  if (data.type !== "turn.offered") return;
  const { id, lease, messages } = data.turn;
  await worker.rpc("turn.reply", { turn: id, lease, text: messages.at(-1).text }).catch(() => {});
});
await new Promise((ready) => { worker.on("connected", ready); worker.connect(); });

const run = Date.now() % 1_000_000;
const acknowledged = [];
const begun = performance.now();
await Promise.all(Array.from({ length: rate * seconds }, async (_, at) => {
  await new Promise((now) => setTimeout(now, (at * 1000) / rate));
  const text = `${run}-${at}`;
  const chat = 5_550_000 + run * 1_000 + (at % 200);
  const from = { id: chat, first_name: "Mira", is_bot: false };
  const message = { message_id: at + 1, date: Math.floor(Date.now() / 1000), text, chat: { id: chat, type: "private", first_name: "Mira" }, from };
  due.set(text, performance.now());
  const sent = performance.now();
  const answer = await fetch(values.url + values.hook, {
    method: "POST",
    headers: { "x-telegram-bot-api-secret-token": values.secret, "content-type": "application/json" },
    body: JSON.stringify({ update_id: run * 100_000 + at, message }),
  });
  if (answer.status === 200) acknowledged.push(performance.now() - sent);
}));
for (let tick = 0; tick < 100 && due.size > 0; tick += 1) await new Promise((later) => setTimeout(later, 100));

const at = (list, share) => list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))]?.toFixed(1);
const line = (name, list) => console.log(`${name}: ${list.length}, p50 ${at(list, 0.5)}, p90 ${at(list, 0.9)}, p99 ${at(list, 0.99)}, max ${at(list, 1)} ms`);
line("webhook acknowledged", acknowledged);
line("webhook to provider", waits);
console.log(`not answered: ${due.size}; ${((performance.now() - begun) / 1000).toFixed(1)} s`);
worker.disconnect();
provider.close();
process.exit(due.size > 0 ? 1 : 0);
