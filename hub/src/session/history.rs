//! `history`: reads past publications of a durable room, under the authority's filter. The client's own filter of its
//! subscription does not apply.

use std::sync::Arc;

use super::{context::SessionContext, state::Session};
use crate::{
    authority::SessionInfo,
    log::{Filter, LogError, LogPage},
    protocol::{
        codes::ErrorReply,
        command::History,
        event::RoomEvent,
        reply::{HistoryReply, Reply},
    },
    room::position,
};

pub(super) async fn command(
    context: &Arc<SessionContext>,
    session: &Session,
    info: &SessionInfo,
    command: History,
) -> Result<Reply, ErrorReply> {
    let room = command.channel.as_str();
    let filter = match session.subs.live(room, |live| (live.durable, live.filter.clone())) {
        Some((true, filter)) => filter,
        Some((false, _)) => return Err(ErrorReply::NOT_AVAILABLE),
        None => {
            let allowed = context.guarded(context.authority.history(info, room)).await;
            allowed.unwrap_or(Err(ErrorReply::INTERNAL))?
        }
    };
    let most = context.config.history_limit;
    let limit = match (usize::try_from(command.limit), &command.since) {
        (Ok(0), Some(_)) | (Err(_), _) => most,
        (Ok(limit), _) => limit.min(most),
    };
    let mut walk = Walk { context, room, filter, limit, found: Vec::new(), scanned: 0 };
    let read = walk.go(&command).await;
    let page = read.map_err(|_| ErrorReply::INTERNAL)?;
    if let Some(known) = context.rooms.get(room)
        && known.is_of_another_stream(&page.epoch)
    {
        position::doubt(&known);
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
    context: &'a Arc<SessionContext>,
    room: &'a str,
    filter: Option<Filter>,
    limit: usize,
    found: Vec<RoomEvent>,
    scanned: usize,
}

impl Walk<'_> {
    /// Reads page after page until enough publications have passed the filter; returns the first page, for its position.
    async fn go(&mut self, command: &History) -> Result<LogPage, LogError> {
        let since = command.since.as_ref().map(|s| s.offset);
        if self.limit == 0 {
            return self.context.log.since(self.room, 0, 0).await;
        }
        let mut next = if command.reverse { since } else { Some(since.unwrap_or(0)) };
        let mut first: Option<LogPage> = None;
        loop {
            let size = self.limit.min(self.context.config.log_page);
            let mut page = match (command.reverse, next) {
                (false, after) => self.context.log.since(self.room, after.unwrap_or(0), size).await?,
                (true, before) => self.context.log.before(self.room, before, size).await?,
            };
            let last = page.publications.last().map(|p| p.offset);
            let full = page.publications.len() == size;
            self.scanned += page.publications.len();
            for event in RoomEvent::all(&self.room.into(), std::mem::take(&mut page.publications)) {
                if self.found.len() < self.limit && event.passes(self.filter.as_ref()) {
                    self.found.push(event);
                }
            }
            let first = first.get_or_insert(page);
            if self.found.len() >= self.limit
                || !full
                || self.scanned > self.context.config.recovery_scan_limit
            {
                return Ok(std::mem::take(first));
            }
            next = last;
        }
    }
}
