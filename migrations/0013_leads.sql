-- The leads of a company, newest first, for people who see no others. PostgreSQL gets statistics besides (`store/dialect.rs`).
create index leads_of_company on leads (tenant, company, id);
