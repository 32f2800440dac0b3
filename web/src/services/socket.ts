// The one socket of the page, outside any framework: it feeds the store and answers calls.
// The client library has no public way to start a server-side subscription at a known position. So the order is:
// subscribe, then load the snapshot; the reducer drops what the snapshot contains already. See socket.test.ts.
import { Centrifuge, UnauthorizedError, type Options } from "centrifuge";
import type { State } from "../state/model";
import type { Store } from "../state/store";
import type { Connected as ConnectData, Event, SocketMethods } from "../api.gen";
import { ServerClock } from "./clock";
import { connectionEnded, fromSocket, RequestError, tooLong } from "./problem";
import { Backoff } from "./retry";
import { Transports } from "./transports";

export interface SocketOptions {
  store: Store;
  url: string;
  /** A token, other than the one that the server has refused. */
  token: (refused: string | null) => Promise<string>;
  /** The feed is open, and events may be missing before it: load the list on the screen. */
  onGap: () => Promise<void>;
  onLive: () => void;
  /** The server has ended the session for good. */
  onExpired: () => void;
  /** Whether a call may go over a connection of this user; null for one that is no person's. */
  mayCall?: (user: string | null) => boolean;
  clock?: ServerClock;
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
/** What a server says over a fallback instead. */
const overSizePush = 1009;
const stale = 3502;
const tokenExpired = 109;
/** What a frame has around a call: its id, its method, its braces. */
const aroundCall = 200;
/** Bytes of a call that no server finds too long. */
const surelyTaken = 20_000;

/** The session is over, by the protocol's ranges. A connection that was not used in time (a page that was frozen while it
 * connected) had no session yet. */
function ends(code: number): boolean {
  return (code >= 3500 && code < 4000 && code !== stale) || (code >= 4500 && code < 5000);
}

export class Socket {
  private current: Centrifuge | null = null;
  private readonly transports: Transports;
  private readonly clock: ServerClock;
  private readonly backoff: Backoff;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private wanted = false;
  /** The token that the library has, and whether the server has refused it. */
  private given: { token: string; refused: boolean } | null = null;
  /** Whose connection it is, by the server's own word; null while there is none. */
  private identity: string | null = null;
  private maxFrameBytes = Infinity;
  private connections = 0;
  /** Why the last connection ended. */
  private endedBy = 0;
  /** What the connect reply that is being read says about the feeds. */
  private reply: { gap: boolean; lost: boolean; resumed: boolean; events: number } | null = null;

  constructor(private readonly options: SocketOptions) {
    this.clock = options.clock ?? new ServerClock();
    this.backoff = new Backoff(this.clock.elapsed, options.random ?? Math.random);
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
    // The library takes a terminal code without words for one after which it may connect again.
    client.on("connecting", (ctx) => {
      if (ends(ctx.code)) this.options.onExpired();
      else if (ctx.code !== ours) this.lost(ctx.code);
    });
    client.on("error", (ctx) => {
      if (this.given && ctx.error.code === tokenExpired) this.given.refused = true;
      if (client.state === "connecting") this.lost(ctx.error.code);
    });
    client.on("disconnected", (ctx) => {
      if (ctx.code === unauthorised || ends(ctx.code)) this.options.onExpired();
      else if (ctx.code !== ours) this.lost(ctx.code);
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
    this.given = null;
    this.backoff.reset();
    this.link({ phase: "idle", lostAt: null, retryAt: null });
  }

  private drop(): void {
    this.current?.removeAllListeners();
    this.current?.disconnect();
    this.current = null;
    this.identity = null;
  }

  /** Ends the wait for the next attempt: the network is back, the page is looked at again, or a person asked. */
  retryNow(): void {
    if (this.wanted && this.retry !== null) this.connect();
  }

  /** Drops a connection that looks alive and is not; the feed recovers what it kept back. */
  renew(): void {
    if (this.wanted && this.live) this.lost(ours);
  }

  get live(): boolean {
    return this.current?.state === "connected";
  }

  async rpc<M extends Method>(method: M, data: Arguments<M>): Promise<Result<M>> {
    if (!this.live) throw new RequestError(0, "no_answer", "not connected");
    // What one person wrote never leaves in the name of another.
    if (this.options.mayCall?.(this.identity) === false) throw new RequestError(0, "no_answer", "another person's connection");
    // The server would end the connection, and the next one, and the next.
    if (bytes(data) + aroundCall > this.maxFrameBytes) throw new RequestError(413, tooLong, tooLong);
    const connection = this.connections;
    try {
      return (await this.client.rpc(method, data)).data as Result<M>;
    } catch (error) {
      const refused = fromSocket(error);
      if (refused.status !== 0 || (this.live && connection === this.connections)) throw refused;
      if (this.endedBy === overSize && bytes(data) > surelyTaken) throw new RequestError(413, tooLong, tooLong);
      throw new RequestError(0, connectionEnded, connectionEnded);
    }
  }

  private async token(): Promise<string> {
    // The library asks at its first connect, after a refusal, and before a token ends while it is connected.
    const spent = this.given && (this.given.refused || this.live) ? this.given.token : null;
    try {
      const token = await this.options.token(spent);
      this.given = { token, refused: false };
      return token;
    } catch (error) {
      if (error instanceof RequestError && error.status === 401) throw new UnauthorizedError(error.message);
      throw error;
    }
  }

  private connected(data: ConnectData | undefined, transport: string): void {
    this.transports.opened(transport, this.clock.elapsed());
    this.backoff.opened();
    this.connections += 1;
    this.identity = data?.user?.id ?? null;
    const wasLost = this.options.store.get().link.lostAt !== null;
    this.link({ phase: "catching_up", retryAt: null, transport });
    if (data) {
      this.clock.told(data.now);
      this.maxFrameBytes = data.max_frame_bytes;
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
    if (reply.gap || reply.lost) await this.options.onGap();
    if (!this.live) return;
    const caughtUp = reply.resumed ? { events: reply.events, reloaded: reply.lost, at: this.clock.now() } : null;
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
      void this.options.onGap();
    }
  }

  private published(channel: string, event: Event): void {
    if (!channel.startsWith(feedPrefix)) return;
    if (this.reply) this.reply.events += 1;
    const moved = movesCompany(this.options.store.get(), event);
    this.options.store.apply({ type: "event", event });
    // All its conversations have moved with it: lists and counts by company are loaded anew, and so are the conversations.
    if (moved) {
      this.options.store.apply({ type: "feed.lost" });
      void this.options.onGap();
    }
  }

  /** The library would try again by itself, but does not say when; the page shows it, so the wait is ours. */
  private lost(code: number): void {
    this.endedBy = code === overSizePush ? overSize : code;
    this.identity = null;
    if (!this.wanted || this.retry !== null) return;
    this.client.disconnect();
    // Another client has no positions, so the list is loaded again once it is connected.
    if (this.transports.startsOver(this.clock.elapsed())) this.drop();
    const delay = this.backoff.next();
    void this.transports.gives(this.backoff.failures - 1).then((another) => another && this.retry !== null && this.drop());
    const now = this.clock.now();
    this.link({ phase: "lost", lostAt: this.options.store.get().link.lostAt ?? now, retryAt: now + delay, caughtUp: null });
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

/** A channel that is known moved to another company of its business. */
function movesCompany({ channels }: State, { channel_state: now }: Event): boolean {
  const before = now && channels[now.id];
  return Boolean(before && before.company !== now.company);
}

function bytes(data: object): number {
  return new TextEncoder().encode(JSON.stringify(data)).length;
}
