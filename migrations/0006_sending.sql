-- Sending: when a part left, the ids of its earlier tries, the pace of a channel, and how often a machine answered an
-- address.

-- When the part left, by the provider's time where it tells it.
alter table deliveries add column sent_at bigint;
-- The ids that the provider gave to tries before the present one, as a JSON array.
alter table deliveries add column former_keys text;
create index deliveries_sent on deliveries (tenant, conversation, state, sent_at, id) where sent_at is not null;

-- When the next call of the channel is due within its provider's rate, Unix microseconds. Only sends are counted.
alter table queues add column free_at_us bigint not null default 0;

drop index conversations_of_chat;
create index conversations_of_chat on conversations (tenant, channel, external_id, id);

-- How often the provider was asked in vain who the customer is, and when it was last.
alter table contacts add column profile_asks bigint not null default 0;
alter table contacts add column profile_asked_at bigint;
-- When the name and the handles were last told differently, by the provider's time.
alter table contacts add column described_at bigint;

-- Answers of machines to an address of a mail channel, within an hour.
create table automatic_answers (
  tenant uuid not null,
  channel uuid not null,
  -- The customer's id at the provider.
  address text not null,
  since_at bigint not null,
  amount bigint not null,
  primary key (tenant, channel, address),
  foreign key (tenant, channel) references channels (tenant, id)
);
create index automatic_answers_by_age on automatic_answers (tenant, channel, since_at);
