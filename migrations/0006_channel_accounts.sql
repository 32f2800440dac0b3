-- Which channel has an account of a provider: a session of a server, a bot, a number. One at a time, over all tenants.

create table claims (
  provider text not null,
  -- As the provider's adapter names it, however the server's address is spelled.
  claim text not null,
  channel uuid not null references channels (id),
  tenant uuid not null,
  -- The account's server answered for it. What was only written down keeps it from no other tenant.
  proved boolean not null,
  claimed_at bigint not null,
  primary key (provider, claim)
);
create index claims_of_channel on claims (channel, claim);

-- Whether its account was looked for: channels from before the claims are, at the next start.
alter table channels add column claimed boolean not null default false;
-- An operator said where it is: only operators point it elsewhere.
alter table channels add column operated boolean not null default false;
create index channels_unclaimed on channels (id) where claimed = false
