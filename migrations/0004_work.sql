-- Work: turns for the AI, deliveries to providers, jobs and their queues.
--
-- Indexes here without the tenant serve sweeps, which search the whole installation for due rows.

-- Consecutive messages of a customer that are answered together.
create table turns (
  tenant uuid not null,
  id uuid not null,
  company uuid not null,
  channel uuid not null,
  conversation uuid not null,
  state text not null,
  epoch bigint not null,
  first_seq bigint not null,
  last_seq bigint not null,
  message_count bigint not null,
  window_at bigint not null,
  due_at bigint not null,
  attempt bigint not null,
  supersedes bigint not null,
  lease uuid,
  lease_until bigint,
  reason text,
  opened_at bigint not null,
  closed_at bigint,
  primary key (tenant, id),
  foreign key (tenant, conversation) references conversations (tenant, id)
);
create unique index one_collecting_turn on turns (tenant, conversation) where state = 'collecting';
create unique index one_offered_turn on turns (tenant, conversation) where state = 'offered';
create index turns_open on turns (tenant, conversation) where state in ('collecting', 'offered');
create index turns_of_channel on turns (tenant, channel, due_at, id) where state = 'collecting';
create index turns_due on turns (due_at, id) where state = 'collecting';
create index turns_leased on turns (lease_until) where state = 'offered';

-- The parts of outgoing messages.
create table deliveries (
  tenant uuid not null,
  id uuid not null,
  channel uuid not null,
  conversation uuid not null,
  message uuid not null,
  part bigint not null,
  parts bigint not null,
  payload text not null,
  state text not null,
  reserved_id text,
  external_key text,
  external_id text,
  tries bigint not null,
  error_code text,
  error_reason text,
  -- Since when it is uncertain whether the part was sent; null when that is settled.
  begun_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant, id),
  foreign key (tenant, message) references messages (tenant, id)
);
create unique index delivery_part on deliveries (tenant, message, part);
create unique index delivery_once on deliveries (tenant, channel, external_key) where external_key is not null;
create index deliveries_of_conversation on deliveries (tenant, conversation, state, id);
create index deliveries_begun on deliveries (tenant, conversation, begun_at, id) where begun_at is not null;

-- Attempts to send a part.
create table attempts (
  tenant uuid not null,
  id uuid not null,
  delivery uuid not null,
  started_at bigint not null,
  finished_at bigint,
  outcome text,
  code text,
  reason text,
  primary key (tenant, id),
  foreign key (tenant, delivery) references deliveries (tenant, id)
);
create index attempts_of_delivery on attempts (tenant, delivery, id);

-- Jobs wait in queues, one for each channel and class of work. The installation's own queue has the nil uuid as its
-- tenant, so that `tenant` is no foreign key here and in `jobs`.
create table queues (
  tenant uuid not null,
  id uuid not null,
  class bigint not null,
  waiting bigint not null,
  running bigint not null,
  dead bigint not null,
  -- When the queue's next job can run, as far as known; the largest bigint: never.
  next_at bigint not null,
  -- Consecutive failures. From a certain number on the queue is tried with one job at a time.
  failures bigint not null,
  blocked_until bigint,
  reason text,
  primary key (tenant, id, class)
);
create index queues_due on queues (class, next_at);

-- The first job of a lane is `ready` or `claimed`, the later ones are `behind`, so that it is found without a search.
create table jobs (
  tenant uuid not null,
  id uuid not null,
  queue uuid not null,
  class bigint not null,
  lane text not null,
  kind text not null,
  subject uuid not null,
  payload text,
  position bigint not null,
  state text not null,
  run_at bigint not null,
  tries bigint not null,
  claim uuid,
  claimed_until bigint,
  error text,
  created_at bigint not null,
  primary key (tenant, id)
);
create index jobs_of_lane on jobs (tenant, lane, position, id) where state = 'behind';
create index jobs_heads on jobs (tenant, lane) where state in ('ready', 'claimed');
create index jobs_ready on jobs (tenant, queue, class, run_at, id) where state = 'ready';
create index jobs_dead on jobs (tenant, id) where state = 'dead';
create index jobs_about on jobs (tenant, subject, kind);
create index jobs_claimed on jobs (claimed_until) where state = 'claimed';
create index jobs_by_age on jobs (kind, created_at, id) where state <> 'claimed';

-- How far each consumer of the feed has come in a tenant.
create table consumer_cursors (
  tenant uuid not null references tenants (id),
  consumer text not null,
  -- The version of the consumer that wrote its effects; another one begins anew.
  version bigint not null,
  state text not null,
  -- The cursor of the last event whose effects are committed.
  cursor_at bigint not null,
  -- While it builds itself from what is stored: what lies below is still to come.
  position uuid,
  -- Consecutive failures, when it is tried again, and why it failed.
  failures bigint not null,
  retry_at bigint,
  reason text,
  updated_at bigint not null,
  primary key (tenant, consumer)
);
