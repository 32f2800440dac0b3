// What this person did and the server has not confirmed, as plain values. What becomes of it is in `pending.ts`.
import type { OutTemplate, ReadMark } from "../api.gen";

/** A file that the server has, as it goes in a message. */
export interface SentFile {
  kind: string;
  file: string;
  name: string;
}

/** A file on its way to the server. */
export interface Uploading {
  id: string;
  name: string;
  size: number;
  kind: string;
  done: number;
  state: "uploading" | "waiting" | "ready" | "failed";
  reason: string | null;
  /** The server's id of the whole file. */
  file: string | null;
}

/** As it is kept in the browser: with the server's id of the upload, once it has one. */
export interface KeptUpload {
  shown: Uploading;
  upload: string | null;
}

export interface Pending {
  client_id: string;
  conversation: string;
  note: boolean;
  text: string;
  reply_to: string | null;
  /** A person answers after the provider's window for machines. */
  human_agent?: boolean;
  /** The whole message: `text` is what the customer will read, and is not sent. */
  template?: OutTemplate;
  files?: readonly SentFile[];
  created_at: number;
  /** Its place among all that this person did: over the tabs, too. */
  order: number;
  state: "waiting" | "sending" | "failed";
  /** In the server's words, or a code of this page. */
  reason: string | null;
}

export type Verb = "take_over" | "hand_back" | "close" | "reopen";

export type Aim =
  | { kind: Verb }
  | { kind: "assign"; assignee: string | null }
  /** `before`: what the server knew, for when it refuses. */
  | { kind: "read"; mark: ReadMark; before: ReadMark | null };

export interface Wish {
  id: string;
  conversation: string;
  order: number;
  aim: Aim;
}

export type PendingChange =
  | { type: "pending.added"; pending: Pending }
  | { type: "pending.moved"; client_id: string; state: Pending["state"]; reason: string | null }
  | { type: "pending.dropped"; client_id: string }
  | { type: "pending.returned"; client_id: string; reason: string }
  | { type: "wish.added"; wish: Wish }
  /** Done, or refused: then what it showed is taken back. */
  | { type: "wish.dropped"; id: string; refused: boolean };
