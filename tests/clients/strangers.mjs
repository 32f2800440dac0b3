// Who is not signed in and means no good: heads and bodies that never end, from one address and from many. The server's
// memory stays near what it was, and everybody else is answered.
import assert from "node:assert/strict";
import { get } from "node:http";
import { connect } from "node:net";
import { within } from "./telegram.mjs";
import { startWorld } from "./world.mjs";

const MOST_MIB = 30;
const HOLD_MS = 4_000;

export async function strangerChecks({ binary }, check) {
  const world = await startWorld(binary);
  const port = Number(new URL(world.url).port);
  const hook = new URL(world.hook().url).pathname;
  // What the server does beside the attacks it has done once before: pages of its program are nobody's attack.
  assert.equal(await world.says(5550130, "Noor", "hello before the strangers"), 200);
  await memory(world);
  const rest = await memory(world);

  const attacks = [
    ["500 heads that never end, from one address", 500, one, `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${"a".repeat(30_000)}`],
    ["500 heads that never end, from as many addresses", 500, many, `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${"a".repeat(30_000)}`],
    ["100 heads of 400 KB", 100, many, `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${"a".repeat(400_000)}`],
    ["60 webhooks that never end, from one address", 60, one, `POST ${hook} HTTP/1.1\r\nHost: x\r\nContent-Length: 4194304\r\n\r\n${"a".repeat(4_000_000)}`],
    ["60 webhooks that never end, from as many addresses", 60, many, `POST ${hook} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3d0900\r\n${"a".repeat(3_990_000)}`],
    ["500 first frames of streams that never end", 500, one, `POST /connection/http_stream HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 65536\r\n\r\n${"a".repeat(60_000)}`],
    ["60 long frames for nobody's session", 60, many, `POST /emulation HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n\r\n{"session":"${"0".repeat(32)}","node":"","data":"${"a".repeat(1_900_000)}`],
    ["60 large sign-ins", 60, many, `POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4194304\r\n\r\n${"a".repeat(4_000_000)}`],
  ];
  for (const [name, count, from, bytes] of attacks) {
    await check(`${name}: at most ${MOST_MIB} MiB more, and others are answered`, async () => {
      const strangers = Array.from({ length: count }, (_, n) => {
        const stranger = connect({ port, host: "127.0.0.1", localAddress: from(n) });
        stranger.on("error", () => {});
        stranger.resume();
        stranger.write(bytes);
        return stranger;
      });
      let peak = 0;
      const until = Date.now() + HOLD_MS;
      while (Date.now() < until) peak = Math.max(peak, await memory(world));
      console.log(`# ${rest.toFixed(1)} MiB at rest, ${peak.toFixed(1)} at the peak`);
      assert.equal(await world.says(5550130, "Noor", `hello beside ${name}`), 200);
      for (const stranger of strangers) stranger.destroy();
      assert.ok(peak - rest < MOST_MIB, `${(peak - rest).toFixed(1)} MiB above rest`);
    });
  }
  await check("and it ends well", () => world.stop());
}

const one = () => "127.0.0.7";
const many = (n) => `127.0.${1 + Math.floor(n / 200)}.${1 + (n % 200)}`;

/** MiB, as the server itself says, asked from an address that is not the strangers'. */
function memory(world) {
  const answer = new Promise((resolve, reject) => {
    get(`${world.url}/metrics`, { headers: world.metrics, localAddress: "127.0.9.9", agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (piece) => { body += piece; }).on("end", () => {
        const line = body.split("\n").find((line) => line.startsWith("process_resident_memory_bytes "));
        if (line) resolve(Number(line.split(" ")[1]) / 1024 / 1024);
        else reject(new Error(`metrics: ${response.statusCode} ${body}`));
      });
    }).on("error", reject);
  });
  return within("the memory", answer);
}
