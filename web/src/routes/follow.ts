// Makes the inbox what the address says, and the address what the inbox has become. Tells what of a link is not there
// any more. Decides nothing about what is loaded: that is the loader's.
import { RequestError, reasonOf } from "../services/problem";
import type { State } from "../state/model";
import type { Store } from "../state/store";
import { sameScope, listKey, type Query } from "../state/views";
import { lostTenant } from "./pages";
import { inbox, type InboxRoute } from "./route";
import type { Router } from "./router";

export interface FollowParts {
  store: Store;
  router: Router;
  /** Shows a conversation, or none. */
  open(conversation: string | null): void;
  /** Asks the server for a conversation that the page does not know. */
  load(conversation: string): Promise<void>;
  /** Shows another part of the inbox. */
  show(change: Partial<Query>): void;
}

/** How it stands with what the address names. */
export interface Link {
  conversation: "here" | "loading" | "gone" | "failed";
  reason: string | null;
  /** A company or a channel of the address that the person does not see; all are shown instead. */
  dropped: boolean;
}

/** A query without what is not among the names, once they are there. */
function known({ companies, channels }: State, query: Query): Query {
  const lost = (id: string | null, names: object) => id !== null && Object.keys(names).length > 0 && !Object.hasOwn(names, id);
  const company = lost(query.company, companies) ? null : query.company;
  return { ...query, company, channel: lost(query.channel, channels) ? null : query.channel };
}

const fine: Link = { conversation: "here", reason: null, dropped: false };

export class Follow {
  private link: Link = fine;
  private filter: Query | null = null;
  private stops: (() => void)[] = [];
  /** The store tells of a filter at once: what follow itself sets is not a change that it has to answer. */
  private setting = false;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly parts: FollowParts) {}

  /** Somebody is signed in: shows what the address names. */
  start(): void {
    this.stop();
    const { store, router } = this.parts;
    this.filter = store.get().filter;
    this.stops = [router.subscribe(() => this.go()), store.subscribe(() => this.look())];
    this.go();
  }

  stop(): void {
    for (const stop of this.stops) stop();
    this.stops = [];
    this.say(fine);
  }

  readonly get = (): Link => this.link;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** A person chooses another part of the inbox: it gets an entry in the history. */
  choose(change: Partial<Query>): void {
    const { router, store } = this.parts;
    const route = router.get();
    this.set(change);
    this.say({ ...this.link, dropped: false });
    const { active, filter } = store.get();
    router.go({ ...inbox, query: filter, conversation: route.page === "inbox" ? active : null });
  }

  /** Tries once more to get a conversation that could not be loaded. */
  again(): void {
    const route = this.parts.router.get();
    if (route.page === "inbox" && route.conversation) void this.find(route.conversation);
  }

  forgetDropped(): void {
    this.say({ ...this.link, dropped: false });
  }

  private go(): void {
    const { store, router, open } = this.parts;
    const route = router.get();
    if (store.get().session.phase !== "in") return;
    if (route.page !== "inbox" || lostTenant(store.get(), route)) {
      this.say(fine);
      return open(null);
    }
    const { filter } = store.get();
    if (route.query && listKey(route.query) !== listKey(filter)) {
      this.set(known(store.get(), route.query));
      this.say({ ...this.link, dropped: !sameScope(route.query, store.get().filter) });
    }
    this.filter = store.get().filter;
    this.align(route);
    open(route.conversation);
    if (route.conversation === null) return this.say({ ...fine, dropped: this.link.dropped });
    const { conversations, doubt } = store.get();
    // After a hole in the feed what is known of it may be old.
    if (doubt === null && conversations.has(route.conversation)) {
      return this.say({ ...fine, dropped: this.link.dropped });
    }
    void this.find(route.conversation);
  }

  /** The filter has changed without the address: names came, and what was asked for is not among them. */
  private look(): void {
    const { store, router } = this.parts;
    const { filter, session, conversations } = store.get();
    const route = router.get();
    if (this.setting || session.phase !== "in" || route.page !== "inbox") return;
    if (route.conversation && this.link.conversation !== "here" && conversations.has(route.conversation)) {
      this.say({ ...this.link, conversation: "here", reason: null });
    }
    if (filter === this.filter || lostTenant(store.get(), route)) return;
    const before = this.filter;
    this.filter = filter;
    if (before && listKey(before) === listKey(filter)) return;
    this.set(filter);
    this.align(route);
    this.say({ ...this.link, dropped: before !== null && !sameScope(before, filter) });
  }

  private set(change: Partial<Query>): void {
    this.setting = true;
    this.parts.show(change);
    this.setting = false;
    this.filter = this.parts.store.get().filter;
  }

  private align(route: InboxRoute): void {
    this.parts.router.go({ ...route, query: this.parts.store.get().filter }, "replace");
  }

  private async find(conversation: string): Promise<void> {
    const asked = () => {
      const route = this.parts.router.get();
      return route.page === "inbox" && route.conversation === conversation;
    };
    this.say({ ...this.link, conversation: "loading", reason: null });
    try {
      await this.parts.load(conversation);
      if (asked()) this.say({ ...this.link, conversation: "here", reason: null });
    } catch (error) {
      if (!asked() || this.parts.store.get().conversations.has(conversation)) return;
      // An id that is no id is refused as a wrong argument: there is no such conversation either way.
      const gone = error instanceof RequestError && [400, 403, 404, 422].includes(error.status);
      this.say({ ...this.link, conversation: gone ? "gone" : "failed", reason: reasonOf(error) });
    }
  }

  private say(link: Link): void {
    const { conversation, reason, dropped } = this.link;
    if (link.conversation === conversation && link.reason === reason && link.dropped === dropped) return;
    this.link = link;
    for (const listener of [...this.listeners]) listener();
  }
}
