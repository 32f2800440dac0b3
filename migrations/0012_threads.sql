-- Where in a chat a conversation is (a topic, a business connection), who lets a bot act in their place, and the user
-- name of a contact beside its phone number.

alter table conversations add column thread text not null default '';
drop index one_open_conversation;
create unique index one_open_conversation_of_thread on conversations (channel, contact, thread) where state = 'open';

-- Who gave the bot a business connection, as the provider said last. Few for a channel, and as many as its accounts.
create table connections (
  channel uuid not null references channels (id),
  external_id text not null,
  tenant uuid not null,
  owner text,
  enabled boolean not null,
  updated_at bigint not null,
  primary key (channel, external_id)
);

alter table contacts add column user_name text
