// HTTP/2 as a client sees it: requests, and a WebSocket in a stream by extended CONNECT (RFC 8441) where it is offered.
import { once } from "node:events";
import { connect } from "node:http2";
import { Seen } from "./feed.mjs";
import { within } from "./telegram.mjs";

export async function openHttp2(front) {
  const session = connect(front.origin, { ca: front.ca });
  session.on("error", () => {});
  const [settings] = await within("the settings", once(session, "remoteSettings"));
  return {
    offersSockets: settings.enableConnectProtocol === true,
    async get(path) {
      const stream = session.request({ ":path": path });
      const [head] = await within(path, once(stream, "response"));
      let body = "";
      for await (const piece of stream.setEncoding("utf8")) body += piece;
      return { status: head[":status"], body };
    },
    /** Sends a request whose answer goes on, and gives what comes of it. */
    async follow(path, { method = "GET", headers = {}, body } = {}) {
      const stream = session.request({ ":method": method, ":path": path, ...headers });
      stream.on("error", () => {});
      stream.end(body);
      const seen = new Seen();
      let text = "";
      stream.setEncoding("utf8").on("data", (piece) => {
        text += piece;
        seen.add(text);
      });
      const [head] = await within(path, once(stream, "response"));
      return { status: head[":status"], until: (fits) => seen.until(`${path} goes on`, fits), close: () => stream.close() };
    },
    /** Sends a whole request; gives the status. */
    async post(path, headers, body) {
      const stream = session.request({ ":method": "POST", ":path": path, ...headers });
      stream.on("error", () => {});
      stream.end(body);
      const [head] = await within(path, once(stream, "response"));
      stream.resume();
      return head[":status"];
    },
    /** Opens a socket, sends one text frame and gives the first one that comes back. */
    async ask(path, text) {
      const stream = session.request({ ":method": "CONNECT", ":protocol": "websocket", ":path": path, "sec-websocket-version": "13" });
      stream.on("error", () => {});
      const [head] = await within("the answer to CONNECT", once(stream, "response"));
      if (head[":status"] !== 200) return { status: head[":status"] };
      const payload = Buffer.from(text);
      // Masked with zeros; at most 125 bytes.
      stream.write(Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
      const [frame] = await within("a frame", once(stream, "data"));
      stream.close();
      const long = frame[1] === 126;
      return { status: 200, text: frame.subarray(long ? 4 : 2).toString() };
    },
    close: () => session.close(),
  };
}
