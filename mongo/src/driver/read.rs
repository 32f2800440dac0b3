//! Reads pages: documents in their order from one end of a range, a few at a time, until a page is full.

use std::collections::HashMap;

use mongodb::bson::{Bson, Document, doc};
use uuid::Uuid;

use super::{BUCKETS, Fault, History, LARGE, key};
use crate::layout::bucket_of;
use crate::{End, Page, Range};

/// Documents of one answer, and large messages that are fetched at a time.
const AT_ONCE: u32 = 4;
const LARGE_AT_ONCE: usize = 8;

/// A message as its document has it; without a body it is in a document of its own.
struct Found {
    seq: i64,
    body: Option<String>,
}

impl History {
    /// The messages of a range at one end of it, at most `limit` of them and not many more bytes than `max_bytes`.
    pub async fn page(
        &self,
        (tenant, conversation): (Uuid, Uuid),
        range: Range,
        end: End,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Page, Fault> {
        let (low, high) = (range.after.max(0).saturating_add(1), range.before.saturating_sub(1));
        if low > high || limit == 0 {
            return Ok(Page::default());
        }
        let of = |number| key(tenant, conversation, number);
        let between = doc! { "_id": { "$gte": of(bucket_of(low)), "$lte": of(bucket_of(high)) } };
        let order = if end == End::Newest { -1 } else { 1 };
        let collection = self.collection(BUCKETS);
        let find = collection.find(between).sort(doc! { "_id": order }).batch_size(AT_ONCE);
        let mut cursor = self.within(find.into_future()).await?;
        let mut page = Page::default();
        let mut bytes = 0;
        while !page.more && self.within(cursor.advance()).await? {
            let document = cursor.deserialize_current()?;
            let mut found = messages(&document);
            found.retain(|one| (low..=high).contains(&one.seq));
            found.sort_by_key(|one| if end == End::Newest { -one.seq } else { one.seq });
            for some in found.chunks(LARGE_AT_ONCE) {
                if page.more {
                    break;
                }
                let large = self.large((tenant, conversation), some).await?;
                for one in some {
                    let body = one.body.clone().or_else(|| large.get(&one.seq).cloned());
                    let Some(body) = body else { continue };
                    if page.bodies.len() == limit || bytes > max_bytes {
                        page.more = true;
                        break;
                    }
                    bytes += body.len();
                    page.bodies.push((one.seq, body));
                }
            }
        }
        page.bodies.sort_by_key(|(seq, _)| *seq);
        Ok(page)
    }

    /// The bodies that have documents of their own.
    async fn large(
        &self,
        (tenant, conversation): (Uuid, Uuid),
        of: &[Found],
    ) -> Result<HashMap<i64, String>, Fault> {
        let wanted = of.iter().filter(|one| one.body.is_none());
        let keys: Vec<Bson> = wanted.map(|one| key(tenant, conversation, one.seq)).collect();
        let mut found = HashMap::new();
        if keys.is_empty() {
            return Ok(found);
        }
        let collection = self.collection(LARGE);
        let find = collection.find(doc! { "_id": { "$in": keys } }).batch_size(AT_ONCE);
        let mut cursor = self.within(find.into_future()).await?;
        while self.within(cursor.advance()).await? {
            let document = cursor.deserialize_current()?;
            if let (Ok(seq), Ok(body)) = (document.get_i64("n"), document.get_str("b")) {
                found.insert(seq, body.to_owned());
            }
        }
        Ok(found)
    }

    /// Each document of a tenant with the number of its messages and its bytes: for tests and figures.
    pub async fn sizes(&self, tenant: Uuid) -> Result<Vec<(usize, usize)>, Fault> {
        let mut sizes = Vec::new();
        for name in [BUCKETS, LARGE] {
            let collection = self.collection(name);
            let find = collection.find(doc! { "t": super::uuid(tenant) }).batch_size(AT_ONCE);
            let mut cursor = self.within(find.into_future()).await?;
            while self.within(cursor.advance()).await? {
                let bytes = cursor.current().as_bytes().len();
                let document = cursor.deserialize_current()?;
                let count = messages(&document).len() + usize::from(document.contains_key("b"));
                sizes.push((count, bytes));
            }
        }
        Ok(sizes)
    }

    /// Until when each document of a tenant is kept, Unix milliseconds; `None`: for ever.
    pub async fn ends(&self, tenant: Uuid) -> Result<Vec<Option<i64>>, Fault> {
        let collection = self.collection(BUCKETS);
        let find = collection.find(doc! { "t": super::uuid(tenant) }).sort(doc! { "_id": 1 });
        let mut cursor = self.within(find.into_future()).await?;
        let mut ends = Vec::new();
        while self.within(cursor.advance()).await? {
            let document = cursor.deserialize_current()?;
            ends.push(document.get_datetime("x").ok().map(|end| end.timestamp_millis()));
        }
        Ok(ends)
    }
}

fn messages(document: &Document) -> Vec<Found> {
    let Ok(messages) = document.get_document("m") else { return Vec::new() };
    let found = messages.iter().filter_map(|(name, value)| {
        let (seq, value) = (name.strip_prefix('s')?.parse().ok()?, value.as_document()?);
        Some(Found { seq, body: value.get_str("b").ok().map(str::to_owned) })
    });
    found.collect()
}
