// A page for tests that speaks to the sample server: requests are served at one moment and answered at a later one, in
// any order, the feed breaks and goes on, and little is kept. It asks as `services/loader.ts` does.
import type { Event } from "../api.gen";
import { asOf } from "./kept";
import { currentList } from "./lists";
import { emptyState, type Bounds, type Change, type State } from "./model";
import { reduce } from "./reduce";
import { me, tenant, type SampleServer } from "./sample";
import { listKey, type Query } from "./views";

const user = { id: me, email: "agent@example.com", name: "Agent", platform_role: null };
const pageSize = 3;

interface Request {
  /** What the answer is, as of the moment at which the server reads. */
  read: () => Change;
  answer: Change | null;
  after: () => void;
  feed: number;
  /** A list tells by itself whether it is of use after a hole; everything else is thrown away. */
  list: boolean;
}

export class SamplePage {
  state: State;
  live = true;
  private runs = 0;
  private feed = 0;
  private delivered: number;
  /** Where the feed began, or began again after a hole. */
  private from: number;
  private requests: Request[] = [];

  constructor(public server: SampleServer, query: Query, bounds: Bounds) {
    this.state = { ...emptyState, bounds };
    const role = { id: tenant, name: "Shop", role: "agent" as const, permissions: ["read" as const, "answer" as const] };
    this.apply({ type: "signed_in", user, tenants: [role] });
    this.apply({ type: "link", link: { phase: "live" } });
    this.apply({ type: "filter", filter: query });
    this.delivered = server.top;
    this.from = server.top;
    this.ask(null);
  }

  get waiting(): number {
    return this.requests.length;
  }

  get behind(): boolean {
    return this.delivered < this.server.top;
  }

  apply(change: Change): void {
    this.state = reduce(this.state, change);
  }

  ask(before: string | null): void {
    const query = this.state.filter;
    const run = (this.runs += 1);
    this.apply({ type: "list.loading", query, run });
    const read = (): Change =>
      ({ type: "list.loaded", query, run, page: this.server.page(query, before, pageSize), first: before === null });
    this.request(read, true, () => {
      // It was too old to be taken.
      const list = this.state.lists[listKey(query)];
      if (list?.phase === "idle" && list.asked === run && this.state.filter === query) this.ask(before);
    });
  }

  more(): void {
    const list = currentList(this.state);
    if (list?.phase === "ready" && list.next !== null) this.ask(list.next);
  }

  show(change: Partial<Query>): void {
    this.apply({ type: "filter", filter: change });
    const phase = currentList(this.state)?.phase;
    if (phase !== "loading" && phase !== "ready") return this.ask(null);
    if (!this.state.counters.values) this.askCounts();
  }

  askCounts(): void {
    const scope = this.state.filter;
    this.request(() => ({ type: "counts.loaded", scope,
      answer: { counts: this.server.counts(scope), positions: this.server.positions() } }));
  }

  /** The newest page of all, for read marks. */
  askNewest(): void {
    this.request(() => ({ type: "conversations.kept", page: this.server.page(undefined, null, pageSize) }));
  }

  askConversation(id: string): void {
    const stamp = asOf(this.state);
    const read = (): Change => {
      const my_read = this.server.reads.get(id) ?? { seq: 0, inbound_count: 0 };
      return { type: "conversation.kept", conversation: { ...this.server.conversations.get(id)!, my_read }, asOf: stamp };
    };
    this.request(read, false, () => {
      if (!this.state.conversations.has(id)) this.askConversation(id);
    });
  }

  askThread(id: string, older = false): void {
    const thread = this.state.threads[id];
    if (thread && (older ? thread.loadingOlder || !thread.more || thread.phase !== "ready" : thread.phase === "loading")) return;
    const before = older ? thread?.oldest ?? null : null;
    const stamp = asOf(this.state);
    this.apply({ type: "thread.loading", conversation: id, older });
    this.request(() => {
      const all = (this.server.messages.get(id) ?? []).filter((one) => before === null || one.seq < before);
      const page = { messages: all.slice(-pageSize), more: all.length > pageSize };
      return { type: "thread.loaded", conversation: id, page, older, asOf: stamp };
    });
  }

  open(id: string | null): void {
    if (id !== null && !this.server.conversations.has(id)) return;
    this.apply({ type: "opened", conversation: id });
    if (id === null) return;
    const phase = this.state.threads[id]?.phase;
    if (phase !== "ready" && phase !== "loading") this.askThread(id);
    if (this.state.doubt !== null || !this.state.conversations.has(id)) this.askConversation(id);
  }

  /** The server reads for one of the requests that wait. */
  serve(pick: (below: number) => number): void {
    const open = this.requests.filter((one) => one.answer === null);
    const one = open[pick(Math.max(1, open.length))];
    if (one) one.answer = one.read();
  }

  /** One of the answers comes. */
  answer(pick: (below: number) => number): void {
    const ready = this.requests.filter((one) => one.answer !== null);
    const one = ready[pick(Math.max(1, ready.length))];
    if (!one) return;
    this.requests = this.requests.filter((other) => other !== one);
    if (!one.list && one.feed !== this.feed) return;
    this.apply(one.answer!);
    one.after();
  }

  /** The next event of the feed; `again` brings an earlier one once more. */
  event(again: number | null = null): void {
    if (!this.live) return;
    if (again !== null && this.delivered > this.from) this.take(this.server.log[Math.max(this.from, this.delivered - 1 - again)]!);
    const next = this.server.log[this.delivered];
    if (!next) return;
    this.delivered += 1;
    this.take(next);
  }

  cut(): void {
    this.live = false;
    this.apply({ type: "link", link: { phase: "lost" } });
  }

  /** The connection is back: the feed goes on, or has a hole, or is the feed of another log. */
  resume(how: "recovered" | "gap" | SampleServer): void {
    this.live = true;
    if (typeof how === "object") {
      this.server = how;
      this.requests = this.requests.filter((one) => one.list);
      this.apply({ type: "feed.lost" });
    }
    if (how !== "recovered") {
      this.delivered = this.server.top;
      this.from = this.server.top;
      this.feed += 1;
      this.apply({ type: "feed.gap" });
      const { active } = this.state;
      if (active && this.server.conversations.has(active)) {
        this.askConversation(active);
        this.askThread(active);
      } else {
        this.apply({ type: "opened", conversation: null });
      }
      this.ask(null);
    }
    this.apply({ type: "link", link: { phase: "live" } });
    const { active } = this.state;
    if (active) this.open(active);
  }

  settle(pick: (below: number) => number): void {
    if (!this.live) this.resume("recovered");
    while (this.behind || this.waiting > 0) {
      while (this.behind) this.event();
      this.serve(pick);
      this.answer(pick);
    }
    if (!this.state.counters.values) {
      this.askCounts();
      this.settle(pick);
    }
  }

  private take(event: Event): void {
    this.apply({ type: "event", event });
  }

  private request(read: () => Change, list = false, after: () => void = () => undefined): void {
    this.requests.push({ read, answer: null, after, feed: this.feed, list });
  }
}
