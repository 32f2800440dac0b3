// The room in which the codes of a pairing are shown. Nothing of it is stored: whoever leaves has seen it.
import type { RoomFrame } from "../api.gen";
import type { Socket } from "./socket";

export type PairingFrame = Extract<RoomFrame, { kind: "pairing" }>;

/** Enters the room of a channel. `ready` when the codes come from then on; `leave` forgets it. `again`: after a broken
 * connection; a pairing that nobody watched may have ended meanwhile. */
export function watchPairing(
  socket: Pick<Socket, "client">, channel: string, shown: (frame: PairingFrame) => void, again: () => void,
): { ready: Promise<void>; leave: () => void } {
  const { client } = socket;
  // Its presence tells the server that somebody looks.
  const sub = client.newSubscription(`pairing:${channel}`, { joinLeave: true });
  sub.on("publication", ({ data }) => {
    const frame = data as RoomFrame;
    if (frame.kind === "pairing") shown(frame);
  });
  let entered = false;
  sub.on("subscribed", () => {
    if (entered) again();
    entered = true;
  });
  sub.subscribe();
  return {
    ready: sub.ready(),
    leave() {
      sub.unsubscribe();
      sub.removeAllListeners();
      client.removeSubscription(sub);
    },
  };
}
