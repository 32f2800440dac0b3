// The stock client against the engine with everything allowed (hub/examples/open.rs), in JSON and in Protobuf, over each
// of its transports.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { dirname, join } from "node:path";
import { Centrifuge as Json } from "centrifuge";
import { Centrifuge as Protobuf } from "centrifuge/build/protobuf";
import { Seen } from "./feed.mjs";
import { start } from "./processes.mjs";
import { startNetwork } from "./proxy.mjs";
import { within } from "./telegram.mjs";
import { transports } from "./transports.mjs";

const json = { Client: Json, data: (value) => value, read: (data) => data };
const protobuf = {
  Client: Protobuf,
  data: (value) => new TextEncoder().encode(JSON.stringify(value)),
  read: (data) => JSON.parse(new TextDecoder().decode(data)),
};
/** Server-sent events are text: the client speaks only JSON over them. */
const forms = {
  JSON: { ...json, transport: "websocket" },
  Protobuf: { ...protobuf, transport: "websocket" },
  "JSON over http_stream": { ...json, transport: "http_stream" },
  "Protobuf over http_stream": { ...protobuf, transport: "http_stream" },
  "JSON over sse": { ...json, transport: "sse" },
};

/** Signed with the secret of the open hub. */
function token(claims) {
  const text = [{ typ: "JWT", alg: "HS256" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${text}.${createHmac("sha256", "secret").update(text).digest("base64url")}`;
}

const now = () => Math.floor(Date.now() / 1000);

export async function openChecks(world, check) {
  const hub = start("the open hub", join(dirname(world.binary), "examples", "open"), ["0"]);
  const port = Number((await hub.said(/listening on \S+:(\d+)\n/))[1]);
  for (const [name, form] of Object.entries(forms)) await formChecks(name, form, port, check);
  hub.child.kill("SIGTERM");
  await within("the open hub ends", hub.over);
}

async function formChecks(name, { Client, data, read, transport }, port, check) {
  const clients = [];
  const connect = async (options = {}, at = port) => {
    const [endpoints, how] = transports([transport], `127.0.0.1:${at}`);
    const client = new Client(endpoints, { ...how, minReconnectDelay: 50, maxReconnectDelay: 200, ...options });
    const seen = new Seen();
    for (const event of ["connecting", "connected", "disconnected", "subscribed", "publication"]) {
      client.on(event, (ctx) => seen.add({ event, ...ctx }));
    }
    clients.push(client);
    client.connect();
    return { client, seen };
  };
  const join = async (client, room, options = {}) => {
    const seen = new Seen();
    const sub = client.newSubscription(room, options);
    for (const event of ["subscribed", "publication"]) sub.on(event, (ctx) => seen.add({ event, ...ctx }));
    sub.subscribe();
    await within(`subscribed to ${room}`, sub.ready());
    return { sub, seen };
  };
  const publications = (seen) => seen.all.filter((one) => one.event === "publication").map((one) => [one.offset, read(one.data)]);
  const room = (what) => `${what} in ${name}`;
  const ann = await connect({ token: token({ sub: "42", info: { name: "Ann" } }) });
  const nobody = await connect();

  await check(`${name}: with a token a user is known, and without one anonymous`, async () => {
    const { sub } = await join(ann.client, room("tokens"));
    await join(nobody.client, room("tokens"));
    const seen = Object.values((await sub.presence()).clients).sort((a, b) => a.user.localeCompare(b.user));
    assert.deepEqual(seen.map((one) => one.user), ["", "42"]);
    assert.deepEqual(read(seen[1].connInfo), { name: "Ann" });
  });

  await check(`${name}: what is published arrives and is kept`, async () => {
    const { sub, seen } = await join(nobody.client, room("kept"));
    for (const n of [1, 2, 3, 4, 5]) await sub.publish(data(n));
    await seen.until("the last", (one) => one.offset === 5);
    assert.deepEqual(publications(seen), [1, 2, 3, 4, 5].map((n) => [n, n]));
    const whole = await sub.history({ limit: -1 });
    assert.deepEqual([whole.offset, whole.publications.map((one) => read(one.data))], [5, [1, 2, 3, 4, 5]]);
    const page = await sub.history({ limit: 2, since: { offset: 2, epoch: whole.epoch } });
    assert.deepEqual(page.publications.map((one) => one.offset), [3, 4]);
    const newest = await sub.history({ limit: 2, reverse: true });
    assert.deepEqual(newest.publications.map((one) => one.offset), [5, 4]);
    const nothing = await nobody.client.history(room("empty"), { limit: 5 });
    assert.deepEqual([nothing.offset, nothing.publications], [0, []]);
  });

  await check(`${name}: what is published at once is in the order in which it was called`, async () => {
    const { sub, seen } = await join(ann.client, room("order"));
    const numbers = Array.from({ length: 60 }, (_, n) => n + 1);
    await Promise.all(numbers.map((n) => sub.publish(data(n))));
    await seen.until("the last", (one) => one.offset === 60);
    assert.deepEqual(publications(seen), numbers.map((n) => [n, n]));
  });

  await check(`${name}: leaving and coming back in a hurry ends where it should`, async () => {
    const { sub, seen } = await join(ann.client, room("hurry"));
    for (let n = 0; n < 20; n += 1) {
      sub.unsubscribe();
      sub.subscribe();
    }
    await within("subscribed again", sub.ready());
    await nobody.client.publish(room("hurry"), data("still there?"));
    await seen.until("the publication", (one) => one.event === "publication");
    assert.equal(seen.all.filter((one) => one.event === "publication").length, 1);
    assert.equal((await sub.presenceStats()).numClients, 1);
  });

  await check(`${name}: presence counts clients and users, and ends with unsubscribing`, async () => {
    const { sub } = await join(ann.client, room("presence"));
    const other = await join(nobody.client, room("presence"));
    const counts = async () => {
      const { numClients, numUsers } = await ann.client.presenceStats(room("presence"));
      return [numClients, numUsers];
    };
    assert.deepEqual(await counts(), [2, 2]);
    sub.unsubscribe();
    assert.equal(sub.state, "unsubscribed");
    assert.deepEqual(await counts(), [1, 1]);
    other.sub.unsubscribe();
    await nobody.client.presenceStats(room("presence"));
    assert.deepEqual(await counts(), [0, 0]);
    assert.deepEqual((await ann.client.presence(room("presence"))).clients, {});
  });

  await check(`${name}: what was missed in a cut is recovered, once and in order`, async () => {
    const network = await startNetwork(port);
    const { client, seen: states } = await connect({}, network.port);
    const { seen } = await join(client, room("cut"));
    const publish = (n) => nobody.client.publish(room("cut"), data(n));
    await publish(1);
    await seen.until("the first", (one) => one.offset === 1);
    const cuts = states.all.length;
    network.cut();
    await states.until("the cut", (one) => one.event === "connecting" && states.all.indexOf(one) >= cuts);
    for (const n of [2, 3, 4]) await publish(n);
    network.mend();
    const back = await seen.until("the recovery", (one) => one.wasRecovering);
    assert.equal(back.recovered, true);
    await publish(5);
    await seen.until("the last", (one) => one.offset === 5);
    assert.deepEqual(publications(seen), [1, 2, 3, 4, 5].map((n) => [n, n]));
    network.stop();
  });

  await check(`${name}: deltas are put together again, over a cut as well`, async () => {
    const network = await startNetwork(port);
    const { client, seen: states } = await connect({}, network.port);
    const { sub, seen } = await join(client, room("deltas"), { delta: "fossil" });
    const state = (n) => ({ n, text: "hardly anything of this changes, only the number at the end: \u044e", last: n });
    const publish = (n) => nobody.client.publish(room("deltas"), data(state(n)));
    for (const n of [1, 2, 3]) await publish(n);
    await seen.until("the third", (one) => one.offset === 3);
    const counts = () => [sub.deltaStats().numFullPayloads, sub.deltaStats().numDeltaPayloads];
    assert.deepEqual(counts(), [1, 2]);
    const cuts = states.all.length;
    network.cut();
    await states.until("the cut", (one) => one.event === "connecting" && states.all.indexOf(one) >= cuts);
    for (const n of [4, 5]) await publish(n);
    network.mend();
    await seen.until("the recovery", (one) => one.wasRecovering && one.recovered);
    for (const n of [6, 7]) await publish(n);
    await seen.until("the last", (one) => one.offset === 7);
    assert.deepEqual(publications(seen), [1, 2, 3, 4, 5, 6, 7].map((n) => [n, state(n)]));
    assert.deepEqual(counts(), [4, 3]);
    assert.ok(sub.deltaStats().bytesReceived < 0.8 * sub.deltaStats().bytesDecoded);
    network.stop();
  });

  await check(`${name}: the user's own room is there without asking`, async () => {
    const { seen } = await connect({ token: token({ sub: room("own") }) });
    const ctx = await seen.until("subscribed", (one) => one.event === "subscribed");
    assert.deepEqual([ctx.channel, ctx.recoverable], [`#${room("own")}`, true]);
    await nobody.client.publish(ctx.channel, data("for you"));
    const publication = await seen.until("the publication", (one) => one.event === "publication");
    assert.deepEqual([publication.channel, read(publication.data)], [ctx.channel, "for you"]);
  });

  await check(`${name}: calls and bad tokens are refused by their codes`, async () => {
    await assert.rejects(nobody.client.rpc("no.such", data({})), (error) => error.code === 108);
    const { seen } = await connect({ token: "not.a.token" });
    const end = await seen.until("the end", (one) => one.event === "disconnected");
    assert.equal(end.code, 3500);
  });

  await check(`${name}: an expired token of a subscription is asked for anew, and the subscription comes back`, async () => {
    const channel = room("tokened");
    const { client } = await connect({ token: token({ sub: "42" }) });
    const ends = [-5, 3600];
    const getToken = async () => token({ sub: "42", channel, exp: now() + ends.shift() });
    await join(client, channel, { getToken, minResubscribeDelay: 50, maxResubscribeDelay: 200 });
    assert.deepEqual(ends, []);
  });

  await check(`${name}: a token is refreshed without a new connection`, async () => {
    const given = new Seen();
    const getToken = async () => {
      given.add(now());
      return token({ sub: room("short"), exp: now() + 2 });
    };
    const { client, seen } = await connect({ getToken });
    // The third is asked for only because the second was taken.
    await given.until("the third token", () => given.all.length >= 3);
    assert.equal((await client.presenceStats(`#${room("short")}`)).numClients, 1);
    const count = (event) => seen.all.filter((one) => one.event === event).length;
    assert.deepEqual([count("connecting"), count("disconnected")], [1, 0]);
  });

  for (const client of clients) client.disconnect();
}
