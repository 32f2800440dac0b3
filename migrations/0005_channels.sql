-- What connecting accounts of all providers needs: apps of providers, where reading of news stopped, how channels fared,
-- and sign-ins under way.

-- An app of a provider (a Meta app, a Google client), through which channels are connected. Those without a tenant are the
-- pool, or serve all tenants.
create table apps (
  id uuid primary key,
  -- `meta` or `google`.
  family text not null,
  name text not null,
  -- `draft`, `in_review`, `approved`, `assigned` or `retired`.
  state text not null,
  tenant uuid,
  -- The id at the provider: what a client sees, and the key of deliveries.
  external_id text not null,
  -- The settings and secrets, encrypted.
  sealed text not null,
  created_at bigint not null,
  updated_at bigint not null
);
create unique index apps_by_external_id on apps (family, external_id);
create index apps_by_state on apps (family, state, created_at, id);
create index apps_of_tenant on apps (tenant, family, id);

-- The app through which a channel is connected.
alter table channels add column app uuid;
create index channels_of_app on channels (app, tenant, id);

-- What several channels have in common at their provider, such as the business account of several numbers: deliveries
-- about it are for each of them. Only what the provider confirmed.
create table shared_accounts (
  provider text not null,
  -- As the provider's adapter normalises it.
  claim text not null,
  tenant uuid not null,
  channel uuid not null,
  primary key (provider, claim, tenant, channel)
);
create index shared_accounts_of_channel on shared_accounts (tenant, channel, claim);

-- Where the reading of what a provider does not deliver stopped.
create table channel_cursors (
  tenant uuid not null,
  channel uuid not null,
  cursor text not null,
  updated_at bigint not null,
  primary key (tenant, channel),
  foreign key (tenant, channel) references channels (tenant, id)
);

-- When a channel is looked at next; null: it is not connected. And how many looks in a row got no answer.
alter table channels add column look_at bigint;
alter table channels add column looks_failed bigint not null default 0;
update channels set look_at = 0 where health is not null;
create index channels_to_look_at on channels (look_at, tenant, id);

-- How a channel fared: a row for each change of its health.
create table channel_health (
  tenant uuid not null,
  channel uuid not null,
  id uuid not null,
  -- Since when, as the provider tells it; `id` is the order in which it became known.
  at bigint not null,
  state text not null,
  code text,
  detail text,
  action text,
  primary key (tenant, channel, id),
  foreign key (tenant, channel) references channels (tenant, id)
);
create index channel_health_by_age on channel_health (at);

-- People who were sent to a provider to sign in, and the accounts that they may choose among.
create table sign_ins (
  -- The digest of the state that comes back with the browser.
  digest text primary key,
  tenant uuid not null,
  company uuid not null,
  -- Whose browser it is.
  by_user uuid not null,
  -- Set when an existing channel is connected anew.
  channel uuid,
  provider text not null,
  app uuid not null,
  -- `open`, `chosen` or `failed`; with the choices, encrypted, or the reason.
  state text not null,
  sealed text,
  expires_at bigint not null
);
create index sign_ins_by_end on sign_ins (expires_at);

-- What left a channel last, to notice that nothing is confirmed any more.
create index deliveries_of_channel on deliveries (tenant, channel, id);

-- Positions in the feed before this cursor were reached while the channel was of another company; the largest bigint: it has
-- just moved, and sessions are being renewed; 0: it never moved. What belongs to a channel is of the channel's company:
-- `company` of conversations, turns and events is the one at their making.
alter table channels add column moved_at bigint not null default 0;
