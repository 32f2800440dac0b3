-- A session, which is one sign-in on one device, is a row: how far its refresh tokens have come, and when it ends.

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
insert into sessions (id, user_id, started_at, expires_at, ended_at, generation, head, renewals)
  select f.family, f.user_id, min(f.created_at), max(f.expires_at), max(f.revoked_at), 0, (
    select t.id from refresh_tokens t where t.family = f.family and t.used_at is not null
    order by t.used_at desc, t.id desc limit 1), 1
  from refresh_tokens f group by f.family, f.user_id;
create index sessions_of_user on sessions (user_id);
create index sessions_by_end on sessions (expires_at);

-- How many uses lie between the sign-in and a token. Of sessions from before only two are known: what was used, and
-- what can be used next.
alter table refresh_tokens add column generation bigint not null default 0;
update refresh_tokens set generation = 1 where used_at is null;
drop index refresh_tokens_of_family;
drop index refresh_tokens_of_user;
alter table refresh_tokens drop column used_at;
alter table refresh_tokens drop column revoked_at;

-- By what browsers tell installations apart that have one address. Unlike the epoch it never changes.
alter table installation add column identity text;
