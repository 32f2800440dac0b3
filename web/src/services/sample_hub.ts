// A hub for tests, in memory: speaks as much of the client protocol as the page uses, and can cut its sockets.
import type { Event } from "../api.gen";

type Frame = Record<string, unknown> & { id?: number };
type Connect = { token?: string; subs?: Record<string, { recover?: boolean; offset?: number; epoch?: string }> };

export class SampleHub {
  sockets: SampleSocket[] = [];
  log: Event[] = [];
  epoch = "e";
  refuse = false;
  /** A longer frame ends its socket with 1009. */
  longest = Infinity;
  /** What the server says about it. */
  toldLongest = 720_896;
  /** How many sockets were opened, and with which tokens. */
  opened = 0;
  tokens: string[] = [];
  expired = new Set<string>();
  calls: { method: string; data: Record<string, unknown> }[] = [];
  /** Answers calls; undefined leaves the call without an answer. */
  onCall: (method: string, data: Record<string, unknown>) => object | undefined = () => ({});
  private waiting: { done: () => boolean; resolve: () => void }[] = [];

  constructor(readonly room: string) {}

  get WebSocket(): unknown {
    const hub = this;
    return class extends SampleSocket {
      constructor() {
        super(hub);
      }
    };
  }

  publish(event: Event): void {
    this.log.push(event);
    for (const socket of this.sockets) {
      socket.push({ push: { channel: this.room, pub: { data: event, offset: event.cursor } } });
    }
  }

  /** Ends every connection without a close handshake of ours. */
  cut(code = 1006): void {
    for (const socket of [...this.sockets]) socket.drop(code);
  }

  connect(request: Connect): object {
    const top = this.log.at(-1)?.cursor ?? 0;
    const asked = request.subs?.[this.room];
    const base = { recoverable: true, positioned: true, epoch: this.epoch };
    const data = { user: null, tenants: [], now: 0, max_frame_bytes: this.toldLongest };
    const answer = (sub: object) => ({ client: "c", version: "1", data, subs: { [this.room]: sub } });
    if (!asked?.recover) return answer({ ...base, offset: top });
    if (asked.epoch !== this.epoch) return answer({ ...base, offset: top, was_recovering: true });
    const from = asked.offset ?? 0;
    const publications = this.log.filter((e) => e.cursor > from).map((data) => ({ data, offset: data.cursor }));
    return answer({ ...base, offset: from, was_recovering: true, recovered: true, publications });
  }

  /** Resolves as soon as `done` holds; it is asked after each thing that happens here. */
  until(done: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push({ done, resolve });
      this.look();
    });
  }

  look(): void {
    this.waiting = this.waiting.filter((one) => {
      if (!one.done()) return true;
      one.resolve();
      return false;
    });
  }
}

class SampleSocket {
  readyState = 0;
  binaryType = "";
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: ((event: object) => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;

  constructor(private readonly hub: SampleHub) {
    queueMicrotask(() => {
      if (this.hub.refuse) return this.drop();
      this.hub.opened += 1;
      this.readyState = 1;
      this.onopen?.();
    });
  }

  send(text: string): void {
    if (text.length > this.hub.longest) return queueMicrotask(() => this.drop(1009, "message too large"));
    for (const line of text.split("\n")) queueMicrotask(() => this.take(JSON.parse(line) as Frame));
  }

  close(): void {
    this.drop();
  }

  drop(code = 1006, reason = ""): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.hub.sockets = this.hub.sockets.filter((s) => s !== this);
    this.onclose?.({ code, reason });
    this.hub.look();
  }

  push(frame: object): void {
    if (this.readyState !== 1) return;
    this.onmessage?.({ data: JSON.stringify(frame) });
    this.hub.look();
  }

  private take(frame: Frame): void {
    if (frame["connect"]) {
      const { token = "" } = frame["connect"] as Connect;
      this.hub.tokens.push(token);
      if (this.hub.expired.has(token)) return this.push({ id: frame.id, error: { code: 109, message: "token expired" } });
      const reply = this.hub.connect(frame["connect"] as Connect);
      this.hub.sockets.push(this);
      this.push({ id: frame.id, connect: reply });
    } else if (frame["rpc"]) {
      const { method, data } = frame["rpc"] as { method: string; data: Record<string, unknown> };
      this.hub.calls.push({ method, data });
      const result = this.hub.onCall(method, data);
      if (result) this.push({ id: frame.id, ...("error" in result ? result : { rpc: { data: result } }) });
      this.hub.look();
    } else if (frame["subscribe"]) {
      this.push({ id: frame.id, subscribe: {} });
    }
  }
}
