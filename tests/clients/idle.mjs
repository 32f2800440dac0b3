// What an idle connection costs the engine, for each transport: node idle.mjs <the open hub's binary> [connections].
// Each is a connected client in one room of its own; measured is the memory of the process.
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { start } from "./processes.mjs";

const [binary, many = "2000"] = process.argv.slice(2);
const command = JSON.stringify({ id: 1, connect: {} });
const post = `POST /connection/http_stream HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${command.length}\r\n\r\n${command}`;
const sse = `GET /connection/sse?cf_connect=${encodeURIComponent(command)} HTTP/1.1\r\nhost: x\r\n\r\n`;
const upgrade = "GET /connection/websocket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
  + "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** The command as a text frame, masked with zeros. */
const frame = Buffer.concat([Buffer.from([0x81, 0x80 | command.length, 0, 0, 0, 0]), Buffer.from(command)]);

function open(port, transport) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    let sent = transport !== "websocket";
    socket.on("error", reject).on("data", (piece) => {
      text += piece;
      if (!sent && text.includes("\r\n\r\n")) {
        sent = true;
        socket.write(frame);
      }
      if (text.includes('"client"')) resolve(socket);
    });
    socket.write({ websocket: upgrade, http_stream: post, sse }[transport]);
  });
}

const memory = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);

for (const transport of ["websocket", "http_stream", "sse"]) {
  const hub = start("the open hub", binary, ["0"]);
  const port = Number((await hub.said(/listening on \S+:(\d+)\n/))[1]);
  const sockets = [];
  // What the first ones cost, such as the stacks of threads, is not counted.
  for (let n = 0; n < 100; n += 1) sockets.push(await open(port, transport));
  const before = memory(hub.child.pid);
  for (let n = 0; n < Number(many); n += 1) sockets.push(await open(port, transport));
  const each = (memory(hub.child.pid) - before) / Number(many);
  console.log(`${transport}: ${each.toFixed(1)} KiB a connection`);
  for (const socket of sockets) socket.destroy();
  await hub.stop();
}
