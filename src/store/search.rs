//! The search index. Documents are numbered in blocks of one tenant, and each token begins with its block's number: what a
//! search reads of one block is bounded, whatever the word, and blocks are read from the newest on until enough is
//! found. New documents are added at the end of the newest block; what was stored already is filled in before the
//! oldest, backwards.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::dialect::{Engine, POSTGRES_DOCUMENTS, POSTGRES_FIND, POSTGRES_PUT_DOCUMENTS, SQLITE_FIND};
use super::value::{Arg, from_row};
use super::{StoreError, Tx};
use crate::args;
use crate::search::{Query, Tokens};

/// Documents of a block: a power of two, by which a document's number is split.
pub const BLOCK: i64 = 8192;
/// The consumer that writes the index: its place says how complete it is.
pub const CONSUMER: &str = "search";

const NEW_BLOCK: &str =
    "update installation set search_blocks = search_blocks + 1 where id = 1 returning search_blocks";
const NEWEST: &str = "select place, block, documents, first_at, last_at from search_blocks \
    where tenant = $1 and place >= 0 order by place desc limit 1";
const OLDEST: &str = "select place, block, documents, first_at, last_at from search_blocks \
    where tenant = $1 and place < 0 order by place limit 1";
const BLOCKS: &str = "select place, block, documents, first_at, last_at from search_blocks \
    where tenant = $1 and place <= $2 order by place desc limit $3";
const PUT_BLOCK: &str = "insert into search_blocks (tenant, place, block, documents, first_at, last_at) \
    values ($1, $2, $3, $4, $5, $6) on conflict (tenant, place) do update set documents = excluded.documents, \
    first_at = excluded.first_at, last_at = excluded.last_at";
const DOCUMENT: &str = "select document from search_documents where tenant = $1 and subject = $2";
const PUT: &str = "insert into search_documents (tenant, document, subject) values ($1, $2, $3)";
const SOME: &str = "select document from search_documents where tenant = $1 order by document limit $2";
const REMOVE: &str = "delete from search_documents where tenant = $1 and document = $2";
const REMOVE_BLOCKS: &str = "delete from search_blocks where tenant = $1 and place = $2";
const OLDER: &str = "select m.id, m.text, m.direction, m.created_at, m.deleted_at, h.company, c.channel, c.contact, \
    m.seq, m.conversation, c.thread_title, c.opened_at from messages m join conversations c on c.tenant = m.tenant and c.id = m.conversation \
    join channels h on h.tenant = c.tenant and h.id = c.channel \
    where m.tenant = $1 and m.id < $2 order by m.id desc limit $3";
const FOUND_MESSAGE: &str = "select m.id, m.conversation, m.seq, m.direction, m.kind, m.text, m.author_name, m.created_at, \
    m.deleted_at, h.company, c.channel, c.contact, coalesce(p.name, o.name), coalesce(o.handle, p.handle), c.thread_title from search_documents d \
    join messages m on m.tenant = d.tenant and m.id = d.subject \
    join conversations c on c.tenant = m.tenant and c.id = m.conversation \
    join channels h on h.tenant = c.tenant and h.id = c.channel \
    join contacts o on o.tenant = c.tenant and o.id = c.contact \
    join contacts p on p.tenant = c.tenant and p.id = coalesce(o.merged_into, o.id) where d.tenant = $1 and d.document = $2";
const FOUND_TITLE: &str = "select c.id, c.id, c.last_seq, '', '', c.thread_title, cast(null as text), c.opened_at, \
    cast(null as bigint), h.company, c.channel, c.contact, coalesce(p.name, o.name), coalesce(o.handle, p.handle), c.thread_title from search_documents d \
    join conversations c on c.tenant = d.tenant and c.id = d.subject \
    join channels h on h.tenant = c.tenant and h.id = c.channel \
    join contacts o on o.tenant = c.tenant and o.id = c.contact \
    join contacts p on p.tenant = c.tenant and p.id = coalesce(o.merged_into, o.id) where d.tenant = $1 and d.document = $2";

pub const ALL: &[&str] = &[
    NEW_BLOCK,
    NEWEST,
    OLDEST,
    BLOCKS,
    PUT_BLOCK,
    DOCUMENT,
    PUT,
    SOME,
    REMOVE,
    REMOVE_BLOCKS,
    OLDER,
    FOUND_MESSAGE,
    FOUND_TITLE,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    pub place: i64,
    pub block: i64,
    documents: i64,
    pub first_at: i64,
    pub last_at: i64,
}

from_row!(Block { place, block, documents, first_at, last_at });

impl Block {
    /// The numbers of its documents: from the first to before the last.
    fn numbers(&self) -> (i64, i64) {
        (self.block * BLOCK, (self.block + 1) * BLOCK)
    }
}

/// Which end of the index grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Newest,
    Oldest,
}

/// A change of the index.
#[derive(Clone, Debug)]
pub struct Change {
    pub subject: Uuid,
    /// When it was written, by which searches are limited to a time.
    pub at: i64,
    /// `None`: nothing of it is to be found any more.
    pub tokens: Option<Tokens>,
    /// Whether it is added if it is not there.
    pub adds: bool,
}

/// What a batch of changes comes to for one document.
#[derive(Default)]
struct Written {
    /// Of what it is, if it is new.
    subject: Option<Uuid>,
    /// `None`: nothing is to be found of it.
    tokens: Option<String>,
}

/// Applies changes in their order. A document that is there keeps its number.
pub async fn apply(tx: &mut Tx<'_>, tenant: Uuid, end: End, changes: &[Change]) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut numbers = numbers(tx, tenant, changes).await?;
    let mut written: BTreeMap<i64, Written> = BTreeMap::new();
    let mut block: Option<Block> = None;
    for change in changes {
        let number = match numbers.get(&change.subject) {
            Some(number) => *number,
            None if !change.adds || change.tokens.is_none() => continue,
            None => {
                let mut current = match block {
                    Some(block) => block,
                    None => current(tx, tenant, end).await?,
                };
                if current.documents == BLOCK {
                    put_block(tx, tenant, &current).await?;
                    current = open(tx, end, Some(current.place)).await?;
                }
                let number = match end {
                    End::Newest => current.block * BLOCK + current.documents,
                    End::Oldest => (current.block + 1) * BLOCK - 1 - current.documents,
                };
                current.documents += 1;
                current.first_at = current.first_at.min(change.at);
                current.last_at = current.last_at.max(change.at);
                block = Some(current);
                written.entry(number).or_default().subject = Some(change.subject);
                numbers.insert(change.subject, number);
                number
            }
        };
        let text = change.tokens.as_ref().map(|tokens| tokens.in_block(number.div_euclid(BLOCK)));
        written.entry(number).or_default().tokens = text;
    }
    write(tx, tenant, &written).await?;
    match block {
        Some(block) => put_block(tx, tenant, &block).await,
        None => Ok(()),
    }
}

/// The numbers of those documents that are there, by what they are of.
async fn numbers(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    changes: &[Change],
) -> Result<HashMap<Uuid, i64>, StoreError> {
    let subjects = changes.iter().map(|change| change.subject);
    if tx.engine() == Engine::Postgres {
        let found: Vec<(Uuid, Option<i64>)> =
            tx.all(POSTGRES_DOCUMENTS, args![tenant, &list(subjects)]).await?;
        return Ok(found.into_iter().filter_map(|(subject, number)| Some((subject, number?))).collect());
    }
    let asked: Vec<_> = subjects.clone().map(|subject| vec![Arg::from(tenant), Arg::from(subject)]).collect();
    let found: Vec<Vec<(i64,)>> = tx.each(DOCUMENT, &asked).await?;
    Ok(subjects.zip(found).filter_map(|(subject, rows)| Some((subject, rows.first()?.0))).collect())
}

async fn write(tx: &mut Tx<'_>, tenant: Uuid, written: &BTreeMap<i64, Written>) -> Result<(), StoreError> {
    let engine = tx.engine();
    let sql = engine.search();
    let new = written.iter().filter_map(|(number, one)| Some((*number, one.subject?)));
    let found = written.iter().filter_map(|(number, one)| Some((*number, one.tokens.as_deref()?)));
    for (number, _) in written.iter().filter(|(_, one)| one.tokens.is_none()) {
        tx.put(sql.remove, args![tenant, *number]).await?;
    }
    match engine {
        Engine::Sqlite => {
            for (number, subject) in new {
                tx.put(PUT, args![tenant, number, subject]).await?;
            }
            for (number, text) in found {
                let is_new = written[&number].subject.is_some();
                let put = if is_new { sql.put } else { sql.replace };
                tx.put(put, args![tenant, number, text]).await?;
            }
        }
        // A statement costs the server more than a row.
        Engine::Postgres => {
            let (numbers, subjects): (Vec<i64>, Vec<Uuid>) = new.unzip();
            if !numbers.is_empty() {
                let (numbers, subjects) = (list(&numbers), list(&subjects));
                tx.put(POSTGRES_PUT_DOCUMENTS, args![tenant, &numbers, &subjects]).await?;
            }
            let (numbers, texts): (Vec<i64>, Vec<&str>) = found.unzip();
            if !numbers.is_empty() {
                // A token has no end of line.
                tx.put(sql.put, args![tenant, &list(&numbers), &texts.join("\n")]).await?;
            }
        }
    }
    Ok(())
}

/// An array as PostgreSQL reads it.
fn list(items: impl IntoIterator<Item = impl ToString>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    format!("{{{}}}", items.join(","))
}

async fn current(tx: &mut Tx<'_>, tenant: Uuid, end: End) -> Result<Block, StoreError> {
    let sql = if end == End::Newest { NEWEST } else { OLDEST };
    match tx.one(sql, args![tenant]).await? {
        Some(block) => Ok(block),
        None => open(tx, end, None).await,
    }
}

async fn open(tx: &mut Tx<'_>, end: End, beside: Option<i64>) -> Result<Block, StoreError> {
    let missing = || StoreError::Engine("there is no installation".to_owned());
    let (block,) = tx.one::<(i64,)>(NEW_BLOCK, &[]).await?.ok_or_else(missing)?;
    let place = match (end, beside) {
        (End::Newest, beside) => beside.map_or(0, |place| place + 1),
        (End::Oldest, beside) => beside.map_or(-1, |place| place - 1),
    };
    Ok(Block { place, block, documents: 0, first_at: i64::MAX, last_at: i64::MIN })
}

async fn put_block(tx: &mut Tx<'_>, tenant: Uuid, block: &Block) -> Result<(), StoreError> {
    let Block { place, block, documents, first_at, last_at } = *block;
    tx.put(PUT_BLOCK, args![tenant, place, block, documents, first_at, last_at]).await
}

/// Removes some of a tenant's documents; `true` when none is left.
pub async fn clear(tx: &mut Tx<'_>, tenant: Uuid, limit: i64) -> Result<bool, StoreError> {
    let sql = tx.engine().search();
    let some: Vec<(i64,)> = tx.all(SOME, args![tenant, limit]).await?;
    for (number,) in &some {
        tx.put(sql.remove, args![tenant, *number]).await?;
        tx.put(REMOVE, args![tenant, *number]).await?;
    }
    if !some.is_empty() {
        return Ok(false);
    }
    let blocks = blocks(tx, tenant, i64::MAX, limit).await?;
    for block in &blocks {
        tx.put(REMOVE_BLOCKS, args![tenant, block.place]).await?;
    }
    Ok(blocks.is_empty())
}

/// A message as the index needs it.
#[derive(Clone, Debug)]
pub struct Older {
    pub id: Uuid,
    pub text: Option<String>,
    pub direction: String,
    pub created_at: i64,
    pub deleted_at: Option<i64>,
    pub company: Uuid,
    pub channel: Uuid,
    pub contact: Uuid,
    pub seq: i64,
    pub conversation: Uuid,
    pub title: Option<String>,
    pub opened_at: i64,
}

from_row!(Older {
    id,
    text,
    direction,
    created_at,
    deleted_at,
    company,
    channel,
    contact,
    seq,
    conversation,
    title,
    opened_at,
});

/// A tenant's messages before an id, the newest first.
pub async fn older(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Older>, StoreError> {
    tx.all(OLDER, args![tenant, before, limit]).await
}

/// Blocks from a place on, the newest first.
pub async fn blocks(tx: &mut Tx<'_>, tenant: Uuid, place: i64, limit: i64) -> Result<Vec<Block>, StoreError> {
    tx.all(BLOCKS, args![tenant, place, limit]).await
}

/// The times of the documents that are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub from: i64,
    pub to: i64,
}

/// The newest documents of these blocks (in the order of [`blocks`]) that have the tokens; of the first block only those
/// before a number, if there is one. Blocks without a document of that time are passed over.
pub async fn find(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    query: &Query,
    blocks: &[Block],
    before: Option<i64>,
    times: Times,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    let engine = tx.engine();
    let template = query.template(engine.search().syntax);
    let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    match engine {
        Engine::Sqlite => {
            for block in blocks {
                if block.last_at < times.from || block.first_at > times.to {
                    continue;
                }
                let (low, high) = block.numbers();
                let high = before.filter(|_| block == first).unwrap_or(high);
                let text = template.replace('#', &block.block.to_string());
                let left = limit - found.len() as i64;
                let rows: Vec<(i64,)> = tx.all(SQLITE_FIND, args![&text, high, low, left]).await?;
                found.extend(rows.into_iter().map(|(number,)| number));
                if found.len() as i64 >= limit {
                    break;
                }
            }
        }
        Engine::Postgres => {
            let before = before.unwrap_or(i64::MAX);
            let (low, high) = (last.place, first.place);
            let list = args![tenant, &template, low, high, before, limit, times.from, times.to];
            let rows: Vec<(i64,)> = tx.all(POSTGRES_FIND, list).await?;
            found.extend(rows.into_iter().map(|(number,)| number));
        }
    }
    Ok(found)
}

/// What a document is of.
#[derive(Clone, Debug)]
pub struct Found {
    pub id: Uuid,
    pub conversation: Uuid,
    pub seq: i64,
    pub direction: String,
    pub kind: String,
    pub text: Option<String>,
    pub author: Option<String>,
    pub at: i64,
    pub deleted_at: Option<i64>,
    pub company: Uuid,
    pub channel: Uuid,
    pub contact: Uuid,
    pub contact_name: Option<String>,
    pub contact_handle: Option<String>,
    pub title: Option<String>,
}

from_row!(Found {
    id,
    conversation,
    seq,
    direction,
    kind,
    text,
    author,
    at,
    deleted_at,
    company,
    channel,
    contact,
    contact_name,
    contact_handle,
    title,
});

/// The messages and conversations of these documents, in their order; `None`: it is gone.
pub async fn load(tx: &mut Tx<'_>, tenant: Uuid, numbers: &[i64]) -> Result<Vec<Option<Found>>, StoreError> {
    let asked = |numbers: &mut dyn Iterator<Item = i64>| -> Vec<Vec<Arg<'static>>> {
        numbers.map(|number| vec![Arg::from(tenant), Arg::from(number)]).collect()
    };
    let rows: Vec<Vec<Found>> = tx.each(FOUND_MESSAGE, &asked(&mut numbers.iter().copied())).await?;
    let mut found: Vec<Option<Found>> = rows.into_iter().map(|mut rows| rows.pop()).collect();
    let missing: Vec<usize> = (0..found.len()).filter(|at| found[*at].is_none()).collect();
    let titles: Vec<Vec<Found>> =
        tx.each(FOUND_TITLE, &asked(&mut missing.iter().map(|at| numbers[*at]))).await?;
    for (at, mut rows) in missing.into_iter().zip(titles) {
        found[at] = rows.pop();
    }
    Ok(found)
}
