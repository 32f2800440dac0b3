-- A tenant's companies, members with their roles, API keys and channels.
--
-- `…_by_id` indexes serve platform users and the command line, who name a row without its tenant; no other statement
-- uses them.

-- A brand of the tenant.
create table companies (
  tenant uuid not null references tenants (id),
  id uuid not null,
  name text not null,
  kind text not null,
  created_at bigint not null,
  primary key (tenant, id)
);
create index companies_by_id on companies (id);

-- The role of a user in a tenant.
create table memberships (
  tenant uuid not null references tenants (id),
  user_id uuid not null references users (id),
  role text not null,
  -- JSON list of company ids; null means the whole tenant.
  companies text,
  created_at bigint not null,
  primary key (tenant, user_id)
);
create index memberships_of_user on memberships (user_id);

-- API keys. Their digests are in `key_digests`.
create table api_keys (
  tenant uuid not null references tenants (id),
  id uuid not null,
  name text not null,
  role text not null,
  -- The key's beginning, by which people tell keys apart.
  hint text not null,
  created_at bigint not null,
  revoked_at bigint,
  primary key (tenant, id)
);
create index api_keys_by_id on api_keys (id);
create index api_keys_by_revocation on api_keys (revoked_at);

-- Connected accounts of providers.
create table channels (
  tenant uuid not null,
  id uuid not null,
  company uuid not null,
  kind text not null,
  name text not null,
  state text not null,
  -- As it is in `hook_paths`.
  hook_token text not null,
  sealed text not null,
  settings text not null,
  health text,
  -- An operator set the provider's address: only operators may change it.
  operated boolean not null default false,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant, id),
  foreign key (tenant, company) references companies (tenant, id)
);
create index channels_by_id on channels (id);

-- The owners of business connections, as the provider last reported them. A channel has as many as its bot has
-- accounts.
create table connections (
  tenant uuid not null,
  channel uuid not null,
  external_id text not null,
  owner text,
  enabled boolean not null,
  updated_at bigint not null,
  primary key (tenant, channel, external_id),
  foreign key (tenant, channel) references channels (tenant, id)
);
