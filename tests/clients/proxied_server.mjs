// The server behind a proxy: the client's address, large bodies, the page under a path in Chromium.
import assert from "node:assert/strict";
import { get, request } from "node:https";
import { otherwise, startFront } from "./fronts.mjs";
import { socket } from "./secured.mjs";
import { within } from "./telegram.mjs";

export async function checkServer(kind, world, port, browser, check) {
  const server = new URL(world.url).host;
  const front = await startFront(kind, server, { port });
  const other = await startFront(kind, server, { change: otherwise(kind) });

  await check(`${kind}: the client's address is the one that the proxy saw, whatever the client says`, async () => {
    const said = { "x-forwarded-for": "203.0.113.7" };
    const tries = (from, headers) => signIn(front, { localAddress: from, headers, email: `${kind}@example.com` });
    let refused = 0;
    for (let n = 0; n < 10 && refused !== 429; n += 1) refused = await tries("127.0.7.2", {});
    assert.equal(refused, 429);
    assert.equal(await tries("127.0.7.2", said), 429, "by another word of the client");
    assert.equal(await tries("127.0.7.3", said), 401, "from another address");
  });

  await check(`${kind}: bodies of 3 MB and the page's files come whole, with buffering on and off`, async () => {
    const token = await world.signIn();
    for (const one of [front, other]) {
      const body = JSON.stringify({ update_id: 1, padding: "x".repeat(900_000) });
      const hook = new URL(world.hook().url).pathname;
      const headers = { "content-type": "application/json", "x-telegram-bot-api-secret-token": world.hook().secret };
      for (const path of ["", "/chat"]) {
        assert.equal((await ask(one, { method: "POST", path: path + hook, headers, body })).status, 200, path);
        const big = await ask(one, { method: "POST", path: `${path}/api/v1/session`, headers, body: "x".repeat(3_000_000) });
        assert.ok([400, 413, 422].includes(big.status) && big.headers["content-type"] === "application/problem+json", `${big.status}`);
        const page = await ask(one, { path: `${path}/` });
        const script = page.body.match(/src="\.(\/assets\/[^"]+\.js)"/)[1];
        const direct = await (await fetch(world.url + script)).text();
        assert.equal((await ask(one, { path: path + script })).body, direct);
      }
      await within("a socket", socket(one, "/chat", { token }).then((open) => open.terminate()));
    }
  });

  await check(`${kind}: the page under a path, in a browser`, async () => {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    const at = (id) => page.getByTestId(id);
    const live = () => page.locator("[data-testid=connection-bar][data-phase=live]").waitFor({ state: "attached", timeout: 60_000 });
    const sockets = [];
    page.on("websocket", (one) => sockets.push(one.url()));
    await page.goto(`${front.origin}/chat`);
    await at("sign-in-email").fill(world.email);
    await at("sign-in-password").fill(world.password);
    await at("sign-in-submit").click();
    await live();
    const chat = kind === "nginx" ? 5550151 : 5550152;
    assert.equal(await world.says(chat, `Mira by ${kind}`, "is the path open?"), 200);
    await page.locator("[data-testid=conversation-row]", { hasText: `Mira by ${kind}` }).waitFor({ timeout: 60_000 });
    // The cookie comes along under the path.
    await page.reload();
    await live();
    const protocols = await page.evaluate(() => performance.getEntriesByType("resource").map((one) => one.nextHopProtocol));
    assert.ok(protocols.length > 3 && protocols.every((one) => one === "h2"), protocols.join());
    assert.deepEqual(new Set(sockets), new Set([`${front.origin.replace("https", "wss")}/chat/connection/websocket`]));
    await page.goto(`${front.origin}/chat/docs`);
    await page.locator(".docs-operation").first().waitFor({ timeout: 60_000 });
    await page.goto(`${front.origin}/chat/conversations/1`);
    await live();
    assert.equal(new URL(page.url()).pathname, "/chat/");
    await context.close();
  });

  await front.stop();
  await other.stop();
}

async function signIn(front, { email, headers, localAddress }) {
  const body = JSON.stringify({ email, password: "not the password" });
  const all = { "content-type": "application/json", ...headers };
  return (await ask(front, { method: "POST", path: "/api/v1/session", headers: all, body, localAddress })).status;
}

function ask(front, { method = "GET", path, headers = {}, body, localAddress }) {
  return within(`${method} ${path}`, new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: front.port, path, method, ca: front.ca, servername: "localhost", headers: { host: `localhost:${front.port}`, ...headers }, localAddress, agent: false };
    const asked = (method === "GET" ? get : request)(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece) => { text += piece; });
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: text }));
    });
    asked.on("error", reject);
    asked.end(body);
  }));
}
