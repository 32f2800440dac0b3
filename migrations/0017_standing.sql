-- How the installation and its nodes stand.

-- The names of the master keys that a node has, separated by spaces: first the one with which it seals, then those that only
-- open. Nodes that do not open what the other seals could neither hear each other nor use what the other stores.
alter table nodes add column master_keys text;

-- Rises whenever it is looked whether the database takes writes.
alter table installation add column touched bigint;
