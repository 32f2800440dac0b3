-- The installation: what is there before any tenant is known.
--
-- One text for SQLite and PostgreSQL: portable types only (uuid, bigint, boolean, text, bytea), times as
-- Unix milliseconds, documents as JSON text.
--
-- A table of a tenant has `tenant` first in its primary key, its unique indexes and its foreign keys. The tables of this
-- file are the others; none of them has a foreign key into a table of a tenant, which may be on another node.

-- One row: the epoch of the database's history, and the identity by which browsers know the installation.
create table installation (
  id bigint primary key,
  epoch text not null,
  created_at bigint not null,
  -- Unlike the epoch, it never changes.
  identity text,
  -- The number of the newest block of the search index.
  search_blocks bigint not null default 0
);

-- A business account. The lock on its row protects all of the tenant's data.
create table tenants (
  id uuid primary key,
  name text not null,
  -- The cursor of the newest event.
  next_cursor bigint not null default 0,
  created_at bigint not null,
  -- Retention in days; null: the installation's default.
  feed_days bigint,
  envelope_days bigint,
  attempt_days bigint,
  -- Usage of file storage, updated with every change, and its limits; null: the installation's default.
  stored_bytes bigint not null default 0,
  stored_files bigint not null default 0,
  max_stored_bytes bigint,
  max_stored_files bigint
);

-- Users. A user may be a member of many tenants.
create table users (
  id uuid primary key,
  email text not null unique,
  name text not null,
  password_hash text not null,
  platform_role text,
  active boolean not null,
  created_at bigint not null,
  -- When the user's rights changed last.
  rights_at bigint not null
);
create index users_by_rights on users (rights_at);
create index users_of_platform on users (name, id) where platform_role is not null;

-- One sign-in on one device: the state of its refresh tokens, and when it ends.
create table sessions (
  -- The `family` of its refresh tokens.
  id uuid primary key,
  user_id uuid not null references users (id),
  started_at bigint not null,
  -- The expiry of its newest refresh token.
  expires_at bigint not null,
  ended_at bigint,
  -- The newest generation of which a token was used, that token, and how often it was used.
  generation bigint not null,
  head uuid,
  renewals bigint not null
);
create index sessions_of_user on sessions (user_id);
create index sessions_by_end on sessions (expires_at);

-- Refresh tokens, by digest.
create table refresh_tokens (
  id uuid primary key,
  family uuid not null,
  user_id uuid not null references users (id),
  digest text not null unique,
  expires_at bigint not null,
  created_at bigint not null,
  -- The number of renewals between the sign-in and this token.
  generation bigint not null default 0
);
create index refresh_tokens_by_end on refresh_tokens (expires_at);

-- The channel of the secret token in a webhook's URL.
create table hook_paths (
  token text primary key,
  tenant uuid not null,
  channel uuid not null
);

-- The API key of a digest.
create table key_digests (
  digest text primary key,
  tenant uuid not null,
  api_key uuid not null
);

-- The channel that uses a provider account (a session of a server, a bot, a number). One channel per account, over
-- all tenants.
create table claims (
  provider text not null,
  -- The account's name as normalised by the provider's adapter, however the server's address is spelled.
  claim text not null,
  tenant uuid not null,
  channel uuid not null,
  -- Whether the account's server confirmed it. An unconfirmed claim does not keep another tenant from the account.
  proved boolean not null,
  claimed_at bigint not null,
  primary key (provider, claim)
);
create index claims_of_channel on claims (tenant, channel, claim);
