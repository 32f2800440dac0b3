// Loads what events do not bring: lists, counts, threads, names. Each answer of one thing is stamped with the feed
// position at which its request left, so that the reducer can tell what is newer; lists and counts say it themselves.
import type { Person as Colleague } from "../api.gen";
import { asOf } from "../state/kept";
import { currentList } from "../state/lists";
import type { Store } from "../state/store";
import { listKey } from "../state/views";
import type { Api } from "./api";
import { reasonOf } from "./problem";
import { retryDelay } from "./retry";

/** So often a page is read again that was older, when it came, than what was forgotten meanwhile. */
const maxTries = 3;

export class Loader {
  private runs = 0;
  private failures = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private countsRetry: ReturnType<typeof setTimeout> | undefined;
  /** Answers to requests of before a hole in the feed may miss what fell into it; of another log they are no use. */
  private feed = 0;

  constructor(
    private readonly store: Store,
    private readonly api: Api,
  ) {}

  /** Sees to it that the list of the present filter and its counts are there. */
  async show(): Promise<void> {
    const { counters, notLive } = this.store.get();
    const phase = currentList(this.store.get())?.phase;
    if (phase === "loading") return;
    // Events keep a loaded list true, unless they are not pushed.
    if (phase === "ready" && notLive.length === 0) return counters.values ? undefined : this.counts();
    return this.first();
  }

  /** After a hole in the feed, or because a person asks. */
  async refresh(): Promise<void> {
    this.feed += 1;
    this.store.apply({ type: "feed.gap" });
    const { active } = this.store.get();
    // What is on the screen beside the list may have changed in the hole as well.
    if (active) {
      this.conversation(active).catch(() => undefined);
      void this.thread(active);
    }
    await this.first();
  }

  stop(): void {
    clearTimeout(this.retry);
    clearTimeout(this.countsRetry);
    this.feed += 1;
  }

  /** The first page of the list on the screen, which brings the counts too. */
  private async first(): Promise<void> {
    clearTimeout(this.retry);
    const query = this.store.get().filter;
    await this.page(null);
    if (this.store.get().filter !== query) return;
    if (currentList(this.store.get())?.phase !== "error") {
      this.failures = 0;
      this.askForCounts();
      return;
    }
    // The feed goes on from where the list would have been, so it must come sooner or later.
    this.retry = setTimeout(() => void this.first(), retryDelay(this.failures, Math.random));
    this.failures += 1;
  }

  /** The next page of the list on the screen. */
  async more(): Promise<void> {
    const list = currentList(this.store.get());
    if (list && list.phase !== "loading" && list.next !== null) await this.page(list.next);
  }

  private async page(before: string | null): Promise<void> {
    const query = this.store.get().filter;
    for (let tries = 1; ; tries += 1) {
      const run = (this.runs += 1);
      this.store.apply({ type: "list.loading", query, run });
      try {
        const page = await this.api.inbox(query, before);
        this.store.apply({ type: "list.loaded", query, run, page, first: before === null });
      } catch (error) {
        this.store.apply({ type: "list.failed", query, run, reason: reasonOf(error) });
      }
      const list = this.store.get().lists[listKey(query)];
      // It was not taken: what it names had been evicted since it was read.
      if (list?.phase !== "idle" || list.asked !== run || this.store.get().filter !== query) return;
      if (tries === maxTries) return this.store.apply({ type: "list.failed", query, run, reason: "" });
    }
  }

  async counts(): Promise<void> {
    const scope = this.store.get().filter;
    const { feed } = this;
    try {
      const answer = await this.api.counts(scope);
      if (feed === this.feed) this.store.apply({ type: "counts.loaded", scope, answer });
    } catch {
      // Tabs without counts work as well; they are asked for again below.
    }
    this.askForCounts();
  }

  /** Counts that no answer could settle are asked for a little later. */
  private askForCounts(): void {
    clearTimeout(this.countsRetry);
    const { counters, session } = this.store.get();
    if (counters.values || session.phase !== "in") return;
    this.countsRetry = setTimeout(() => void this.counts(), retryDelay(1, Math.random));
  }

  /** The newest activity of all: it names conversations that events brought, with how far this user has read. */
  async newest(): Promise<void> {
    const { feed } = this;
    const page = await this.api.inbox({ view: "all", sort: "recent", tenant: null, company: null, channel: null, label: null }, null);
    if (feed === this.feed) this.store.apply({ type: "conversations.kept", page });
  }

  async thread(conversation: string, older = false): Promise<void> {
    const thread = this.store.get().threads[conversation];
    if (thread && (older ? thread.loadingOlder || !thread.more || thread.phase !== "ready" : thread.phase === "loading")) return;
    const { feed } = this;
    const stamp = asOf(this.store.get());
    this.store.apply({ type: "thread.loading", conversation, older });
    try {
      const page = await this.api.messages(conversation, older ? (thread?.oldest ?? null) : null);
      if (feed === this.feed) this.store.apply({ type: "thread.loaded", conversation, page, older, asOf: stamp });
    } catch (error) {
      if (feed === this.feed) this.store.apply({ type: "thread.failed", conversation, reason: reasonOf(error) });
    }
  }

  async conversation(id: string): Promise<void> {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const { feed } = this;
      const stamp = asOf(this.store.get());
      const conversation = await this.api.conversation(id);
      if (feed === this.feed) this.store.apply({ type: "conversation.kept", conversation, asOf: stamp });
      if (this.store.get().conversations.has(id)) return;
    }
  }

  /** Names of companies, channels, colleagues and labels. Without them the inbox works; so a failure is not shown. */
  async names(): Promise<void> {
    const tenants = this.store.get().session.tenants;
    await Promise.allSettled([this.channels(), this.companies(), ...tenants.flatMap(({ id }) => [this.people(id), this.labels(id)])]);
    // A remembered filter may have named what is not there.
    await this.show();
  }

  async channels(): Promise<void> {
    this.store.apply({ type: "channels", channels: await this.api.channels() });
  }

  async companies(): Promise<void> {
    this.store.apply({ type: "companies", companies: await this.api.companies() });
  }

  async labels(tenant: string): Promise<void> {
    this.store.apply({ type: "labels", tenant, labels: await this.api.labels(tenant) });
  }

  async people(tenant: string): Promise<Colleague[]> {
    const people = await this.api.people(tenant);
    this.store.apply({ type: "people", tenant, people });
    return people;
  }
}
