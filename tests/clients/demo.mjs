// `hubbub demo`, as `make run` starts it: alive at once, a sign-in that works, customers who are answered, a clean end.
import assert from "node:assert/strict";
import { openFeed } from "./feed.mjs";
import { start } from "./processes.mjs";

export async function demoChecks(world, check) {
  const demo = start("the demo", world.binary, ["demo", "--listen", "127.0.0.1:0"]);
  const shop = {};

  await check("the demo says where it is and who may sign in, and its page is there", async () => {
    shop.url = (await demo.said(/Hubbub demo: (http:\S+)/))[1];
    const [, email, , password] = await demo.said(/Sign in as (\S+) or (\S+) with the password (\S+)/);
    const answer = await fetch(`${shop.url}/api/v1/session`, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ email, password }),
    });
    assert.equal(answer.status, 200);
    shop.token = (await answer.json()).access_token;
    assert.equal((await fetch(shop.url)).status, 200);
  });

  await check("its customers write, and its AI worker answers them", async () => {
    const me = await (await fetch(`${shop.url}/api/v1/me`, { headers: { authorization: `Bearer ${shop.token}` } })).json();
    const feed = await openFeed({ url: shop.url, tenant: me.tenants[0].id, signIn: async () => shop.token });
    const sent = await feed.events.until("an answer", (event) => event.message?.author.kind === "responder" && event.message.status === "sent");
    assert.ok(sent.message.text);
    feed.client.disconnect();
  });

  await check("told to stop, the demo ends well", async () => {
    await demo.stop();
  });
}
