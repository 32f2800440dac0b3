// The server and the engine behind nginx and HAProxy, both at once: HTTP/2 in front, a path, times of quiet, a reload under
// a thousand sockets, the address of the client, and the page in Chromium. Left out where the two are not installed.
import assert from "node:assert/strict";
import { get, request } from "node:https";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";
import { Seen } from "./feed.mjs";
import { freePort, programOf, put, startFront } from "./fronts.mjs";
import { openHttp2 } from "./over_h2.mjs";
import { start } from "./processes.mjs";
import { within } from "./telegram.mjs";
import { startWorld } from "./world.mjs";

const SOCKETS = 1_000;
const root = fileURLToPath(new URL("../..", import.meta.url));
const { chromium } = createRequire(`${root}web/package.json`)("playwright-core");
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

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

/** The engine behind it: times of quiet, and a reload. */
async function checkHub(kind, hubs, check) {
  const fronts = await Promise.all([
    startFront(kind, hubs.usual), startFront(kind, hubs.usual, { change: otherwise(kind) }), startFront(kind, hubs.pinging, { quick: true }), startFront(kind, hubs.silent, { quick: true }),
  ]);
  const [front, other, pinged, quiet] = fronts;

  await check(`${kind}: streamed answers and server-sent events come at once, with buffering on and off`, async () => {
    for (const one of [front, other]) {
      const h2 = await openHttp2(one);
      for (const path of ["", "/chat"]) {
        for (const transport of ["sse", "http_stream"]) await streams(h2, path, transport, hubs.usual);
      }
      h2.close();
    }
  });

  await check(`${kind}: pings keep a quiet socket through the proxy's time, and without them it is cut`, async () => {
    // Times and pings are a tenth of those of the documentation: 60 s and 25 s.
    const [kept, cut] = await Promise.all([socket(pinged), socket(quiet)]);
    const ended = new Promise((resolve) => cut.on("close", () => resolve(performance.now())));
    const begun = performance.now();
    const quietMs = await within("the end of the socket without pings", ended, 20_000) - begun;
    assert.ok(quietMs > 5_000 && quietMs < 9_000, `cut after ${quietMs} ms`);
    await later(1_500);
    assert.equal(kept.readyState, WebSocket.OPEN);
    kept.terminate();
  });

  await check(`${kind}: after a reload ${SOCKETS} sockets are back, and nothing is lost or doubled`, async () => {
    const room = `reload behind ${kind}`;
    const clients = Array.from({ length: SOCKETS }, () => follow(front, room));
    for (const { ready } of clients) await within("all are there", ready);
    let last = 0;
    const publish = async () => { last = await published(hubs.usual, room, last + 1); };
    await publish();
    front.reload();
    // At most 100 are kept for those who are away.
    const away = () => clients.filter((one) => one.times.length < 2).length;
    for (let n = 0; n < 90 && away() > 0; n += 1) {
      await publish();
      await later(250);
    }
    assert.equal(away(), 0, `${away()} of ${SOCKETS} were not cut, or are not back`);
    await publish();
    for (const one of clients) await within("the last publication", one.seen.until("the last", (offset) => offset === last));
    for (const { seen, times } of clients) {
      assert.deepEqual(seen.all, Array.from({ length: last - seen.all[0] + 1 }, (_, n) => seen.all[0] + n));
      assert.equal(seen.all[0], 1);
      assert.equal(times.length, 2);
    }
    const sorted = (list) => list.sort((a, b) => a - b);
    const [cuts, back] = [sorted(clients.map((one) => one.cut)), sorted(clients.map((one) => one.times[1]))];
    const waits = sorted(clients.map((one) => one.tried - one.cut));
    console.log(`# ${kind}: cut within ${ms(cuts.at(-1) - cuts[0])}, tried again ${ms(waits[0])} to ${ms(waits.at(-1))} later, all back ${ms(back.at(-1) - cuts[0])} after the first cut; ${last} publications`);
    assert.ok(waits[0] > 450 && waits.at(-1) - waits[0] > 350, "not spread");
    for (const { client } of clients) client.disconnect();
  });

  await check(`${kind}: HTTP/2 in front, with a socket in one of its streams if the proxy offers that`, async () => {
    const h2 = await openHttp2(front);
    const answers = await Promise.all(Array.from({ length: 30 }, () => h2.get("/chat/api/stats")));
    assert.ok(answers.every((answer) => answer.status === 200 && JSON.parse(answer.body).panics === 0));
    assert.equal(h2.offersSockets, kind === "haproxy");
    if (h2.offersSockets) {
      for (const path of ["/connection/websocket", "/chat/connection/websocket"]) {
        const { status, text } = await h2.ask(path, JSON.stringify({ id: 1, connect: {} }));
        assert.deepEqual([status, JSON.parse(text).id], [200, 1], path);
      }
    }
    h2.close();
  });

  for (const one of fronts) await one.stop();
}

/** The server behind it: the page, the client's address, large bodies. */
async function checkServer(kind, world, port, browser, check) {
  const server = new URL(world.url).host;
  const front = await startFront(kind, server, { port });
  const other = await startFront(kind, server, { change: otherwise(kind) });

  await check(`${kind}: the client's address is the one that the proxy saw, whatever the client says`, async () => {
    const said = { "x-forwarded-for": "203.0.113.7" };
    const tries = (from, headers) => signIn(front, { localAddress: from, headers, email: `${kind}@example.com` });
    let refused = 0;
    for (let n = 0; n < 10 && refused !== 429; n += 1) refused = await tries("127.0.7.2", {});
    assert.equal(refused, 429);
    assert.equal(await tries("127.0.7.2", said), 429, "by another word of the client");
    assert.equal(await tries("127.0.7.3", said), 401, "from another address");
  });

  await check(`${kind}: bodies of 3 MB and the page's files come whole, with buffering on and off`, async () => {
    const token = await world.signIn();
    for (const one of [front, other]) {
      const body = JSON.stringify({ update_id: 1, padding: "x".repeat(900_000) });
      const hook = new URL(world.hook().url).pathname;
      const headers = { "content-type": "application/json", "x-telegram-bot-api-secret-token": world.hook().secret };
      for (const path of ["", "/chat"]) {
        assert.equal((await ask(one, { method: "POST", path: path + hook, headers, body })).status, 200, path);
        const big = await ask(one, { method: "POST", path: `${path}/api/v1/session`, headers, body: "x".repeat(3_000_000) });
        assert.ok([400, 413, 422].includes(big.status) && big.headers["content-type"] === "application/problem+json", `${big.status}`);
        const page = await ask(one, { path: `${path}/` });
        const script = page.body.match(/src="\.(\/assets\/[^"]+\.js)"/)[1];
        const direct = await (await fetch(world.url + script)).text();
        assert.equal((await ask(one, { path: path + script })).body, direct);
      }
      await within("a socket", socket(one, "/chat", { token }).then((open) => open.terminate()));
    }
  });

  await check(`${kind}: the page under a path, in a browser`, async () => {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    const at = (id) => page.getByTestId(id);
    const live = () => page.locator("[data-testid=connection-bar][data-phase=live]").waitFor({ state: "attached", timeout: 60_000 });
    const sockets = [];
    page.on("websocket", (one) => sockets.push(one.url()));
    await page.goto(`${front.origin}/chat`);
    await at("sign-in-email").fill(world.email);
    await at("sign-in-password").fill(world.password);
    await at("sign-in-submit").click();
    await live();
    const chat = kind === "nginx" ? 5550151 : 5550152;
    assert.equal(await world.says(chat, `Mira by ${kind}`, "is the path open?"), 200);
    await page.locator("[data-testid=conversation-row]", { hasText: `Mira by ${kind}` }).waitFor({ timeout: 60_000 });
    // The cookie comes along under the path.
    await page.reload();
    await live();
    const protocols = await page.evaluate(() => performance.getEntriesByType("resource").map((one) => one.nextHopProtocol));
    assert.ok(protocols.length > 3 && protocols.every((one) => one === "h2"), protocols.join());
    assert.deepEqual(new Set(sockets), new Set([`${front.origin.replace("https", "wss")}/chat/connection/websocket`]));
    await page.goto(`${front.origin}/chat/docs`);
    await page.locator(".opblock").first().waitFor({ timeout: 60_000 });
    await page.goto(`${front.origin}/chat/conversations/1`);
    await live();
    assert.equal(new URL(page.url()).pathname, "/chat/");
    await context.close();
  });

  await front.stop();
  await other.stop();
}

/** nginx buffers bodies unless told not to, HAProxy only when told to. */
function otherwise(kind) {
  const buffering = {
    nginx: ["    proxy_http_version", "    proxy_buffering off;\n    proxy_request_buffering off;\n    proxy_http_version"],
    haproxy: ["    mode http", "    mode http\n    option http-buffer-request"],
  };
  return (text) => put(text, [buffering[kind]]);
}

/** A session over a stream: each publication comes before the next one is made. */
async function streams(h2, path, transport, hub) {
  const room = `${transport} ${Math.random()}`;
  const connect = JSON.stringify({ id: 1, connect: {} });
  const headers = { "content-type": "application/json" };
  const stream = transport === "sse"
    ? await h2.follow(`${path}/connection/sse?cf_connect=${encodeURIComponent(connect)}`)
    : await h2.follow(`${path}/connection/http_stream`, { method: "POST", headers, body: connect });
  assert.equal(stream.status, 200);
  const text = await stream.until((text) => /"session":"\w+"/.test(text));
  const { session, node } = JSON.parse(text.match(/\{.*\}/)[0]).connect;
  const body = JSON.stringify({ session, node, data: JSON.stringify({ id: 2, subscribe: { channel: room } }) });
  assert.equal(await h2.post(`${path}/emulation`, headers, body), 204);
  await stream.until((text) => text.includes('"id":2'));
  for (const n of [1, 2, 3]) {
    const begun = performance.now();
    await published(hub, room, n);
    await stream.until((text) => text.includes(`"data":{"n":${n}}`));
    assert.ok(performance.now() - begun < 3_000, "held back");
  }
  stream.close();
}

const ms = (time) => `${Math.round(time)} ms`;

const secured = (front, tried = () => {}) => class extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, { ca: front.ca });
    tried();
  }
};

/** A connected socket without a library. */
async function socket(front, path = "", hello = {}) {
  const one = new (secured(front))(`${front.origin.replace("https", "wss")}${path}/connection/websocket`);
  await new Promise((resolve, reject) => {
    one.on("message", (data) => (String(data) === "{}" ? one.send("{}") : resolve()));
    one.on("open", () => one.send(JSON.stringify({ id: 1, connect: hello })));
    one.on("error", reject);
    one.on("close", reject);
  });
  return one;
}

/** The stock client in a room, with its defaults; `times` are those at which it was subscribed. */
function follow(front, room) {
  const one = { seen: new Seen(), times: [], cut: 0, tried: 0 };
  const tried = () => { if (one.cut) one.tried ||= performance.now(); };
  const client = new Centrifuge(`${front.origin.replace("https", "wss")}/connection/websocket`, { websocket: secured(front, tried), timeout: 20_000 });
  one.client = client;
  client.on("connecting", ({ code }) => { if (code !== 0) one.cut ||= performance.now(); });
  const sub = client.newSubscription(room, { recoverable: true, positioned: true });
  sub.on("subscribed", () => one.times.push(performance.now()));
  sub.on("publication", ({ offset }) => one.seen.add(offset));
  sub.subscribe();
  client.connect();
  one.ready = sub.ready(60_000);
  return one;
}

async function published(hub, channel, n) {
  const answer = await fetch(`http://${hub}/api/publish`, {
    method: "POST", headers: { "content-type": "application/json", "x-api-key": "test-api-key" }, body: JSON.stringify({ channel, data: { n } }),
  });
  return (await answer.json()).result.offset;
}

async function signIn(front, { email, headers, localAddress }) {
  const body = JSON.stringify({ email, password: "not the password" });
  const all = { "content-type": "application/json", ...headers };
  return (await ask(front, { method: "POST", path: "/api/v1/session", headers: all, body, localAddress })).status;
}

function ask(front, { method = "GET", path, headers = {}, body, localAddress }) {
  return within(`${method} ${path}`, new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: front.port, path, method, ca: front.ca, servername: "localhost", headers: { host: `localhost:${front.port}`, ...headers }, localAddress, agent: false };
    const asked = (method === "GET" ? get : request)(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece) => { text += piece; });
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: text }));
    });
    asked.on("error", reject);
    asked.end(body);
  }));
}
