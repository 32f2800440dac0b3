create table turns (
  id uuid primary key,
  tenant uuid not null,
  company uuid not null,
  channel uuid not null,
  conversation uuid not null references conversations (id),
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
  closed_at bigint
);
create unique index one_collecting_turn on turns (conversation) where state = 'collecting';
create unique index one_offered_turn on turns (conversation) where state = 'offered';
create index turns_due on turns (due_at) where state = 'collecting';
create index turns_leased on turns (lease_until) where state = 'offered';

create table deliveries (
  id uuid primary key,
  tenant uuid not null,
  channel uuid not null,
  conversation uuid not null,
  message uuid not null references messages (id),
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
  created_at bigint not null,
  updated_at bigint not null
);
create unique index delivery_part on deliveries (message, part);
create unique index delivery_once on deliveries (channel, external_key) where external_key is not null;
create index deliveries_in_flight on deliveries (conversation, state);

create table attempts (
  id uuid primary key,
  delivery uuid not null references deliveries (id),
  started_at bigint not null,
  finished_at bigint,
  outcome text,
  code text,
  reason text
);
create index attempts_of_delivery on attempts (delivery, id);

create table jobs (
  id uuid primary key,
  tenant uuid not null,
  lane text not null,
  kind text not null,
  subject uuid not null,
  position bigint not null,
  priority bigint not null,
  run_at bigint not null,
  tries bigint not null,
  claim uuid,
  claimed_until bigint,
  created_at bigint not null
);
create index jobs_of_lane on jobs (lane, position, id);
create index jobs_due on jobs (priority, run_at);
