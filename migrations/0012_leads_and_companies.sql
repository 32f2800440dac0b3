-- By what a lead is found when its person writes: an address that the provider vouches for, or a reference that the landing
-- page put into the text of a link.

-- The digits of the phone in E.164. `phone` is as it was written.
alter table leads add column phone_key text;
-- As it is in `clicks`; null again when it was used.
alter table leads add column reference text;
update leads set phone_key = substr(phone, 2) where phone like '+%';

create index leads_waiting_phone on leads (tenant, phone_key, id) where contact is null and phone_key is not null;
create index leads_waiting_email on leads (tenant, email, id) where contact is null and email is not null;
create unique index leads_by_reference on leads (tenant, reference) where reference is not null;

-- Two letters: the country of phone numbers that are written without one.
alter table companies add column country text;
