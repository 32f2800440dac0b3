-- The inbox: customers, their conversations and messages, the raw bodies they came in, and the feed.

-- A customer.
create table contacts (
  tenant uuid not null references tenants (id),
  id uuid not null,
  name text,
  handle text,
  -- The user name, also when the handle is a phone number.
  user_name text,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant, id)
);

-- The ids that a customer has on channels.
create table identities (
  tenant uuid not null,
  channel uuid not null,
  external_id text not null,
  contact uuid not null,
  created_at bigint not null,
  primary key (tenant, channel, external_id),
  foreign key (tenant, channel) references channels (tenant, id),
  foreign key (tenant, contact) references contacts (tenant, id)
);
create index identities_of_contact on identities (tenant, contact);

-- Search terms of contacts, normalised, as UTF-8 bytes so that both engines order them alike.
create table contact_terms (
  tenant uuid not null,
  term bytea not null,
  contact uuid not null,
  primary key (tenant, term, contact),
  foreign key (tenant, contact) references contacts (tenant, id)
);
create index contact_terms_of_contact on contact_terms (tenant, contact);

-- One contact on one channel, in one thread of it.
create table conversations (
  tenant uuid not null,
  id uuid not null,
  company uuid not null,
  channel uuid not null,
  contact uuid not null,
  external_id text not null,
  -- The thread within the chat: a topic, a business connection.
  thread text not null default '',
  -- The thread's title, a copy from `threads`.
  thread_title text,
  is_group boolean not null,
  state text not null,
  owner text not null,
  epoch bigint not null,
  assignee uuid,
  handoff_reason text,
  last_seq bigint not null,
  inbound_count bigint not null,
  last_message text,
  -- The list of the inbox, and since when the customer waits.
  bucket text not null default 'closed',
  waiting_since bigint,
  -- When the owner changed last, until when a phone message keeps the AI silent, and when the customer wrote last by the
  -- provider's time.
  owner_at bigint,
  silent_until bigint,
  heard_at bigint,
  opened_at bigint not null,
  updated_at bigint not null,
  closed_at bigint,
  primary key (tenant, id),
  foreign key (tenant, company) references companies (tenant, id),
  foreign key (tenant, channel) references channels (tenant, id),
  foreign key (tenant, contact) references contacts (tenant, id)
);
create unique index one_open_conversation on conversations (tenant, channel, contact, thread) where state = 'open';
create index conversations_by_id on conversations (id);
create index conversations_by_activity on conversations (tenant, bucket, updated_at, id);
create index conversations_by_wait on conversations (tenant, bucket, waiting_since, id) where waiting_since is not null;
create index conversations_of_channel on conversations (tenant, channel, bucket, updated_at, id);
create index conversations_of_channel_by_wait on conversations (tenant, channel, bucket, waiting_since, id)
  where waiting_since is not null;
create index conversations_of_assignee on conversations (tenant, assignee, updated_at, id)
  where state = 'open' and assignee is not null;
create index conversations_of_assignee_by_wait on conversations (tenant, assignee, waiting_since, id)
  where waiting_since is not null and assignee is not null;
create index conversations_of_contact on conversations (tenant, contact, id);
create index conversations_of_chat on conversations (tenant, channel, external_id);
create index conversations_silent on conversations (silent_until, id) where silent_until is not null;

-- Titles of threads (topics), for conversations that are opened later.
create table threads (
  tenant uuid not null,
  channel uuid not null,
  chat text not null,
  thread text not null,
  title text not null,
  -- When the title was set, by the provider's time; 0 if unknown.
  titled_at bigint not null,
  primary key (tenant, channel, chat, thread),
  foreign key (tenant, channel) references channels (tenant, id)
);

-- The number of conversations per list, updated in the transaction of every change.
create table tallies (
  tenant uuid not null,
  channel uuid not null,
  bucket text not null,
  -- The nil uuid: unassigned.
  assignee uuid not null,
  amount bigint not null,
  primary key (tenant, channel, bucket, assignee)
);

-- Entries of conversations, in and out; `seq` is gap-free in a conversation.
create table messages (
  tenant uuid not null,
  id uuid not null,
  conversation uuid not null,
  channel uuid not null,
  seq bigint not null,
  direction text not null,
  kind text not null,
  text text,
  author_kind text not null,
  author_id text,
  author_name text,
  client_id text,
  client_digest text,
  external_key text,
  external_id text,
  reply_to uuid,
  status text not null,
  error_code text,
  error_reason text,
  edited_at bigint,
  deleted_at bigint,
  provider_at bigint,
  created_at bigint not null,
  turn uuid,
  data text,
  reactions text not null,
  -- The number of the customer's messages up to and including this one, so that a read mark needs no count.
  inbound_count bigint not null default 0,
  -- The times that a later edit or reaction must exceed: events of a message are ordered by when they happened.
  marks text,
  primary key (tenant, id),
  foreign key (tenant, conversation) references conversations (tenant, id)
);
create unique index message_order on messages (tenant, conversation, seq);
create unique index message_once on messages (tenant, channel, external_key) where external_key is not null;
create unique index message_sent_once on messages (tenant, conversation, client_id) where client_id is not null;
create index message_answers on messages (tenant, conversation, seq) where direction = 'out' and status <> 'failed';

-- Files of messages.
create table attachments (
  tenant uuid not null,
  id uuid not null,
  message uuid not null,
  position bigint not null,
  kind text not null,
  mime text,
  name text,
  size bigint,
  state text not null,
  error text,
  source text not null,
  path text,
  created_at bigint not null,
  primary key (tenant, id),
  foreign key (tenant, message) references messages (tenant, id)
);
create index attachments_by_id on attachments (id);
create index attachments_of_message on attachments (tenant, message, position);

-- How far each user has read each conversation.
create table reads (
  tenant uuid not null,
  conversation uuid not null,
  user_id uuid not null references users (id),
  seq bigint not null,
  inbound_count bigint not null,
  updated_at bigint not null,
  primary key (tenant, conversation, user_id),
  foreign key (tenant, conversation) references conversations (tenant, id)
);

-- Edits, reactions and statuses that arrived before their message.
create table pending_changes (
  tenant uuid not null,
  id uuid not null,
  channel uuid not null,
  target_key text not null,
  event text not null,
  created_at bigint not null,
  primary key (tenant, id),
  foreign key (tenant, channel) references channels (tenant, id)
);
create index pending_changes_of_target on pending_changes (tenant, channel, target_key, id);
create index pending_changes_of_channel on pending_changes (tenant, channel, id);
create index pending_changes_by_age on pending_changes (created_at);

-- The number of pending changes per channel, updated with every change.
create table waiting_changes (
  tenant uuid not null,
  channel uuid not null,
  amount bigint not null,
  primary key (tenant, channel),
  foreign key (tenant, channel) references channels (tenant, id)
);

-- Raw webhook bodies, with the outcome of their processing.
create table envelopes (
  tenant uuid not null,
  id uuid not null,
  channel uuid not null,
  body bytea not null,
  outcome text not null,
  error text,
  events bigint not null,
  received_at bigint not null,
  replayed_at bigint,
  primary key (tenant, id)
);
create index envelopes_of_channel on envelopes (tenant, channel, id);

-- The feed of a tenant under a gap-free cursor.
create table events (
  tenant uuid not null,
  cursor_at bigint not null,
  kind text not null,
  company uuid,
  channel uuid,
  user_id uuid,
  created_at bigint not null,
  data text not null,
  primary key (tenant, cursor_at)
);

-- The search index. Its tokens are in `search_tokens`, which each engine has in its own way (`store/dialect.rs`). A block is
-- a run of documents of one tenant; its number begins each of their tokens.
create table search_blocks (
  tenant uuid not null references tenants (id),
  -- The order of the blocks, newest last. Those below 0 were filled backwards from what was stored already.
  place bigint not null,
  block bigint not null,
  documents bigint not null,
  -- The times of its oldest and its newest document.
  first_at bigint not null,
  last_at bigint not null,
  primary key (tenant, place)
);

-- Documents of the search index: messages, notes, and conversations by their title. The number holds the block.
create table search_documents (
  tenant uuid not null,
  document bigint not null,
  -- The id of the message or the conversation.
  subject uuid not null,
  primary key (tenant, document)
);
create unique index search_documents_of_subject on search_documents (tenant, subject);
