-- Jobs wait in queues, and a lane's first job is known without looking at the others.

create table queues (
  id uuid not null,
  class bigint not null,
  tenant uuid not null,
  waiting bigint not null,
  running bigint not null,
  dead bigint not null,
  -- When its next job can run, as far as is known; the largest bigint: none, or nobody may.
  next_at bigint not null,
  -- Failures since the last success. From some number on only one job is tried at a time.
  failures bigint not null,
  blocked_until bigint,
  reason text,
  primary key (id, class)
);
create index queues_due on queues (class, next_at);

alter table jobs rename column priority to class;
alter table jobs add column queue uuid;
alter table jobs add column state text not null default 'ready';
alter table jobs add column payload text;
alter table jobs add column error text;
drop index jobs_of_lane;
drop index jobs_due;
update jobs set queue = coalesce(
  (select d.channel from deliveries d where d.id = jobs.subject),
  (select m.channel from attachments a join messages m on m.id = a.message where a.id = jobs.subject),
  (select m.channel from messages m where m.id = jobs.subject),
  tenant);
update jobs set state = 'behind' where exists (select 1 from jobs k where k.lane = jobs.lane and k.id <> jobs.id
  and (k.position < jobs.position or (k.position = jobs.position and k.id < jobs.id)));
update jobs set state = 'claimed' where claim is not null;
insert into queues (id, class, tenant, waiting, running, dead, next_at, failures)
  select j.queue, j.class, j.tenant, count(*), sum(case when j.claim is null then 0 else 1 end), 0, 0, 0
  from jobs j group by j.queue, j.class, j.tenant;
insert into queues (id, class, tenant, waiting, running, dead, next_at, failures, blocked_until, reason)
  select id, 1, tenant, 0, 0, 0, 9223372036854775807, 0, 9223372036854775807, 'the channel is paused' from channels
  where state = 'disabled'
  on conflict (id, class) do update set next_at = excluded.next_at, blocked_until = excluded.blocked_until,
  reason = excluded.reason;
create index jobs_of_lane on jobs (lane, position, id) where state = 'behind';
create index jobs_heads on jobs (lane) where state in ('ready', 'claimed');
create index jobs_ready on jobs (queue, class, run_at, id) where state = 'ready';
create index jobs_claimed on jobs (claimed_until) where state = 'claimed';
create index jobs_dead on jobs (tenant, id) where state = 'dead';
create index jobs_about on jobs (subject, kind);
create index jobs_by_age on jobs (kind, created_at, id) where state <> 'claimed';

-- Who waits, since when, and in which list of the inbox a conversation stands.

alter table conversations add column waiting_since bigint;
alter table conversations add column bucket text not null default 'closed';
update conversations set waiting_since = updated_at where state = 'open' and exists (select 1 from messages m
  where m.conversation = conversations.id and m.seq = conversations.last_seq and m.direction = 'in');
update conversations set bucket = case
  when state = 'closed' then 'closed'
  when owner = 'ai' then 'ai'
  when assignee is null and waiting_since is null then 'unassigned'
  when assignee is null then 'unassigned_waiting'
  when waiting_since is null then 'assigned'
  else 'assigned_waiting' end;
drop index conversations_by_activity;
create index conversations_by_activity on conversations (tenant, bucket, updated_at, id);
create index conversations_of_channel on conversations (channel, bucket, updated_at, id);
create index conversations_of_assignee on conversations (tenant, assignee, updated_at, id)
  where state = 'open' and assignee is not null;
create index conversations_of_assignee_by_wait on conversations (tenant, assignee, waiting_since, id)
  where waiting_since is not null and assignee is not null;
create index conversations_by_wait on conversations (tenant, bucket, waiting_since, id) where waiting_since is not null;
create index conversations_of_channel_by_wait on conversations (channel, bucket, waiting_since, id)
  where waiting_since is not null;
create index conversations_of_contact on conversations (contact, id);
create index conversations_of_chat on conversations (channel, external_id);

-- How many conversations stand where; every change of a conversation changes it in the same transaction.
create table tallies (
  tenant uuid not null,
  channel uuid not null,
  bucket text not null,
  -- The nil uuid: nobody.
  assignee uuid not null,
  amount bigint not null,
  primary key (tenant, channel, bucket, assignee)
);

-- What a contact is found by, in the form of the search, as UTF-8 bytes so that every engine orders it alike.
create table contact_terms (
  tenant uuid not null,
  term bytea not null,
  contact uuid not null references contacts (id),
  primary key (tenant, term, contact)
);
create index contact_terms_of_contact on contact_terms (contact);

-- The customer's messages up to and with this one: a read mark is then one row, not a count.
alter table messages add column inbound_count bigint not null default 0;
update messages set inbound_count = w.amount from (select id, sum(case when direction = 'in' then 1 else 0 end)
  over (partition by conversation order by seq) as amount from messages) w where w.id = messages.id;
create index message_answers on messages (conversation, seq) where direction = 'out' and status <> 'failed';

create index turns_open on turns (conversation) where state in ('collecting', 'offered');
create index turns_of_conversation on turns (conversation, id);
drop index turns_due;
create index turns_due on turns (due_at, id) where state = 'collecting';
create index turns_of_channel on turns (channel, due_at, id) where state = 'collecting';
drop index deliveries_in_flight;
create index deliveries_of_conversation on deliveries (conversation, state, id);
create index reads_of_user on reads (user_id);
create index pending_effects_by_age on pending_effects (created_at);
create index refresh_tokens_of_user on refresh_tokens (user_id, expires_at);
create index refresh_tokens_by_end on refresh_tokens (expires_at);
create index envelopes_of_channel on envelopes (channel, id);
create index users_of_platform on users (name, id) where platform_role is not null;

-- How long a tenant keeps what has an end, in days; nothing: as the installation does.
alter table tenants add column feed_days bigint;
alter table tenants add column envelope_days bigint;
alter table tenants add column attempt_days bigint
;
alter table attempts add column tenant uuid;
update attempts set tenant = (select d.tenant from deliveries d where d.id = attempts.delivery);
create index attempts_of_tenant on attempts (tenant, id)
