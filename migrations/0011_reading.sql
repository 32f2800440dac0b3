-- How far the reading of a channel's news has come that goes on in a later run of its job: the page that is read next, with the
-- cursor that it belongs to. Null: nothing of the kind.
alter table channel_cursors add column page text;

-- Who a contact is where others may write into its thread: the address of whoever began it, or was written to first.
alter table contacts add column address text;

-- The newest health of a channel that changes too often to be told at once, as JSON.
alter table channels add column held_health text;
