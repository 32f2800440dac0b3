// The room of a channel's pairing: opened while somebody looks at the codes, left with the dialog, after which the server ends it.
import type { PublicationContext, SubscriptionErrorContext } from "centrifuge";
import type { RoomFrame } from "../api.gen";
import { asked, isOver, pairingChange, type Pairing, type PairingChange } from "../state/pairing";
import { reasonOf, RequestError } from "./problem";
import type { Socket } from "./socket";

/** Asks for a pairing over HTTP, whose refusals have codes. */
export type Pair = (phone: string | null) => Promise<unknown>;

export class PairingRoom {
  private pairing = asked;
  private left = false;
  private readonly sub;

  constructor(
    private readonly socket: Pick<Socket, "client">,
    channel: string,
    private readonly pair: Pair,
    private readonly changed: (pairing: Pairing) => void,
  ) {
    const room = `pairing:${channel}`;
    // The library keeps what a dialog that was left a moment ago has not taken off yet.
    const former = socket.client.getSubscription(room);
    if (former) this.drop(former);
    this.sub = socket.client.newSubscription(room);
    this.sub.on("publication", (ctx: PublicationContext) => {
      const frame = ctx.data as RoomFrame;
      if (frame.kind === "pairing") this.apply({ type: "frame", frame });
    });
    // Also after a cut, during which the server may have ended it.
    this.sub.on("subscribed", () => void (isOver(this.pairing) || this.ask(null)));
    this.sub.on("error", (ctx: SubscriptionErrorContext) => {
      if (!isOver(this.pairing) && ctx.error.code >= 100) this.apply({ type: "refused", busy: false, reason: ctx.error.message });
    });
    this.sub.subscribe();
  }

  /** Begins anew after an end. */
  again(): void {
    this.apply({ type: "asked" });
    if (this.sub.state === "subscribed") void this.ask(null);
    else this.sub.subscribe();
  }

  /** Asks for a code to be typed; a refusal is the caller's to show. */
  code(phone: string): Promise<unknown> {
    return this.pair(phone);
  }

  leave(): void {
    this.left = true;
    this.drop(this.sub);
  }

  private async ask(phone: string | null): Promise<void> {
    try {
      await this.pair(phone);
    } catch (error) {
      const busy = error instanceof RequestError && error.code === "pairing_busy";
      this.apply({ type: "refused", busy, reason: reasonOf(error) });
    }
  }

  private apply(change: PairingChange): void {
    if (this.left) return;
    const next = pairingChange(this.pairing, change);
    if (next === this.pairing) return;
    this.pairing = next;
    this.changed(next);
  }

  private drop(sub: PairingRoom["sub"]): void {
    sub.removeAllListeners();
    sub.unsubscribe();
    this.socket.client.removeSubscription(sub);
  }
}
