-- By what this database proves that the history in MongoDB is its own: a random word, the term, that is in both. Every few
-- seconds another one follows, so a copy of the database keeps an old one. Null: there is no history in MongoDB.
alter table installation add column history_term text;

-- The next term, from before it is in MongoDB until it is known to be there.
alter table installation add column history_next text;
