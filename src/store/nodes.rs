//! The nodes of the installation. Each writes its own row every few seconds, with the time of the database: what others
//! make of its age then does not depend on the nodes' clocks. A row of which nothing is heard is removed after an hour.

use uuid::Uuid;

use super::value::{FromRow, Row};
use super::{StoreError, Tx, Verb};
use crate::args;
use crate::error::Error;
use crate::model::{NodeBus, NodeReason, NodeState};

/// A node that has not written its row for so long is silent.
pub const SILENT_MS: i64 = 20_000;
/// So long the row of a silent node stays, for people to see; if a node of the same name and address has come, only until
/// whatever the silent one had claimed is free.
const KEEP_MS: i64 = 3_600_000;
const KEEP_FORMER_MS: i64 = 60_000;
pub(super) const MAX_NODES: i64 = 1_000;

const BEAT: &str = "insert into nodes (id, name, address, version, started_at, seen_at, clock_at, state, reason, bus, round_trip_us, \
    sessions, library, readable, master_keys) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
    on conflict (id) do update set address = $3, seen_at = $6, clock_at = $7, state = $8, reason = $9, bus = $10, \
    round_trip_us = $11, sessions = $12";
pub(super) const LIST: &str = "select id, name, address, version, started_at, seen_at, clock_at, state, reason, bus, round_trip_us, sessions, \
    library, readable, master_keys from nodes order by seen_at desc limit $1";
const LEAVE: &str = "delete from nodes where id = $1";
const FORGET: &str = "delete from nodes where seen_at < $1";
const FORGET_FORMER: &str =
    "delete from nodes where seen_at < $1 and name = $2 and address = $3 and id <> $4";
const FORGET_OTHERS: &str = "delete from nodes where id <> $1";
/// Nodes that start at the same time do so one after the other.
const HOLD: &str = "update installation set library = library where id = 1 returning library";
const SET_LIBRARY: &str = "update installation set library = $1 where id = 1";

pub const ALL: &[&str] = &[BEAT, LIST, LEAVE, FORGET, FORGET_FORMER, FORGET_OTHERS, HOLD, SET_LIBRARY];

/// A node as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub id: Uuid,
    pub name: String,
    pub address: String,
    pub version: String,
    /// By the clock of the database, as `seen_at`; 0 until it has joined.
    pub started_at: i64,
    pub seen_at: i64,
    /// Its machine's clock, which it does not go by.
    pub clock_at: i64,
    pub state: NodeState,
    pub reason: Option<NodeReason>,
    pub bus: NodeBus,
    pub round_trip_us: Option<i64>,
    pub sessions: i64,
    /// The mark of the library that it writes files to; `None` if it could not be read.
    pub library: Option<String>,
    /// The marks of all libraries that it reads.
    pub readable: Vec<String>,
    /// The names of its master keys: first the one with which it seals. Empty: a version that did not tell.
    pub master_keys: Vec<String>,
}

impl Node {
    fn place_in_list(&self) -> (&str, &str, i64, Uuid) {
        (&self.name, &self.address, self.started_at, self.id)
    }

    /// Milliseconds since it was seen last, at this time of the database.
    pub fn silent_ms(&self, now: i64) -> i64 {
        (now - self.seen_at).max(0)
    }

    pub fn state_at(&self, now: i64) -> NodeState {
        if self.silent_ms(now) >= SILENT_MS { NodeState::Silent } else { self.state }
    }

    /// What one of the two seals does not open at the other.
    fn is_closed_to(&self, other: &Self) -> bool {
        let opens = |reader: &Self, writer: &Self| {
            reader.master_keys.is_empty()
                || writer.master_keys.first().is_none_or(|key| reader.master_keys.contains(key))
        };
        !opens(self, other) || !opens(other, self)
    }

    /// Whether a file that it or a node with these libraries writes cannot be read by the other one.
    pub fn is_apart_from(&self, library: Option<&str>, readable: &[String]) -> bool {
        let (own, owns) = (self.library.as_deref(), self.readable.as_slice());
        let reads = |(reader, readable): (Option<&str>, &[String]), written: Option<&str>| {
            written.is_none_or(|mark| reader.is_none() || readable.iter().any(|one| one == mark))
        };
        !reads((own, owns), library) || !reads((library, readable), own)
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// What a newer version says and this one does not know is left out.
impl FromRow for Node {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            id: columns.take()?,
            name: columns.take()?,
            address: columns.take()?,
            version: columns.take()?,
            started_at: columns.take()?,
            seen_at: columns.take()?,
            clock_at: columns.take()?,
            state: columns.take::<String>()?.parse().unwrap_or(NodeState::NotReady),
            reason: columns.take::<Option<String>>()?.and_then(|reason| reason.parse().ok()),
            bus: columns.take::<String>()?.parse().unwrap_or(NodeBus::Alone),
            round_trip_us: columns.take()?,
            sessions: columns.take()?,
            library: columns.take()?,
            readable: words(&columns.take::<String>()?),
            master_keys: words(&columns.take::<Option<String>>()?.unwrap_or_default()),
        })
    }
}

/// All nodes, at a time of the database.
#[derive(Clone, Debug)]
pub struct Listed {
    pub now: i64,
    pub nodes: Vec<Node>,
}

impl Listed {
    async fn load(tx: &mut Tx<'_>) -> Result<Self, StoreError> {
        let now = database_time(tx).await?;
        // Of too many those of which nothing is heard are left out: whoever is not in the list has left.
        let mut nodes: Vec<Node> = tx.all(LIST, args![MAX_NODES]).await?;
        nodes.sort_by(|a, b| a.place_in_list().cmp(&b.place_in_list()));
        Ok(Self { now, nodes })
    }

    /// Those that were heard of a moment ago, with how they are.
    pub fn live(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.state_at(self.now) != NodeState::Silent)
    }

    /// The version of the node that started last: others are told apart from it.
    pub fn version(&self) -> Option<&str> {
        self.live().max_by_key(|node| node.started_at).map(|node| node.version.as_str())
    }
}

/// The time of the database.
pub struct DatabaseTime;

impl Verb for DatabaseTime {
    type Out = i64;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, Error> {
        Ok(database_time(tx).await?)
    }
}

/// On SQLite the database has this machine's clock.
async fn database_time(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let Some(clock) = tx.engine().clock() else { return Ok(tx.now()) };
    let (now,) =
        tx.one(clock, &[]).await?.ok_or_else(|| StoreError::Engine("the database has no time".to_owned()))?;
    Ok(now)
}

async fn write(tx: &mut Tx<'_>, node: &Node, now: i64) -> Result<(), StoreError> {
    let (readable, keys) = (node.readable.join(" "), node.master_keys.join(" "));
    let args = args![
        node.id,
        &node.name,
        &node.address,
        &node.version,
        node.started_at,
        now,
        node.clock_at,
        node.state.as_str(),
        node.reason.map(NodeReason::as_str),
        node.bus.as_str(),
        node.round_trip_us,
        node.sessions,
        &node.library,
        &readable,
        &keys
    ];
    tx.put(BEAT, args).await
}

/// Enters a node that starts.
#[derive(Clone, Debug)]
pub struct Join(pub Node);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Joined {
    /// It is one of the nodes since this time of the database.
    Yes {
        started_at: i64,
        /// The library that files were written to before.
        library_before: Option<String>,
    },
    /// This live node and it do not see each other's files: nothing was written.
    Apart(Box<Node>),
    /// This live node and it do not open what the other seals: nothing was written.
    OtherKey(Box<Node>),
}

impl Verb for Join {
    type Out = Joined;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Joined, Error> {
        let (library_before,) =
            tx.one::<(Option<String>,)>(HOLD, &[]).await?.ok_or(Error::NotFound("installation"))?;
        let listed = Listed::load(tx).await?;
        let node = &self.0;
        let has_one_node = tx.engine().has_one_node();
        if let Some(other) = listed.live().find(|other| !has_one_node && other.is_closed_to(node)) {
            return Ok(Joined::OtherKey(Box::new(other.clone())));
        }
        if let Some(other) =
            listed.live().find(|other| other.is_apart_from(node.library.as_deref(), &node.readable))
        {
            return Ok(Joined::Apart(Box::new(other.clone())));
        }
        if has_one_node {
            tx.put(FORGET_OTHERS, args![node.id]).await?;
        }
        if node.library.is_some() && node.library != library_before {
            tx.put(SET_LIBRARY, args![&node.library]).await?;
        }
        let started_at = listed.now;
        write(tx, &Node { started_at, ..node.clone() }, started_at).await?;
        Ok(Joined::Yes { started_at, library_before })
    }
}

/// Says that a node is there and how it is, and returns what all of them say.
#[derive(Clone, Debug)]
pub struct Beat(pub Node);

impl Verb for Beat {
    type Out = Listed;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Listed, Error> {
        let (node, now) = (&self.0, database_time(tx).await?);
        write(tx, node, now).await?;
        tx.put(FORGET, args![now - KEEP_MS]).await?;
        tx.put(FORGET_FORMER, args![now - KEEP_FORMER_MS, &node.name, &node.address, node.id]).await?;
        Ok(Listed::load(tx).await?)
    }
}

/// Removes a node that has stopped in order.
pub struct Leave(pub Uuid);

impl Verb for Leave {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        Ok(tx.put(LEAVE, args![self.0]).await?)
    }
}

pub struct List;

impl Verb for List {
    type Out = Listed;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Listed, Error> {
        Ok(Listed::load(tx).await?)
    }
}
