// Loads what events do not bring: the inbox, older pages, threads, names. Each answer is stamped with the feed
// position at which its request left, so that the reducer can tell what is newer.
import { asOf } from "../state/kept";
import type { Store } from "../state/store";
import type { Api } from "./api";
import { reasonOf } from "./problem";
import { retryDelay } from "./retry";

export class Loader {
  private inboxRun: Promise<void> | null = null;
  private inboxAgain = false;
  private failures = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: Store,
    private readonly api: Api,
  ) {}

  /** The first page of open conversations. A call during a load makes one more load after it. */
  inbox(): Promise<void> {
    if (this.inboxRun) {
      this.inboxAgain = true;
      return this.inboxRun;
    }
    this.inboxRun = this.loadInbox().finally(() => {
      this.inboxRun = null;
    });
    return this.inboxRun;
  }

  private async loadInbox(): Promise<void> {
    clearTimeout(this.retry);
    do {
      this.inboxAgain = false;
      await this.page("open", true);
    } while (this.inboxAgain);
    // The feed goes on from where the snapshot would have been, so the snapshot must come sooner or later.
    if (this.store.get().pages.open.phase === "error") {
      this.retry = setTimeout(() => void this.inbox(), retryDelay(this.failures, Math.random));
      this.failures += 1;
    } else {
      this.failures = 0;
    }
  }

  stop(): void {
    clearTimeout(this.retry);
  }

  /** The next page of a list, or its first one. */
  async page(list: "open" | "closed", first: boolean): Promise<void> {
    const { pages } = this.store.get();
    if (!first && (pages[list].phase === "loading" || pages[list].next === null)) return;
    const stamp = asOf(this.store.get());
    this.store.apply({ type: "inbox.loading", list });
    try {
      const page = await this.api.inbox(list, first ? null : pages[list].next);
      this.store.apply({ type: "inbox.loaded", list, page, first: first && list === "open", asOf: stamp });
    } catch (error) {
      this.store.apply({ type: "inbox.failed", list, reason: reasonOf(error) });
    }
  }

  async thread(conversation: string, older = false): Promise<void> {
    const thread = this.store.get().threads[conversation];
    if (thread && (older ? thread.loadingOlder || !thread.more : thread.phase === "loading")) return;
    const stamp = asOf(this.store.get());
    this.store.apply({ type: "thread.loading", conversation, older });
    try {
      const page = await this.api.messages(conversation, older ? (thread?.oldest ?? null) : null);
      this.store.apply({ type: "thread.loaded", conversation, page, older, asOf: stamp });
    } catch (error) {
      this.store.apply({ type: "thread.failed", conversation, reason: reasonOf(error) });
    }
  }

  async conversation(id: string): Promise<void> {
    const stamp = asOf(this.store.get());
    this.store.apply({ type: "conversation.kept", conversation: await this.api.conversation(id), asOf: stamp });
  }

  /** Names of channels and colleagues. Without them the inbox works, with ids unsaid; so a failure is not shown. */
  async names(): Promise<void> {
    const tenants = this.store.get().session.tenants;
    await Promise.allSettled([
      this.api.channels().then(({ channels }) => this.store.apply({ type: "channels", channels })),
      ...tenants.map((tenant) =>
        this.api.users(tenant.id).then(({ users }) =>
          this.store.apply({ type: "people", tenant: tenant.id, people: users }))),
    ]);
  }
}
