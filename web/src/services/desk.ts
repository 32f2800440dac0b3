// What a person does at the inbox, one method a verb. Answers go to the store; failures become notices in words.
import { asOf } from "../state/kept";
import { asWished } from "../state/pending";
import { mayWrite } from "../state/select";
import type { Draft, Pending } from "../state/model";
import type { Verb } from "../state/unsent";
import type { Store } from "../state/store";
import type { Conversation, OutTemplate } from "../api.gen";
import type { Loader } from "./loader";
import type { Outbox } from "./outbox";
import { reasonOf, RequestError } from "./problem";
import type { Room } from "./room";
import type { Arguments, Method, Socket } from "./socket";
import type { Uploads } from "./uploads";

export type { Verb };

export interface DeskParts {
  store: Store;
  socket: Socket;
  outbox: Outbox;
  loader: Loader;
  room: Room;
  uploads: Pick<Uploads, "take">;
  /** Says a failure in the language of the page. */
  say: (error: RequestError | Error) => string;
}

const noticeShownMs = 8_000;

export class Desk {
  private notices = 0;
  /** By conversation: up to where this page has marked it read. */
  private readonly told = new Map<string, number>();

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

  /** `asPerson`: it says that a person answers after the window for machines. */
  send(conversation: string, draft: Draft, asPerson = false): void {
    const text = draft.text.trim();
    const files = draft.note ? [] : this.parts.uploads.take(conversation);
    // One of them is still on its way.
    if (files === null || (!text && files.length === 0)) return;
    this.parts.outbox.write({
      conversation, note: draft.note, text, reply_to: draft.reply_to, ...(files.length > 0 ? { files } : {}),
      ...(asPerson && !draft.note && { human_agent: true }),
    });
    this.parts.room.typed();
    const kept = { note: draft.note, ...(draft.human_agent && { human_agent: true }) };
    this.parts.store.apply({ type: "draft", conversation, draft: { text: "", reply_to: null, ...kept } });
  }

  /** `text`: what the customer will read. Gives the id of the message. */
  sendTemplate(conversation: string, template: OutTemplate, text: string): string {
    return this.parts.outbox.write({ conversation, note: false, text, reply_to: null, template });
  }

  /** Notes that the customer wants no messages, or agreed to them again. */
  optOut(conversation: string, opted_out: boolean): Promise<boolean> {
    return this.call("conversation.opt_out", { conversation, opted_out });
  }

  /** What failed of a stored message really leaves once more, under its own id. */
  tryAgain(conversation: string, message: string, even_unknown: boolean): Promise<boolean> {
    return this.call("message.try_again", { conversation, message, even_unknown });
  }

  /** Sets or takes back the reaction of the business. */
  react(conversation: string, message: string, emoji: string | null): Promise<boolean> {
    return this.call("message.react", { conversation, message, emoji });
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

  act(conversation: string, verb: Verb): void {
    this.parts.outbox.wish(conversation, { kind: verb });
  }

  assign(conversation: string, assignee: string | null): void {
    this.parts.outbox.wish(conversation, { kind: "assign", assignee });
  }

  answerNow(conversation: string): Promise<boolean> {
    return this.call("turn.flush", { conversation });
  }

  /** Everything up to the newest message has been on the screen. Shown at once, told to the server when it can be. */
  read(conversation: Conversation): void {
    const { store, outbox } = this.parts;
    const { id, last_seq: seq, inbound_count } = conversation;
    const before = store.get().reads.get(id) ?? null;
    // One that was refused would be refused again, each time that it is drawn.
    if ((before && before.seq >= seq) || (this.told.get(id) ?? -1) >= seq) return;
    this.told.set(id, seq);
    outbox.wish(id, { kind: "read", mark: { seq, inbound_count }, before });
  }

  takeOverActive(): void {
    const state = this.parts.store.get();
    const known = state.active ? state.conversations.get(state.active)?.value : undefined;
    const conversation = known && asWished(state, known);
    if (!conversation || conversation.state === "closed" || !mayWrite(state, conversation)) return;
    const mine = conversation.owner === "human" && conversation.assignee === state.session.user?.id;
    if (!mine) this.act(conversation.id, "take_over");
  }

  /** The wish was granted; where no event comes, nothing else moves the counts. */
  granted({ tenant }: Conversation): void {
    if (this.parts.store.get().notLive.includes(tenant)) void this.parts.loader.counts();
  }

  /** Another person may sign in on this page. */
  forget(): void {
    this.told.clear();
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
        this.granted(conversation);
      }
      return true;
    } catch (error) {
      this.complain(error);
      return false;
    }
  }
}
