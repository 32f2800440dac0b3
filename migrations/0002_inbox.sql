create table contacts (
  id uuid primary key,
  tenant uuid not null references tenants (id),
  name text,
  handle text,
  created_at bigint not null,
  updated_at bigint not null
);

create table identities (
  channel uuid not null references channels (id),
  external_id text not null,
  contact uuid not null references contacts (id),
  tenant uuid not null,
  created_at bigint not null,
  primary key (channel, external_id)
);
create index identities_of_contact on identities (contact);

create table conversations (
  id uuid primary key,
  tenant uuid not null references tenants (id),
  company uuid not null references companies (id),
  channel uuid not null references channels (id),
  contact uuid not null references contacts (id),
  external_id text not null,
  is_group boolean not null,
  state text not null,
  owner text not null,
  epoch bigint not null,
  assignee uuid,
  handoff_reason text,
  last_seq bigint not null,
  inbound_count bigint not null,
  last_message text,
  opened_at bigint not null,
  updated_at bigint not null,
  closed_at bigint
);
create unique index one_open_conversation on conversations (channel, contact) where state = 'open';
create index conversations_by_activity on conversations (tenant, state, updated_at, id);

create table messages (
  id uuid primary key,
  tenant uuid not null,
  conversation uuid not null references conversations (id),
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
  reactions text not null
);
create unique index message_order on messages (conversation, seq);
create unique index message_once on messages (channel, external_key) where external_key is not null;
create unique index message_sent_once on messages (conversation, client_id) where client_id is not null;

create table attachments (
  id uuid primary key,
  tenant uuid not null,
  message uuid not null references messages (id),
  position bigint not null,
  kind text not null,
  mime text,
  name text,
  size bigint,
  state text not null,
  error text,
  source text not null,
  path text,
  created_at bigint not null
);
create index attachments_of_message on attachments (message, position);

create table pending_effects (
  id uuid primary key,
  tenant uuid not null,
  channel uuid not null,
  target_key text not null,
  event text not null,
  created_at bigint not null
);
create index pending_effects_of_target on pending_effects (channel, target_key, id);

create table envelopes (
  id uuid primary key,
  tenant uuid not null,
  channel uuid not null,
  body bytea not null,
  outcome text not null,
  error text,
  events bigint not null,
  received_at bigint not null,
  replayed_at bigint
);
create index envelopes_of_tenant on envelopes (tenant, id);

create table reads (
  conversation uuid not null references conversations (id),
  user_id uuid not null references users (id),
  seq bigint not null,
  inbound_count bigint not null,
  updated_at bigint not null,
  primary key (conversation, user_id)
);

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
