// The whole state of the page as plain values. Nothing here talks to the network or draws.
import type {
  Channel, Colleague, Conversation, InboxPage, Message, MessagePage, Event, Position, ReadMark, Tenant, User,
} from "../wire";

/** A value and the feed cursor as of which it is known to be true: the later cursor wins, in any order of arrival. */
export interface Kept<T> {
  value: T;
  cursor: number;
}

export type Phase = "idle" | "loading" | "ready" | "error";

export interface Thread {
  phase: Phase;
  error: string | null;
  /** By seq. May hold entries below `oldest` that events brought before their page: they are not shown yet. */
  messages: ReadonlyMap<number, Kept<Message>>;
  /** The lowest seq from which on nothing is missing; null until the first page is there. */
  oldest: number | null;
  more: boolean;
  loadingOlder: boolean;
}

export interface Pending {
  client_id: string;
  conversation: string;
  note: boolean;
  text: string;
  reply_to: string | null;
  created_at: number;
  state: "waiting" | "sending" | "failed";
  reason: string | null;
}

export interface Draft {
  text: string;
  note: boolean;
  reply_to: string | null;
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

export interface Typist extends Person {
  until: number;
}

export type LinkPhase = "idle" | "connecting" | "catching_up" | "live" | "lost";

export interface Link {
  phase: LinkPhase;
  /** When the connection was lost, for "since". */
  lostAt: number | null;
  retryAt: number | null;
  caughtUp: { events: number; reloaded: boolean; at: number } | null;
  /** Server clock minus ours. */
  skew: number;
}

export type OwnerFilter = "all" | "mine" | "unassigned" | "ai" | "closed";

export interface Page {
  phase: Phase;
  next: string | null;
  error: string | null;
}

export interface State {
  session: { phase: "starting" | "out" | "in"; user: User | null; tenants: Tenant[]; expired: boolean };
  link: Link;
  positions: Record<string, Position>;
  conversations: Record<string, Kept<Conversation>>;
  reads: Record<string, ReadMark>;
  pages: Record<"open" | "closed", Page>;
  threads: Record<string, Thread>;
  active: string | null;
  pending: Pending[];
  drafts: Record<string, Draft>;
  writing: Record<string, Writing>;
  viewers: Record<string, Person[]>;
  typing: Record<string, Typist[]>;
  channels: Record<string, Channel>;
  people: Record<string, Record<string, Colleague>>;
  filter: { owner: OwnerFilter; query: string; tenant: string | null };
  notices: { id: number; text: string; tone: "error" | "info" }[];
}

/** Everything that can change the state. */
export type Change =
  | { type: "event"; event: Event }
  | { type: "signed_in"; user: User; tenants: Tenant[] }
  | { type: "signed_out"; expired: boolean }
  | { type: "link"; link: Partial<Link> }
  | { type: "inbox.loading"; list: "open" | "closed" }
  | { type: "inbox.failed"; list: "open" | "closed"; reason: string }
  | { type: "inbox.loaded"; list: "open" | "closed"; page: InboxPage; first: boolean; asOf: AsOf }
  | { type: "conversation.kept"; conversation: Conversation & { my_read?: ReadMark }; asOf: AsOf }
  | { type: "feed.lost" }
  | { type: "opened"; conversation: string | null }
  | { type: "thread.loading"; conversation: string; older: boolean }
  | { type: "thread.failed"; conversation: string; reason: string }
  | { type: "thread.loaded"; conversation: string; page: MessagePage; older: boolean; asOf: AsOf }
  | { type: "message.kept"; message: Message; tenant: string; asOf: AsOf }
  | { type: "read"; conversation: string; mark: ReadMark }
  | { type: "pending.added"; pending: Pending }
  | { type: "pending.moved"; client_id: string; state: Pending["state"]; reason: string | null }
  | { type: "pending.dropped"; client_id: string }
  | { type: "pending.restored"; pending: Pending[] }
  | { type: "draft"; conversation: string; draft: Draft }
  | { type: "drafts.restored"; drafts: Record<string, Draft> }
  | { type: "delta"; conversation: string; turn: string; attempt: number; index: number; text: string }
  | { type: "delta.reset"; conversation: string; turn: string }
  | { type: "viewers"; conversation: string; people: Person[] }
  | { type: "typing"; conversation: string; who: Typist }
  | { type: "typing.swept"; now: number }
  | { type: "channels"; channels: Channel[] }
  | { type: "people"; tenant: string; people: Colleague[] }
  | { type: "filter"; filter: Partial<State["filter"]> }
  | { type: "notice"; id: number; text: string; tone: "error" | "info" }
  | { type: "notice.dropped"; id: number };

/** Feed cursors by tenant when a request left: its answer is at least as new as every event up to them. */
export type AsOf = Record<string, number>;

export const emptyState: State = {
  session: { phase: "starting", user: null, tenants: [], expired: false },
  link: { phase: "idle", lostAt: null, retryAt: null, caughtUp: null, skew: 0 },
  positions: {},
  conversations: {},
  reads: {},
  pages: {
    open: { phase: "idle", next: null, error: null },
    closed: { phase: "idle", next: null, error: null },
  },
  threads: {},
  active: null,
  pending: [],
  drafts: {},
  writing: {},
  viewers: {},
  typing: {},
  channels: {},
  people: {},
  filter: { owner: "all", query: "", tenant: null },
  notices: [],
};
