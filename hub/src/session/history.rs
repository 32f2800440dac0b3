//! `history`: a look back into a durable room, under the filter that the authority put on it. What the client itself
//! wants to be told of live does not bind it here.

use std::sync::Arc;

use super::{Session, subs::Sub};
use crate::{
    ErrorReply, SessionInfo,
    hub::Inner,
    lock::lock,
    log::{Filter, LogError, LogPage},
    protocol::entry::Entry,
    protocol::{
        command::History,
        reply::{HistoryReply, Reply},
    },
};

pub(super) async fn command(
    inner: &Arc<Inner>,
    session: &Session,
    info: &SessionInfo,
    command: History,
) -> Result<Reply, ErrorReply> {
    let room = command.channel.as_str();
    let own = match lock(&session.subs).get(room) {
        Some(Sub::Live(live)) => Some((live.durable, live.filter.clone())),
        _ => None,
    };
    let filter = match own {
        Some((true, filter)) => filter,
        Some((false, _)) => return Err(ErrorReply::NOT_AVAILABLE),
        None => {
            let allowed = inner.guarded(inner.authority.history(info, room)).await;
            allowed.unwrap_or(Err(ErrorReply::INTERNAL))?
        }
    };
    let most = inner.config.history_limit;
    let limit = match (usize::try_from(command.limit), &command.since) {
        (Ok(0), Some(_)) | (Err(_), _) => most,
        (Ok(limit), _) => limit.min(most),
    };
    let mut walk = Walk { inner, room, filter, limit, found: Vec::new(), scanned: 0 };
    let read = walk.go(&command).await;
    let page = read.map_err(|_| ErrorReply::INTERNAL)?;
    if let Some(known) = inner.rooms.get(room)
        && known.is_of_another_stream(&page.epoch)
    {
        known.doubt(inner);
    }
    if let Some(since) = &command.since
        && !since.epoch.is_empty()
        && since.epoch != page.epoch
    {
        return Err(ErrorReply::UNRECOVERABLE);
    }
    Ok(Reply::History(HistoryReply { epoch: page.epoch, offset: page.top, publications: walk.found }))
}

struct Walk<'a> {
    inner: &'a Arc<Inner>,
    room: &'a str,
    filter: Option<Filter>,
    limit: usize,
    found: Vec<Entry>,
    scanned: usize,
}

impl Walk<'_> {
    /// Reads page after page until enough has passed the filter; gives the first page for its position.
    async fn go(&mut self, command: &History) -> Result<LogPage, LogError> {
        let since = command.since.as_ref().map(|s| s.offset);
        if self.limit == 0 {
            return self.inner.since(self.room, 0, 0).await;
        }
        let mut next = if command.reverse { since } else { Some(since.unwrap_or(0)) };
        let mut first: Option<LogPage> = None;
        loop {
            let size = self.limit.min(self.inner.config.log_page);
            let mut page = match (command.reverse, next) {
                (false, after) => self.inner.since(self.room, after.unwrap_or(0), size).await?,
                (true, before) => self.inner.before(self.room, before, size).await?,
            };
            let last = page.publications.last().map(|p| p.offset);
            let full = page.publications.len() == size;
            self.scanned += page.publications.len();
            for entry in Entry::all(&self.room.into(), std::mem::take(&mut page.publications)) {
                if self.found.len() < self.limit && entry.passes(self.filter.as_ref()) {
                    self.found.push(entry);
                }
            }
            let first = first.get_or_insert(page);
            if self.found.len() >= self.limit || !full || self.scanned > self.inner.config.recovery_scan_limit
            {
                return Ok(std::mem::take(first));
            }
            next = last;
        }
    }
}
