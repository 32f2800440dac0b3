// The only way the state changes: a pure function over one change. No clock, no ids, no network.
import { countsUnknown, takeCounts } from "./counts";
import { noCounters } from "./counters";
import { acknowledge, applyEvent } from "./events";
import { changeFilter, dropUnknown } from "./filter";
import { keepConversation, prune } from "./known";
import { keepPositions, listLoaded } from "./list_page";
import { listFailed, listLoading, listsStale } from "./lists";
import { emptyState, type Change, type State, type Thread } from "./model";
import { keepRead } from "./reads";
import { searchFailed, searchFound, searchOlder, searchTyped } from "./search";
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
    case "list.loading":
      return listLoading(state, change.query, change.run);
    case "list.failed":
      return listFailed(state, change.query, change.run, change.reason);
    case "list.loaded":
      return listLoaded(state, change.query, change.run, change.page, change.first);
    case "counts.loaded":
      return takeCounts(keepPositions(state, change.answer.positions), change.scope, change.answer.counts,
        change.answer.positions);
    case "conversations.kept":
      return prune(change.page.conversations.reduce(
        (next, item) => keepConversation(next, item, change.page.positions[item.tenant]?.offset ?? 0), state));
    case "conversation.kept":
      return keepConversation(state, change.conversation, change.asOf[change.conversation.tenant] ?? 0);
    case "feed.lost":
      // What was shown stays on the screen, but nothing of it counts as known any more.
      return { ...listsStale(state, true), threads: mapValues(state.threads, forget), positions: {}, writing: {},
        counters: noCounters, conversations: mapValues(state.conversations, (kept) => ({ ...kept, cursor: -1 })) };
    case "feed.gap":
      return countsUnknown(listsStale(state, false));
    case "not_live":
      return { ...state, notLive: change.tenants };
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
    case "pending.returned":
      return returned(state, change.client_id, change.reason);
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
      return dropUnknown({ ...state, channels: Object.fromEntries(change.channels.map((c) => [c.id, c])) }, "channel");
    case "companies":
      return dropUnknown({ ...state, companies: Object.fromEntries(change.companies.map((c) => [c.id, c])) }, "company");
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

/** Puts a refused message back where it was written, above what was written since. */
function returned(state: State, clientId: string, refusal: string): State {
  const pending = state.pending.find((one) => one.client_id === clientId);
  if (!pending) return state;
  const { conversation, text, note, reply_to } = pending;
  const since = state.drafts[conversation]?.text ?? "";
  const draft = { text: since ? `${text}\n${since}` : text, note, reply_to, refusal };
  return acknowledge({ ...state, drafts: { ...state.drafts, [conversation]: draft } }, clientId);
}

function thread(state: State, id: string, change: (thread: Thread) => Thread): State {
  return { ...state, threads: { ...state.threads, [id]: change(state.threads[id] ?? noThread) } };
}

function mapValues<T>(from: Record<string, T>, change: (value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, change(value)]));
}
