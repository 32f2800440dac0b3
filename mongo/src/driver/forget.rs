//! Removes what must not be kept: of a conversation, a contact, a tenant. Documents of the first two stay for a while without
//! content, and say up to which place of the feed nothing is wanted: what is still on its way then stays out.

use mongodb::bson::{Bson, DateTime, Document, doc};
use uuid::Uuid;

use super::write::expiry;
use super::{BUCKETS, Fault, History, LARGE, key, majority, uuid};
use crate::layout::Version;

/// Longer than anything is on its way: a call is given up after seconds.
const KEPT_MS: i64 = 24 * 3_600_000;

/// What is removed, up to a place of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forgotten {
    Conversation {
        id: Uuid,
        until: Version,
    },
    Contact {
        id: Uuid,
        until: Version,
    },
    /// All of it: nobody writes for a tenant that is not there.
    Tenant,
}

impl History {
    /// Removes it. The same again removes nothing more. `now_ms` is Unix milliseconds.
    pub async fn forget(&self, tenant: Uuid, what: &Forgotten, now_ms: i64) -> Result<(), Fault> {
        self.index().await?;
        let (filter, until) = match what {
            Forgotten::Conversation { id, until } => {
                let (low, high) = (key(tenant, *id, 0), key(tenant, *id, i64::MAX));
                (doc! { "_id": { "$gte": low, "$lte": high } }, until)
            }
            Forgotten::Contact { id, until } => (doc! { "t": uuid(tenant), "p": uuid(*id) }, until),
            Forgotten::Tenant => {
                for collection in [LARGE, BUCKETS] {
                    let all = doc! { "q": { "t": uuid(tenant) }, "limit": 0 };
                    self.change(doc! { "delete": collection, "deletes": [all] }).await?;
                }
                return Ok(());
            }
        };
        let ends = DateTime::from_millis(now_ms + KEPT_MS);
        let empty = doc! {
            "$set": { "gone": until.cursor, "ge": &until.epoch, "x": ends },
            "$unset": { "m": "", "at": "", "e": "", "v": "", "b": "" },
        };
        for collection in [LARGE, BUCKETS] {
            let all = doc! { "q": filter.clone(), "u": empty.clone(), "multi": true };
            self.change(doc! { "update": collection, "updates": [all] }).await?;
        }
        Ok(())
    }

    /// Keeps what is there of a tenant for so many days from now on (0: for ever).
    pub async fn keep_for(&self, tenant: Uuid, days: i64) -> Result<(), Fault> {
        self.index().await?;
        for collection in [LARGE, BUCKETS] {
            let others = doc! { "t": uuid(tenant), "d": { "$ne": days }, "at": { "$exists": true } };
            let set = doc! { "$set": { "d": days, "x": expiry(days) } };
            let all = doc! { "q": others, "u": [set], "multi": true };
            self.change(doc! { "update": collection, "updates": [all] }).await?;
        }
        Ok(())
    }

    async fn change(&self, mut command: Document) -> Result<(), Fault> {
        command.insert("writeConcern", majority());
        let said = self.command(command).await?;
        let failed = said.get_array("writeErrors").ok().and_then(|errors| errors.first());
        if let Some(error) = failed.and_then(Bson::as_document) {
            return Err(Fault::Refused(error.get_str("errmsg").unwrap_or("a write failed").to_owned()));
        }
        Fault::of_concern(&said).map_or(Ok(()), Err)
    }
}
