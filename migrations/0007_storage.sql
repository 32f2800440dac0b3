-- What a tenant has stored of files, counted along with every change, and how much it may; nothing: as the installation says.

alter table tenants add column stored_bytes bigint not null default 0;
alter table tenants add column stored_files bigint not null default 0;
alter table tenants add column max_stored_bytes bigint;
alter table tenants add column max_stored_files bigint;
update tenants set stored_bytes = s.bytes, stored_files = s.files from
  (select tenant, cast(coalesce(sum(size), 0) as bigint) as bytes, count(*) as files from attachments
    where state = 'ready' and path is not null group by tenant) s
  where s.tenant = tenants.id
