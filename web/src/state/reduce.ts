// The only way the state changes: a pure function over one change. No clock, no ids, no network.
import { countsUnknown, takeCounts } from "./counts";
import { noCounters } from "./counters";
import { keepDraft } from "./drafts";
import { applyEvent } from "./events";
import { changeFilter, dropUnknown } from "./filter";
import { dropDoubtful, evict, keepConversation } from "./known";
import { keepPositions, listLoaded } from "./list_page";
import { listFailed, listLoading, listSeen, listsStale } from "./lists";
import { emptyState, type Change, type State, type Thread } from "./model";
import { acknowledge, pendingChange } from "./pending";
import { keepRead } from "./reads";
import { searchFailed, searchFound, searchOlder, searchTyped } from "./search";
import { Table } from "./table";
import { cutThread, keepMessage, keepPage, noThread } from "./thread";
import { typingChange } from "./typing";
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
        session: { phase: "in", user: change.user, tenants: change.tenants, platform: change.platform ?? [], expired: false },
      };
    case "signed_out":
      return { ...emptyState, bounds: state.bounds, session: { ...emptyState.session, phase: "out", expired: change.expired } };
    case "link":
      return { ...state, link: { ...state.link, ...change.link } };
    case "list.loading":
      return listLoading(state, change.query, change.run);
    case "list.seen":
      return listSeen(state, change.depth);
    case "list.failed":
      return listFailed(state, change.query, change.run, change.reason);
    case "list.loaded":
      return listLoaded(state, change.query, change.run, change.page, change.first);
    case "counts.loaded":
      return takeCounts(keepPositions(state, change.answer.positions), change.scope, change.answer.counts,
        change.answer.positions);
    case "conversations.kept":
      return evict(change.page.conversations.reduce(
        (next, item) => keepConversation(next, item, change.page.positions[item.tenant]?.offset ?? 0), state),
      change.page.conversations.length);
    case "conversation.kept":
      return evict(keepConversation(state, change.conversation, change.asOf[change.conversation.tenant] ?? 0));
    case "feed.lost":
      // What was shown stays on the screen, but nothing of it counts as known any more.
      return { ...inDoubt(listsStale(state, true), lastRun(state)), positions: {}, writing: {}, leads: [], counters: noCounters,
        reads: Table.empty(), unread: 0, eviction: { ...state.eviction, forgotten: {}, heard: {} } };
    case "feed.gap":
      return inDoubt(dropDoubtful(countsUnknown(listsStale(state, false)), () => false), lastRun(state));
    case "not_live":
      return { ...state, notLive: change.tenants };
    case "opened":
      return opened(state, change.conversation);
    case "thread.loading":
      return thread(state, change.conversation, (t) =>
        change.older ? { ...t, loadingOlder: true, olderFrom: t.oldest, error: null } : { ...t, phase: "loading", loadingOlder: false, error: null });
    case "thread.failed":
      return thread(state, change.conversation, (t) =>
        t.loadingOlder
          ? { ...t, loadingOlder: false, error: change.reason }
          : { ...t, phase: "error", error: change.reason });
    case "thread.loaded": {
      const tenant = state.conversations.get(change.conversation)?.value.tenant ?? "";
      let next = thread(state, change.conversation, (t) =>
        keepPage(t, change.page, change.older, change.asOf[tenant] ?? 0));
      for (const message of change.page.messages) next = acknowledge(next, message.client_id);
      return next;
    }
    case "thread.cut":
      return state.threads[change.conversation] ? thread(state, change.conversation, (t) =>
        cutThread(t, state.bounds.messages, state.bounds.messages / 2)) : state;
    case "message.kept": {
      const have = state.threads[change.message.conversation];
      const next = have
        ? thread(state, change.message.conversation, (t) =>
            keepMessage(t, change.message, change.asOf[change.tenant] ?? 0))
        : state;
      return acknowledge(next, change.message.client_id);
    }
    case "read":
      return keepRead(state, change.conversation, change.mark, 0);
    case "pending.added":
    case "pending.moved":
    case "pending.dropped":
    case "pending.returned":
    case "wish.added":
    case "wish.dropped":
      return pendingChange(state, change);
    case "draft":
      return keepDraft(state, change.conversation, change.draft);
    case "drafts.restored":
      return { ...state, drafts: change.drafts };
    case "delta":
      return applyDelta(state, change);
    case "delta.reset":
      return resetWriting(state, change.conversation, change.turn);
    case "viewers":
      return { ...state, viewers: nonEmpty({ ...state.viewers, [change.conversation]: change.people }) };
    case "typing":
    case "typing.left":
    case "typing.swept":
      return typingChange(state, change);
    case "channels":
      return dropUnknown({ ...state, channels: Object.fromEntries(change.channels.map((c) => [c.id, c])) }, "channel");
    case "companies":
      return dropUnknown({ ...state, companies: Object.fromEntries(change.companies.map((c) => [c.id, c])) }, "company");
    case "labels":
      return { ...state, labels: { ...state.labels, ...Object.fromEntries(change.labels.map((one) => [one.id, { ...one, tenant: change.tenant }])) } };
    case "label.gone":
      return changeFilter({ ...state, labels: Object.fromEntries(Object.entries(state.labels).filter(([id]) => id !== change.label)) },
        state.filter.label === change.label ? { label: null } : {});
    case "people":
      return {
        ...state,
        people: { ...state.people, [change.tenant]: Object.fromEntries(change.people.map((p) => [p.id, p])) },
      };
    case "filter":
      return changeFilter(state, change.filter);
    case "search.typed":
      return searchTyped(state, change.text);
    case "search.failed":
      return searchFailed(state, change.text, change.reason);
    case "search.found":
      return searchFound(state, change.text, change.answer, change.asOf);
    case "search.older":
      return searchOlder(state, change.text, change.answer);
    case "notice":
      return {
        ...state,
        notices: [...state.notices.slice(-3), { id: change.id, text: change.text, tone: change.tone }],
      };
    case "notice.dropped":
      return { ...state, notices: state.notices.filter((n) => n.id !== change.id) };
  }
}

function opened(state: State, conversation: string | null): State {
  if (conversation === null) return { ...state, active: null };
  const { [conversation]: have = noThread, ...left } = state.threads;
  const others = mapValues(left, (one) => cutThread(one, state.bounds.messages / 2, state.bounds.messages / 2));
  const ids = Object.keys(others);
  for (const id of ids.slice(0, Math.max(0, ids.length - maxThreads + 1))) delete others[id];
  return { ...state, active: conversation, threads: { ...others, [conversation]: have } };
}

/** What is known stays for the eye, as the oldest truth: whatever answer comes is newer. */
function inDoubt(state: State, doubt: number): State {
  const conversations = state.conversations.map((kept) => ({ ...kept, cursor: -1 }));
  return { ...state, conversations, threads: mapValues(state.threads, forget), doubt };
}

function lastRun(state: State): number {
  return Math.max(state.doubt ?? 0, ...Object.values(state.lists).map((list) => list.asked));
}

/** Keeps the messages for the eye, as the oldest truth, until the thread is loaded anew. */
function forget(thread: Thread): Thread {
  return { ...thread, phase: "idle", loadingOlder: false, messages: thread.messages.map((kept) => ({ ...kept, cursor: -1 })) };
}

function thread(state: State, id: string, change: (thread: Thread) => Thread): State {
  return { ...state, threads: { ...state.threads, [id]: change(state.threads[id] ?? noThread) } };
}

function nonEmpty<T>(from: Record<string, T[]>): Record<string, T[]> {
  return Object.fromEntries(Object.entries(from).filter(([, list]) => list.length > 0));
}

function mapValues<T>(from: Record<string, T>, change: (value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, change(value)]));
}
