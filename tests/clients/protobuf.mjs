// The stock client in Protobuf: what is inside is the same as in JSON.
import assert from "node:assert/strict";
import { Centrifuge } from "centrifuge/build/protobuf";
import WebSocket from "ws";
import { Seen } from "./feed.mjs";
import { within } from "./telegram.mjs";

const bytes = (value) => new TextEncoder().encode(JSON.stringify(value));
const read = (data) => JSON.parse(new TextDecoder().decode(data));

export async function protobufChecks(world, check) {
  await check("the client in Protobuf sees what is written, and is answered", async () => {
    const seen = new Seen();
    const client = new Centrifuge(world.socket, { token: await world.signIn(), websocket: WebSocket });
    client.on("publication", (ctx) => ctx.channel === `tenant:${world.tenant}` && seen.add({ offset: ctx.offset, ...read(ctx.data) }));
    client.connect();
    await within("it connects", client.ready());
    assert.equal(await world.says(5550103, "Tove", "thank you"), 200);
    const event = await seen.until("the message", (one) => one.message?.text === "thank you");
    assert.equal(event.cursor, event.offset);
    // The longest text that is promised, with every character written as twelve bytes.
    const note = `{"conversation":"${event.conversation.id}","client_id":"long","text":"${"\\ud83d\\ude00".repeat(40_000)}"}`;
    const noted = read((await client.rpc("note.add", new TextEncoder().encode(note))).data);
    assert.equal([...noted.message.text].length, 40_000);
    const { data } = await client.rpc("conversation.close", bytes({ conversation: event.conversation.id }));
    assert.equal(read(data).conversation.state, "closed");
    client.disconnect();
  });
}
