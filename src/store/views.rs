//! The lists of the inbox: the conversations of a view in its order, a page at a time. A view is a union of buckets,
//! and each bucket is read in index order, so that a page costs the same whatever the size of the inbox.

use uuid::Uuid;

use super::value::{Arg, from_row};
use super::{StoreError, Tx};
use crate::model::{Bucket, text_enum};

text_enum!(
    /// What a person looks at.
    View {
        /// All that are open.
        All = "all",
        /// Open, and assigned to the caller.
        Mine = "mine",
        /// Open, a person should answer, and nobody in particular.
        Unassigned = "unassigned",
        /// The AI answers.
        Ai = "ai",
        /// The customer waits, and a person should answer.
        Waiting = "waiting",
        Closed = "closed",
    }
);

text_enum!(
    Sort {
        /// The newest activity first.
        Recent = "recent",
        /// Those who wait first, the longest wait at the top; then the others, by activity.
        Wait = "wait",
    }
);

impl View {
    pub const ALL: &'static [Self] =
        &[Self::All, Self::Mine, Self::Unassigned, Self::Ai, Self::Waiting, Self::Closed];

    /// The buckets of the view; for the caller's own conversations, the buckets that hold assigned ones.
    pub const fn buckets(self) -> &'static [Bucket] {
        use Bucket::{Ai, Assigned, AssignedWaiting, Closed, Unassigned, UnassignedWaiting};
        match self {
            Self::All | Self::Mine => &[Ai, Unassigned, UnassignedWaiting, Assigned, AssignedWaiting],
            Self::Unassigned => &[Unassigned, UnassignedWaiting],
            Self::Ai => &[Ai],
            Self::Waiting => &[UnassignedWaiting, AssignedWaiting],
            Self::Closed => &[Closed],
        }
    }
}

const RECENT: &str = "select tenant, id, channel, updated_at, waiting_since from conversations where tenant = $1 \
    and bucket = $2 and (updated_at, id) < ($3, $4) order by updated_at desc, id desc limit $5";
const RECENT_OF_CHANNEL: &str = "select tenant, id, channel, updated_at, waiting_since from conversations where tenant = $1 \
    and channel = $6 and bucket = $2 and (updated_at, id) < ($3, $4) order by updated_at desc, id desc limit $5";
const RECENT_OF_ASSIGNEE: &str = "select tenant, id, channel, updated_at, waiting_since from conversations where tenant = $1 \
    and assignee = $2 and state = 'open' and assignee is not null and (updated_at, id) < ($3, $4) \
    order by updated_at desc, id desc limit $5";
const WAITING: &str = "select tenant, id, channel, updated_at, waiting_since from conversations where tenant = $1 \
    and bucket = $2 and waiting_since is not null and (waiting_since, id) > ($3, $4) order by waiting_since, id limit $5";
const WAITING_OF_CHANNEL: &str = "select tenant, id, channel, updated_at, waiting_since from conversations where tenant = $1 \
    and channel = $6 and bucket = $2 and waiting_since is not null and (waiting_since, id) > ($3, $4) order by waiting_since, id limit $5";
const WAITING_OF_ASSIGNEE: &str = "select tenant, id, channel, updated_at, waiting_since from conversations where tenant = $1 \
    and assignee = $2 and waiting_since is not null and assignee is not null and (waiting_since, id) > ($3, $4) \
    order by waiting_since, id limit $5";

const RECENT_OF_LABEL: &str = "select tenant, conversation, channel, updated_at, waiting_since from labelled where tenant = $1 \
    and label = $6 and bucket = $2 and (updated_at, conversation) < ($3, $4) order by updated_at desc, conversation desc limit $5";
const RECENT_OF_LABEL_CHANNEL: &str = "select tenant, conversation, channel, updated_at, waiting_since from labelled where tenant = $1 \
    and label = $6 and channel = $7 and bucket = $2 and (updated_at, conversation) < ($3, $4) \
    order by updated_at desc, conversation desc limit $5";
const RECENT_OF_LABEL_ASSIGNEE: &str = "select tenant, conversation, channel, updated_at, waiting_since from labelled where tenant = $1 \
    and label = $6 and assignee = $2 and bucket <> 'closed' and assignee is not null and (updated_at, conversation) < ($3, $4) \
    order by updated_at desc, conversation desc limit $5";
const WAITING_OF_LABEL: &str = "select tenant, conversation, channel, updated_at, waiting_since from labelled where tenant = $1 \
    and label = $6 and bucket = $2 and waiting_since is not null and (waiting_since, conversation) > ($3, $4) \
    order by waiting_since, conversation limit $5";
const WAITING_OF_LABEL_CHANNEL: &str = "select tenant, conversation, channel, updated_at, waiting_since from labelled where tenant = $1 \
    and label = $6 and channel = $7 and bucket = $2 and waiting_since is not null and (waiting_since, conversation) > ($3, $4) \
    order by waiting_since, conversation limit $5";
const WAITING_OF_LABEL_ASSIGNEE: &str = "select tenant, conversation, channel, updated_at, waiting_since from labelled where tenant = $1 \
    and label = $6 and assignee = $2 and assignee is not null and waiting_since is not null and (waiting_since, conversation) > ($3, $4) \
    order by waiting_since, conversation limit $5";

pub const ALL: &[&str] = &[
    RECENT,
    RECENT_OF_CHANNEL,
    RECENT_OF_ASSIGNEE,
    WAITING,
    WAITING_OF_CHANNEL,
    WAITING_OF_ASSIGNEE,
    RECENT_OF_LABEL,
    RECENT_OF_LABEL_CHANNEL,
    RECENT_OF_LABEL_ASSIGNEE,
    WAITING_OF_LABEL,
    WAITING_OF_LABEL_CHANNEL,
    WAITING_OF_LABEL_ASSIGNEE,
];

/// The sort key of a conversation in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListKey {
    pub tenant: Uuid,
    pub id: Uuid,
    pub channel: Uuid,
    pub updated_at: i64,
    pub waiting_since: Option<i64>,
}

from_row!(ListKey { tenant, id, channel, updated_at, waiting_since });

/// The position after which a page begins, in the order by waiting time or by activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub waits: bool,
    pub at: i64,
    pub id: Uuid,
}

impl Position {
    pub fn first(sort: Sort) -> Self {
        match sort {
            Sort::Recent => Self { waits: false, at: i64::MAX, id: Uuid::max() },
            Sort::Wait => Self { waits: true, at: i64::MIN, id: Uuid::nil() },
        }
    }

    fn of(key: &ListKey, waits: bool) -> Self {
        Self { waits, at: if waits { key.waiting_since.unwrap_or(0) } else { key.updated_at }, id: key.id }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}.{}", if self.waits { 'w' } else { 'r' }, self.at, self.id)
    }
}

impl std::str::FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (waits, rest) = match text.as_bytes().first() {
            Some(b'w') => (true, &text[1..]),
            Some(b'r') => (false, &text[1..]),
            _ => return Err(()),
        };
        let (at, id) = rest.split_once('.').ok_or(())?;
        Ok(Self { waits, at: at.parse().map_err(drop)?, id: Uuid::parse_str(id).map_err(drop)? })
    }
}

/// A part of a view that one index returns in order.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    Tenant(Uuid, Bucket),
    /// A tenant and its channel.
    Channel(Uuid, Uuid, Bucket),
    Assignee(Uuid, Uuid),
}

impl Source {
    const fn holds_only_waiting(&self) -> bool {
        match self {
            Self::Tenant(_, bucket) | Self::Channel(_, _, bucket) => {
                matches!(bucket, Bucket::UnassignedWaiting | Bucket::AssignedWaiting)
            }
            Self::Assignee(..) => false,
        }
    }
}

/// A page of a list.
pub struct KeyPage {
    pub keys: Vec<ListKey>,
    /// Where the next page begins, if there is one.
    pub next: Option<Position>,
}

/// The next `limit` conversations of the merged sources, of one label if it is given. `sees` filters out those that the caller must not see;
/// sources that are per channel need no filter.
pub async fn page(
    tx: &mut Tx<'_>,
    sources: &[Source],
    label: Option<Uuid>,
    (sort, from, limit): (Sort, Position, usize),
    sees: impl Fn(&ListKey) -> bool,
) -> Result<KeyPage, StoreError> {
    let mut keys = Vec::with_capacity(limit + 1);
    let mut position = from;
    // Each round adds the visible rows; a source with many hidden rows needs several.
    loop {
        let best = best(tx, sources, label, position, limit + 1).await?;
        let mut found = read(tx, &best, label, position, limit + 1).await?;
        let full = found.len() > limit;
        found.truncate(limit + 1);
        let last = found.last().copied();
        // When sorted by waiting time, conversations that do not wait follow after those that do.
        keys.extend(found.into_iter().filter(|key| {
            (sort == Sort::Recent || position.waits || key.waiting_since.is_none()) && sees(key)
        }));
        let waits = position.waits;
        if keys.len() > limit {
            keys.truncate(limit);
            let by_wait = |key: &ListKey| sort == Sort::Wait && key.waiting_since.is_some();
            let next = keys.last().map(|key| Position::of(key, by_wait(key)));
            return Ok(KeyPage { keys, next });
        }
        position = match (full, last) {
            (true, Some(last)) => Position::of(&last, waits),
            // Views of waiting conversations only end here.
            _ if waits && !sources.iter().all(Source::holds_only_waiting) => Position::first(Sort::Recent),
            _ => return Ok(KeyPage { keys, next: None }),
        };
    }
}

/// Of many sources, those that can contribute to the next `limit` rows: a source whose first row comes after the
/// first rows of `limit` other sources cannot.
async fn best(
    tx: &mut Tx<'_>,
    sources: &[Source],
    label: Option<Uuid>,
    position: Position,
    limit: usize,
) -> Result<Vec<Source>, StoreError> {
    if sources.len() <= limit {
        return Ok(sources.to_vec());
    }
    let mut firsts = Vec::new();
    for (source, keys) in ask(tx, sources, label, position, 1).await? {
        if let Some(first) = keys.first() {
            let order = if position.waits { first.waiting_since.unwrap_or(0) } else { -first.updated_at };
            firsts.push((order, source));
        }
    }
    firsts.sort_by_key(|(order, _)| *order);
    // Rows with equal keys at the page's edge may come in any order.
    let edge = firsts.get(limit).map(|(order, _)| *order);
    firsts.retain(|(order, _)| edge.is_none_or(|edge| *order <= edge));
    Ok(firsts.into_iter().map(|(_, source)| source).collect())
}

/// The next rows of all sources in the position's order, at most `limit` of each.
async fn read(
    tx: &mut Tx<'_>,
    sources: &[Source],
    label: Option<Uuid>,
    position: Position,
    limit: usize,
) -> Result<Vec<ListKey>, StoreError> {
    let asked = ask(tx, sources, label, position, limit).await?;
    let mut found: Vec<ListKey> = asked.into_iter().flat_map(|(_, keys)| keys).collect();
    if position.waits {
        found.sort_by_key(|key| (key.waiting_since, key.id));
    } else {
        found.sort_by_key(|key| std::cmp::Reverse((key.updated_at, key.id)));
    }
    Ok(found)
}

/// The next rows of each source, in pipelined queries.
async fn ask(
    tx: &mut Tx<'_>,
    sources: &[Source],
    label: Option<Uuid>,
    position: Position,
    limit: usize,
) -> Result<Vec<(Source, Vec<ListKey>)>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let kinds = match (position.waits, label.is_some()) {
        (false, false) => [RECENT, RECENT_OF_CHANNEL, RECENT_OF_ASSIGNEE],
        (true, false) => [WAITING, WAITING_OF_CHANNEL, WAITING_OF_ASSIGNEE],
        (false, true) => [RECENT_OF_LABEL, RECENT_OF_LABEL_CHANNEL, RECENT_OF_LABEL_ASSIGNEE],
        (true, true) => [WAITING_OF_LABEL, WAITING_OF_LABEL_CHANNEL, WAITING_OF_LABEL_ASSIGNEE],
    };
    let mut kinds = kinds.map(|sql| (sql, Vec::new(), Vec::new()));
    for source in sources {
        let (kind, tenant, second, channel) = match source {
            Source::Tenant(tenant, bucket) => (0, *tenant, Arg::from(bucket.as_str()), None),
            Source::Channel(tenant, channel, bucket) => {
                (1, *tenant, Arg::from(bucket.as_str()), Some(Arg::from(*channel)))
            }
            Source::Assignee(tenant, user) => (2, *tenant, Arg::from(*user), None),
        };
        let (_, of, asked) = &mut kinds[kind];
        of.push(*source);
        let mut args = vec![tenant.into(), second, position.at.into(), position.id.into(), limit.into()];
        args.extend(label.map(Arg::from));
        args.extend(channel);
        asked.push(args);
    }
    let mut found = Vec::with_capacity(sources.len());
    for (sql, of, asked) in kinds {
        if !asked.is_empty() {
            found.extend(of.into_iter().zip(tx.each::<ListKey>(sql, &asked).await?));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page writes positions of its own rows (`web/src/state/cursor.ts`): change both.
    #[test]
    fn the_text_of_a_position_is_fixed() {
        let of = |waits| Position { waits, at: 17, id: Uuid::from_u128(5) }.to_string();
        assert_eq!(of(false), "r17.00000000-0000-0000-0000-000000000005");
        assert_eq!(of(true), "w17.00000000-0000-0000-0000-000000000005");
    }

    #[test]
    fn a_position_survives_its_text() {
        for position in [
            Position::first(Sort::Recent),
            Position::first(Sort::Wait),
            Position { waits: true, at: 17, id: Uuid::from_u128(5) },
        ] {
            assert_eq!(position.to_string().parse(), Ok(position));
        }
        for wrong in ["", "r", "x1.00000000-0000-0000-0000-000000000000", "r1", "r1.x", "é"] {
            assert_eq!(wrong.parse::<Position>(), Err(()), "{wrong}");
        }
    }
}
