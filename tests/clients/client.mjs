// The stock `centrifuge` client, used as its own documentation says, over each of its transports.
import assert from "node:assert/strict";
import { openFeed, Seen } from "./feed.mjs";
import { startNetwork } from "./proxy.mjs";
import { within } from "./telegram.mjs";

export async function clientChecks(world, check) {
  const customers = { websocket: ["Mira", 5550100], http_stream: ["Noor", 5550110], sse: ["Odil", 5550120] };
  for (const [transport, customer] of Object.entries(customers)) {
    await transportChecks(world, (name, work) => check(`over ${transport}: ${name}`, work), transport, ...customer);
  }
}

async function transportChecks(world, check, transport, customer, chat) {
  const network = await startNetwork(Number(new URL(world.url).port));
  const { client, events, states, subscribed, room: feed } = await openFeed(world, `127.0.0.1:${network.port}`, [transport]);
  const room = new Seen();
  const written = (text) => (event) => event.kind === "message.created" && event.message.text === text;
  let conversation;

  await check("a person connects and is subscribed to the tenant's feed", async () => {
    const { data } = await states.until("connected", (one) => one.state === "connected");
    assert.equal(data.user.email, world.email);
    assert.equal(states.all.at(-1).transport, transport);
    assert.deepEqual(data.tenants.map((tenant) => tenant.id), [world.tenant]);
    const ctx = await subscribed.until("subscribed", () => true);
    assert.equal(ctx.recoverable, true);
  });

  await check("a webhook with a wrong secret is refused and changes nothing", async () => {
    assert.equal(await world.says(chat, customer, "forged", "wrong"), 401);
  });

  await check("a signed webhook arrives live, whole, under its cursor", async () => {
    assert.equal(await world.says(chat, customer, "do you have red lanterns?"), 200);
    const event = await events.until("the message", written("do you have red lanterns?"));
    assert.equal(event.cursor, event.offset);
    assert.equal(event.conversation.contact.name, customer);
    assert.equal(event.message.seq, 1);
    conversation = event.conversation.id;
    assert.ok(!events.all.some(written("forged")));
  });

  await check("what was missed in a cut is recovered, once and in order", async () => {
    const before = events.all.length;
    const cuts = states.all.length;
    network.cut();
    await states.until("the cut", (one) => one.state === "connecting" && states.all.indexOf(one) >= cuts);
    assert.equal(await world.says(chat, customer, "and blue ones?"), 200);
    assert.equal(await world.says(chat, customer, "hello?"), 200);
    network.mend();
    const back = await subscribed.until("the recovery", (one) => one.wasRecovering);
    assert.equal(back.recovered, true);
    await events.until("the last message", written("hello?"));
    const missed = events.all.slice(before).filter((event) => event.kind === "message.created");
    assert.deepEqual(missed.map((event) => event.message.text), ["and blue ones?", "hello?"]);
    const offsets = events.all.map((event) => event.offset);
    assert.deepEqual(offsets, offsets.map((_, index) => offsets[0] + index), "cursors without a gap");
  });

  await check("a call answers, its repetition gives the first result, and the customer gets it once", async () => {
    const args = { conversation, client_id: `outside-${transport}`, text: "Red and blue, both." };
    const first = (await client.rpc("message.send", args)).data.message;
    const again = (await client.rpc("message.send", args)).data.message;
    assert.equal(again.id, first.id);
    const event = await events.until("the own message", written(args.text));
    assert.equal(event.message.client_id, args.client_id);
    assert.equal(event.conversation.owner, "human");
    await world.telegram.until((one) => one.text === args.text && one.chat === chat, "the provider gets it");
    await events.until("the tick", (one) => one.kind === "message.updated" && one.message.id === first.id && one.message.status === "sent");
    assert.equal(world.telegram.sent.filter((one) => one.text === args.text && one.chat === chat).length, 1);
  });

  await check("a conversation's room shows who is there and who types", async () => {
    const sub = client.newSubscription(`conversation:${conversation}`);
    sub.on("publication", (ctx) => room.add(ctx.data));
    sub.subscribe();
    await within("the room", sub.ready());
    const { clients } = await sub.presence();
    assert.deepEqual(Object.values(clients).map((one) => one.connInfo.name), ["Olive Owner"]);
    await client.rpc("conversation.typing", { conversation });
    const typing = await room.until("typing", (frame) => frame.kind === "typing");
    assert.equal(typing.user.name, "Olive Owner");
  });

  await check("what is not there, not allowed or misspelt is refused by its code", async () => {
    const refused = (method, data, code) =>
      assert.rejects(client.rpc(method, data), (error) => error.code === code || assert.fail(`${method}: ${error.code} ${error.message}`));
    await refused("conversation.close", { conversation: world.tenant }, 404);
    await refused("conversation.close", { conversation, loudly: true }, 400);
    await refused("turn.reply", { turn: world.tenant, lease: world.tenant, text: "hi" }, 404);
    await refused("no.such.method", {}, 104);
    await assert.rejects(client.publish(feed, {}), (error) => error.code === 103);
  });

  client.disconnect();
  network.stop();
}
