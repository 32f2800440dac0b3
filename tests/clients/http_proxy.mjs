// A proxy for HTTP as some networks have it: it passes requests on, and does to WebSockets and streams what it is told.
import { Agent, createServer, request } from "node:http";
import { connect } from "node:net";

/** `upgrades`: "refuse" them, or "cut" them as soon as they are open. `broken`: paths that get 502. */
export async function startProxy(port, { upgrades = "refuse", broken = [] } = {}) {
  const agent = new Agent({ keepAlive: true });
  const streams = new Set();
  const counted = {};
  let down = false;
  const server = createServer((ask, answer) => {
    const path = ask.url.split("?")[0];
    counted[path] = (counted[path] ?? 0) + 1;
    if (down && path.startsWith("/connection/")) return void ask.socket.destroy();
    if (broken.includes(path)) return void answer.writeHead(502).end("no such luck");
    const headers = { ...ask.headers, "x-forwarded-for": "203.0.113.7" };
    const far = request({ port, host: "127.0.0.1", method: ask.method, path: ask.url, headers, agent }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      answer.flushHeaders();
      got.on("error", () => answer.destroy());
      got.pipe(answer);
      if (path.startsWith("/connection/")) {
        streams.add(answer);
        answer.on("close", () => streams.delete(answer));
      }
    });
    far.on("error", () => answer.destroy());
    answer.on("close", () => far.destroy());
    ask.pipe(far);
  });
  server.on("upgrade", (ask, near, head) => {
    counted.upgrades = (counted.upgrades ?? 0) + 1;
    near.on("error", () => {});
    if (upgrades === "refuse") return void near.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    const far = connect(port, "127.0.0.1");
    far.on("error", () => {}).on("close", () => near.destroy());
    const lines = ask.rawHeaders.map((word, at) => (at % 2 ? `${word}\r\n` : `${word}: `)).join("");
    far.write(`${ask.method} ${ask.url} HTTP/1.1\r\n${lines}\r\n`);
    far.write(head);
    // The answer to the upgrade gets through, and nothing after it.
    far.once("data", (piece) => near.write(piece, () => setTimeout(() => far.destroy(), 50)));
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    counted,
    /** Ends the streams that are open, as a time-out does. */
    cut() {
      for (const stream of streams) stream.destroy();
    },
    hold(is) {
      down = is;
      if (is) this.cut();
    },
    stop() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
}
