//! The line of a session's refresh tokens: which of them may be used now, and which one shows that there are two who
//! hold the session.
//!
//! A token of generation *n* is answered with one of generation *n + 1*. Only digests are stored, so the same successor
//! cannot be given twice: each use makes one of its own, and a generation can have several tokens, brothers. The
//! session remembers how far it has come: the newest generation of which a token was *used*, and which token that was,
//! the head. What is used next is one of three things:
//!
//! - **of a newer generation**: a successor that nobody has used yet. It becomes the head. From now on everything that
//!   is older, and its brothers, are signs of a fork.
//! - **the head once more**: nobody has used any of its successors. The answer was lost, or two tabs that woke together
//!   both sent what they had. It gets another successor, as often as it comes and however late.
//! - **anything else**: an older token, or a brother of the head. Two hold the session, each with a line of its own; who
//!   of them is the thief cannot be known, so the session ends for both.
//!
//! "Used" means presented for a renewal, and nothing less. To count a use of the *access* token too would retire the
//! parent a moment earlier, and would sign out the second of two tabs that wake together, whose request was under way
//! while the first one already worked with its answer.
//!
//! **Who is honest does not end.** A browser has one jar for its cookie, and sends one renewal at a time (the page takes
//! turns by a lock; where there is none, tabs send the same token at the same time). Whatever answers are lost, and in
//! whatever order they come, the jar then holds the head or one of its unused successors, and only that one is used next.
//! What does end a session is a request that was overtaken by two renewals, each of which was answered; a tab that is
//! closed takes its request with it, so this needs a proxy that keeps it.
//!
//! **A thief does.** Whoever copies a token gets a brother of what the browser gets, however fast he is: there is no time
//! within which a repetition is forgiven. Of brothers one is used first. If it is the thief's, the browser comes with
//! the head's parent or with a brother of the head; if it is the browser's, the thief does. So the session ends at the
//! latest when both have come twice, and of an attempt to hide by being first only the end is left.
//!
//! A session also ends when a head comes more than [`MOST`] times: each time costs a row.

use std::cmp::Ordering;

use uuid::Uuid;

/// Uses of one token whose successor was never used.
pub const MOST: i64 = 1_000;

/// How far a session has come.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The newest generation of which a token was used; 0: none was.
    pub generation: i64,
    /// The token of that generation that was used.
    pub head: Option<Uuid>,
    /// How often the head was used, this attempt included.
    pub renewals: i64,
}

/// What the use of a token means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is the new head.
    First,
    /// It is the head, and none of its successors was used.
    Again,
    /// Two hold the session.
    Forked,
    /// The head came too often.
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

    /// The tabs of a browser that wake together and all send what is in the jar. For each, in the order in which the
    /// server sees them: when its answer arrives among the others', or that it never does.
    type Wave = Vec<Option<u8>>;

    /// All of a wave's answers are there or lost before the next one begins.
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
        /// The thief renews what he has; he never loses an answer.
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

        /// Whenever the thief copies the jar, and however the two take turns: when both have come twice since, and the
        /// browser once got an answer, nobody has the session any more.
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
            // What each has shown of his line when the other comes.
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

        /// The copy of any token that the browser ever had, used after its successor was: the session ends there and then.
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

    /// The rarer order: the answer that came first in time wins the jar.
    #[test]
    fn answers_that_cross_leave_a_brother_that_is_as_good() {
        let (mut server, parent) = Server::new();
        let (first, second) =
            (server.renew(parent).expect("one tab"), server.renew(parent).expect("the other"));
        assert!(server.renew(first).is_some(), "the older brother, in the jar because its answer came last");
        assert!(server.renew(second).is_none(), "after that the younger is somebody else's");
    }
}
