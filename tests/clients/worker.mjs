// The Python worker of examples/, as its README starts it: a customer writes, the worker answers through the provider.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { openFeed } from "./feed.mjs";
import { start } from "./processes.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

export async function workerChecks(world, check) {
  const key = await world.key("Python worker");
  const python = process.env.HUBBUB_TEST_PYTHON ?? `${root}target/venv/bin/python`;
  const worker = start("the worker", python, [`${root}examples/python-worker/worker.py`], {
    HUBBUB_API_KEY: key, HUBBUB_URL: world.socket, PYTHONUNBUFFERED: "1",
  });
  const chat = 5550101;
  const feed = await openFeed(world);

  await check("a burst of messages is one turn, and the worker's answer reaches the customer once", async () => {
    await worker.said(/connected/);
    for (const text of ["hi", "is the brass one", "in stock?"]) assert.equal(await world.says(chat, "Ari", text), 200);
    const answer = await world.telegram.until((one) => one.chat === chat, "the answer");
    for (const part of ["Ari", "hi", "is the brass one", "in stock?"]) assert.ok(answer.text.includes(part), answer.text);
    assert.equal(world.telegram.sent.filter((one) => one.chat === chat).length, 1);
  });

  await check("the word for a person hands the conversation to people, and nothing is sent", async () => {
    assert.equal(await world.says(chat, "Ari", "a human please"), 200);
    const left = await feed.events.until("the handoff", (one) => one.conversation?.contact.name === "Ari" && one.conversation.owner === "nobody");
    assert.ok(left.conversation.handoff_reason);
    assert.equal(world.telegram.sent.filter((one) => one.chat === chat).length, 1);
  });

  await check("told to stop, the worker finishes and ends well", async () => {
    await worker.stop();
  });
  feed.client.disconnect();
}
