// Sends what was written, in order, one at a time for each conversation. A message keeps its client id through every
// attempt, so that sending again after a lost answer never makes a second one.
import { asOf } from "../state/kept";
import type { Pending } from "../state/model";
import type { Store } from "../state/store";
import { RequestError, reasonOf } from "./problem";
import type { Arguments, Method, Result } from "./socket";
import { retryDelay } from "./retry";

export type Call = <M extends Method>(method: M, data: Arguments<M>) => Promise<Result<M>>;

export class Outbox {
  private readonly busy = new Set<string>();
  private readonly failures = new Map<string, number>();

  constructor(
    private readonly store: Store,
    private readonly call: Call,
    private readonly live: () => boolean,
    private readonly random: () => number = Math.random,
  ) {}

  add(pending: Omit<Pending, "state" | "reason">): void {
    this.store.apply({ type: "pending.added", pending: { ...pending, state: "waiting", reason: null } });
    this.kick();
  }

  /** Tries a refused message once more; it is the same message, so it keeps its id. */
  retry(clientId: string): void {
    this.store.apply({ type: "pending.moved", client_id: clientId, state: "waiting", reason: null });
    this.kick();
  }

  /** Starts every lane that has something to send. */
  kick(): void {
    if (!this.live()) return;
    const lanes = new Set(this.store.get().pending.map((p) => p.conversation));
    for (const conversation of lanes) void this.run(conversation);
  }

  private async run(conversation: string): Promise<void> {
    if (this.busy.has(conversation)) return;
    this.busy.add(conversation);
    try {
      let next: Pending | undefined;
      while (this.live() && (next = this.head(conversation))) {
        if (!(await this.send(next))) return;
      }
    } finally {
      this.busy.delete(conversation);
    }
  }

  private head(conversation: string): Pending | undefined {
    return this.store.get().pending.find((p) => p.conversation === conversation && p.state !== "failed");
  }

  private async send(pending: Pending): Promise<boolean> {
    const { client_id, conversation, text, reply_to, note } = pending;
    this.store.apply({ type: "pending.moved", client_id, state: "sending", reason: null });
    const state = this.store.get();
    const stamp = asOf(state);
    const tenant = state.conversations.get(conversation)?.value.tenant ?? "";
    const body = { conversation, client_id, text, ...(reply_to && !note ? { reply_to } : {}) };
    try {
      const { message } = await this.call(note ? "note.add" : "message.send", body);
      this.failures.delete(client_id);
      this.store.apply({ type: "message.kept", message, tenant, asOf: stamp });
      this.store.apply({ type: "pending.dropped", client_id });
      return true;
    } catch (error) {
      return this.failed(pending, error);
    }
  }

  /** True when the lane may go on with the next message. */
  private failed({ client_id, conversation }: Pending, error: unknown): boolean {
    // The event may have overtaken the lost answer: then it is done.
    if (!this.store.get().pending.some((p) => p.client_id === client_id)) return true;
    if (error instanceof RequestError && error.status === 409 && this.paused(conversation)) {
      this.store.apply({ type: "pending.returned", client_id, reason: reasonOf(error) });
      return true;
    }
    if (error instanceof RequestError && error.lasting) {
      this.store.apply({ type: "pending.moved", client_id, state: "failed", reason: reasonOf(error) });
      return true;
    }
    this.store.apply({ type: "pending.moved", client_id, state: "waiting", reason: null });
    const count = this.failures.get(client_id) ?? 0;
    this.failures.set(client_id, count + 1);
    setTimeout(() => this.kick(), retryDelay(count + 1, this.random));
    return false;
  }

  /** The socket's errors have no word of their own for it, but the channel says so. */
  private paused(conversation: string): boolean {
    const { conversations, channels } = this.store.get();
    return channels[conversations.get(conversation)?.value.channel ?? ""]?.state === "disabled";
  }
}
