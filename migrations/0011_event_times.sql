-- What happens to a message is ordered by when it happened: the times that an edit or a reaction has to beat.
alter table messages add column marks text;

-- When the owner changed last, until when a phone message keeps the AI silent, and when the customer wrote last by the
-- provider's time.
alter table conversations add column owner_at bigint;
alter table conversations add column silent_until bigint;
alter table conversations add column heard_at bigint;
create index conversations_silent on conversations (silent_until, id) where silent_until is not null;

-- Since when a send may have left without anybody knowing; nothing when its end is known.
alter table deliveries add column begun_at bigint;
update deliveries set begun_at = updated_at where state in ('sending', 'unknown') or (state = 'queued' and tries > 0);
create index deliveries_begun on deliveries (conversation, begun_at, id) where begun_at is not null;
