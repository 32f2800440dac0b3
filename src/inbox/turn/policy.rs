//! When a turn is due and what a new message does to the open ones. Pure: values in, a decision out.

use crate::model::{ChannelSettings, Message, MessageKind, Turn};

/// What a customer's message does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Opens a new turn.
    Open,
    /// Joins the collecting turn.
    Extend,
    /// Takes the offered turn back from its responder and reopens it.
    Supersede,
}

/// `collecting` and `offered` are the open turns of the conversation.
pub fn arrival(collecting: Option<&Turn>, offered: Option<&Turn>, settings: &ChannelSettings) -> Arrival {
    match (collecting, offered) {
        (Some(_), _) => Arrival::Extend,
        (None, Some(turn)) if settings.supersede && turn.supersedes < settings.max_supersedes => {
            Arrival::Supersede
        }
        // Superseded too often: a new turn is queued behind the offered one.
        (None, _) => Arrival::Open,
    }
}

/// When the turn is due if no further message arrives. `window_at` is the start of its collection.
pub fn due_at(now: i64, window_at: i64, count: i64, flush: bool, settings: &ChannelSettings) -> i64 {
    if flush || count >= settings.max_messages {
        return now;
    }
    let quiet = now.saturating_add(settings.quiet_ms);
    quiet.min(window_at.saturating_add(settings.max_wait_ms)).max(now)
}

/// Puts the due time off while the customer types, within the longest wait. A turn that is due stays so: it may have been asked
/// for, and its wait for a responder is counted from then.
pub fn after_typing(due_at: i64, now: i64, window_at: i64, settings: &ChannelSettings) -> i64 {
    if due_at <= now {
        return due_at;
    }
    let longest = window_at.saturating_add(settings.max_wait_ms);
    due_at.max(now.saturating_add(settings.quiet_ms).min(longest))
}

/// The parts of an album come as messages of their own, one right after the other.
pub const ALBUM_MS: i64 = 1_000;

/// Puts the due time off until the other parts of an album have come, within the longest wait.
pub fn after_album(due_at: i64, now: i64, window_at: i64, settings: &ChannelSettings) -> i64 {
    let longest = window_at.saturating_add(settings.max_wait_ms.max(ALBUM_MS));
    due_at.max(now.saturating_add(ALBUM_MS).min(longest))
}

/// Whether more parts may follow: pictures and files are sent several at a time, and not every provider names the album.
pub fn may_be_album(message: &Message) -> bool {
    use MessageKind::{Document, Image, Video};
    let is_named = message.data.as_ref().is_some_and(|data| data.get("media_group_id").is_some());
    is_named || matches!(message.kind, Image | Video | Document)
}

/// Whether the whole message is one of the channel's flush words.
pub fn is_flush(text: Option<&str>, settings: &ChannelSettings) -> bool {
    let Some(text) = text.map(str::trim) else { return false };
    settings.flush_words.iter().any(|word| word.trim().to_lowercase() == text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::TurnState;

    fn turn(supersedes: i64) -> Turn {
        Turn {
            id: uuid::Uuid::nil(),
            conversation: uuid::Uuid::nil(),
            state: TurnState::Offered,
            first_seq: 1,
            last_seq: 1,
            count: 1,
            opened_at: 0,
            due_at: 0,
            attempt: 1,
            supersedes,
            lease_until: None,
            reason: None,
            epoch: 1,
            lease: None,
            window_at: 0,
        }
    }

    #[test]
    fn a_turn_is_superseded_a_bounded_number_of_times() {
        let settings = ChannelSettings { max_supersedes: 2, ..ChannelSettings::default() };
        assert_eq!(arrival(None, Some(&turn(1)), &settings), Arrival::Supersede);
        assert_eq!(arrival(None, Some(&turn(2)), &settings), Arrival::Open);
        let off = ChannelSettings { supersede: false, ..settings };
        assert_eq!(arrival(None, Some(&turn(0)), &off), Arrival::Open);
        assert_eq!(arrival(Some(&turn(0)), Some(&turn(2)), &off), Arrival::Extend);
    }

    #[test]
    fn an_album_is_waited_for_within_the_longest_wait() {
        let settings = ChannelSettings { quiet_ms: 0, max_wait_ms: 3_000, ..ChannelSettings::default() };
        assert_eq!(after_album(5_000, 5_000, 5_000, &settings), 6_000);
        assert_eq!(after_album(7_500, 7_500, 5_000, &settings), 8_000);
        assert_eq!(after_album(9_000, 8_500, 5_000, &settings), 9_000, "a later due time stays");
        let at_once = ChannelSettings { max_wait_ms: 0, ..settings };
        assert_eq!(after_album(5_000, 5_000, 5_000, &at_once), 6_000);
        assert_eq!(after_album(7_000, 7_000, 5_000, &at_once), 7_000);
    }

    #[test]
    fn typing_is_waited_for_within_the_longest_wait() {
        let settings = ChannelSettings { quiet_ms: 4_000, max_wait_ms: 10_000, ..ChannelSettings::default() };
        assert_eq!(after_typing(9_000, 7_000, 5_000, &settings), 11_000);
        assert_eq!(after_typing(13_000, 12_000, 5_000, &settings), 15_000, "not beyond the longest wait");
        assert_eq!(after_typing(9_000, 9_000, 5_000, &settings), 9_000, "what is due stays due");
        assert_eq!(after_typing(16_000, 14_000, 5_000, &settings), 16_000, "never earlier");
    }

    #[test]
    fn a_flush_word_is_the_whole_message() {
        let settings = ChannelSettings { flush_words: vec!["Send".into()], ..ChannelSettings::default() };
        assert!(is_flush(Some(" send "), &settings));
        assert!(!is_flush(Some("send it"), &settings) && !is_flush(None, &settings));
    }

    proptest! {
        /// The due time is never later than the longest wait, and never in the past.
        #[test]
        fn a_talkative_customer_is_answered(gaps in prop::collection::vec(0i64..10_000, 1..60)) {
            let settings = ChannelSettings { max_messages: 1_000, ..ChannelSettings::default() };
            let (window_at, mut now) = (1_000_000, 1_000_000);
            let mut due = 0;
            for (count, gap) in gaps.iter().enumerate() {
                if count > 0 && now + gap >= due { break; }
                now += gap;
                due = due_at(now, window_at, count as i64 + 1, false, &settings);
                prop_assert!(due >= now);
                prop_assert!(due <= window_at + settings.max_wait_ms);
                prop_assert!(due <= now + settings.quiet_ms);
            }
        }
    }
}
