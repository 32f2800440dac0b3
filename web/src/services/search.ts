// Asks the server while a person types: one request at a time, the last words win.
import { asOf } from "../state/kept";
import { searchQuery } from "../state/search";
import type { Store } from "../state/store";
import type { Api } from "./api";
import { reasonOf, RequestError } from "./problem";

const quietMs = 250;
/** Hits from which on the rest is asked for by hand, and how many pages are followed until then. */
const enough = 5;
const followed = 10;
const attempts = 3;

export class Search {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private request: AbortController | null = null;
  private page: AbortController | null = null;

  constructor(
    private readonly store: Store,
    private readonly api: Pick<Api, "search">,
  ) {}

  type(text: string): void {
    const before = this.store.get().search;
    this.store.apply({ type: "search.typed", text });
    // Blanks around the same words ask for nothing new.
    const query = searchQuery(text);
    if (query !== null && query === searchQuery(before.text) && before.phase !== "error") return;
    this.cancel();
    if (query !== null) this.timer = setTimeout(() => void this.ask(query), quietMs);
  }

  /** Asks for the same words at once. */
  again(): void {
    const { text } = this.store.get().search;
    const query = searchQuery(text);
    if (query === null) return;
    this.cancel();
    this.store.apply({ type: "search.typed", text });
    void this.ask(query);
  }

  /** Asks for what is older than all that is shown. */
  async older(): Promise<void> {
    const { text, next, phase } = this.store.get().search;
    const query = searchQuery(text);
    if (query === null || next === null || phase !== "ready" || this.page) return;
    const request = new AbortController();
    this.page = request;
    try {
      const answer = await this.api.search(query, this.store.get().filter.tenant, next, request.signal);
      if (!request.signal.aborted) this.store.apply({ type: "search.older", text: query, answer });
    } catch (error) {
      if (!request.signal.aborted) this.store.apply({ type: "search.failed", text: query, reason: reasonOf(error) });
    } finally {
      if (this.page === request) this.page = null;
    }
  }

  clear(): void {
    this.type("");
  }

  stop(): void {
    this.cancel();
  }

  private cancel(): void {
    clearTimeout(this.timer);
    this.request?.abort();
    this.page?.abort();
    this.request = this.page = null;
  }

  private async ask(query: string): Promise<void> {
    const request = new AbortController();
    this.request = request;
    try {
      // An answer that is older than what was evicted meanwhile, or than a hole in the feed, is asked for again.
      for (let isOld = true, attempt = 0; isOld && attempt < attempts; attempt += 1) {
        const stamp = asOf(this.store.get());
        const { doubt } = this.store.get();
        const answer = await this.api.search(query, this.store.get().filter.tenant, null, request.signal);
        if (request.signal.aborted) return;
        this.store.apply({ type: "search.found", text: query, answer, asOf: stamp });
        const { conversations, search, doubt: after } = this.store.get();
        isOld = after !== doubt || search.found.some((one) => !conversations.has(one.conversation));
      }
      // A search looks at a part of a long history at a time. Rare words want more of it.
      for (let more = 0; more < followed && this.request === request; more += 1) {
        const { hits, next } = this.store.get().search;
        if (next === null || hits.length >= enough) return;
        await this.older();
      }
    } catch (error) {
      if (request.signal.aborted) return;
      // This person searches faster than the server allows: the same words again when it does.
      if (error instanceof RequestError && error.status === 429) {
        this.timer = setTimeout(() => void this.ask(query), Math.max(1, error.retryAfter ?? 1) * 1_000);
        return;
      }
      this.store.apply({ type: "search.failed", text: query, reason: reasonOf(error) });
    }
  }
}
