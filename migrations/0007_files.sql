-- Uploaded files: what the library holds, what uses it, and uploads that are under way.

-- One object of the library: the bytes of a tenant, once for each content. Received files are attachments alone.
create table files (
  tenant uuid not null references tenants (id),
  id uuid not null,
  -- Of the stored bytes, in hex.
  sha256 text not null,
  size bigint not null,
  mime text not null,
  name text,
  -- Of a picture that can be shown small.
  width bigint,
  height bigint,
  -- uploading: the bytes may be in the library. ready. deleting: a job removes them, and then the row.
  state text not null,
  -- Where the library has the bytes.
  path text not null,
  created_by uuid,
  created_at bigint not null,
  -- When the state changed, or when the last use ended.
  updated_at bigint not null,
  -- Since when nothing uses it.
  unused_since bigint,
  primary key (tenant, id)
);
create unique index file_once on files (tenant, sha256) where state = 'ready';
create index files_by_id on files (id);
create index files_unfinished on files (updated_at, id) where state = 'uploading';
create index files_unused on files (unused_since, id) where unused_since is not null and state = 'ready';

-- What uses a file: an attachment of a message.
create table file_uses (
  tenant uuid not null,
  file uuid not null,
  thing text not null,
  thing_id uuid not null,
  primary key (tenant, file, thing, thing_id),
  foreign key (tenant, file) references files (tenant, id)
);

-- An upload: its bytes lie in a folder of the server until they are whole. The length of what has come is that of the file
-- there.
create table uploads (
  tenant uuid not null references tenants (id),
  id uuid not null,
  -- The person or the key.
  caller uuid not null,
  conversation uuid,
  kind text,
  name text,
  mime text,
  size bigint not null,
  -- What has become of it.
  file uuid,
  created_at bigint not null,
  primary key (tenant, id)
);
create index uploads_by_id on uploads (id);
create index uploads_open on uploads (tenant, caller, id) where file is null;
create index uploads_by_age on uploads (created_at, id);

-- A sent file that was uploaded; its path is the file's.
alter table attachments add column file uuid;
alter table attachments add column width bigint;
alter table attachments add column height bigint;
