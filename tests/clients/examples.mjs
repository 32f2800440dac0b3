// The programs in the socket's document do what it says of them: they are cut out of the page and run.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { start } from "./processes.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

function example(language) {
  const text = readFileSync(`${root}src/rpc/socket.md`, "utf8");
  const found = text.match(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, "m"));
  assert.ok(found, `the document has no example in ${language}`);
  return found[1];
}

export async function exampleChecks(world, check) {
  const chat = 5550102;

  await check("the document's watcher sees a message", async () => {
    const env = { HUBBUB: world.url, EMAIL: world.email, PASSWORD: world.password };
    const watcher = start("the watcher", process.execPath, ["--input-type=module", "-"], env, `${root}tests/clients`);
    watcher.child.stdin.end(example("js"));
    await watcher.said(/watching/);
    assert.equal(await world.says(chat, "Noor", "do you repair lamps?"), 200);
    await watcher.said(/^\d+ Noor do you repair lamps\?$/m);
    watcher.child.kill("SIGKILL");
  });

  await check("the document's responder answers it", async () => {
    const python = process.env.HUBBUB_TEST_PYTHON ?? `${root}target/venv/bin/python`;
    const env = { HUBBUB: world.url, API_KEY: await world.key("Example") };
    const responder = start("the responder", python, ["-"], env);
    responder.child.stdin.end(example("python"));
    await responder.said(/waiting for turns/);
    const answer = await world.telegram.until((one) => one.chat === chat, "the answer");
    assert.equal(answer.text, "You wrote: do you repair lamps?");
    responder.child.kill("SIGKILL");
  });
}
