//! Verifies the answers: no turn is answered twice, and the provider received every answer that is marked sent exactly
//! once. Pure state, fed with feed events and with the provider's record of sends.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::event::Event;

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct TurnTally {
    /// Turns by their last state.
    pub(crate) turns: BTreeMap<String, u64>,
    /// Outgoing messages by their last status.
    pub(crate) outgoing: BTreeMap<String, u64>,
    pub(crate) answered_twice: u64,
    /// Turns in state `answered` without an answer in the conversation.
    pub(crate) answered_without_message: u64,
    /// Sends in the provider's record without a stored message, duplicates included.
    pub(crate) sent_too_often: u64,
    /// Messages marked as sent that are not in the provider's record.
    pub(crate) sent_never: u64,
}

impl TurnTally {
    pub(crate) fn passed(&self) -> bool {
        self.answered_twice + self.answered_without_message + self.sent_too_often + self.sent_never == 0
    }
}

/// One entry of the provider's record.
#[derive(Deserialize)]
pub(crate) struct RecordedSend {
    chat: serde_json::Value,
    text: String,
}

struct Outgoing {
    conversation: String,
    text: String,
    status: String,
    /// The turn that it answers; `None` for a message of a person.
    turn: Option<String>,
}

#[derive(Default)]
pub(crate) struct Turns {
    states: HashMap<String, String>,
    outgoing: HashMap<String, Outgoing>,
}

impl Turns {
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        if let Some(turn) = &event.turn {
            self.states.insert(turn.id.to_owned(), turn.state.to_owned());
        }
        let Some(message) = event.message.as_ref().filter(|message| message.direction == "out") else {
            return;
        };
        let turn = message.turn.filter(|_| message.author.kind == "responder");
        let outgoing = Outgoing {
            conversation: message.conversation.to_owned(),
            text: message.text.as_deref().unwrap_or_default().to_owned(),
            status: message.status.to_owned(),
            turn: turn.map(str::to_owned),
        };
        self.outgoing.insert(message.id.to_owned(), outgoing);
    }

    /// No turn is open and no message is on its way.
    pub(crate) fn settled(&self) -> bool {
        let open = |state: &str| matches!(state, "collecting" | "offered");
        let moving = |status: &str| matches!(status, "queued" | "sending");
        !self.states.values().any(|state| open(state))
            && !self.outgoing.values().any(|out| moving(&out.status))
    }

    /// `chats` maps a conversation to the provider's chat. Without `sends` the provider's side is not verified.
    pub(crate) fn finish(
        &self,
        chats: &HashMap<String, String>,
        sends: Option<&[RecordedSend]>,
    ) -> TurnTally {
        let mut tally = TurnTally::default();
        for state in self.states.values() {
            *tally.turns.entry(state.clone()).or_default() += 1;
        }
        let mut answers: HashMap<&str, u64> = HashMap::new();
        for out in self.outgoing.values() {
            *tally.outgoing.entry(out.status.clone()).or_default() += 1;
            if let Some(turn) = &out.turn {
                *answers.entry(turn).or_default() += 1;
            }
        }
        tally.answered_twice = answers.values().filter(|count| **count > 1).count() as u64;
        let silent =
            |(turn, state): &(&String, &String)| *state == "answered" && !answers.contains_key(turn.as_str());
        tally.answered_without_message = self.states.iter().filter(silent).count() as u64;
        if let Some(sends) = sends {
            self.judge_sends(chats, sends, &mut tally);
        }
        tally
    }

    /// For each (chat, text), the provider's record has at most as many sends as messages are stored, and at least as
    /// many as are marked sent. Between the two are sends with an unknown outcome.
    fn judge_sends(&self, chats: &HashMap<String, String>, sends: &[RecordedSend], tally: &mut TurnTally) {
        #[derive(Default)]
        struct Counts {
            stored: u64,
            marked_sent: u64,
            seen: u64,
        }
        let mut counts: HashMap<(String, &str), Counts> = HashMap::new();
        for out in self.outgoing.values() {
            let Some(chat) = chats.get(&out.conversation) else { continue };
            let entry = counts.entry((chat.clone(), &out.text)).or_default();
            entry.stored += 1;
            let sure = matches!(out.status.as_str(), "sent" | "delivered" | "read" | "played");
            entry.marked_sent += u64::from(sure);
        }
        for send in sends {
            let chat = send.chat.as_str().map_or_else(|| send.chat.to_string(), str::to_owned);
            // Chats of other runs are ignored.
            if chats.values().any(|ours| *ours == chat) {
                counts.entry((chat, &send.text)).or_default().seen += 1;
            }
        }
        for count in counts.values() {
            tally.sent_too_often += count.seen.saturating_sub(count.stored);
            tally.sent_never += count.marked_sent.saturating_sub(count.seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(turns: &mut Turns, id: &str, turn: &str, status: &str) {
        let text = json!({"cursor": 1, "kind": "message.created", "message": {"id": id, "conversation": "c", "seq": 2,
            "direction": "out", "text": "yes", "author": {"kind": "responder"}, "status": status, "turn": turn}})
        .to_string();
        turns.event(&serde_json::from_str(&text).unwrap());
    }

    fn state(turns: &mut Turns, turn: &str, state: &str) {
        let text =
            json!({"cursor": 1, "kind": "turn.updated", "turn": {"id": turn, "state": state}}).to_string();
        turns.event(&serde_json::from_str(&text).unwrap());
    }

    fn judge(turns: &Turns, sends: usize) -> TurnTally {
        let sends: Vec<RecordedSend> =
            (0..sends).map(|_| serde_json::from_value(json!({"chat": 5, "text": "yes"})).unwrap()).collect();
        turns.finish(&HashMap::from([("c".into(), "5".into())]), Some(&sends))
    }

    #[test]
    fn answered_once_and_sent_once_passes() {
        let mut turns = Turns::default();
        state(&mut turns, "t", "offered");
        assert!(!turns.settled());
        answer(&mut turns, "m", "t", "queued");
        state(&mut turns, "t", "answered");
        assert!(!turns.settled());
        answer(&mut turns, "m", "t", "sent");
        assert!(turns.settled());
        assert!(judge(&turns, 1).passed());
        assert_eq!(judge(&turns, 2).sent_too_often, 1);
        assert_eq!(judge(&turns, 0).sent_never, 1);
    }

    #[test]
    fn unknown_send_may_have_reached_the_provider_or_not() {
        let mut turns = Turns::default();
        answer(&mut turns, "m", "t", "unknown");
        assert!(judge(&turns, 0).passed());
        assert!(judge(&turns, 1).passed());
        assert_eq!(judge(&turns, 2).sent_too_often, 1);
    }

    #[test]
    fn second_answer_and_missing_answer_are_seen() {
        let mut turns = Turns::default();
        answer(&mut turns, "m1", "t", "sent");
        answer(&mut turns, "m2", "t", "sent");
        state(&mut turns, "u", "answered");
        let tally = judge(&turns, 2);
        assert_eq!((tally.answered_twice, tally.answered_without_message), (1, 1));
    }
}
