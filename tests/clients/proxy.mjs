// The network between a client and the server, which can be cut and mended.
import { connect, createServer } from "node:net";

export async function startNetwork(port) {
  const open = new Set();
  let down = false;
  let lost = null;
  const server = createServer((near) => {
    if (down) return void near.destroy();
    const far = connect(port, "127.0.0.1");
    for (const end of [near, far]) {
      open.add(end);
      end.on("error", () => {});
      end.on("close", () => {
        open.delete(end);
        near.destroy();
        far.destroy();
      });
    }
    let swallow = false;
    near.on("data", (piece) => {
      swallow ||= lost !== null && String(piece).includes(lost);
    });
    near.pipe(far);
    far.on("data", (piece) => {
      if (!swallow) return void near.write(piece);
      lost = null;
      network.cut();
    });
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const network = {
    port: server.address().port,
    cut() {
      down = true;
      for (const end of open) end.destroy();
    },
    mend() {
      down = false;
    },
    /** The next answer to a request with this text in it is lost, and the network with it. */
    loseTheAnswerTo(text) {
      lost = text;
    },
    stop() {
      this.cut();
      server.close();
    },
  };
  return network;
}
