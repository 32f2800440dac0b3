//! The store's side: its own rows, read by the keyset that the thread is read by.

use super::{End, PAGE_BYTES, Page, Wanted};
use crate::error::Error;
use crate::model::Message;
use crate::store::{Tx, Verb, messages};

/// Rows that are read at a time.
const STEP: usize = 51;

impl Verb for Wanted {
    type Out = Page;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Page, Error> {
        let (mut found, mut bytes) = (Vec::<Message>::new(), 0);
        let (mut after, mut before) = (self.after, self.before);
        loop {
            let want = (self.limit + 1 - found.len()).min(STEP) as i64;
            let mut some = match self.end {
                End::Newest => messages::before(tx, self.tenant, self.conversation, before, want).await?,
                End::Oldest => messages::after(tx, self.tenant, self.conversation, after, want).await?,
            };
            let read = some.len() as i64;
            some.retain(|message| message.seq > self.after && message.seq < self.before);
            let is_out = (some.len() as i64) < want || read < want;
            bytes += some.iter().map(|one| one.text.as_ref().map_or(0, String::len)).sum::<usize>();
            match self.end {
                End::Newest => {
                    before = some.first().map_or(before, |first| first.seq);
                    some.append(&mut found);
                    found = some;
                }
                End::Oldest => {
                    after = some.last().map_or(after, |last| last.seq);
                    found.append(&mut some);
                }
            }
            if is_out {
                return Ok(Page { messages: found, more: false });
            }
            if found.len() > self.limit || bytes > PAGE_BYTES {
                // The one too many is at the far end.
                match self.end {
                    End::Newest => drop(found.remove(0)),
                    End::Oldest => drop(found.pop()),
                }
                return Ok(Page { messages: found, more: true });
            }
        }
    }
}
