// A server as the page knows it, of many conversations in memory: the HTTP API and the socket, no database, no rights.
// Run with `node stub.mjs <folder of the build> <conversations>`; prints its address, then does what its parent tells it.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { gzipSync } from "node:zlib";
import { accept } from "./websocket.mjs";

const [folder, size] = [process.argv[2], Number(process.argv[3])];
const tenant = "01970000-0000-7000-8000-000000000001";
const [company, channel] = ["01970000-0000-7000-8000-000000000002", "01970000-0000-7000-8000-000000000003"];
const user = { id: "01970000-0000-7000-8000-000000000004", email: "agent@example.com", name: "Agent", platform_role: null };
const permissions = ["read", "answer"];
const idOf = (n) => `0197${String(n).padStart(4, "0").slice(-4)}-${String(Math.floor(n / 10_000)).padStart(4, "0")}-7000-8000-${String(n).padStart(12, "0")}`;
const said = "thank you, could you tell me when the order leaves and whether the blue one is in stock again ".repeat(2);
let [cursor, clock] = [1_000_000, Date.now() - size];

/** In rising order of their last activity. */
const conversations = new Map();
for (let n = 0; n < size; n += 1) {
  const id = idOf(n);
  const at = clock++;
  conversations.set(id, {
    id, tenant, company, channel, channel_kind: "telegram", contact: { id: `contact-${n}`, name: `Customer ${n}`, handle: `+1 555 ${n}`, merged_into: null, opted_out_at: null, blocked_at: null, labels: [] },
    state: "open", owner: n % 3 ? "ai" : "nobody", bucket: n % 3 ? "ai" : "unassigned_waiting", epoch: 1, assignee: null, handoff_reason: null,
    last_seq: 60, inbound_count: 60, turn: null, opened_at: at, updated_at: at, waiting_since: n % 3 ? null : at, thread: null, thread_title: null,
    labels: [], source: null, can_send_until: null, person_can_send_until: null,
    last_message: { seq: 60, direction: "in", kind: "text", text: said.slice(0, 40 + (n % 90)), author: { kind: "customer", id: null, name: `Customer ${n}` }, at },
  });
}
const ids = [...conversations.keys()];
const counts = { all: size, mine: 0, unassigned: Math.ceil(size / 3), ai: size - Math.ceil(size / 3), waiting: Math.ceil(size / 3), closed: 0 };
const positions = () => ({ [tenant]: { offset: cursor, epoch: "stub" } });
const withMark = (one) => ({ ...one, my_read: { seq: one.last_seq - 1, inbound_count: one.inbound_count - 1 } });

function message(conversation, seq, change = {}) {
  return {
    id: `${conversation.id}-m${seq}`, conversation: conversation.id, seq, direction: "in", kind: "text", text: said.slice(0, 40 + (seq % 90)),
    author: { kind: "customer", id: null, name: conversation.contact.name }, client_id: null, reply_to: null, attachments: [], reactions: [],
    status: "received", error: null, edited_at: null, deleted_at: null, provider_at: null, created_at: clock, turn: null, data: null, ...change,
  };
}

function inbox(query) {
  const before = /^[rw](\d+)\./.exec(query.get("before") ?? "")?.[1];
  const limit = Number(query.get("limit") ?? 50);
  const all = [...conversations.values()];
  const rows = [];
  for (let at = all.length - 1; at >= 0 && rows.length < limit; at -= 1) {
    if (before === undefined || all[at].updated_at < Number(before)) rows.push(withMark(all[at]));
  }
  const last = rows.at(-1);
  return { conversations: rows, next: rows.length === limit ? `r${last.updated_at}.${last.id}` : null, counts: before === undefined ? counts : null, positions: positions() };
}

function history(id, query) {
  const one = conversations.get(id);
  const to = Number(query.get("before_seq") ?? one.last_seq + 1);
  const from = Math.max(1, to - 50);
  return { messages: Array.from({ length: to - from }, (_, index) => message(one, from + index)), more: from > 1 };
}

function api(path, query) {
  const [, id, part] = /^\/api\/v1\/conversations\/([\w-]+)(\/messages)?$/.exec(path) ?? [];
  if (id) return part ? history(id, query) : withMark(conversations.get(id));
  return {
    "/api/v1/session/refresh": { access_token: "token", expires_at: Date.now() + 36e5, now: Date.now(), installation: "stub", user },
    "/api/v1/me": { user, permissions: [], tenants: [{ id: tenant, name: "Shop", role: "agent", permissions }] },
    "/api/v1/channels": { channels: [{
      id: channel, tenant, company, kind: "telegram", name: "Bot", state: "active", hook_path: null, settings: {},
      abilities: { buttons: true, human_agent: false, reactions: true, templates: false },
      health: { state: "connected", code: null, detail: null, action: null, at: clock, confirmed_at: clock },
    }] },
    "/api/v1/companies": { companies: [{ id: company, tenant, name: "Shop", kind: "product", country: null }] },
    "/api/v1/users": { users: [{ ...user, role: "agent", permissions }] },
    "/api/v1/labels": { labels: [] },
    "/api/v1/events": { events: [] },
    "/api/v1/inbox/counts": { counts, positions: positions() },
  }[path] ?? (path === "/api/v1/inbox" ? inbox(query) : {});
}

const types = { html: "text/html; charset=utf-8", js: "text/javascript", css: "text/css", svg: "image/svg+xml" };
const files = new Map();
function file(path) {
  const name = path === "/" || !path.includes(".") ? "index.html" : normalize(path).slice(1);
  if (!files.has(name)) files.set(name, { type: types[name.split(".").pop()] ?? "text/plain", body: gzipSync(readFileSync(join(folder, name)), { level: 9 }) });
  return files.get(name);
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://stub");
  if (pathname.startsWith("/api/")) {
    response.setHeader("content-type", "application/json");
    return void response.end(JSON.stringify(api(pathname, searchParams)));
  }
  try {
    const { type, body } = file(pathname);
    response.writeHead(200, { "content-type": type, "content-encoding": "gzip", "cache-control": "no-store" }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});

const sockets = new Set();
server.on("upgrade", (request, socket) => {
  const send = accept(request, socket, (text) => {
    for (const line of text.split("\n")) answer(JSON.parse(line), send);
  }, () => sockets.delete(send));
});

function answer({ id, connect, rpc, subscribe, presence }, send) {
  const reply = (value) => send(JSON.stringify({ id, ...value }));
  if (connect) {
    const data = { user, tenants: [{ id: tenant, name: "Shop", role: "agent", live: true }], now: Date.now() };
    const sub = { recoverable: true, positioned: true, epoch: "stub", offset: cursor };
    reply({ connect: { client: "c", version: "stub", data, subs: { [`tenant:${tenant}`]: sub } } });
    sockets.add(send);
  } else if (rpc) reply({ rpc: { data: {} } });
  else if (subscribe) reply({ subscribe: {} });
  else if (presence) reply({ presence: { presence: {} } });
}

/** A customer writes: the next frame of the feed. */
function event(conversation, text) {
  cursor += 1;
  clock += 1;
  const before = conversations.get(conversation);
  const seq = before.last_seq + 1;
  const made = message(before, seq, { text });
  const last_message = { seq, direction: "in", kind: "text", text, author: made.author, at: clock };
  const after = { ...before, last_seq: seq, inbound_count: before.inbound_count + 1, updated_at: clock, last_message };
  conversations.delete(conversation);
  conversations.set(conversation, after);
  const data = { cursor, tenant, kind: "message.created", at: clock, company, channel, conversation: after, message: made, turn: null, channel_state: null, read: null, moved: null };
  return JSON.stringify({ push: { channel: `tenant:${tenant}`, pub: { data, offset: cursor } } });
}

let made = 0;
let flow;
/** The next event; `every` so many carry a mark, one in ten is of the conversation that is open. */
function next({ mark, open }) {
  made += 1;
  const id = open && made % 10 === 0 ? open : ids[(made * 7_919) % ids.length];
  return event(id, mark && made % 5 === 0 ? `#mark-${made} ${said.slice(0, 50)}` : said.slice(0, 40 + (made % 90)));
}

process.on("message", ({ flow: wanted, burst, of }) => {
  clearInterval(flow);
  if (wanted) {
    // By the clock: a timer that comes late sends what is due.
    const begun = performance.now();
    let sent = 0;
    flow = setInterval(() => {
      for (; sent < ((performance.now() - begun) / 1000) * wanted.rate; sent += 1) {
        const frame = next(wanted);
        for (const send of sockets) send(frame);
      }
    }, 2);
  }
  // Many frames in a message, as a server joins what one waits for.
  for (let left = burst ?? 0; left > 0; left -= of) {
    const frames = Array.from({ length: Math.min(of, left) }, () => next({}));
    for (const send of sockets) send(frames.join("\n"));
  }
  process.send({ made, cursor, first: [...conversations.keys()].at(-1) });
});
server.listen(0, "127.0.0.1", () => process.send({ url: `http://127.0.0.1:${server.address().port}`, first: ids.at(-1) }));
