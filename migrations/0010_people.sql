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

-- Labels of a tenant.
create table labels (
  tenant uuid not null references tenants (id),
  id uuid not null,
  name text not null,
  colour text not null,
  created_at bigint not null,
  primary key (tenant, id)
);

create table contact_labels (
  tenant uuid not null,
  label uuid not null,
  contact uuid not null,
  primary key (tenant, label, contact),
  foreign key (tenant, contact) references contacts (tenant, id)
);
create index contact_labels_of_contact on contact_labels (tenant, contact);

create table conversation_labels (
  tenant uuid not null,
  label uuid not null,
  conversation uuid not null,
  primary key (tenant, label, conversation),
  foreign key (tenant, conversation) references conversations (tenant, id)
);
create index conversation_labels_of_conversation on conversation_labels (tenant, conversation);

-- What a tenant wants to know of its contacts, and what values that may have.
create table attributes (
  tenant uuid not null references tenants (id),
  id uuid not null,
  name text not null,
  kind text not null,
  rules text not null,
  created_at bigint not null,
  primary key (tenant, id)
);

-- What is known of a contact: JSON.
create table contact_attributes (
  tenant uuid not null,
  contact uuid not null,
  attribute uuid not null,
  value text not null,
  updated_at bigint not null,
  author_name text,
  primary key (tenant, contact, attribute),
  foreign key (tenant, contact) references contacts (tenant, id)
);

-- Notes about contacts, for people only.
create table contact_notes (
  tenant uuid not null,
  id uuid not null,
  contact uuid not null,
  text text not null,
  author uuid,
  author_name text,
  created_at bigint not null,
  edited_at bigint,
  primary key (tenant, id),
  foreign key (tenant, contact) references contacts (tenant, id)
);
create index contact_notes_of_contact on contact_notes (tenant, contact, id);

-- Words of a contact's attributes and notes, like the terms of `contact_terms`.
create table contact_words (
  tenant uuid not null,
  term bytea not null,
  contact uuid not null,
  primary key (tenant, term, contact),
  foreign key (tenant, contact) references contacts (tenant, id)
);
create index contact_words_of_contact on contact_words (tenant, contact, term);

create index identities_by_external_id on identities (tenant, external_id);
