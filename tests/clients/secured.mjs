// Sockets through a proxy whose certificate is its own.
import WebSocket from "ws";

export const secured = (front, tried = () => {}) => class extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, { ca: front.ca });
    tried();
  }
};

/** A connected socket without a library. */
export async function socket(front, path = "", hello = {}) {
  const one = new (secured(front))(`${front.origin.replace("https", "wss")}${path}/connection/websocket`);
  await new Promise((resolve, reject) => {
    one.on("message", (data) => (String(data) === "{}" ? one.send("{}") : resolve()));
    one.on("open", () => one.send(JSON.stringify({ id: 1, connect: hello })));
    one.on("error", reject);
    one.on("close", reject);
  });
  return one;
}
