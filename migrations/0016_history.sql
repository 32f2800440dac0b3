-- Messages that left for MongoDB: what the store still knows of them.

-- How long MongoDB keeps a tenant's messages, in days; null: the installation's default.
alter table tenants add column history_days bigint;

-- The key of a message that left: the provider's repetition of it is still known.
create table left_messages (
  tenant uuid not null,
  channel uuid not null,
  external_key text not null,
  message uuid not null,
  primary key (tenant, channel, external_key),
  foreign key (tenant, channel) references channels (tenant, id)
);

-- How far messages were looked at that may leave, a row for each tenant. When all are, the look begins anew a day later.
create table history_looks (
  tenant uuid not null primary key references tenants (id),
  position uuid not null,
  begun_at bigint not null
);
