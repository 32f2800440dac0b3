// The room of the conversation that is on the screen: who else looks at it, who types, what the AI is writing.
// Nothing of it is stored; leaving the room forgets it.
import type { PublicationContext, Subscription } from "centrifuge";
import { customer } from "../state/typist";
import type { Person } from "../state/model";
import type { Store } from "../state/store";
import type { RoomFrame } from "../api.gen";
import type { Socket } from "./socket";

const typingShownMs = 6_000;
/** Providers repeat it every ten seconds or so, and do not always say that it is over. */
const customerShownMs = 15_000;
const typingSentEveryMs = 3_000;

type Info = { client: string; user: string; connInfo?: { id?: string; name?: string } };

export class Room {
  private current: { id: string; sub: Subscription; clients: Map<string, Person> } | null = null;
  private typingSentAt = -Infinity;

  constructor(
    private readonly store: Store,
    private readonly socket: Socket,
    private readonly elapsed: () => number = () => performance.now(),
  ) {}

  enter(conversation: string): void {
    if (this.current?.id === conversation) return;
    this.leave();
    const channel = `conversation:${conversation}`;
    const sub = this.socket.client.newSubscription(channel, { joinLeave: true });
    const room = { id: conversation, sub, clients: new Map<string, Person>() };
    this.current = room;
    this.typed();
    sub.on("subscribed", () => {
      // Tokens that were sent meanwhile are gone, so what is left of the answer would read as nonsense.
      this.store.apply({ type: "delta.reset", conversation, turn: this.store.get().writing[conversation]?.turn ?? "" });
      void sub.presence().then(
        (answer) => {
          if (this.current !== room) return;
          room.clients = new Map(Object.values(answer.clients).map((info) => [info.client, person(info)]));
          this.tell(room);
        },
        // Presence is a courtesy: without it the conversation works as well, and the next join tells more.
        () => undefined,
      );
    });
    sub.on("join", (ctx) => {
      room.clients.set(ctx.info.client, person(ctx.info));
      this.tell(room);
    });
    sub.on("leave", (ctx) => {
      room.clients.delete(ctx.info.client);
      this.tell(room);
      const { id } = person(ctx.info);
      const here = [...room.clients.values()].some((one) => one.id === id);
      if (!here) this.store.apply({ type: "typing.left", conversation, user: id });
    });
    // Without a connection nobody tells who leaves; the answer after the next subscription does.
    sub.on("subscribing", () => {
      room.clients.clear();
      this.tell(room);
      this.store.apply({ type: "typing.left", conversation, user: null });
    });
    sub.on("publication", (ctx: PublicationContext) => this.frame(conversation, ctx.data as RoomFrame));
    sub.subscribe();
  }

  leave(): void {
    const room = this.current;
    if (!room) return;
    this.current = null;
    room.sub.unsubscribe();
    room.sub.removeAllListeners();
    this.socket.client.removeSubscription(room.sub);
    this.store.apply({ type: "viewers", conversation: room.id, people: [] });
    this.store.apply({ type: "typing.left", conversation: room.id, user: null });
  }

  /** Says that this user types, at most every few seconds. */
  typing(): void {
    const now = this.elapsed();
    if (!this.current || !this.socket.live || now - this.typingSentAt < typingSentEveryMs) return;
    this.typingSentAt = now;
    this.socket.rpc("conversation.typing", { conversation: this.current.id }).catch(() => undefined);
  }

  /** What was typed is sent: the next letter is told at once, because the message ends this typing for the others. */
  typed(): void {
    this.typingSentAt = -Infinity;
  }

  private tell(room: { id: string; clients: Map<string, Person> }): void {
    if (this.current !== room) return;
    const me = this.store.get().session.user?.id;
    const byId = new Map<string, Person>();
    for (const one of room.clients.values()) if (one.id !== me) byId.set(one.id, one);
    this.store.apply({ type: "viewers", conversation: room.id, people: [...byId.values()] });
  }

  private frame(conversation: string, frame: RoomFrame): void {
    if (frame.kind === "turn.delta") {
      const { turn, attempt, index, text } = frame;
      this.store.apply({ type: "delta", conversation, turn, attempt, index, text });
    } else if (frame.kind === "customer.typing") {
      if (!frame.on) return this.store.apply({ type: "typing.left", conversation, user: customer });
      const until = this.elapsed() + customerShownMs;
      this.store.apply({ type: "typing", conversation, who: { id: customer, name: "", at: frame.at, until } });
      setTimeout(() => this.store.apply({ type: "typing.swept", now: this.elapsed() }), customerShownMs + 50);
    } else if (frame.kind === "typing" && frame.user.id !== this.store.get().session.user?.id) {
      const until = this.elapsed() + typingShownMs;
      this.store.apply({ type: "typing", conversation, who: { ...frame.user, at: frame.at, until } });
      setTimeout(() => this.store.apply({ type: "typing.swept", now: this.elapsed() }), typingShownMs + 50);
    }
  }
}

function person(info: Info): Person {
  return { id: info.connInfo?.id ?? info.user, name: info.connInfo?.name ?? info.user };
}
