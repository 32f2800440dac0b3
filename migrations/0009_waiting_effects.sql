-- How many effects wait for their messages, by channel: counted along, so that nobody ever counts them.

create table waiting_effects (
  channel uuid primary key,
  amount bigint not null
);
insert into waiting_effects (channel, amount) select channel, count(*) from pending_effects group by channel;
create index pending_effects_of_channel on pending_effects (channel, id);
