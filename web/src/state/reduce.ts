// The only way the state changes: a pure function over one change. No clock, no ids, no network.
import { acknowledge, applyEvent, keepRead } from "./events";
import { fromAnswer } from "./kept";
import { emptyState, type Change, type Page, type State, type Thread } from "./model";
import { keepMessage, keepPage, noThread } from "./thread";
import { applyDelta, resetWriting } from "./writing";

/** So many threads stay in memory; the one that was opened longest ago goes first. */
const maxThreads = 20;

export function reduce(state: State, change: Change): State {
  switch (change.type) {
    case "event":
      return applyEvent(state, change.event);
    case "signed_in":
      return {
        ...state,
        session: { phase: "in", user: change.user, tenants: change.tenants, expired: false },
      };
    case "signed_out":
      return { ...emptyState, session: { ...emptyState.session, phase: "out", expired: change.expired } };
    case "link":
      return { ...state, link: { ...state.link, ...change.link } };
    case "inbox.loading":
      return page(state, change.list, { phase: "loading", error: null });
    case "inbox.failed":
      return page(state, change.list, { phase: "error", error: change.reason });
    case "inbox.loaded":
      return inboxLoaded(state, change);
    case "conversation.kept":
      return keepConversation(state, change.conversation, change.asOf[change.conversation.tenant] ?? 0);
    case "feed.lost":
      // What was shown stays on the screen, but nothing of it counts as known any more.
      return { ...state, threads: mapValues(state.threads, forget), positions: {}, writing: {},
        conversations: mapValues(state.conversations, (kept) => ({ ...kept, cursor: -1 })) };
    case "opened":
      return opened(state, change.conversation);
    case "thread.loading":
      return thread(state, change.conversation, (t) =>
        change.older ? { ...t, loadingOlder: true, error: null } : { ...t, phase: "loading", error: null });
    case "thread.failed":
      return thread(state, change.conversation, (t) =>
        t.loadingOlder
          ? { ...t, loadingOlder: false, error: change.reason }
          : { ...t, phase: "error", error: change.reason });
    case "thread.loaded": {
      const tenant = state.conversations[change.conversation]?.value.tenant ?? "";
      let next = thread(state, change.conversation, (t) =>
        keepPage(t, change.page, change.older, change.asOf[tenant] ?? 0));
      for (const message of change.page.messages) next = acknowledge(next, message.client_id);
      return next;
    }
    case "message.kept": {
      const have = state.threads[change.message.conversation];
      const next = have
        ? thread(state, change.message.conversation, (t) =>
            keepMessage(t, change.message, change.asOf[change.tenant] ?? 0))
        : state;
      return acknowledge(next, change.message.client_id);
    }
    case "read":
      return keepRead(state, change.conversation, change.mark);
    case "pending.added":
      return { ...state, pending: [...state.pending, change.pending] };
    case "pending.moved":
      return {
        ...state,
        pending: state.pending.map((p) =>
          p.client_id === change.client_id ? { ...p, state: change.state, reason: change.reason } : p),
      };
    case "pending.dropped":
      return acknowledge(state, change.client_id);
    case "pending.restored":
      return { ...state, pending: change.pending };
    case "draft":
      return { ...state, drafts: { ...state.drafts, [change.conversation]: change.draft } };
    case "drafts.restored":
      return { ...state, drafts: change.drafts };
    case "delta":
      return applyDelta(state, change);
    case "delta.reset":
      return resetWriting(state, change.conversation, change.turn);
    case "viewers":
      return { ...state, viewers: { ...state.viewers, [change.conversation]: change.people } };
    case "typing": {
      const others = (state.typing[change.conversation] ?? []).filter((t) => t.id !== change.who.id);
      return { ...state, typing: { ...state.typing, [change.conversation]: [...others, change.who] } };
    }
    case "typing.swept":
      return { ...state, typing: mapValues(state.typing, (list) => list.filter((t) => t.until > change.now)) };
    case "channels":
      return { ...state, channels: Object.fromEntries(change.channels.map((c) => [c.id, c])) };
    case "people":
      return {
        ...state,
        people: { ...state.people, [change.tenant]: Object.fromEntries(change.people.map((p) => [p.id, p])) },
      };
    case "filter":
      return { ...state, filter: { ...state.filter, ...change.filter } };
    case "notice":
      return {
        ...state,
        notices: [...state.notices.slice(-3), { id: change.id, text: change.text, tone: change.tone }],
      };
    case "notice.dropped":
      return { ...state, notices: state.notices.filter((n) => n.id !== change.id) };
  }
}

function inboxLoaded(state: State, change: Extract<Change, { type: "inbox.loaded" }>): State {
  let next = page(state, change.list, { phase: "ready", next: change.page.next, error: null });
  // Only the first page is read together with the positions that are given on; a later page continues an older list.
  const cursors = change.first
    ? Object.fromEntries(Object.entries(change.page.positions).map(([t, p]) => [t, p.offset]))
    : change.asOf;
  for (const item of change.page.conversations) next = keepConversation(next, item, cursors[item.tenant] ?? 0);
  if (!change.first) return next;
  // What a lost feed left behind and the snapshot does not name is closed or further down: its page will bring it.
  const known = Object.entries(next.conversations).filter(([id, kept]) => kept.cursor >= 0 || id === next.active);
  if (known.length < Object.keys(next.conversations).length) {
    next = page(next, "closed", emptyState.pages.closed);
    next = { ...next, conversations: Object.fromEntries(known) };
  }
  const positions = { ...next.positions };
  for (const [tenant, position] of Object.entries(change.page.positions)) {
    const have = positions[tenant];
    positions[tenant] = { offset: Math.max(have?.offset ?? 0, position.offset), epoch: position.epoch };
  }
  return { ...next, positions };
}

function keepConversation(
  state: State,
  item: Extract<Change, { type: "conversation.kept" }>["conversation"],
  cursor: number,
): State {
  const { my_read, ...conversation } = item;
  const have = state.conversations[item.id];
  const kept = fromAnswer(have, conversation, cursor);
  const next = kept === have ? state : { ...state, conversations: { ...state.conversations, [item.id]: kept } };
  return my_read ? keepRead(next, item.id, my_read) : next;
}

function opened(state: State, conversation: string | null): State {
  if (conversation === null) return { ...state, active: null };
  const { [conversation]: have = noThread, ...others } = state.threads;
  const ids = Object.keys(others);
  for (const id of ids.slice(0, Math.max(0, ids.length - maxThreads + 1))) delete others[id];
  return { ...state, active: conversation, threads: { ...others, [conversation]: have } };
}

/** Keeps the messages for the eye, as the oldest truth, until the thread is loaded anew. */
function forget(thread: Thread): Thread {
  const messages = new Map([...thread.messages].map(([seq, kept]) => [seq, { ...kept, cursor: -1 }]));
  return { ...thread, phase: "idle", messages };
}

function page(state: State, list: "open" | "closed", change: Partial<Page>): State {
  return { ...state, pages: { ...state.pages, [list]: { ...state.pages[list], ...change } } };
}

function thread(state: State, id: string, change: (thread: Thread) => Thread): State {
  return { ...state, threads: { ...state.threads, [id]: change(state.threads[id] ?? noThread) } };
}

function mapValues<T>(from: Record<string, T>, change: (value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, change(value)]));
}
