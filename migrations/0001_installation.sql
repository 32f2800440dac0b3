-- The installation: what is there before any tenant is known.
--
-- One text for SQLite and PostgreSQL: portable types only (uuid, bigint, boolean, text, bytea), times as
-- Unix milliseconds, documents as JSON text.
--
-- A table of a tenant has `tenant` first in its primary key, its unique indexes and its foreign keys. The tables of this
-- file are the others; none of them has a foreign key into a table of a tenant, which may be on another node.

-- One row: which past the database has (`epoch`), and by what browsers know the installation.
create table installation (
  id bigint primary key,
  epoch text not null,
  created_at bigint not null,
  -- Unlike the epoch it never changes.
  identity text
);

-- A business account. Its row is the lock of everything that is the tenant's.
create table tenants (
  id uuid primary key,
  name text not null,
  -- The cursor of the newest event.
  next_cursor bigint not null default 0,
  created_at bigint not null,
  -- How long it keeps what has an end, in days; nothing: as the installation does.
  feed_days bigint,
  envelope_days bigint,
  attempt_days bigint,
  -- What it has stored of files, counted along with every change, and how much it may; nothing: as the installation says.
  stored_bytes bigint not null default 0,
  stored_files bigint not null default 0,
  max_stored_bytes bigint,
  max_stored_files bigint
);

-- People. One may be a member of many tenants.
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
create index users_of_platform on users (name, id) where platform_role is not null;

-- One sign-in on one device: how far its refresh tokens have come, and when it ends.
create table sessions (
  -- The `family` of its refresh tokens.
  id uuid primary key,
  user_id uuid not null references users (id),
  started_at bigint not null,
  -- Of the newest of its refresh tokens.
  expires_at bigint not null,
  ended_at bigint,
  -- The newest generation of refresh tokens of which one was used, which one that was, and how often.
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
  -- How many uses lie between the sign-in and this token.
  generation bigint not null default 0
);
create index refresh_tokens_by_end on refresh_tokens (expires_at);

-- To which channel the secret part of a webhook's address leads.
create table hook_paths (
  token text primary key,
  tenant uuid not null,
  channel uuid not null
);

-- Which API key has a digest.
create table key_digests (
  digest text primary key,
  tenant uuid not null,
  api_key uuid not null
);

-- Which channel has an account of a provider: a session of a server, a bot, a number. One at a time, over all tenants.
create table claims (
  provider text not null,
  -- As the provider's adapter names it, however the server's address is spelled.
  claim text not null,
  tenant uuid not null,
  channel uuid not null,
  -- The account's server answered for it. What was only written down keeps it from no other tenant.
  proved boolean not null,
  claimed_at bigint not null,
  primary key (provider, claim)
);
create index claims_of_channel on claims (tenant, channel, claim);
