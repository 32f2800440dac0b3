// The one socket of the page, outside any framework: it feeds the store and answers calls.
// The client library has no public way to start a server-side subscription at a known position. So the order is:
// subscribe, then load the snapshot; the reducer drops what the snapshot contains already. See socket.test.ts.
import { Centrifuge, UnauthorizedError, type Options } from "centrifuge";
import type { Store } from "../state/store";
import type { Connected as ConnectData, Event, SocketMethods } from "../api.gen";
import { fromSocket, RequestError } from "./problem";
import { retryDelay } from "./retry";
import { Transports } from "./transports";

export interface SocketOptions {
  store: Store;
  url: string;
  token: () => Promise<string>;
  /** The feed is open, and events may be missing before it: load the list on the screen. */
  onGap: (lost: boolean) => Promise<void>;
  onLive: () => void;
  onExpired: () => void;
  now?: () => number;
  random?: () => number;
  websocket?: unknown;
}

/** The methods of the socket, with what they take and give. */
export type Method = keyof SocketMethods;
export type Arguments<M extends Method> = SocketMethods[M]["args"];
export type Result<M extends Method> = SocketMethods[M]["result"];

const feedPrefix = "tenant:";
const ours = 0;
const unauthorised = 1;
const overSize = 3;
const overSizePush = 1009;
/** Characters of a call that no server finds too long. */
const surelyTaken = 20_000;

export class Socket {
  private current: Centrifuge | null = null;
  private readonly now: () => number;
  private readonly transports: Transports;
  private attempts = 0;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private wanted = false;
  /** The last connection ended because of a frame that was too long for it. */
  private wasTooLong = false;
  /** What the connect reply that is being read says about the feeds. */
  private reply: { gap: boolean; lost: boolean; resumed: boolean; events: number } | null = null;

  constructor(private readonly options: SocketOptions) {
    this.now = options.now ?? Date.now;
    this.transports = new Transports(options.url);
  }

  /** One client for each sign-in: it remembers the token and the positions of whom it served. */
  private build(): Centrifuge {
    const { options } = this;
    const { endpoints, emulation } = this.transports;
    const config: Partial<Options> = { getToken: () => this.token(), name: "inbox", timeout: 8000, emulationEndpoint: emulation };
    if (options.websocket) config.websocket = options.websocket;
    const client = new Centrifuge(options.websocket ? options.url : endpoints, config);
    client.on("connected", (ctx) => this.connected(ctx.data as ConnectData | undefined, ctx.transport));
    client.on("subscribed", (ctx) => this.subscribed(ctx));
    client.on("publication", (ctx) => this.published(ctx.channel, ctx.data as Event));
    client.on("connecting", (ctx) => {
      // As the end of a WebSocket it would be a code of the library's own, and final.
      if (ctx.code === overSizePush) this.wasTooLong = true;
      if (ctx.code !== ours) this.lost();
    });
    client.on("error", () => client.state === "connecting" && this.lost());
    client.on("disconnected", (ctx) => {
      if (ctx.code === overSize) this.wasTooLong = true;
      if (ctx.code === unauthorised) this.options.onExpired();
      else if (ctx.code !== ours) this.lost();
    });
    return client;
  }

  get client(): Centrifuge {
    this.current ??= this.build();
    return this.current;
  }

  start(): void {
    this.wanted = true;
    this.link({ phase: "connecting" });
    this.client.connect();
  }

  stop(): void {
    this.wanted = false;
    this.clearRetry();
    this.drop();
    this.attempts = 0;
    this.link({ phase: "idle", lostAt: null, retryAt: null });
  }

  private drop(): void {
    this.current?.removeAllListeners();
    this.current?.disconnect();
    this.current = null;
  }

  /** Ends the wait for the next attempt: the network is back, the page is looked at again, or a person asked. */
  retryNow(): void {
    if (this.wanted && this.retry !== null) this.connect();
  }

  /** Drops a connection that looks alive and is not; the feed recovers what it kept back. */
  renew(): void {
    if (this.wanted && this.live) this.lost();
  }

  get live(): boolean {
    return this.current?.state === "connected";
  }

  async rpc<M extends Method>(method: M, data: Arguments<M>): Promise<Result<M>> {
    if (!this.live) throw new RequestError(0, "no_answer", "not connected");
    try {
      return (await this.client.rpc(method, data)).data as Result<M>;
    } catch (error) {
      const refused = fromSocket(error);
      // Sent again over the next connection it would end that as well.
      if (refused.status === 0 && this.wasTooLong && JSON.stringify(data).length > surelyTaken) {
        throw new RequestError(413, "too_long", "it is too long for this server: make it shorter, or send it as a file");
      }
      throw refused;
    }
  }

  private async token(): Promise<string> {
    try {
      return await this.options.token();
    } catch (error) {
      if (error instanceof RequestError && error.status === 401) throw new UnauthorizedError(error.message);
      throw error;
    }
  }

  private connected(data: ConnectData | undefined, transport: string): void {
    this.transports.opened(transport, this.now());
    this.attempts = 0;
    this.wasTooLong = false;
    const skew = data ? data.now - this.now() : this.options.store.get().link.skew;
    const wasLost = this.options.store.get().link.lostAt !== null;
    this.link({ phase: "catching_up", retryAt: null, skew, transport });
    if (data) {
      const tenants = data.tenants.filter((tenant) => !tenant.live).map((tenant) => tenant.id);
      this.options.store.apply({ type: "not_live", tenants });
    }
    this.reply = { gap: false, lost: false, resumed: wasLost, events: 0 };
    // The subscriptions and the recovered events of this reply are handled in the same task, before this.
    queueMicrotask(() => void this.settle());
  }

  private async settle(): Promise<void> {
    const reply = this.reply;
    this.reply = null;
    if (!reply) return;
    if (reply.lost) this.options.store.apply({ type: "feed.lost" });
    if (reply.gap || reply.lost) await this.options.onGap(reply.lost);
    if (!this.live) return;
    const caughtUp = reply.resumed ? { events: reply.events, reloaded: reply.lost, at: this.now() } : null;
    this.link({ phase: "live", lostAt: null, caughtUp });
    this.options.onLive();
  }

  private subscribed(ctx: {
    channel: string; wasRecovering: boolean; recovered: boolean; streamPosition?: { offset: number; epoch: string };
  }): void {
    if (!ctx.channel.startsWith(feedPrefix)) return;
    const known = this.options.store.get().positions[ctx.channel.slice(feedPrefix.length)];
    const top = ctx.streamPosition;
    const covered = known && top && known.offset >= top.offset && known.epoch === top.epoch;
    const lost = ctx.wasRecovering && !ctx.recovered;
    const gap = !ctx.wasRecovering && !covered;
    if (this.reply) {
      this.reply.lost ||= lost;
      this.reply.gap ||= gap;
    } else if (gap || lost) {
      // Subscribed in the middle of a connection: a tenant was added for this user.
      void this.options.onGap(false);
    }
  }

  private published(channel: string, event: Event): void {
    if (!channel.startsWith(feedPrefix)) return;
    if (this.reply) this.reply.events += 1;
    this.options.store.apply({ type: "event", event });
  }

  /** The library would try again by itself, but does not say when; the page shows it, so the wait is ours. */
  private lost(): void {
    if (!this.wanted || this.retry !== null) return;
    this.client.disconnect();
    // Another client has no positions, so the list is loaded again once it is connected.
    if (this.transports.startsOver(this.now())) this.drop();
    void this.transports.gives(this.attempts).then((another) => another && this.retry !== null && this.drop());
    const delay = retryDelay(this.attempts, this.options.random ?? Math.random);
    this.attempts += 1;
    const lostAt = this.options.store.get().link.lostAt ?? this.now();
    this.link({ phase: "lost", lostAt, retryAt: this.now() + delay, caughtUp: null });
    this.retry = setTimeout(() => this.connect(), delay);
  }

  private connect(): void {
    this.clearRetry();
    this.link({ phase: "connecting", retryAt: null });
    this.client.connect();
  }

  private clearRetry(): void {
    if (this.retry !== null) clearTimeout(this.retry);
    this.retry = null;
  }

  private link(link: Partial<ReturnType<Store["get"]>["link"]>): void {
    this.options.store.apply({ type: "link", link });
  }
}
