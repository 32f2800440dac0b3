//! Publications, and the port through which the engine reads the application's durable log.
//! The engine never writes the log except through `append`, which most applications leave out.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{data::Data, trace::Trace};

/// One event of a room.
#[derive(Clone, Debug, Default)]
pub struct Publication {
    /// Position in the room's log, from 1, without gaps; 0 for an ephemeral one.
    pub offset: u64,
    pub data: Data,
    /// Filters are evaluated on them; clients see them too.
    pub tags: Tags,
    /// Who published it, if a client did.
    pub info: Option<Arc<ClientInfo>>,
    /// Unix milliseconds; 0 is left out.
    pub time_ms: i64,
    /// What caused it; clients do not see it.
    pub trace: Option<Box<Trace>>,
}

impl Publication {
    /// The length of its content.
    pub(crate) fn bytes(&self) -> usize {
        let tags: usize = self.tags.iter().map(|(key, value)| key.len() + value.len()).sum();
        self.data.len() + tags + self.info.as_deref().map_or(0, ClientInfo::bytes)
    }
}

/// A client as others see it.
#[derive(Clone, Debug, Default)]
pub struct ClientInfo {
    pub user: String,
    pub client: String,
    pub conn_info: Option<Data>,
    pub chan_info: Option<Data>,
}

impl ClientInfo {
    fn bytes(&self) -> usize {
        let raw = |info: &Option<Data>| info.as_ref().map_or(0, Data::len);
        self.user.len() + self.client.len() + raw(&self.conn_info) + raw(&self.chan_info)
    }
}

/// A short list of keys and values, cheap to clone.
#[derive(Clone, Default)]
pub struct Tags(Option<Arc<[Tag]>>);

type Tag = (Box<str>, Box<str>);

impl Tags {
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(k, _)| *k == key).map(|(_, v)| v)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|list| list.iter()).map(|(k, v)| (&**k, &**v))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl<K: Into<Box<str>>, V: Into<Box<str>>> FromIterator<(K, V)> for Tags {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(iter: I) -> Self {
        let list: Vec<_> = iter.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        Tags((!list.is_empty()).then(|| list.into()))
    }
}

impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Whether a subscriber may see a publication with these tags, live, in recovery and in history alike. Runs under the
/// room's lock: it must be short and must not block.
pub type Filter = Arc<dyn Fn(&Tags) -> bool + Send + Sync>;

/// A page of a room's log, with the log's bounds at the same moment.
#[derive(Clone, Debug, Default)]
pub struct LogPage {
    /// Changes when the log was lost and began anew.
    pub epoch: String,
    /// The newest offset; 0 if there was none yet.
    pub top: u64,
    /// The oldest offset still kept; `top + 1` if nothing is.
    pub oldest: u64,
    pub publications: Vec<Publication>,
}

/// The position of a room's log.
#[derive(Clone, Debug)]
pub struct Top {
    pub epoch: Arc<str>,
    /// The newest offset; 0 if there was none yet.
    pub offset: u64,
}

/// The log cannot be read now. The text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogError(pub String);

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LogError {}

#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// Publications with an offset over `after`, rising, at most `limit`; with 0 only the position.
    async fn since(&self, room: &str, after: u64, limit: usize) -> Result<LogPage, LogError>;

    /// The position of each of these rooms, in their order; `None` for one that cannot be read.
    async fn tops(&self, rooms: &[Arc<str>]) -> Result<Vec<Option<Top>>, LogError> {
        let mut tops = Vec::with_capacity(rooms.len());
        for room in rooms {
            let LogPage { epoch, top, .. } = self.since(room, 0, 0).await?;
            tops.push(Some(Top { epoch: epoch.into(), offset: top }));
        }
        Ok(tops)
    }

    /// Publications with an offset under `before` (all if `None`), newest first, at most `limit`.
    async fn before(&self, room: &str, before: Option<u64>, limit: usize) -> Result<LogPage, LogError>;

    /// Stores a client's publication and assigns its offset, if the authority decided so
    /// (`PublishDecision::Append`). Not every log takes writes.
    async fn append(&self, room: &str, publication: Publication) -> Result<Publication, LogError> {
        let _ = publication;
        Err(LogError(format!("the log of {room} takes no publications from clients")))
    }
}
