// The whole state of the page as plain values. Nothing here talks to the network or draws.
import type {
  ChannelView as Channel, Person as Colleague, CompanyView as Company, Conversation, CountsAnswer, FoundContact, Hit, Label, Lead,
  InboxAnswer as InboxPage, Message, MessagesAnswer as MessagePage, Event, Permission, Position, ReadMark, SearchAnswer,
  TenantRole as Tenant, User,
} from "../api.gen";
import type { Typist, TypingChange } from "./typist";
import type { Pending, PendingChange, Wish } from "./unsent";
import { noCounters, type Counters } from "./counters";
import { Table } from "./table";
import type { Place, Query, Scope } from "./views";

export type { Pending, Typist, Wish };

/** A value and the feed cursor as of which it is known to be true: the later cursor wins, in any order of arrival. */
export interface Kept<T> {
  value: T;
  cursor: number;
}

/** How far this user has read, and the cursor as of which that is known. */
export interface Mark extends ReadMark {
  cursor: number;
}

export type Phase = "idle" | "loading" | "ready" | "error";

export interface Thread {
  phase: Phase;
  error: string | null;
  /** By seq. May hold entries below `oldest` that events brought before their page: they are not shown yet. */
  messages: Table<number, Kept<Message>>;
  /** The seqs from `oldest` on, rising. */
  order: readonly number[];
  /** The lowest seq from which on nothing is missing; null until the first page is there. */
  oldest: number | null;
  more: boolean;
  loadingOlder: boolean;
  /** The `oldest` above which the older page was asked for. */
  olderFrom: number | null;
}

export interface List {
  query: Query;
  phase: Phase;
  error: string | null;
  ids: readonly string[];
  /** Where the next page begins; null at the end, and before the first page. */
  next: string | null;
  /** How many of its rows are looked at, from the top: so many stay. What is far below is cut, and comes again. */
  seen: number;
  /** The last place that the server has read for it. */
  reach: Place | "nothing" | "everything";
  /** The last request that was sent for it. Requests are numbered in the order of their sending. */
  asked: number;
  /** Answers to earlier requests than this one are too old to be taken. */
  floor: number;
}

export interface Draft {
  text: string;
  note: boolean;
  reply_to: string | null;
  /** It is sent as an answer of a person, where the window for machines has closed. */
  human_agent?: boolean;
  /** Why the server sent it back. */
  refusal?: string | null;
}

/** A contact that was searched for, and its newest conversation. */
export interface Found {
  tenant: string;
  contact: FoundContact["contact"];
  conversation: string;
}

export interface Search {
  text: string;
  phase: Phase;
  error: string | null;
  /** Contacts. */
  found: Found[];
  /** Conversations, messages and notes, the newest first. */
  hits: Hit[];
  /** Where older ones go on. */
  next: string | null;
  /** Not searched but for contacts: too many businesses are chosen. */
  wide: boolean;
  /** Older messages are still being taken into the index. */
  building: boolean;
}

/** The answer of the AI as it is being written. Chunks by index, so a repeated one changes nothing. */
export interface Writing {
  turn: string;
  attempt: number;
  chunks: Record<number, string>;
}

export interface Person {
  id: string;
  name: string;
}

export type LinkPhase = "idle" | "connecting" | "catching_up" | "live" | "lost";

export interface Link {
  phase: LinkPhase;
  /** When the connection was lost, for "since". */
  lostAt: number | null;
  retryAt: number | null;
  caughtUp: { events: number; reloaded: boolean; at: number } | null;
  /** Of the last connection: websocket, or what the page fell back to. */
  transport: string | null;
}

/** How much is kept that nothing on the screen needs; more is cut to about half of it. */
export interface Bounds {
  conversations: number;
  /** Of each list, below what is looked at. */
  rows: number;
  /** Of each thread that nobody reads back in. */
  messages: number;
}

export type KnownLabel = Label & { tenant: string };

export interface State {
  /** `platform`: what the person may do on the platform itself, whatever tenants there are. */
  session: { phase: "starting" | "out" | "in"; user: User | null; tenants: Tenant[]; platform: readonly Permission[]; expired: boolean };
  link: Link;
  positions: Record<string, Position>;
  conversations: Table<string, Kept<Conversation>>;
  reads: Table<string, Mark>;
  /** Unread messages of the known conversations that are open. */
  unread: number;
  eviction: {
    /** Where the search for what nobody needs goes on. */
    hand: number;
    /** By tenant: the latest cursor of what was evicted. Answers of before it may name what is no longer true. */
    forgotten: Record<string, number>;
    /** By tenant: the last event. What an answer brought from beyond it stays until the feed has come as far. */
    heard: Record<string, number>;
  };
  /** The last list request before a hole in the feed: until a later one is answered, what it names may have changed. */
  doubt: number | null;
  bounds: Bounds;
  /** By `listKey`. */
  lists: Record<string, List>;
  counters: Counters;
  search: Search;
  threads: Record<string, Thread>;
  active: string | null;
  pending: Pending[];
  wishes: readonly Wish[];
  drafts: Record<string, Draft>;
  writing: Record<string, Writing>;
  viewers: Record<string, Person[]>;
  typing: Record<string, Typist[]>;
  channels: Record<string, Channel>;
  people: Record<string, Record<string, Colleague>>;
  companies: Record<string, Company>;
  /** Labels of all businesses. */
  labels: Record<string, KnownLabel>;
  filter: Query;
  /** Those that landing pages handed in since the page was opened, newest first. */
  leads: readonly Lead[];
  /** Tenants whose events are not pushed to this page. */
  notLive: string[];
  notices: { id: number; text: string; tone: "error" | "info" }[];
}

/** Everything that can change the state. */
export type Change =
  | { type: "event"; event: Event }
  | { type: "signed_in"; user: User; tenants: Tenant[]; platform?: readonly Permission[] }
  | { type: "signed_out"; expired: boolean }
  | { type: "link"; link: Partial<Link> }
  | { type: "list.loading"; query: Query; run: number }
  | { type: "list.seen"; depth: number }
  | { type: "list.failed"; query: Query; run: number; reason: string }
  | { type: "list.loaded"; query: Query; run: number; page: InboxPage; first: boolean }
  | { type: "counts.loaded"; scope: Scope; answer: CountsAnswer }
  | { type: "conversations.kept"; page: InboxPage }
  | { type: "conversation.kept"; conversation: Conversation & { my_read?: ReadMark }; asOf: AsOf }
  /** The log does not reach back to where the feed broke, or is another one. */
  | { type: "feed.lost" }
  /** Events may be missing, but what is known was true. */
  | { type: "feed.gap" }
  | { type: "not_live"; tenants: string[] }
  | { type: "opened"; conversation: string | null }
  | { type: "thread.loading"; conversation: string; older: boolean }
  | { type: "thread.failed"; conversation: string; reason: string }
  | { type: "thread.loaded"; conversation: string; page: MessagePage; older: boolean; asOf: AsOf }
  /** The newest one is on the screen, so that only the end of the thread is needed. */
  | { type: "thread.cut"; conversation: string }
  | { type: "message.kept"; message: Message; tenant: string; asOf: AsOf }
  | { type: "read"; conversation: string; mark: ReadMark }
  | PendingChange
  | { type: "draft"; conversation: string; draft: Draft }
  | { type: "drafts.restored"; drafts: Record<string, Draft> }
  | { type: "delta"; conversation: string; turn: string; attempt: number; index: number; text: string }
  | { type: "delta.reset"; conversation: string; turn: string }
  | { type: "viewers"; conversation: string; people: Person[] }
  | TypingChange
  | { type: "channels"; channels: Channel[] }
  | { type: "companies"; companies: Company[] }
  | { type: "labels"; tenant: string; labels: readonly Label[] }
  | { type: "label.gone"; label: string }
  | { type: "people"; tenant: string; people: Colleague[] }
  | { type: "filter"; filter: Partial<Query> }
  | { type: "search.typed"; text: string }
  | { type: "search.failed"; text: string; reason: string }
  | { type: "search.found"; text: string; answer: SearchAnswer; asOf: AsOf }
  | { type: "search.older"; text: string; answer: SearchAnswer }
  | { type: "notice"; id: number; text: string; tone: "error" | "info" }
  | { type: "notice.dropped"; id: number };

/** Feed cursors by tenant when a request left: its answer is at least as new as every event up to them. */
export type AsOf = Record<string, number>;

export const nothingFound: Search = {
  text: "", phase: "idle", error: null, found: [], hits: [], next: null, wide: false, building: false,
};

export const emptyState: State = {
  session: { phase: "starting", user: null, tenants: [], platform: [], expired: false },
  link: { phase: "idle", lostAt: null, retryAt: null, caughtUp: null, transport: null },
  positions: {},
  conversations: Table.empty(),
  reads: Table.empty(),
  unread: 0,
  eviction: { hand: 0, forgotten: {}, heard: {} },
  doubt: null,
  bounds: { conversations: 2_000, rows: 400, messages: 400 },
  lists: {},
  counters: noCounters,
  search: nothingFound,
  threads: {},
  active: null,
  pending: [],
  wishes: [],
  drafts: {},
  writing: {},
  viewers: {},
  typing: {},
  channels: {},
  people: {},
  companies: {},
  labels: {},
  filter: { view: "all", sort: "recent", tenant: null, company: null, channel: null, label: null },
  leads: [],
  notLive: [],
  notices: [],
};
