-- The name of the master key with which a node seals. A node that does not know the key of one that runs would neither open
-- what that one stores nor hear it.
alter table nodes add column master_key text;
