-- Conversations by label, their own and their contact's, and how long leads are kept.

-- A label that a row of the inbox shows, with a copy of what lists of conversations are ordered by.
create table labelled (
  tenant uuid not null,
  label uuid not null,
  conversation uuid not null,
  contact uuid not null,
  channel uuid not null,
  bucket text not null,
  assignee uuid,
  updated_at bigint not null,
  waiting_since bigint,
  primary key (tenant, label, conversation),
  foreign key (tenant, conversation) references conversations (tenant, id)
);
create index labelled_by_activity on labelled (tenant, label, bucket, updated_at, conversation);
create index labelled_by_wait on labelled (tenant, label, bucket, waiting_since, conversation)
  where waiting_since is not null;
create index labelled_of_channel on labelled (tenant, label, channel, bucket, updated_at, conversation);
create index labelled_of_channel_by_wait on labelled (tenant, label, channel, bucket, waiting_since, conversation)
  where waiting_since is not null;
create index labelled_of_assignee on labelled (tenant, label, assignee, updated_at, conversation)
  where assignee is not null and bucket <> 'closed';
create index labelled_of_assignee_by_wait on labelled (tenant, label, assignee, waiting_since, conversation)
  where assignee is not null and waiting_since is not null;
create index labelled_of_conversation on labelled (tenant, conversation);
create index labelled_of_contact on labelled (tenant, contact);

insert into labelled (tenant, label, conversation, contact, channel, bucket, assignee, updated_at, waiting_since)
  select l.tenant, l.label, c.id, c.contact, c.channel, c.bucket, c.assignee, c.updated_at, c.waiting_since
  from conversation_labels l join conversations c on c.tenant = l.tenant and c.id = l.conversation;
insert into labelled (tenant, label, conversation, contact, channel, bucket, assignee, updated_at, waiting_since)
  select distinct l.tenant, l.label, c.id, c.contact, c.channel, c.bucket, c.assignee, c.updated_at, c.waiting_since
  from contact_labels l join contacts a on a.tenant = l.tenant and a.id = l.contact
  join contacts b on b.tenant = a.tenant and coalesce(b.merged_into, b.id) = coalesce(a.merged_into, a.id)
  join conversations c on c.tenant = b.tenant and c.contact = b.id
  where not exists (select 1 from labelled k where k.tenant = l.tenant and k.label = l.label and k.conversation = c.id);

-- Days that leads are kept; null: the installation's default.
alter table tenants add column lead_days bigint;
