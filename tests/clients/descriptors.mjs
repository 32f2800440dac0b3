// A server that may open only a few files, and more visitors than that: who is inside notices nothing, who is outside is
// told, the store and the provider are still reached, and health says what is the matter.
import assert from "node:assert/strict";
import { Agent, get } from "node:http";
import { connect } from "node:net";
import WebSocket from "ws";
import { openFeed } from "./feed.mjs";
import { within } from "./telegram.mjs";
import { startWorld } from "./world.mjs";

const DESCRIPTORS = 200;
const VISITORS = 400;

export async function descriptorChecks({ binary }, check) {
  const world = await startWorld(binary, { descriptors: DESCRIPTORS });
  const { client, events, subscribed } = await openFeed(world);
  await subscribed.until("the feed", () => true);
  const token = await world.signIn();
  const one = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (path, agent) => within(`an answer of ${path}`, answerOf(world.url + path, agent, world.metrics));
  const hears = (text) => events.until(text, (event) => event.kind === "message.created" && event.message.text === text);
  let [inside, idle] = [[], []];

  await check(`${VISITORS} clients that keep their connections after a request leave places to others`, async () => {
    const kept = Array.from({ length: VISITORS }, () => new Agent({ keepAlive: true }));
    for (const agent of kept) assert.equal((await ask("/health/live", agent)).status, 200);
    const waiting = kept.filter((agent) => Object.keys(agent.freeSockets).length > 0).length;
    assert.equal((await ask("/health/ready")).status, 200);
    const visits = await within("visits", Promise.all(Array.from({ length: 10 }, () => visit(world, token))));
    console.log(`# ${waiting} connections wait for a next request`);
    assert.ok(waiting > DESCRIPTORS / 4 && waiting < DESCRIPTORS / 2, `${waiting} wait`);
    assert.equal(visits.filter(({ socket }) => socket).length, 10);
    for (const { socket } of visits) socket.terminate();
    for (const agent of kept) agent.destroy();
  });

  await check(`of ${VISITORS} sockets at ${DESCRIPTORS} descriptors some are let in and the others told at once`, async () => {
    assert.equal((await ask("/health/ready", one)).status, 200);
    const visits = await within("all visits", Promise.all(Array.from({ length: VISITORS }, () => visit(world, token))));
    inside = visits.filter((visit) => visit.socket);
    const refused = visits.filter((visit) => !visit.socket);
    // Whoever only asked for something has left its place meanwhile.
    for (let last; !last || last.socket; last.socket ? inside.push(last) : refused.push(last)) {
      last = await within("one more visit", visit(world, token));
    }
    const told = refused.filter((visit) => visit.status === 503);
    console.log(`# ${inside.length} let in, ${refused.length} refused, ${told.length} of them with 503`);
    assert.ok(inside.length > DESCRIPTORS / 4 && inside.length < DESCRIPTORS, `${inside.length} let in`);
    assert.ok(told.length > refused.length / 2, `${told.length} of ${refused.length} told`);
  });

  await check("webhooks are taken and stored meanwhile, and reach who was there before and who came last", async () => {
    assert.equal(await world.says(5550120, "Noor", "is anybody there?"), 200);
    const event = await hears("is anybody there?");
    await within("the last visitor", inside.at(-1).heard("is anybody there?"));
    await client.rpc("message.send", { conversation: event.conversation.id, client_id: "full-1", text: "Yes, come in." });
    await world.telegram.until((sent) => sent.text === "Yes, come in.", "the provider gets it");
  });

  await check("health and metrics say so, and the process counts as alive", async () => {
    const ready = await ask("/health/ready");
    assert.equal(ready.status, 503);
    assert.equal(JSON.parse(ready.body).code, "no_descriptors");
    assert.match(JSON.parse(ready.body).detail, /too many open connections/);
    assert.equal((await ask("/health/live")).status, 200);
    const { body } = await ask("/metrics");
    assert.equal(number(body, "process_max_fds"), DESCRIPTORS);
    assert.ok(number(body, "process_open_fds") > DESCRIPTORS / 2);
    assert.ok(number(body, "hubbub_connections_refused_total") > 0);
    assert.equal(number(body, "hubbub_hub_sessions"), inside.length + 1);
  });

  await check("when silent connections take the rest, the store and the provider are still reached", async () => {
    idle = Array.from({ length: VISITORS }, () => connect(Number(new URL(world.url).port), "127.0.0.1").on("error", () => {}));
    const [answer] = await within("the last one is told", new Promise((told) => idle.at(-1).once("data", (...data) => told(data))));
    assert.match(String(answer), /^HTTP\/1.1 503 [^]*retry-after: [^]*too many open connections/i);
    const inbox = events.all.find((event) => event.conversation?.contact.name === "Noor").conversation.id;
    await client.rpc("message.send", { conversation: inbox, client_id: "full-2", text: "There is a queue." });
    await hears("There is a queue.");
    await world.telegram.until((sent) => sent.text === "There is a queue.", "the provider gets it");
    assert.equal(JSON.parse((await ask("/health/ready", one)).body).code, "no_descriptors");
  });

  await check("when some leave, others are let in and health is well again", async () => {
    for (const silent of idle) silent.destroy();
    for (const { socket } of inside.splice(0, inside.length / 2)) socket.terminate();
    const deadline = Date.now() + 30_000;
    while ((await ask("/health/ready", one)).status !== 200) assert.ok(Date.now() < deadline, "never ready again");
    const visits = await within("the next visits", Promise.all(Array.from({ length: 10 }, () => visit(world, token))));
    inside.push(...visits.filter((visit) => visit.socket));
    assert.equal(visits.filter((visit) => visit.socket).length, 10);
    assert.equal(await world.says(5550120, "Noor", "thank you"), 200);
    await within("the newest visitor", inside.at(-1).heard("thank you"));
    const lines = world.output().split("\n").filter((line) => line.includes("file descriptors are short"));
    console.log(`# ${lines.length} lines of the log about it`);
    assert.ok(lines.length >= 1 && lines.length <= 10, lines.join("\n"));
  });

  for (const { socket } of inside) socket.terminate();
  client.disconnect();
  one.destroy();
  await check("and it ends well", () => world.stop());
}

/** Resolves to a connected socket, or to the status of the refusal. */
function visit(world, token) {
  return new Promise((resolve) => {
    const socket = new WebSocket(world.socket);
    const [texts, watchers] = [[], new Set()];
    const heard = (text) => new Promise((found) => {
      const look = () => {
        if (texts.some((one) => one.includes(text))) {
          watchers.delete(look);
          found();
        }
      };
      watchers.add(look);
      look();
    });
    socket.on("open", () => socket.send(JSON.stringify({ id: 1, connect: { token } })));
    socket.on("message", (data) => {
      const text = String(data);
      if (text === "{}") socket.send("{}");
      texts.push(text);
      if (text.includes('"connect"')) resolve({ socket, heard });
      for (const look of watchers) look();
    });
    socket.on("unexpected-response", (request, response) => {
      resolve({ status: response.statusCode });
      request.destroy();
    });
    socket.on("error", () => resolve({}));
    socket.on("close", () => resolve({}));
  });
}

function answerOf(url, agent, headers) {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (piece) => { body += piece; }).on("end", () => resolve({ status: response.statusCode, body }));
    }).on("error", reject);
  });
}

function number(metrics, name) {
  const line = metrics.split("\n").find((one) => one.startsWith(`${name} `));
  assert.ok(line, `${name} is not there`);
  return Number(line.split(" ")[1]);
}
