// The ways to the socket, and which of them is tried first. The library tries the next by itself only while none has
// opened: a socket that opened once, also one whose proxy lets nothing through, is the only way it tries for good. What
// the library cannot see is decided here, and takes effect with the next client.
import type { TransportEndpoint } from "centrifuge";

const names = ["websocket", "http_stream", "sse"] as const;
const path = /\/connection\/websocket$/;
/** After a connection over a fallback that lasted so long, WebSocket is tried again: the network may be another. */
const longMs = 10 * 60_000;
/** Failures in a row before another way comes first. */
const failuresEach = 3;
const probeMs = 5_000;

export class Transports {
  private first = 0;
  private fallbackSince: number | null = null;
  private readonly http: string;

  /** Of the WebSocket; the other addresses are beside it, also below a path. */
  constructor(private readonly url: string) {
    this.http = url.replace(/^ws/, "http").replace(path, "");
  }

  get emulation(): string {
    return `${this.http}/emulation`;
  }

  get endpoints(): TransportEndpoint[] {
    const order = [...names.slice(this.first), ...names.slice(0, this.first)];
    return order.map((transport) => ({
      transport, endpoint: transport === "websocket" ? this.url : `${this.http}/connection/${transport}`,
    }));
  }

  opened(transport: string, now: number): void {
    this.fallbackSince = transport === names[0] ? null : now;
  }

  /** A connection is over: whether the next one should begin with WebSocket again. */
  startsOver(now: number): boolean {
    const lasted = this.fallbackSince === null ? 0 : now - this.fallbackSince;
    this.fallbackSince = null;
    if (lasted < longMs) return false;
    this.first = 0;
    return true;
  }

  /** After so many failures in a row: whether another way comes first from now on. Not while the server is away. */
  async gives(failures: number, get: typeof fetch = fetch): Promise<boolean> {
    if (failures === 0 || failures % failuresEach !== 0) return false;
    try {
      const answer = await get(`${this.http}/health/live`, { cache: "no-store", signal: AbortSignal.timeout(probeMs) });
      if (!answer.ok) return false;
    } catch {
      return false;
    }
    this.first = (this.first + 1) % names.length;
    return true;
  }
}
