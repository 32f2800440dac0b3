-- Where customers come from: tracked links, their visits, what led a customer here, and leads of landing pages.

-- The address of a visitor's browser holds only this code: a directory, as `hook_paths` is.
create table link_codes (
  code text primary key,
  tenant uuid not null,
  link uuid not null
);

-- A tracked link: `/l/{code}` opens a chat with the channel. It is of the channel's company.
create table links (
  tenant uuid not null,
  id uuid not null,
  channel uuid not null,
  -- As it is in `link_codes`.
  code text not null,
  name text not null,
  -- Whom the chat is with, as the channel's provider names it in addresses: digits of a phone, a user name.
  target text not null,
  -- What the customer finds written, without the reference.
  prefilled text,
  -- JSON: source, medium, campaign, term, content.
  utm text not null,
  campaign text,
  active boolean not null,
  expires_at bigint,
  -- Visits of people, and chats that began by a reference of the link.
  visits bigint not null default 0,
  chats bigint not null default 0,
  visited_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant, id),
  foreign key (tenant, channel) references channels (tenant, id)
);

-- Visits of a link on a day (days since 1970, UTC). Nothing of a visitor is kept.
create table visits (
  tenant uuid not null,
  link uuid not null,
  day bigint not null,
  amount bigint not null,
  primary key (tenant, link, day)
);
create index visits_by_age on visits (day);

-- A reference that a visitor was given, until the first message brings it back. Short-lived: see `growth/reference.rs`.
create table clicks (
  tenant uuid not null,
  reference text not null,
  link uuid not null,
  channel uuid not null,
  -- JSON: the link's, completed by those of the visitor's address.
  utm text not null,
  clicked_at bigint not null,
  used_at bigint,
  primary key (tenant, reference)
);
create index clicks_by_age on clicks (clicked_at);

-- What led a contact here, each time: a link, an advertisement, a lead.
create table touches (
  tenant uuid not null,
  id uuid not null,
  contact uuid not null,
  channel uuid not null,
  -- Null: it came before a conversation was open, which the next one takes over.
  conversation uuid,
  kind text not null,
  -- What tells it from others of the contact, where the provider repeats it: the click's id of an advertisement.
  touch_key text,
  -- The message that brought it, by its key at the provider, and the reference that was taken out of its text.
  message_key text,
  reference text,
  link uuid,
  -- JSON: the source as it was then.
  source text not null,
  -- JSON: what the provider told besides.
  data text,
  at bigint not null,
  primary key (tenant, id),
  foreign key (tenant, contact) references contacts (tenant, id),
  foreign key (tenant, channel) references channels (tenant, id)
);
create unique index touch_once on touches (tenant, contact, touch_key) where touch_key is not null;
create index touches_of_contact on touches (tenant, contact, id);
create index touches_of_message on touches (tenant, channel, message_key) where message_key is not null;
create index touches_unjoined on touches (tenant, contact, channel, id) where conversation is null;

-- The first touch of the conversation, as JSON.
alter table conversations add column source text;

-- Names of sources as people write them, in lower case, and the one name that is meant.
create table source_names (
  tenant uuid not null,
  alias text not null,
  name text not null,
  primary key (tenant, alias)
);
-- A landing page that signs its leads with a secret of its own.
create table lead_sources (
  tenant uuid not null,
  id uuid not null,
  company uuid,
  name text not null,
  sealed text not null,
  created_at bigint not null,
  primary key (tenant, id),
  foreign key (tenant, company) references companies (tenant, id)
);
create unique index lead_source_names on lead_sources (tenant, name);
create index lead_sources_by_id on lead_sources (id);

-- Somebody who left an address on a landing page.
create table leads (
  tenant uuid not null,
  id uuid not null,
  company uuid,
  source text not null,
  external_id text,
  -- Of what the person wrote: two within ten minutes are one.
  digest text not null,
  name text,
  email text,
  phone text,
  -- Whom it turned out to be.
  contact uuid,
  -- JSON objects.
  fields text not null,
  utm text not null,
  click_ids text not null,
  landing text,
  referrer text,
  consent text,
  consent_at bigint,
  at bigint not null,
  primary key (tenant, id),
  foreign key (tenant, company) references companies (tenant, id),
  foreign key (tenant, contact) references contacts (tenant, id)
);
create unique index lead_once on leads (tenant, source, external_id) where external_id is not null;
create index leads_by_digest on leads (tenant, source, digest, at);
