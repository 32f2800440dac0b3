//! A page of a thread of which messages have left the store. `seq` has no gaps, so a page that has one, or ends above the
//! first message, is not whole: what is missing comes from the history, and the two become one page. While the history is
//! away a page ends where the first one is missing, and one that would begin there is refused: a reader never sees a thread
//! with a hole.

use std::collections::BTreeMap;

use super::{End, History, Page, Wanted};
use crate::error::Error;
use crate::model::Message;

/// Completes a page that the store gave; `last_seq` is the conversation's newest message.
pub async fn complete(history: &History, wanted: Wanted, last_seq: i64, stored: Page) -> Result<Page, Error> {
    let wanted = Wanted { before: wanted.before.min(last_seq.saturating_add(1)), ..wanted };
    if !history.is_beside() || is_whole(&wanted, &stored) {
        return Ok(stored);
    }
    match history.page(wanted).await {
        Ok(kept) => Ok(joined(&wanted, stored, kept)),
        Err(error) => {
            let part = beginning(&wanted, stored.messages);
            if part.is_empty() {
                return Err(error);
            }
            tracing::warn!(%error, "a page of a thread ends where the history is away");
            Ok(Page { messages: part, more: true })
        }
    }
}

/// The first `seq` that the page should have, at the end that it is filled from.
const fn first(wanted: &Wanted) -> i64 {
    match wanted.end {
        End::Newest => wanted.before - 1,
        End::Oldest => wanted.after + 1,
    }
}

/// The messages of a page from its beginning up to where one is missing.
fn beginning(wanted: &Wanted, messages: Vec<Message>) -> Vec<Message> {
    let step = if wanted.end == End::Newest { -1 } else { 1 };
    let mut due = first(wanted);
    let mut kept: Vec<Message> = Vec::new();
    let from_beginning: Box<dyn Iterator<Item = Message>> = match wanted.end {
        End::Newest => Box::new(messages.into_iter().rev()),
        End::Oldest => Box::new(messages.into_iter()),
    };
    for message in from_beginning {
        if message.seq != due {
            break;
        }
        due += step;
        kept.push(message);
    }
    kept.sort_by_key(|message| message.seq);
    kept
}

/// Whether nothing is missing within the page and beyond it up to the limit.
fn is_whole(wanted: &Wanted, page: &Page) -> bool {
    let left = (wanted.before - 1 - wanted.after.max(0)).max(0);
    let (Some(lowest), Some(highest)) = (page.messages.first(), page.messages.last()) else {
        return left == 0;
    };
    let count = page.messages.len() as i64;
    let begins = match wanted.end {
        End::Newest => highest.seq == first(wanted),
        End::Oldest => lowest.seq == first(wanted),
    };
    begins && highest.seq - lowest.seq + 1 == count && (page.more || count == left)
}

/// One page of two. Of a message that both have the store's is the newer one.
fn joined(wanted: &Wanted, stored: Page, kept: Page) -> Page {
    let mut more = stored.more || kept.more;
    // Beyond the far end of a page that has more, the other one may miss messages.
    let far = |page: &Page| match wanted.end {
        _ if !page.more => None,
        End::Newest => page.messages.first().map(|message| message.seq),
        End::Oldest => page.messages.last().map(|message| message.seq),
    };
    let bounds: Vec<i64> = [far(&stored), far(&kept)].into_iter().flatten().collect();
    let mut by_seq: BTreeMap<i64, Message> = BTreeMap::new();
    for message in kept.messages.into_iter().chain(stored.messages) {
        by_seq.insert(message.seq, message);
    }
    let all = by_seq.len();
    let within = |seq: i64| match wanted.end {
        End::Newest => bounds.iter().all(|bound| seq >= *bound),
        End::Oldest => bounds.iter().all(|bound| seq <= *bound),
    };
    let mut messages: Vec<Message> = by_seq.into_values().filter(|message| within(message.seq)).collect();
    more |= messages.len() < all || messages.len() > wanted.limit;
    match wanted.end {
        End::Newest => drop(messages.drain(..messages.len().saturating_sub(wanted.limit))),
        End::Oldest => messages.truncate(wanted.limit),
    }
    Page { messages, more }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Author, AuthorKind, Direction, MessageKind, MessageStatus};
    use uuid::Uuid;

    fn message(seq: i64, text: &str) -> Message {
        Message {
            id: Uuid::from_u128(seq as u128),
            conversation: Uuid::nil(),
            seq,
            direction: Direction::In,
            kind: MessageKind::Text,
            text: Some(text.into()),
            author: Author { kind: AuthorKind::Customer, id: None, name: None },
            client_id: None,
            reply_to: None,
            attachments: Vec::new(),
            reactions: Vec::new(),
            status: MessageStatus::Received,
            error: None,
            edited_at: None,
            deleted_at: None,
            provider_at: None,
            created_at: seq,
            turn: None,
            data: None,
        }
    }

    fn page(seqs: impl IntoIterator<Item = i64>, more: bool) -> Page {
        Page { messages: seqs.into_iter().map(|seq| message(seq, "stored")).collect(), more }
    }

    fn wanted(end: End, after: i64, before: i64, limit: usize) -> Wanted {
        Wanted { tenant: Uuid::nil(), conversation: Uuid::nil(), after, before, end, limit }
    }

    fn seqs(messages: &[Message]) -> Vec<i64> {
        messages.iter().map(|message| message.seq).collect()
    }

    #[test]
    fn a_page_is_whole_if_no_number_is_missing() {
        let newest = wanted(End::Newest, 0, 11, 5);
        assert!(is_whole(&newest, &page(6..=10, true)));
        assert!(is_whole(&wanted(End::Newest, 0, 4, 5), &page(1..=3, false)));
        for (seqs, more) in
            [(vec![6, 7, 9, 10], true), (vec![5, 6, 7], true), (vec![8, 9, 10], false), (vec![], false)]
        {
            assert!(!is_whole(&newest, &page(seqs.clone(), more)), "{seqs:?}");
        }
        let oldest = wanted(End::Oldest, 3, 11, 5);
        assert!(is_whole(&oldest, &page(4..=8, true)) && is_whole(&oldest, &page(4..=10, false)));
        assert!(!is_whole(&oldest, &page([5, 6, 7, 8, 9], true)));
        assert!(is_whole(&wanted(End::Oldest, 10, 11, 5), &page([], false)));
    }

    #[test]
    fn two_pages_become_one_that_does_not_go_beyond_what_both_are_sure_of() {
        let newest = wanted(End::Newest, 0, 21, 6);
        // The store's page went further down, over what left.
        let both = joined(&newest, page([3, 9, 17, 19, 20], true), page(15..=20, true));
        assert_eq!((seqs(&both.messages), both.more), (vec![15, 16, 17, 18, 19, 20], true));
        // Cut in bytes.
        let both = joined(&newest, page([3, 19, 20], false), page([18, 19, 20], true));
        assert_eq!((seqs(&both.messages), both.more), (vec![18, 19, 20], true));
        // What expired is not there, what stayed is.
        let both = joined(&newest, page([2, 19, 20], false), page([19, 20], false));
        assert_eq!((seqs(&both.messages), both.more), (vec![2, 19, 20], false));
        let oldest = wanted(End::Oldest, 0, 21, 3);
        let both = joined(&oldest, page([1, 4, 9], true), page([1, 2, 3], true));
        assert_eq!((seqs(&both.messages), both.more), (vec![1, 2, 3], true));
    }

    #[test]
    fn without_the_history_a_page_ends_before_the_first_hole() {
        let newest = wanted(End::Newest, 0, 21, 6);
        assert_eq!(seqs(&beginning(&newest, page([3, 17, 19, 20], true).messages)), [19, 20]);
        assert!(beginning(&newest, page([3, 17], true).messages).is_empty());
        let oldest = wanted(End::Oldest, 4, 21, 6);
        assert_eq!(seqs(&beginning(&oldest, page([5, 6, 9], true).messages)), [5, 6]);
    }
}
