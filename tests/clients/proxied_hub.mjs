// The engine behind a proxy: streams of the fallbacks, times of quiet, a reload under a thousand sockets, HTTP/2 in front.
import assert from "node:assert/strict";
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";
import { Seen } from "./feed.mjs";
import { otherwise, startFront } from "./fronts.mjs";
import { openHttp2 } from "./over_h2.mjs";
import { secured, socket } from "./secured.mjs";
import { within } from "./telegram.mjs";

const SOCKETS = 1_000;
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const ms = (time) => `${Math.round(time)} ms`;

export async function checkHub(kind, hubs, check) {
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
