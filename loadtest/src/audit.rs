//! The check over HTTP after a run: reads the feed from the start cursor and every conversation of the run. The
//! sockets' results are not used.

use anyhow::{Context, Result, ensure};

use crate::api::Api;
use crate::event::{Event, EventPage, MessagePage};
use crate::verify::{Check, Tally};
use crate::webhook::Run;

/// Reads the feed of a tenant from `start` to its top. `observe` also gets every event.
pub(crate) async fn feed(
    api: &Api,
    tenant: &str,
    start: u64,
    run: Run,
    observe: &mut (dyn for<'e> FnMut(&Event<'e>) + Send),
) -> Result<Check> {
    let mut check = Check::new(run, start);
    loop {
        let text = api.events(tenant, check.cursor()).await?;
        let page: EventPage<'_> = serde_json::from_str(&text).context("unreadable events page")?;
        let before = check.cursor();
        for event in &page.events {
            check.event(event);
            observe(event);
        }
        if check.cursor() >= page.top {
            return Ok(check);
        }
        ensure!(check.cursor() > before, "the feed ends at {before} below its top {}", page.top);
    }
}

/// Reads the messages of every conversation in the feed.
pub(crate) async fn stored(api: &Api, run: Run, feed: &Check) -> Result<Tally> {
    let mut check = Check::new(run, 0);
    for (_, conversation) in feed.conversations() {
        let mut last = 0;
        loop {
            let text = api.messages(conversation, last).await?;
            let page: MessagePage<'_> = serde_json::from_str(&text).context("unreadable messages page")?;
            for message in &page.messages {
                check.message(message);
                last = last.max(message.seq);
            }
            if !page.more || page.messages.is_empty() {
                break;
            }
        }
    }
    Ok(check.finish())
}
