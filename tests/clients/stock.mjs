// Clients of the protocol in other languages against the open engine, where their tools are on the machine: the Go client's
// own suite, and the stock Java client in a cut. What they need is fetched by their own tools; what cannot be had is left
// out with a word.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";
import { Seen } from "./feed.mjs";
import { freePort } from "./fronts.mjs";
import { start } from "./processes.mjs";
import { startNetwork } from "./proxy.mjs";
import { within } from "./telegram.mjs";

const GO_CLIENT = "github.com/centrifugal/centrifuge-go";
const GO_VERSION = "v0.12.1";
/** Tests of the suite at this version. */
const GO_TESTS = 59;
const here = fileURLToPath(new URL(".", import.meta.url));
const target = fileURLToPath(new URL("../../target", import.meta.url));

export async function stockChecks({ binary }, check) {
  const open = async (...words) => {
    const hub = start("an open hub", join(dirname(binary), "examples", "open"), words);
    return { hub, port: Number((await hub.said(/listening on \S+:(\d+)\n/))[1]) };
  };
  // Building takes longer than running: both at once.
  const [suite, jars] = await Promise.all([goSuite(), javaClient()]);
  await Promise.all([suite && goChecks(suite, await open(`${suite.port}`, "--bare"), check), jars && javaChecks(jars, await open("0"), check)]);
}

/** The output of a tool, or `null` with a word about what is left out. */
async function tool(what, command, args, options = {}) {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: 300_000, maxBuffer: 16 << 20, ...options }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const why = error.code === "ENOENT" ? `${command} is not installed` : (stderr || stdout || error.message).trim().split("\n").at(-1);
      console.log(`# ${what} left out: ${why}`);
      resolve(null);
    });
  });
}

/** The Go client's tests, built for a hub on a free port. */
async function goSuite() {
  const what = `the suite of centrifuge-go ${GO_VERSION} is`;
  const env = { ...process.env, GOTOOLCHAIN: "local", GOFLAGS: "-buildvcs=false" };
  const found = await tool(what, "go", ["mod", "download", "-json", `${GO_CLIENT}@${GO_VERSION}`], { env, cwd: "/" });
  if (!found) return null;
  const folder = join(target, "centrifuge-go");
  rmSync(folder, { recursive: true, force: true });
  cpSync(JSON.parse(found).Dir, folder, { recursive: true });
  await tool("making it writable is", "chmod", ["-R", "u+w", folder]);
  // Its tests name their addresses: of the hub, and of nobody.
  const [hub, nobody] = [await freePort(), await freePort()];
  for (const name of readdirSync(folder).filter((name) => name.endsWith("_test.go"))) {
    const text = readFileSync(join(folder, name), "utf8");
    writeFileSync(join(folder, name), text.replaceAll("localhost:8000", `localhost:${hub}`).replaceAll("localhost:9000", `localhost:${nobody}`));
  }
  const built = await tool(what, "go", ["test", "-c", "-o", "suite.test", "."], { env, cwd: folder });
  return built === null ? null : { folder, port: hub };
}

async function goChecks({ folder }, { hub }, check) {
  await check(`centrifuge-go ${GO_VERSION}: its own suite passes`, async () => {
    const suite = start("the suite", join(folder, "suite.test"), ["-test.v", "-test.timeout=120s"], {}, folder);
    const end = await within("the suite ends", suite.over, 150_000);
    const count = (word) => suite.output().split("\n").filter((line) => line.startsWith(`--- ${word}: `));
    console.log(`# ${count("PASS").length} of ${GO_TESTS} passed ${count("FAIL").join(", ")}`);
    assert.equal(end.code, 0, suite.output().split("\n").filter((line) => !line.startsWith("=== ")).join("\n"));
    assert.equal(count("PASS").length, GO_TESTS);
  });
  await hub.stop();
}

/** The class path of the Java client. */
async function javaClient() {
  const what = "the Java client is";
  const version = await tool(what, "java", ["--version"]);
  if (!version) return null;
  if (Number(version.match(/\d+/)[0]) < 17) return void console.log(`# ${what} left out: it needs Java 17`);
  const jars = join(target, "centrifuge-java");
  mkdirSync(jars, { recursive: true });
  if (readdirSync(jars).length === 0) {
    const copied = await tool(what, "mvn", ["-q", "-B", "-f", join(here, "java", "pom.xml"), "dependency:copy-dependencies", `-DoutputDirectory=${jars}`]);
    if (copied === null) {
      rmSync(jars, { recursive: true });
      return null;
    }
  }
  return join(jars, "*");
}

async function javaChecks(jars, { hub, port }, check) {
  const network = await startNetwork(port);
  const url = (port) => `ws://127.0.0.1:${port}/connection/websocket`;
  const room = "java";
  const reader = new Centrifuge(url(port), { websocket: WebSocket });
  const seen = new Seen();
  const sub = reader.newSubscription(room);
  sub.on("publication", (ctx) => seen.add(ctx));
  sub.subscribe();
  reader.connect();
  await within("the reader is there", sub.ready());
  const java = start("the Java client", "java", ["-XX:TieredStopAtLevel=1", "-cp", jars, join(here, "java", "Client.java"), url(network.port), room]);
  const publish = (bytes) => java.child.stdin.write(`${Buffer.from(bytes).toString("hex")}\n`);

  await check("centrifuge-java: it connects, subscribes, and publishes any bytes", async () => {
    await java.said(/^subscribed new$/m);
    publish('{"n":1}');
    publish([0, 255, 10]);
    await java.said(/^publication 2 00ff0a$/m);
    await seen.until("the bytes", (one) => one.offset === 2);
    assert.deepEqual(seen.all.map((one) => one.data), [{ n: 1 }, { b64data: "AP8K" }]);
  });

  await check("centrifuge-java: what it missed in a cut it gets once and in order", async () => {
    network.cut();
    await java.said(/^connecting 1$/m);
    for (const n of [3, 4]) await reader.publish(room, { n });
    network.mend();
    await java.said(/^subscribed recovered$/m);
    await reader.publish(room, { n: 5 });
    await java.said(/^publication 5 /m);
    const got = [...java.output().matchAll(/^publication (\d+) (\w+)$/gm)].map((found) => [Number(found[1]), found[2]]);
    const hex = (value) => Buffer.from(JSON.stringify(value)).toString("hex");
    assert.deepEqual(got, [[1, hex({ n: 1 })], [2, "00ff0a"], ...[3, 4, 5].map((n) => [n, hex({ n })])]);
    java.child.stdin.end();
    await java.done();
  });
  reader.disconnect();
  network.stop();
  await hub.stop();
}
