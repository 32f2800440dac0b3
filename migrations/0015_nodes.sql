-- The nodes of the installation, and the library in which its files are.

-- A server that runs, or ran a moment ago. It writes the row itself every few seconds, and removes it when it stops.
create table nodes (
  id uuid primary key,
  -- The machine's name, or the configured one.
  name text not null,
  -- Where it listens.
  address text not null,
  version text not null,
  started_at bigint not null,
  -- When it wrote the row last, by the clock of the database; and by its own.
  seen_at bigint not null,
  clock_at bigint not null,
  -- ready, not_ready (for a reason: bus, descriptors) or draining.
  state text not null,
  reason text,
  -- The way to the others: alone, up (with the time there and back) or down.
  bus text not null,
  round_trip_us bigint,
  sessions bigint not null,
  -- The mark of the library that it writes files to, and the marks of all that it can read, separated by spaces.
  library text,
  readable text not null
);
create index nodes_by_age on nodes (seen_at);

-- The mark of the library that files were written to last.
alter table installation add column library text;
