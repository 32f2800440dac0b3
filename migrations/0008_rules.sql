-- Rules of the road: who does not want to be written to, what a contact is told of privacy, and the templates that a
-- provider approved.

-- Since when the contact wants no messages on its channel, by the provider's time, and who said so: the customer's word, or
-- the person who noted it.
alter table contacts add column opted_out_at bigint;
alter table contacts add column opted_out_by text;

-- The privacy notice of a company. Each change is a new version; a version without texts is none.
create table privacy_notices (
  tenant uuid not null,
  company uuid not null,
  version bigint not null,
  -- The language of `texts` for contacts whose own it does not have.
  language text not null,
  -- Texts by language, a JSON object.
  texts text not null,
  -- Who wrote it.
  author uuid,
  created_at bigint not null,
  primary key (tenant, company, version),
  foreign key (tenant, company) references companies (tenant, id)
);

-- Which version a contact was told on a channel, by which message. Inserted with the message.
create table notice_receipts (
  tenant uuid not null,
  contact uuid not null,
  channel uuid not null,
  version bigint not null,
  company uuid not null,
  language text not null,
  message uuid not null,
  created_at bigint not null,
  primary key (tenant, contact, channel, company, version),
  foreign key (tenant, contact) references contacts (tenant, id),
  foreign key (tenant, channel) references channels (tenant, id)
);

-- Templates as the provider last told them.
create table templates (
  tenant uuid not null,
  channel uuid not null,
  name text not null,
  language text not null,
  category text not null,
  -- The provider's word: `APPROVED`, `PENDING`, `REJECTED`, `PAUSED`, `DISABLED`.
  state text not null,
  -- Its parts, a JSON array in the provider's form.
  components text not null,
  fetched_at bigint not null,
  primary key (tenant, channel, name, language),
  foreign key (tenant, channel) references channels (tenant, id)
);
