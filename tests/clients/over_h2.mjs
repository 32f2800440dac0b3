// HTTP/2 as a client sees it: requests, and a WebSocket in a stream by extended CONNECT (RFC 8441) where it is offered.
import { once } from "node:events";
import { connect } from "node:http2";
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
