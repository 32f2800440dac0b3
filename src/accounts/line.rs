//! The rules of refresh-token rotation: which token of a session may be used now, and which use shows that two clients
//! hold the session.
//!
//! A token of generation *n* is answered with one of generation *n + 1*. Only digests are stored, so the same successor
//! cannot be returned twice: each use makes a new one, and a generation can have several tokens (siblings). The session
//! stores the newest generation of which a token was *used*, and which token that was, the head. The next use is one of
//! three cases:
//!
//! - **of a newer generation**: a successor that was not used yet. It becomes the head. From now on the use of an older
//!   token or of a sibling is a fork.
//! - **the head again**: none of its successors was used. The answer was lost, or two tabs that woke together sent the
//!   same token. It gets another successor, however often and however late it is sent.
//! - **anything else**: an older token, or a sibling of the head. Two clients hold the session, each with its own line
//!   of tokens. Which one is the thief is unknown, so the session ends for both.
//!
//! "Used" means presented for a renewal, and nothing else. Counting a use of the *access* token too would retire the
//! parent earlier, and would sign out the second of two tabs that wake together, whose renewal is under way while the
//! first one already uses its answer.
//!
//! **An honest browser keeps its session.** A browser has one cookie jar and sends one renewal at a time (tabs take
//! turns by a lock; without locks they send the same token at the same time). Whichever answers are lost, and in
//! whatever order they arrive, the jar then holds the head or one of its unused successors, and that token is used
//! next. A session ends only if a request is delayed until two later renewals were answered; a closed tab cancels its
//! request, so this needs a proxy that keeps it.
//!
//! **A copied token ends the session.** A thief gets a sibling of the browser's token, however fast he is: there is no
//! grace period for repetitions. One of the siblings is used first. If it is the thief's, the browser then presents the
//! head's parent or a sibling of the head; if it is the browser's, the thief does. So the session ends at the latest
//! when both have renewed twice, in either order.
//!
//! A session also ends when its head is used more than [`MOST`] times: each use costs a row.

use std::cmp::Ordering;

use uuid::Uuid;

/// The most uses of one token of which no successor was used.
pub const MOST: i64 = 1_000;

/// The state of a session's line.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The newest generation of which a token was used; 0: none was.
    pub generation: i64,
    /// The token of that generation that was used.
    pub head: Option<Uuid>,
    /// Uses of the head, including this one.
    pub renewals: i64,
}

/// The outcome of a token's use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The token becomes the head.
    First,
    /// The token is the head, and none of its successors was used.
    Again,
    /// Two clients hold the session.
    Forked,
    /// The head was used too often.
    TooOften,
}

impl Line {
    pub fn step(&self, token: Uuid, generation: i64) -> Step {
        match generation.cmp(&self.generation) {
            Ordering::Greater => Step::First,
            Ordering::Equal if self.head == Some(token) && self.renewals <= MOST => Step::Again,
            Ordering::Equal if self.head == Some(token) => Step::TooOften,
            Ordering::Equal | Ordering::Less => Step::Forked,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Token = (Uuid, i64);

    /// A server with one session.
    struct Server {
        line: Line,
        made: u128,
        ended: bool,
    }

    impl Server {
        fn new() -> (Self, Token) {
            let line = Line { generation: 0, head: None, renewals: 0 };
            (Self { line, made: 1, ended: false }, (Uuid::from_u128(1), 1))
        }

        fn renew(&mut self, (id, generation): Token) -> Option<Token> {
            self.line.renewals += 1;
            if self.ended {
                return None;
            }
            match self.line.step(id, generation) {
                Step::First => self.line = Line { generation, head: Some(id), renewals: 1 },
                Step::Again => {}
                Step::Forked | Step::TooOften => {
                    self.ended = true;
                    return None;
                }
            }
            self.made += 1;
            Some((Uuid::from_u128(self.made), generation + 1))
        }
    }

    /// Tabs that wake together and send the jar's token, in the order in which the server receives them: the position
    /// at which each answer arrives, or `None` if it is lost.
    type Wave = Vec<Option<u8>>;

    /// All answers of a wave arrive or are lost before the next wave begins.
    fn wave(server: &mut Server, jar: &mut Token, tabs: &Wave) {
        let sent = *jar;
        let mut answers: Vec<(u8, Token)> = Vec::new();
        for arrives in tabs {
            if let (Some(token), Some(when)) = (server.renew(sent), arrives) {
                answers.push((*when, token));
            }
        }
        answers.sort_by_key(|(when, _)| *when);
        if let Some((_, last)) = answers.last() {
            *jar = *last;
        }
    }

    fn waves() -> impl Strategy<Value = Vec<Wave>> {
        let answer = prop_oneof![2 => any::<u8>().prop_map(Some), 1 => Just(None)];
        prop::collection::vec(prop::collection::vec(answer, 1..5), 1..40)
    }

    #[derive(Clone, Debug)]
    enum Act {
        Browser(Wave),
        /// The thief renews his token; he never loses an answer.
        Thief,
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let answer = prop_oneof![2 => any::<u8>().prop_map(Some), 1 => Just(None)];
        let browser = prop::collection::vec(answer, 1..4).prop_map(Act::Browser);
        prop::collection::vec(prop_oneof![browser, Just(Act::Thief)], 0..24)
    }

    proptest! {
        #[test]
        fn an_honest_browser_is_never_signed_out(waves in waves()) {
            let (mut server, mut jar) = Server::new();
            for tabs in &waves {
                wave(&mut server, &mut jar, tabs);
                prop_assert!(!server.ended);
            }
        }

        /// Whenever the thief copies the jar, and in whatever order he and the browser renew: when both have renewed
        /// twice since, and the browser got an answer once, the session has ended.
        #[test]
        fn a_thief_beside_the_browser_is_found_when_both_have_come_twice(
            before in waves(),
            after in acts(),
        ) {
            let (mut server, mut jar) = Server::new();
            for tabs in &before {
                wave(&mut server, &mut jar, tabs);
            }
            let mut stolen = jar;
            let (mut thefts, mut heard) = (0, 0);
            // The uses of each line before the other one's next use.
            for act in &after {
                match act {
                    Act::Thief => {
                        if let Some(token) = server.renew(stolen) {
                            stolen = token;
                        }
                        thefts += 1;
                        prop_assert!(server.ended || heard < 2, "the browser came twice, and then the thief");
                    }
                    Act::Browser(tabs) => {
                        let had = jar;
                        wave(&mut server, &mut jar, tabs);
                        heard += i32::from(jar != had);
                        prop_assert!(server.ended || thefts < 2, "the thief came twice, and then the browser");
                    }
                }
            }
        }

        /// A copy of any earlier token, used after its successor was used, ends the session at once.
        #[test]
        fn what_is_older_than_the_head_ends_the_session(waves in waves(), which in any::<prop::sample::Index>()) {
            let (mut server, mut jar) = Server::new();
            let mut had = Vec::new();
            for tabs in &waves {
                had.push(jar);
                wave(&mut server, &mut jar, tabs);
            }
            let old = had[which.index(had.len())];
            let is_over = old.1 < server.line.generation;
            let answered = server.renew(old).is_some();
            prop_assert_eq!(server.ended, is_over);
            prop_assert_eq!(answered, !is_over);
        }
    }

    #[test]
    fn a_head_that_comes_without_end_ends_the_session() {
        let (mut server, token) = Server::new();
        for _ in 0..MOST {
            assert!(server.renew(token).is_some());
        }
        assert!(server.renew(token).is_none() && server.ended);
    }

    /// The rarer order: the older sibling's answer arrives last, so the older sibling stays in the jar.
    #[test]
    fn answers_that_cross_leave_a_brother_that_is_as_good() {
        let (mut server, parent) = Server::new();
        let (first, second) =
            (server.renew(parent).expect("one tab"), server.renew(parent).expect("the other"));
        assert!(server.renew(first).is_some(), "the older brother, in the jar because its answer came last");
        assert!(server.renew(second).is_none(), "after that the younger is somebody else's");
    }
}
