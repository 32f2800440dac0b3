-- What places of chats are called (topics). A conversation says it; `threads` remembers it for those that are opened later.
alter table conversations add column thread_title text;

create table threads (
  channel uuid not null references channels (id),
  chat text not null,
  thread text not null,
  tenant uuid not null,
  title text not null,
  -- When it was given, by the provider's time; 0 if that is not known.
  titled_at bigint not null,
  primary key (channel, chat, thread)
)
