// What a person does at the inbox, one method a verb. Answers go to the store; failures become notices in words.
import { asOf } from "../state/kept";
import { mayWrite } from "../state/select";
import type { Draft, Pending } from "../state/model";
import type { Store } from "../state/store";
import type { Conversation } from "../api.gen";
import type { Loader } from "./loader";
import type { Outbox } from "./outbox";
import { reasonOf, RequestError } from "./problem";
import type { Room } from "./room";
import type { Arguments, Method, Socket } from "./socket";

export type Verb = "take_over" | "hand_back" | "close" | "reopen";

export interface DeskParts {
  store: Store;
  socket: Socket;
  outbox: Outbox;
  loader: Loader;
  room: Room;
  newId: () => string;
  now: () => number;
  /** Says a failure in the language of the page. */
  say: (error: RequestError | Error) => string;
}

const noticeShownMs = 8_000;

export class Desk {
  private notices = 0;

  constructor(private readonly parts: DeskParts) {}

  open(conversation: string | null): void {
    const { store, room } = this.parts;
    if (store.get().active === conversation) return;
    store.apply({ type: "opened", conversation });
    if (conversation === null) return room.leave();
    room.enter(conversation);
    this.ensure(conversation);
  }

  /** Loads the thread unless it is there; called again after a lost feed. */
  ensure(conversation: string): void {
    const phase = this.parts.store.get().threads[conversation]?.phase;
    if (phase !== "ready" && phase !== "loading") void this.parts.loader.thread(conversation);
  }

  send(conversation: string, draft: Draft): void {
    const text = draft.text.trim();
    if (!text) return;
    this.parts.outbox.add({
      client_id: this.parts.newId(), conversation, note: draft.note, text, reply_to: draft.reply_to,
      created_at: this.parts.now(),
    });
    this.parts.store.apply({ type: "draft", conversation, draft: { text: "", note: draft.note, reply_to: null } });
  }

  /** A new message with the same words: a deliberate second one, so it gets an id of its own. */
  sendAgain(conversation: string, text: string, reply_to: string | null): void {
    this.parts.outbox.add({
      client_id: this.parts.newId(), conversation, note: false, text, reply_to, created_at: this.parts.now(),
    });
  }

  retry(pending: Pending): void {
    this.parts.outbox.retry(pending.client_id);
  }

  /** Back to where it was written, with the reason why it was refused. */
  edit(pending: Pending): void {
    this.parts.store.apply({ type: "pending.returned", client_id: pending.client_id, reason: pending.reason ?? "" });
  }

  discard(pending: Pending): void {
    this.parts.store.apply({ type: "pending.dropped", client_id: pending.client_id });
  }

  draft(conversation: string, draft: Draft): void {
    this.parts.store.apply({ type: "draft", conversation, draft: { ...draft, refusal: null } });
    if (draft.text && !draft.note) this.parts.room.typing();
  }

  async act(conversation: string, verb: Verb): Promise<boolean> {
    return this.call(`conversation.${verb}`, { conversation });
  }

  assign(conversation: string, assignee: string | null): Promise<boolean> {
    return this.call("conversation.assign", { conversation, assignee });
  }

  answerNow(conversation: string): Promise<boolean> {
    return this.call("turn.flush", { conversation });
  }

  /** Everything up to the newest message has been on the screen. Shown at once, told to the server when it can be. */
  read(conversation: Conversation): void {
    const { store, socket } = this.parts;
    const known = store.get().reads.get(conversation.id);
    if (!socket.live || (known && known.seq >= conversation.last_seq)) return;
    const mark = { seq: conversation.last_seq, inbound_count: conversation.inbound_count };
    store.apply({ type: "read", conversation: conversation.id, mark });
    socket.rpc("conversation.read", { conversation: conversation.id, seq: mark.seq }).catch(() => undefined);
  }

  takeOverActive(): void {
    const state = this.parts.store.get();
    const conversation = state.active ? state.conversations.get(state.active)?.value : undefined;
    if (!conversation || conversation.state === "closed" || !mayWrite(state, conversation)) return;
    const mine = conversation.owner === "human" && conversation.assignee === state.session.user?.id;
    if (!mine) void this.act(conversation.id, "take_over");
  }

  complain(error: unknown): void {
    const text = this.parts.say(error instanceof Error ? error : new Error(reasonOf(error)));
    this.notices += 1;
    const id = this.notices;
    this.parts.store.apply({ type: "notice", id, text, tone: "error" });
    setTimeout(() => this.dismiss(id), noticeShownMs);
  }

  dismiss(id: number): void {
    this.parts.store.apply({ type: "notice.dropped", id });
  }

  private async call<M extends Method>(method: M, data: Arguments<M>): Promise<boolean> {
    const { store, socket } = this.parts;
    const stamp = asOf(store.get());
    try {
      const answer = await socket.rpc(method, data);
      if ("conversation" in answer) {
        const { conversation } = answer;
        store.apply({ type: "conversation.kept", conversation, asOf: stamp });
        // No event will move the counts.
        if (store.get().notLive.includes(conversation.tenant)) void this.parts.loader.counts();
      }
      return true;
    } catch (error) {
      this.complain(error);
      return false;
    }
  }
}
