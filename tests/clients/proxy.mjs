// The network between a client and the server, which can be cut and mended.
import { connect, createServer } from "node:net";

export async function startNetwork(port) {
  const open = new Set();
  let down = false;
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
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    port: server.address().port,
    cut() {
      down = true;
      for (const end of open) end.destroy();
    },
    mend() {
      down = false;
    },
    stop() {
      this.cut();
      server.close();
    },
  };
}
