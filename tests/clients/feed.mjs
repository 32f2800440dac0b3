// A tenant's feed through the stock `centrifuge` client, and what was seen of it.
import { Centrifuge } from "centrifuge";
import { within } from "./telegram.mjs";
import { transports } from "./transports.mjs";

/** What happened, in order, and a way to wait for what is still to come. */
export class Seen {
  all = [];
  #watchers = new Set();

  add(one) {
    this.all.push(one);
    for (const look of this.#watchers) look();
  }

  until(what, fits) {
    return within(what, new Promise((resolve) => {
      const look = () => {
        const found = this.all.find(fits);
        if (found) {
          this.#watchers.delete(look);
          resolve(found);
        }
      };
      this.#watchers.add(look);
      look();
    }));
  }
}

/** Signs in and watches; `address` may be that of a network in between. */
export async function openFeed(world, address = new URL(world.url).host, names = ["websocket"]) {
  const room = `tenant:${world.tenant}`;
  const feed = { room, events: new Seen(), subscribed: new Seen(), states: new Seen() };
  const [endpoints, options] = transports(names, address);
  feed.client = new Centrifuge(endpoints, { ...options, token: await world.signIn(), minReconnectDelay: 50, maxReconnectDelay: 200 });
  feed.client.on("publication", (ctx) => ctx.channel === room && feed.events.add({ offset: ctx.offset, ...ctx.data }));
  feed.client.on("subscribed", (ctx) => ctx.channel === room && feed.subscribed.add(ctx));
  feed.client.on("connected", (ctx) => feed.states.add({ state: "connected", data: ctx.data, transport: ctx.transport }));
  feed.client.on("connecting", (ctx) => feed.states.add({ state: "connecting", code: ctx.code }));
  feed.client.connect();
  return feed;
}
