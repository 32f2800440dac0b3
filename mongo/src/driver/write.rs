//! Writes messages: one statement for each document, many statements in a command. Each message is compared where it is
//! stored, in the statement that writes it, so that it does not matter who writes when and how often.

use std::collections::BTreeMap;

use mongodb::bson::{Bson, DateTime, Document, doc};
use uuid::Uuid;

use super::{BUCKETS, Fault, History, LARGE, key, majority, uuid};
use crate::layout::{Entry, bucket_of, is_large};

/// Statements and bytes of one command: far under what a server takes (100,000 and 48 MB).
const STATEMENTS: usize = 500;
const BYTES: usize = 8 * 1024 * 1024;
/// Two that make the same document at the same time: one is told so, and finds it there when it comes again.
const DUPLICATE: i32 = 11000;
const TRIES: usize = 3;
const DAY_MS: i64 = 24 * 3_600_000;

impl History {
    /// Takes in messages of a tenant, which are kept for so many days from when they were written (0: for ever). All of it is
    /// acknowledged by a majority when it returns; after an error any part of it may be there.
    pub async fn write(&self, tenant: Uuid, entries: &[Entry], days: i64) -> Result<(), Fault> {
        if entries.is_empty() {
            return Ok(());
        }
        self.index().await?;
        let entries = newest(entries);
        let (large, small): (Vec<&Entry>, Vec<&Entry>) =
            entries.into_iter().partition(|entry| is_large(&entry.body));
        // First what the stubs point to.
        let alone = large.iter().map(|entry| (entry.body.len(), alone(tenant, entry, days)));
        self.run("update", LARGE, alone.collect()).await?;
        let mut buckets: BTreeMap<(Uuid, i64), Vec<&Entry>> = BTreeMap::new();
        for entry in large.iter().chain(&small) {
            buckets.entry((entry.conversation, bucket_of(entry.seq))).or_default().push(entry);
        }
        let buckets = buckets.into_iter().map(|((conversation, number), entries)| {
            let bytes = entries.iter().map(|entry| entry.body.len()).sum();
            (bytes, bucket(tenant, (conversation, number), &entries, days))
        });
        self.run("update", BUCKETS, buckets.collect()).await?;
        // What was large and is not any more.
        let shrunk = small.iter().filter(|entry| !entry.is_new).map(|entry| (0, shrunk(tenant, entry)));
        self.run("delete", LARGE, shrunk.collect()).await
    }

    /// Runs statements, a bounded number at a time.
    async fn run(&self, verb: &str, collection: &str, mut left: Vec<(usize, Document)>) -> Result<(), Fault> {
        while !left.is_empty() {
            let mut bytes = 0;
            let fits = left.iter().take(STATEMENTS).take_while(|(more, _)| {
                bytes += more;
                bytes <= BYTES
            });
            let count = fits.count().max(1);
            let statements = left.drain(..count).map(|(_, statement)| statement).collect();
            self.run_some(verb, collection, statements).await?;
        }
        Ok(())
    }

    async fn run_some(
        &self,
        verb: &str,
        collection: &str,
        mut statements: Vec<Document>,
    ) -> Result<(), Fault> {
        for _ in 0..TRIES {
            let list = if verb == "update" { "updates" } else { "deletes" };
            let said = self
                .command(doc! { verb: collection, list: statements.clone(), "ordered": false, "writeConcern": majority() })
                .await?;
            let Ok(errors) = said.get_array("writeErrors") else {
                return Fault::of_concern(&said).map_or(Ok(()), Err);
            };
            let mut again = Vec::new();
            for error in errors.iter().filter_map(Bson::as_document) {
                let code = error.get_i32("code").unwrap_or_default();
                let at = error.get_i32("index").ok().and_then(|at| usize::try_from(at).ok());
                match at.and_then(|at| statements.get(at)) {
                    Some(statement) if code == DUPLICATE => again.push(statement.clone()),
                    _ => {
                        let why = error.get_str("errmsg").unwrap_or("a write failed");
                        return Err(Fault::Refused(format!("{why} (code {code})")));
                    }
                }
            }
            statements = again;
        }
        Err(Fault::Away("others make the same documents again and again".to_owned()))
    }
}

/// Of each message the newest state.
fn newest(entries: &[Entry]) -> Vec<&Entry> {
    let mut newest: BTreeMap<(Uuid, i64), &Entry> = BTreeMap::new();
    for entry in entries {
        let place = newest.entry((entry.conversation, entry.seq)).or_insert(entry);
        if entry.version.replaces(&place.version) {
            *place = entry;
        }
    }
    newest.into_values().collect()
}

/// Not forgotten at or after this version.
fn is_wanted(entry: &Entry) -> Document {
    let (epoch, cursor) = (&entry.version.epoch, entry.version.cursor);
    doc! { "$or": [{ "$ne": ["$ge", literal(epoch)] }, { "$lt": ["$gone", cursor] }] }
}

/// Wanted, and newer than what is stored under `path` (empty: the document itself).
fn is_newer(entry: &Entry, path: &str) -> Document {
    let (epoch, cursor) = (&entry.version.epoch, entry.version.cursor);
    let newer = doc! { "$or": [
        { "$ne": [format!("${path}e"), literal(epoch)] },
        { "$lt": [format!("${path}v"), cursor] },
    ] };
    doc! { "$and": [is_wanted(entry), newer] }
}

fn literal(value: impl Into<Bson>) -> Document {
    doc! { "$literal": value.into() }
}

/// The statement that puts messages into the document of their numbers.
fn bucket(tenant: Uuid, (conversation, number): (Uuid, i64), entries: &[&Entry], days: i64) -> Document {
    let mut set = place(tenant, conversation, number);
    for entry in entries {
        let path = format!("m.s{}", entry.seq);
        let mut one = doc! { "e": &entry.version.epoch, "v": entry.version.cursor };
        if is_large(&entry.body) {
            one.insert("l", true);
        } else {
            one.insert("b", &entry.body);
        }
        let newer = is_newer(entry, &format!("{path}."));
        set.insert(&path, doc! { "$cond": [newer, literal(one), format!("${path}")] });
    }
    // One that is not wanted may stand beside one that is: the newest decides.
    let Some(last) = entries.iter().max_by_key(|entry| entry.version.cursor) else { return doc! {} };
    let at = entries.iter().map(|entry| entry.at).max().unwrap_or_default();
    statement(key(tenant, conversation, number), set, last, at, days)
}

/// The statement for a message with a document of its own.
fn alone(tenant: Uuid, entry: &Entry, days: i64) -> Document {
    let mut set = place(tenant, entry.conversation, entry.seq);
    for (name, value) in [
        ("e", Bson::from(&entry.version.epoch)),
        ("v", Bson::from(entry.version.cursor)),
        ("b", Bson::from(&entry.body)),
    ] {
        set.insert(name, doc! { "$cond": [is_newer(entry, ""), literal(value), format!("${name}")] });
    }
    statement(key(tenant, entry.conversation, entry.seq), set, entry, entry.at, days)
}

fn place(tenant: Uuid, conversation: Uuid, number: i64) -> Document {
    doc! { "t": uuid(tenant), "c": uuid(conversation), "n": number }
}

/// Sets the fields, and until when the document is kept: from its newest message on.
fn statement(id: Bson, mut set: Document, newest: &Entry, at: i64, days: i64) -> Document {
    let wanted = is_wanted(newest);
    let latest = doc! { "$max": ["$at", DateTime::from_millis(at)] };
    set.insert("p", uuid(newest.contact));
    set.insert("d", days);
    set.insert("at", doc! { "$cond": [wanted.clone(), latest, "$at"] });
    let end = expiry(days);
    let expires = doc! { "$set": { "x": { "$cond": [wanted, end, "$x"] } } };
    doc! { "q": { "_id": id }, "u": [{ "$set": set }, expires], "upsert": true }
}

/// When a document ends, as MongoDB computes it.
pub(super) fn expiry(days: i64) -> Bson {
    if days == 0 {
        return Bson::Null;
    }
    Bson::Document(doc! { "$add": ["$at", days.saturating_mul(DAY_MS)] })
}

/// Removes an earlier state of a message that had a document of its own.
fn shrunk(tenant: Uuid, entry: &Entry) -> Document {
    let (epoch, cursor) = (&entry.version.epoch, entry.version.cursor);
    let older = doc! { "_id": key(tenant, entry.conversation, entry.seq), "gone": { "$exists": false },
    "$or": [{ "e": { "$ne": epoch } }, { "v": { "$lt": cursor } }] };
    doc! { "q": older, "limit": 1 }
}
