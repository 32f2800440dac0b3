-- One text for SQLite and PostgreSQL: portable types only (uuid, bigint, boolean, text, bytea), times as
-- Unix milliseconds, documents as JSON text.

create table installation (
  id bigint primary key,
  epoch text not null,
  created_at bigint not null
);

create table tenants (
  id uuid primary key,
  name text not null,
  next_cursor bigint not null default 0,
  created_at bigint not null
);

create table companies (
  id uuid primary key,
  tenant uuid not null references tenants (id),
  name text not null,
  kind text not null,
  created_at bigint not null
);
create index companies_of_tenant on companies (tenant, id);

create table users (
  id uuid primary key,
  email text not null unique,
  name text not null,
  password_hash text not null,
  platform_role text,
  active boolean not null,
  created_at bigint not null,
  -- When what this user may do changed last.
  rights_at bigint not null
);
create index users_by_rights on users (rights_at);

create table memberships (
  tenant uuid not null references tenants (id),
  user_id uuid not null references users (id),
  role text not null,
  companies text,
  created_at bigint not null,
  primary key (tenant, user_id)
);
create index memberships_of_user on memberships (user_id);

create table refresh_tokens (
  id uuid primary key,
  family uuid not null,
  user_id uuid not null references users (id),
  digest text not null unique,
  expires_at bigint not null,
  used_at bigint,
  revoked_at bigint,
  created_at bigint not null
);
create index refresh_tokens_of_family on refresh_tokens (family);

create table api_keys (
  id uuid primary key,
  tenant uuid not null references tenants (id),
  name text not null,
  role text not null,
  hint text not null,
  digest text not null unique,
  created_at bigint not null,
  revoked_at bigint
);
create index api_keys_by_revocation on api_keys (revoked_at);
create index api_keys_of_tenant on api_keys (tenant, id);

create table channels (
  id uuid primary key,
  tenant uuid not null references tenants (id),
  company uuid not null references companies (id),
  kind text not null,
  name text not null,
  state text not null,
  hook_token text not null unique,
  sealed text not null,
  settings text not null,
  health text,
  created_at bigint not null,
  updated_at bigint not null
);
create index channels_of_tenant on channels (tenant, id);
