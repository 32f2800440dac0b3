// The finished server from the outside: node run.mjs <the server's binary> [a part of `parts` below, or -part for all but
// it …]. Prints TAP.
import { resolve } from "node:path";
import { axeChecks } from "./axe.mjs";
import { botApiChecks } from "./botapi.mjs";
import { clientChecks } from "./client.mjs";
import { connectChecks } from "./connect.mjs";
import { demoChecks } from "./demo.mjs";
import { descriptorChecks } from "./descriptors.mjs";
import { exampleChecks } from "./examples.mjs";
import { openChecks } from "./open.mjs";
import { pageChecks } from "./page.mjs";
import { fallbackChecks } from "./fallback.mjs";
import { fileChecks } from "./files.mjs";
import { frameChecks } from "./frame.mjs";
import { killAll } from "./processes.mjs";
import { protobufChecks } from "./protobuf.mjs";
import { proxyChecks } from "./proxies.mjs";
import { sessionChecks } from "./sessions.mjs";
import { stockChecks } from "./stock.mjs";
import { strangerChecks } from "./strangers.mjs";
import { troubleChecks } from "./troubles.mjs";
import { workerChecks } from "./worker.mjs";
import { startWorld } from "./world.mjs";

const parts = { client: clientChecks, botapi: botApiChecks, protobuf: protobufChecks, open: openChecks, examples: exampleChecks, worker: workerChecks, page: pageChecks, axe: axeChecks, sessions: sessionChecks, troubles: troubleChecks, fallback: fallbackChecks, demo: demoChecks, connect: connectChecks, files: fileChecks, descriptors: descriptorChecks, strangers: strangerChecks, frame: frameChecks, proxies: proxyChecks, stock: stockChecks };
const [binary, ...chosen] = process.argv.slice(2);
const [without, only] = [true, false].map((out) => chosen.filter((name) => name.startsWith("-") === out));
const names = (only.length ? only : Object.keys(parts)).filter((name) => !without.includes(`-${name}`));
const unknown = chosen.filter((name) => !Object.hasOwn(parts, name.replace(/^-/, "")));
if (!binary || unknown.length) {
  console.error(`usage: node run.mjs <binary> [${Object.keys(parts).join("|")} …]`);
  process.exit(2);
}

/** As many parts may be run a second time: more that fail have one cause. */
const MOST_AGAIN = 2;
let [count, failed] = [0, 0];

// A client library that throws in a callback of its own reaches no check: it ends the run, and leaves nothing running.
process.on("uncaughtException", (error) => {
  console.error("not ok - thrown outside of a check:", error);
  killAll();
  process.exit(1);
});

async function check(name, work) {
  const begun = performance.now();
  const number = (count += 1);
  try {
    await work();
    console.log(`ok ${number} - ${name} (${Math.round(performance.now() - begun)} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`not ok ${number} - ${name}`);
    throw error;
  }
}

let world = null;

/** Whether all checks of the part passed. After one that did not, the next part has a server of its own. */
async function passes(name) {
  console.log(`# ${name}`);
  try {
    world ??= await startWorld(resolve(binary));
    await parts[name](world, check);
    return true;
  } catch (error) {
    console.error(error);
    if (world) console.error(`the server said:\n${world.output().split("\n").slice(-40).join("\n")}`);
    killAll();
    world = null;
    return false;
  }
}

/** The parts that failed, with how many of their checks did. */
const again = new Map();
for (const name of names) {
  const before = failed;
  if (!(await passes(name))) again.set(name, failed - before);
}
const unsteady = [];
for (const [name, before] of again.size <= MOST_AGAIN ? again : []) {
  if (!(await passes(name))) continue;
  unsteady.push(name);
  failed -= before;
}
try {
  if (world) await check("told to stop, the server ends well", () => world.stop());
} catch (error) {
  console.error(error);
} finally {
  killAll();
}
console.log(`1..${count}`);
const lost = [...again.keys()].filter((name) => !unsteady.includes(name));
const told = unsteady.length ? `; UNSTEADY, passed only when run again: ${unsteady.join(", ")}` : "";
console.log(`# ${count - failed} passed, ${failed} failed${told}`);
process.exit(lost.length || failed ? 1 : 0);
