// Sends what this person did, in order, one at a time for each conversation; read marks, which nothing waits for, go
// beside. An item keeps its id through every attempt, so that sending again after a lost answer never makes a second one.
// What the server refuses for good is told and holds nothing up; what ends the connection each time is given up.
import type { Conversation } from "../api.gen";
import { asOf } from "../state/kept";
import type { Pending, State, Wish } from "../state/model";
import { nextOrder } from "../state/pending";
import { roadCode } from "../state/road";
import type { Store } from "../state/store";
import type { Aim } from "../state/unsent";
import type { OutboxShelf } from "./outbox_shelf";
import { connectionEnded, RequestError, reasonOf } from "./problem";
import type { Arguments, Method, Result } from "./socket";
import { retryDelay } from "./retry";

export type Call = <M extends Method>(method: M, data: Arguments<M>) => Promise<Result<M>>;

/** So many connections may end while one item is being sent. */
const maxTries = 3;

export interface OutboxParts {
  store: Store;
  shelf: Pick<OutboxShelf, "mine" | "take" | "tries" | "save">;
  call: Call;
  live: () => boolean;
  newId: () => string;
  now: () => number;
  /** A wish was granted with this conversation. */
  granted: (conversation: Conversation) => void;
  /** A wish was refused: it is taken back on the screen. */
  refused: (error: unknown) => void;
  random?: () => number;
}

type Item = { pending: Pending } | { wish: Wish };

export class Outbox {
  private readonly busy = new Set<string>();
  private readonly failures = new Map<string, number>();

  constructor(private readonly parts: OutboxParts) {}

  /** Gives its id. */
  write(message: Pick<Pending, "conversation" | "note" | "text" | "reply_to" | "files" | "human_agent" | "template">): string {
    const { store, newId, now } = this.parts;
    const pending: Pending = {
      ...message, client_id: newId(), created_at: now(), order: nextOrder(store.get()), state: "waiting", reason: null,
    };
    store.apply({ type: "pending.added", pending });
    this.left();
    return pending.client_id;
  }

  /** Shown at once. Of those of which only the last one counts, the earlier ones that have not left are dropped. */
  wish(conversation: string, aim: Aim): void {
    const { store, newId } = this.parts;
    let made = aim;
    for (const one of store.get().wishes) {
      const same = one.conversation === conversation && one.aim.kind === aim.kind && (aim.kind === "assign" || aim.kind === "read");
      if (!same || this.busy.has(one.id)) continue;
      // What the server knows is what the first one began with.
      if (made.kind === "read" && one.aim.kind === "read") made = { ...made, before: one.aim.before };
      store.apply({ type: "wish.dropped", id: one.id, refused: false });
    }
    store.apply({ type: "wish.added", wish: { id: newId(), conversation, order: nextOrder(store.get()), aim: made } });
    this.left();
  }

  /** Tries a refused message once more; it is the same message, so it keeps its id. */
  retry(clientId: string): void {
    this.parts.shelf.take(clientId, 0);
    this.parts.store.apply({ type: "pending.moved", client_id: clientId, state: "waiting", reason: null });
    this.left();
  }

  /** Starts every lane that has something to send. */
  kick(): void {
    if (!this.parts.live()) return;
    const { pending, wishes } = this.parts.store.get();
    for (const lane of new Set([...pending.map((p) => p.conversation), ...wishes.map(laneOf)])) void this.run(lane);
  }

  /** Written down before anything else happens to the page. */
  private left(): void {
    this.parts.shelf.save();
    this.kick();
  }

  private async run(lane: string): Promise<void> {
    if (this.busy.has(lane)) return;
    this.busy.add(lane);
    try {
      let next: Item | undefined;
      while (this.parts.live() && (next = this.head(lane))) {
        if (!(await ("pending" in next ? this.send(next.pending) : this.ask(next.wish)))) return;
      }
    } finally {
      this.busy.delete(lane);
    }
  }

  private head(lane: string): Item | undefined {
    const { pending, wishes } = this.parts.store.get();
    const { shelf } = this.parts;
    const message = pending.find((p) => p.conversation === lane && p.state !== "failed" && shelf.mine(p.client_id));
    const wish = wishes.find((one) => laneOf(one) === lane && shelf.mine(one.id));
    if (message && (!wish || message.order < wish.order)) return { pending: message };
    return wish && { wish };
  }

  private async send(pending: Pending): Promise<boolean> {
    const { store, call } = this.parts;
    const { client_id, conversation, reply_to, note } = pending;
    store.apply({ type: "pending.moved", client_id, state: "sending", reason: null });
    const state = store.get();
    const tenant = tenantOf(state, conversation);
    const body = { conversation, client_id, ...contentOf(pending), ...(reply_to && !note ? { reply_to } : {}) };
    try {
      const { message } = await call(note ? "note.add" : "message.send", body);
      this.failures.delete(client_id);
      store.apply({ type: "message.kept", message, tenant, asOf: asOf(state) });
      store.apply({ type: "pending.dropped", client_id });
      return true;
    } catch (error) {
      // The event may have overtaken the lost answer: then it is done.
      if (!store.get().pending.some((p) => p.client_id === client_id)) return true;
      if (!this.final(client_id, error)) {
        store.apply({ type: "pending.moved", client_id, state: "waiting", reason: null });
        return false;
      }
      const refused = error instanceof RequestError && error.status === 409;
      const paused = refused && !pending.files?.length && this.paused(conversation);
      const code = refused && !paused && !note && roadCode(store.get().conversations.get(conversation)?.value, this.parts.now());
      store.apply(paused && !pending.template ? { type: "pending.returned", client_id, reason: reasonOf(error) }
        : { type: "pending.moved", client_id, state: "failed", reason: code || reasonOf(error) });
      return true;
    }
  }

  private async ask(wish: Wish): Promise<boolean> {
    const { store, granted, refused } = this.parts;
    const { id, conversation, aim } = wish;
    const stamp = asOf(store.get());
    this.busy.add(id);
    try {
      const answer = await this.call(conversation, aim);
      this.failures.delete(id);
      if ("conversation" in answer) store.apply({ type: "conversation.kept", conversation: answer.conversation, asOf: stamp });
      store.apply({ type: "wish.dropped", id, refused: false });
      if ("conversation" in answer) granted(answer.conversation);
      return true;
    } catch (error) {
      if (!store.get().wishes.some((one) => one.id === id)) return true;
      if (!this.final(id, error)) return false;
      store.apply({ type: "wish.dropped", id, refused: true });
      refused(error);
      return true;
    } finally {
      this.busy.delete(id);
    }
  }

  private call(conversation: string, aim: Aim): Promise<Result<"conversation.assign" | "conversation.read">> {
    const { call } = this.parts;
    if (aim.kind === "read") return call("conversation.read", { conversation, seq: aim.mark.seq });
    if (aim.kind === "assign") return call("conversation.assign", { conversation, assignee: aim.assignee });
    return call(`conversation.${aim.kind}`, { conversation });
  }

  /** Whether the item is not to be tried again. If it is, its lane is started later. */
  private final(id: string, error: unknown): boolean {
    const { shelf, random } = this.parts;
    if (error instanceof RequestError && error.lasting) return true;
    if (error instanceof RequestError && error.code === connectionEnded) {
      shelf.take(id, shelf.tries(id) + 1);
      if (shelf.tries(id) >= maxTries) return true;
    }
    const count = this.failures.get(id) ?? 0;
    this.failures.set(id, count + 1);
    setTimeout(() => this.kick(), retryDelay(count + 1, random ?? Math.random));
    return false;
  }

  /** The socket's errors have no word of their own for it, but the channel says so. */
  private paused(conversation: string): boolean {
    const { conversations, channels } = this.parts.store.get();
    return channels[conversations.get(conversation)?.value.channel ?? ""]?.state === "disabled";
  }
}

/** A template is the whole message. */
function contentOf({ note, text, template, human_agent, files = [] }: Pending) {
  if (template && !note) return { template };
  return {
    text,
    ...(human_agent && !note ? { human_agent } : {}),
    ...(files.length > 0 ? { attachments: files.map(({ kind, file, name }) => ({ kind, file, name })) } : {}),
  };
}

function laneOf({ conversation, aim }: Wish): string {
  return aim.kind === "read" ? `read ${conversation}` : conversation;
}

function tenantOf(state: State, conversation: string): string {
  return state.conversations.get(conversation)?.value.tenant ?? "";
}
