// The transports of the stock client, as its documentation configures them, and what Node lacks for them.
import { request } from "node:http";
import WebSocket from "ws";

/** The events of the standard that the client uses; only over plain HTTP, and without reconnecting. */
class EventSource {
  onopen = null;
  onerror = null;
  onmessage = null;
  #request;

  constructor(url) {
    this.#request = request(url, { headers: { accept: "text/event-stream" } }, (answer) => {
      const type = answer.headers["content-type"] ?? "";
      if (answer.statusCode !== 200 || !type.startsWith("text/event-stream")) return this.#fail();
      this.onopen?.({});
      let text = "";
      answer.setEncoding("utf8").on("data", (piece) => {
        text += piece;
        const events = text.split("\n\n");
        text = events.pop();
        for (const event of events) {
          const lines = event.split("\n").filter((line) => line.startsWith("data:"));
          this.onmessage?.({ data: lines.map((line) => line.replace(/^data: ?/, "")).join("\n") });
        }
      });
      answer.on("error", () => {}).on("close", () => this.#fail());
    });
    this.#request.on("error", () => this.#fail()).end();
  }

  #fail() {
    const told = this.onerror;
    this.onerror = null;
    told?.({});
  }

  close() {
    this.onerror = null;
    this.#request.destroy();
  }
}

const paths = { websocket: ["ws", "connection/websocket"], http_stream: ["http", "connection/http_stream"], sse: ["http", "connection/sse"] };

/** The client's two arguments for these transports at a host, below a path. */
export function transports(names, host, base = "/") {
  const endpoints = names.map((transport) => {
    const [scheme, path] = paths[transport];
    return { transport, endpoint: `${scheme}://${host}${base}${path}` };
  });
  const options = { websocket: WebSocket, eventsource: EventSource, emulationEndpoint: `http://${host}${base}emulation` };
  return [endpoints, options];
}
