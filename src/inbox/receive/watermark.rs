//! A watermark: every message of a chat that left by a time has come so far. It moves statuses forward only. A part whose send
//! call is still open gets it when the call ends, because only then it is known to have left.

use adapters::Status;
use adapters::event::Watermark;

use super::time;
use crate::error::Error;
use crate::inbox::message_change::{self, MessageChange, TimedChange};
use crate::inbox::receipt;
use crate::model::{Channel, MessageStatus};
use crate::store::{Tx, deliveries};

/// Parts that one watermark moves: the newest ones. Those below follow with the next one, which covers them as well.
const MOST: i64 = 200;
/// Parts that it waits for: a lane sends one at a time, and others whose outcome is unknown may be below.
const MOST_OPEN: i64 = 10;
/// How long a send whose outcome is unknown may still be settled by an echo.
const OPEN_MS: i64 = 15 * 60_000;
/// Messages that it names besides.
const NAMED: usize = 200;

pub(super) async fn apply(tx: &mut Tx<'_>, channel: &Channel, mark: &Watermark) -> Result<bool, Error> {
    let (status, from): (_, &[MessageStatus]) = match mark.status {
        Status::Delivered => (MessageStatus::Delivered, &[MessageStatus::Sent]),
        Status::Read | Status::Played => {
            (MessageStatus::Read, &[MessageStatus::Sent, MessageStatus::Delivered])
        }
        Status::Pending | Status::Sent | Status::Failed => return Ok(false),
    };
    let until = time::end_of(mark.until_ms.min(tx.now()));
    let mut changed = false;
    for state in from {
        let place = (channel.tenant, channel.id);
        for mut part in deliveries::sent_until(tx, place, &mark.chat, (*state, until), MOST).await? {
            changed |= receipt::advance(tx, &mut part, status, None).await?;
        }
    }
    let began = (tx.now() - OPEN_MS, until);
    let place = (channel.tenant, channel.id);
    for part in deliveries::begun(tx, place, &mark.chat, began, MOST_OPEN).await? {
        message_change::await_outcome(tx, channel, part.id, (status, until)).await?;
        changed = true;
    }
    for key in mark.named.iter().take(NAMED) {
        let change = MessageChange::Status { status, error: None };
        let timed =
            TimedChange { at: time::of(&mark.told, tx.now()), place: None, key: String::new(), change };
        message_change::apply_or_wait(tx, channel, key, timed).await?;
        changed = true;
    }
    Ok(changed)
}
