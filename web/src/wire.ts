// The shapes that the server sends and takes, one to one. Ids are uuids, times are Unix milliseconds.

/** More kinds come with more providers; one that is not known here is shown by its name. */
export type ChannelKind = "telegram" | "waha" | "other";
export type Owner = "ai" | "human" | "nobody";
export type Role = "owner" | "agent" | "viewer" | "platform";
export type Direction = "in" | "out" | "note";
export type MessageStatus =
  | "received" | "queued" | "sending" | "sent" | "delivered" | "read" | "played" | "failed" | "unknown";
export type MessageKind =
  | "text" | "image" | "audio" | "voice" | "video" | "document" | "sticker" | "location" | "contacts"
  | "interactive" | "order" | "unsupported";

export interface User {
  id: string;
  email: string;
  name: string;
  platform_role: "admin" | "manager" | null;
}

/** What somebody may do in a tenant. Roles are names for sets of them; nothing here asks for a role. */
export type Permission = "read" | "answer" | "manage" | "respond" | "whole" | "operate";

export interface Tenant {
  id: string;
  name: string;
  role: Role;
  permissions: Permission[];
}

export interface Author {
  kind: "customer" | "manager" | "responder" | "phone" | "other_app" | "system";
  id: string | null;
  name: string | null;
}

export interface Attachment {
  id: string;
  kind: MessageKind;
  mime: string | null;
  name: string | null;
  size: number | null;
  state: "pending" | "ready" | "linked" | "failed";
  error: string | null;
  url: string | null;
}

export interface Turn {
  id: string;
  conversation: string;
  state: "collecting" | "offered" | "answered" | "handed_off" | "cancelled";
  first_seq: number;
  last_seq: number;
  count: number;
  opened_at: number;
  due_at: number;
  attempt: number;
  supersedes: number;
  lease_until: number | null;
  reason: string | null;
}

export interface LastMessage {
  seq: number;
  direction: Direction;
  kind: MessageKind;
  text: string | null;
  author: Author;
  at: number;
}

export interface Conversation {
  id: string;
  tenant: string;
  company: string;
  channel: string;
  channel_kind: ChannelKind;
  contact: { id: string; name: string | null; handle: string | null };
  state: "open" | "closed";
  owner: Owner;
  epoch: number;
  assignee: string | null;
  handoff_reason: string | null;
  last_seq: number;
  last_message: LastMessage | null;
  inbound_count: number;
  turn: Turn | null;
  opened_at: number;
  updated_at: number;
  /** Since when the customer waits for an answer. */
  waiting_since: number | null;
  bucket: Bucket;
  /** Which place of the chat: a topic, a business connection. A customer has a conversation for each. */
  thread: string | null;
}

/** In which list a conversation stands. The views are unions of these. */
export type Bucket = "closed" | "ai" | "unassigned" | "unassigned_waiting" | "assigned" | "assigned_waiting";

/** What the lists and their counts know of a conversation. */
export interface Standing {
  bucket: Bucket;
  assignee: string | null;
}

/** A change of a conversation's place in the lists; a new conversation comes from nowhere. */
export interface Moved {
  from: Standing | null;
  to: Standing;
}

export interface ReadMark {
  seq: number;
  inbound_count: number;
}

export interface InboxItem extends Conversation {
  my_read: ReadMark;
}

export interface Message {
  id: string;
  conversation: string;
  seq: number;
  direction: Direction;
  kind: MessageKind;
  text: string | null;
  author: Author;
  client_id: string | null;
  reply_to: string | null;
  attachments: Attachment[];
  reactions: { by: string; emoji: string; custom?: string | null }[];
  status: MessageStatus;
  error: { code: string; reason: string } | null;
  edited_at: number | null;
  deleted_at: number | null;
  provider_at: number | null;
  created_at: number;
  turn: string | null;
  data: Record<string, unknown> | null;
}

export interface Channel {
  id: string;
  tenant: string;
  company: string;
  kind: ChannelKind;
  name: string;
  state: "active" | "disabled";
  health: { state: string; detail: string | null; at: number } | null;
}

export interface Company {
  id: string;
  tenant: string;
  name: string;
}

export interface Colleague {
  id: string;
  name: string;
  role: Role;
  permissions: Permission[];
}

export type EventKind =
  | "message.created" | "message.updated" | "conversation.updated" | "turn.updated" | "channel.updated"
  | "conversation.read";

export interface Event {
  cursor: number;
  tenant: string;
  kind: EventKind;
  at: number;
  company: string | null;
  channel: string | null;
  conversation: Conversation | null;
  message: Message | null;
  turn: Turn | null;
  channel_state: Partial<Channel> | null;
  moved: Moved | null;
  read: (ReadMark & { user: string; conversation: string }) | null;
}

export interface Position {
  offset: number;
  epoch: string;
}

/** How many conversations each view holds. */
export interface Counts {
  all: number;
  mine: number;
  unassigned: number;
  ai: number;
  waiting: number;
  closed: number;
}

export interface InboxPage {
  conversations: InboxItem[];
  next: string | null;
  /** Of the first page only. */
  counts: Counts | null;
  positions: Record<string, Position>;
}

export interface CountsAnswer {
  counts: Counts;
  positions: Record<string, Position>;
}

export interface FoundContact {
  tenant: string;
  contact: Conversation["contact"];
  /** The newest one with the contact. */
  conversation: InboxItem;
}

export interface MessagePage {
  messages: Message[];
  more: boolean;
}

export interface Session {
  access_token: string;
  expires_at: number;
  /** Of programs; a browser has it in a cookie that pages cannot read. */
  refresh_token?: string | null;
  user: User;
  /** Names the installation: what the page keeps for this one is nothing to another. */
  installation: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  field?: string;
  code: string;
}

/** What the room of one conversation carries; none of it is stored. */
export type RoomFrame =
  | { kind: "turn.delta"; turn: string; attempt: number; index: number; text: string }
  | { kind: "typing"; user: { id: string; name: string }; at: number };

export interface ConnectData {
  user: User | null;
  /** `live` is false for a tenant whose feed is not pushed: the person sees too many of them. */
  tenants: { id: string; name: string; role: Role; live: boolean }[];
  now: number;
}
