// A proxy that puts the server into a folder of another address, as `location /hub/ { proxy_pass …/; proxy_cookie_path
// / /hub/; }` of nginx does. Speaks HTTP/1.1 and passes upgrades through.
import { createServer, request } from "node:http";

export async function startSubPath(port, folder) {
  const sockets = new Set();
  const inside = (url) => url.slice(folder.length) || "/";
  const server = createServer((asked, answer) => {
    if (asked.url === folder) return void answer.writeHead(301, { location: `${folder}/` }).end();
    if (!asked.url.startsWith(`${folder}/`)) return void answer.writeHead(404).end();
    const passed = request({ port, host: "127.0.0.1", method: asked.method, path: inside(asked.url), headers: asked.headers }, (got) => {
      const headers = { ...got.headers };
      if (headers["set-cookie"]) headers["set-cookie"] = headers["set-cookie"].map((one) => one.replace(/path=\//i, `Path=${folder}/`));
      answer.writeHead(got.statusCode, headers);
      got.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    asked.pipe(passed);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("upgrade", (asked, socket, head) => {
    const passed = request({ port, host: "127.0.0.1", path: inside(asked.url), headers: asked.headers });
    passed.on("upgrade", (got, other, rest) => {
      const lines = Object.entries(got.headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`);
      socket.write(rest);
      other.write(head);
      other.pipe(socket).pipe(other);
      for (const one of [socket, other]) one.on("error", () => { socket.destroy(); other.destroy(); });
    });
    passed.on("error", () => socket.destroy());
    passed.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
