// What other tabs say, and what is found in the storage, may come from another version of the page, or from whatever else
// runs on its host. Only what has the shape that this version writes is taken.
import type { ReadMark } from "../api.gen";
import type { Draft } from "../state/model";
import type { Aim, KeptUpload, Pending, Wish } from "../state/unsent";
import type { Holder, Renewed } from "./tokens";

/** What a tab tells the others. */
export type Word = { kind: "ended"; holder: Holder; expired: boolean } | { kind: "renewed"; renewed: Renewed };

export interface StoredDraft {
  draft: Draft;
  version: number;
}

export interface StoredItem {
  item: { pending: Pending } | { wish: Wish };
  tab: string;
  /** Connections that ended while it was being sent. */
  tries: number;
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isTruth: Check = (value) => typeof value === "boolean";
const isTime: Check = (value) => Number.isFinite(value) && (value as number) >= 0;
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isOneOf = (...words: unknown[]): Check => (value) => words.includes(value);
const isMaybe = (check: Check): Check => (value) => value === undefined || check(value);
const isNullOr = (check: Check): Check => (value) => value === null || check(value);
const is = <T>(fields: Record<string, Check>) => (value: unknown): value is T =>
  typeof value === "object" && value !== null
  && Object.entries(fields).every(([name, check]) => check((value as Record<string, unknown>)[name]));

const isHolder = is<Holder>({ user: isText, installation: isText });
const isSession = is({
  access_token: isText, expires_at: isTime, now: isTime, installation: isText, user: is({ id: isText }),
});
const isMark = is<ReadMark>({ inbound_count: isCount, seq: isCount });
const isAim: Check = (value) =>
  is({ kind: isOneOf("take_over", "hand_back", "close", "reopen") })(value)
  || is<Aim>({ kind: isOneOf("assign"), assignee: isNullOr(isText) })(value)
  || is<Aim>({ kind: isOneOf("read"), mark: isMark, before: isNullOr(isMark) })(value);
const isTemplate = is({ name: isText, language: isText, components: isMaybe(Array.isArray) });
const isFiles: Check = (value) =>
  value === undefined || (Array.isArray(value) && value.every(is({ kind: isText, file: isText, name: isText })));
const isPending = is<Pending>({
  client_id: isText, conversation: isText, note: isTruth, text: isText, reply_to: isNullOr(isText), files: isFiles, created_at: isTime,
  order: isTime, state: isOneOf("waiting", "sending", "failed"), reason: isNullOr(isText), human_agent: isMaybe(isTruth), template: isMaybe(isTemplate),
});
const isWish = is<Wish>({ id: isText, conversation: isText, order: isTime, aim: isAim });

const isUploading = is<KeptUpload["shown"]>({
  id: isText, name: isText, size: isCount, kind: isText, done: isCount, state: isOneOf("uploading", "waiting", "ready", "failed"),
  reason: isNullOr(isText), file: isNullOr(isText),
});

export const isUploads = (value: unknown): value is KeptUpload[] =>
  Array.isArray(value) && value.every(is({ shown: isUploading, upload: isNullOr(isText) }));

export function readHolder(value: unknown): Holder | null {
  return isHolder(value) ? { user: value.user, installation: value.installation } : null;
}

export function readWord(value: unknown): Word | null {
  const isEnded = is<Word>({ kind: isOneOf("ended"), holder: isHolder, expired: isTruth });
  const isRenewed = is<Word>({ kind: isOneOf("renewed"), renewed: is({ session: isSession, ageMs: isTime }) });
  return isEnded(value) || isRenewed(value) ? value : null;
}

export function readDraft(value: unknown): StoredDraft | null {
  const isDraft = is<Draft & { version: number }>({ text: isText, note: isTruth, reply_to: isNullOr(isText), version: isCount });
  if (!isDraft(value)) return null;
  const { text, note, reply_to, refusal, human_agent, version } = value;
  // Versions grow by one: from the greatest number on they would stand still.
  if (version > Number.MAX_SAFE_INTEGER / 2) return null;
  return { draft: { text, note, reply_to, ...(isText(refusal) && { refusal }), ...(human_agent === true && { human_agent }) }, version };
}

/** `id`: the one that it is stored under. */
export function readItem(value: unknown, id: string): StoredItem | null {
  if (!is<StoredItem>({ item: is({}), tab: isText, tries: isCount })(value)) return null;
  const { item, tab, tries } = value;
  if ("pending" in item && isPending(item.pending) && item.pending.client_id === id) return { item: { pending: item.pending }, tab, tries };
  if ("wish" in item && isWish(item.wish) && item.wish.id === id) return { item: { wish: item.wish }, tab, tries };
  return null;
}
