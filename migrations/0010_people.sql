-- People: contacts that are one person, what is known of them, and who is blocked.

-- The contact as which a merged one is seen; null: as itself. Derived from `contact_merges`, never a chain: undoing a merge
-- sets it back. Identities, conversations and messages keep their own contact.
alter table contacts add column merged_into uuid;
-- Others are merged into this one.
alter table contacts add column has_merged boolean not null default false;
-- Since when nothing is sent to it.
alter table contacts add column blocked_at bigint;
-- JSON lists of the labels in `contact_labels` and `conversation_labels`, so that a list row needs no join.
alter table contacts add column labels text;
alter table conversations add column labels text;
create index contacts_merged on contacts (tenant, merged_into) where merged_into is not null;

-- Where the company's customers are: two letters, for numbers without a country code.
alter table companies add column country text;

-- Reasons for which two contacts are one person. The active ones, in the order of their ids, say which contacts are one.
create table contact_merges (
  tenant uuid not null,
  id uuid not null,
  contact uuid not null,
  into_contact uuid not null,
  -- `person`, `hidden_id` or `chat_moved`.
  kind text not null,
  -- `active`, `undone`, `asked` (a person has to decide) or `refused`.
  state text not null,
  -- The person, if one did it.
  author text,
  -- The proof: on which channel, the two ids, and the key of the message that told it.
  channel uuid,
  ids text,
  message_key text,
  created_at bigint not null,
  decided_at bigint,
  decided_by text,
  primary key (tenant, id),
  foreign key (tenant, contact) references contacts (tenant, id),
  foreign key (tenant, into_contact) references contacts (tenant, id)
);
create index contact_merges_of_contact on contact_merges (tenant, contact, id);
create index contact_merges_of_into on contact_merges (tenant, into_contact, id);
