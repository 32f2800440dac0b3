//! The checks of the design's invariants over the evidence of a run. Pure: no I/O and no time.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::evidence::{Answering, Evidence, Message};
use super::model;

/// Sentences that are kept of one check; the rest is only counted.
const MAX_EXAMPLES: usize = 3;

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Findings {
    /// How much of what was looked at.
    pub(crate) checked: BTreeMap<&'static str, u64>,
    /// Check → violations.
    pub(crate) broken: BTreeMap<&'static str, u64>,
    pub(crate) examples: Vec<String>,
}

impl Findings {
    pub(crate) fn passed(&self) -> bool {
        self.broken.is_empty()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (name, count) in &other.checked {
            *self.checked.entry(name).or_default() += count;
        }
        for (name, count) in &other.broken {
            *self.broken.entry(name).or_default() += count;
        }
        self.examples.extend(other.examples.iter().cloned());
    }

    fn look(&mut self, name: &'static str) {
        *self.checked.entry(name).or_default() += 1;
    }

    pub(crate) fn broke(&mut self, name: &'static str, example: impl FnOnce() -> String) {
        let count = self.broken.entry(name).or_default();
        *count += 1;
        if *count <= MAX_EXAMPLES as u64 {
            self.examples.push(format!("{name}: {}", example()));
        }
    }
}

pub(crate) fn check(evidence: &Evidence) -> Findings {
    let mut findings = Findings::default();
    webhooks(evidence, &mut findings);
    log(evidence, &mut findings);
    threads(evidence, &mut findings);
    sockets(evidence, &mut findings);
    answers(evidence, &mut findings);
    turns(evidence, &mut findings);
    sends(evidence, &mut findings);
    providers(evidence, &mut findings);
    findings.checked.insert("statements over the database", evidence.statements as u64);
    for sentence in &evidence.database {
        findings.broke("the database", || sentence.clone());
    }
    findings
}

fn messages(evidence: &Evidence) -> impl Iterator<Item = &Message> {
    evidence.threads.values().flatten()
}

/// 1, 2, 3: what was accepted is stored, once, in the one conversation of its chat.
fn webhooks(evidence: &Evidence, findings: &mut Findings) {
    let mut stored: HashMap<&str, u64> = HashMap::new();
    let mut homes: HashMap<&(String, String), &str> = HashMap::new();
    for message in messages(evidence).filter(|message| message.direction == "in") {
        let Some(chat) = evidence.said.get(&message.text) else { continue };
        *stored.entry(&message.text).or_default() += 1;
        let home = homes.entry(chat).or_insert(&message.conversation);
        if *home != message.conversation {
            findings.broke("one conversation for a chat", || format!("{chat:?} has two"));
        }
    }
    for text in &evidence.accepted {
        findings.look("acknowledged webhooks");
        if !stored.contains_key(text.as_str()) {
            findings.broke("an acknowledged webhook is stored", || format!("{text:?} is lost"));
        }
    }
    for (text, count) in stored.iter().filter(|(_, count)| **count > 1) {
        findings.broke("a webhook is stored once", || format!("{text:?} is stored {count} times"));
    }
}

/// 4: cursors without gaps.
fn log(evidence: &Evidence, findings: &mut Findings) {
    let mut due = evidence.start;
    for event in &evidence.log {
        due += 1;
        findings.look("events");
        if event.cursor != due {
            findings.broke("cursors have no gaps", || format!("{} where {due} was due", event.cursor));
            due = event.cursor;
        }
    }
}

/// 4: `seq` without gaps; and what the log told is what the thread holds.
fn threads(evidence: &Evidence, findings: &mut Findings) {
    for (conversation, thread) in &evidence.threads {
        findings.look("conversations");
        for (at, message) in thread.iter().enumerate() {
            findings.look("messages");
            if message.seq != at as u64 + 1 {
                findings.broke("seq has no gaps", || {
                    format!("{} of {conversation} is the {}.", message.seq, at + 1)
                });
            }
        }
    }
    let mut told: HashMap<&str, &str> = HashMap::new();
    for event in &evidence.log {
        if let Some(message) = &event.message {
            told.insert(&message.id, &message.status);
        }
    }
    for message in messages(evidence) {
        match told.get(message.id.as_str()) {
            Some(status) if *status == message.status => {}
            Some(status) => findings.broke("the log tells a message's last status", || {
                format!("{}: {status}, and it is {}", message.id, message.status)
            }),
            // Written before the run.
            None if evidence.start > 0 => {}
            None => findings.broke("the log tells every message", || message.id.clone()),
        }
    }
}

/// 5: every socket got each event once and in order, as the log has it.
fn sockets(evidence: &Evidence, findings: &mut Findings) {
    let log: HashMap<u64, u64> = evidence.log.iter().map(|event| (event.cursor, event.digest)).collect();
    let top = evidence.log.last().map_or(evidence.start, |event| event.cursor);
    for (number, socket) in evidence.sockets.iter().enumerate() {
        findings.look("sockets");
        *findings.checked.entry("resumptions").or_default() += socket.resumed;
        *findings.checked.entry("events replayed at resumptions").or_default() += socket.replayed;
        *findings.checked.entry("feeds loaded anew").or_default() += socket.anew.len() as u64;
        if !evidence.failover && !socket.anew.is_empty() {
            findings.broke("a feed stays the same without a failover", || format!("socket {number}"));
        }
        let anew: HashMap<u64, u64> = socket.anew.iter().copied().collect();
        let mut last = anew.get(&socket.start).copied().unwrap_or(socket.start);
        for (cursor, digest) in &socket.got {
            findings.look("frames");
            if *cursor <= last {
                findings.broke("no frame comes twice", || format!("socket {number}: {cursor} after {last}"));
            } else if *cursor != last + 1 {
                findings.broke("no frame is missing", || format!("socket {number}: {cursor} after {last}"));
            }
            last = last.max(*cursor);
            last = anew.get(&last).copied().unwrap_or(last);
            if log.get(cursor).is_some_and(|logged| logged != digest) {
                findings.broke("a frame is what the log has", || format!("socket {number}: {cursor}"));
            }
        }
        if last < top {
            findings.broke("no frame is missing", || format!("socket {number}: ends at {last} of {top}"));
        }
        if socket.unrecovered + socket.malformed > 0 {
            let (unrecovered, malformed) = (socket.unrecovered, socket.malformed);
            findings.broke("resumptions are served", || {
                format!("socket {number}: {unrecovered} not from the cursor, {malformed} frames not readable")
            });
        }
    }
}

/// 6: no answer of the AI while somebody else answers, or of an epoch that is over.
fn answers(evidence: &Evidence, findings: &mut Findings) {
    let mut now: HashMap<&str, &Answering> = HashMap::new();
    let mut opened: HashMap<&str, i64> = HashMap::new();
    for event in &evidence.log {
        let Some(after) = &event.conversation else { continue };
        if let Some((turn, _)) = &event.turn {
            opened.entry(turn).or_insert(after.epoch);
        }
        let created = event.message.as_ref().filter(|_| event.kind == "message.created");
        if let Some(answer) = created.filter(|message| message.author == "responder") {
            findings.look("answers of the AI");
            let before = now.get(after.id.as_str());
            let is_silent = before.is_some_and(|before| before.owner != "ai");
            let is_stale = answer
                .turn
                .as_deref()
                .and_then(|turn| opened.get(turn))
                .is_some_and(|epoch| *epoch != before.map_or(after.epoch, |before| before.epoch));
            if is_silent || is_stale {
                findings.broke("no answer of a stale epoch", || format!("{} at {}", answer.id, event.cursor));
            }
        }
        if let Some(before) = now.insert(&after.id, after)
            && (before.epoch > after.epoch || (before.epoch == after.epoch && before.owner != after.owner))
        {
            findings.broke("epochs grow with every change of the owner", || format!("at {}", event.cursor));
        }
    }
}

/// 6, 7: one answer for a turn, and no turn is left.
fn turns(evidence: &Evidence, findings: &mut Findings) {
    let mut states: HashMap<&str, &str> = HashMap::new();
    let mut open: HashMap<&str, Vec<&str>> = HashMap::new();
    for event in &evidence.log {
        let home = event.conversation.as_ref();
        if let Some((turn, state)) = &event.turn {
            states.insert(turn, state);
            if let Some(home) = home {
                open.entry(&home.id).or_default().push(turn);
            }
        } else if let Some(home) = home.filter(|home| !home.has_turn) {
            // A take-over ends a turn by the conversation's event alone.
            for turn in open.remove(home.id.as_str()).into_iter().flatten() {
                if states.get(turn).is_some_and(|state| is_open(state)) {
                    states.insert(turn, "withdrawn");
                }
            }
        }
    }
    let mut answers: HashMap<&str, u64> = HashMap::new();
    for message in messages(evidence).filter(|message| message.author == "responder") {
        if let Some(turn) = &message.turn {
            *answers.entry(turn).or_default() += 1;
        }
    }
    for (turn, state) in states {
        findings.look("turns");
        let count = answers.get(turn).copied().unwrap_or(0);
        if count > 1 {
            findings.broke("a turn is answered once", || format!("{turn}: {count} answers"));
        }
        if (state == "answered") != (count > 0) {
            findings.broke("an answered turn has its answer", || format!("{turn}: {state}, {count} answers"));
        }
        if is_open(state) {
            findings.broke("every turn ends", || format!("{turn} is {state}"));
        }
    }
}

fn is_open(state: &str) -> bool {
    matches!(state, "collecting" | "offered")
}

/// 8: the same client id is the same message, and what was accepted is stored.
fn sends(evidence: &Evidence, findings: &mut Findings) {
    let mut stored: HashMap<(&str, &str), Vec<&str>> = HashMap::new();
    for message in messages(evidence) {
        if let Some(client_id) = &message.client_id {
            stored.entry((&message.conversation, client_id)).or_default().push(&message.id);
        }
    }
    for send in &evidence.sends {
        findings.look("sends of managers");
        let found = stored.get(&(send.conversation.as_str(), send.client_id.as_str()));
        let found = found.map_or(&[][..], Vec::as_slice);
        if found.len() > 1 {
            findings.broke("a send is stored once", || send.client_id.clone());
        }
        let named: HashSet<&str> = send.answers.iter().map(String::as_str).collect();
        if !named.is_empty() && (named.len() > 1 || found.first() != named.iter().next()) {
            findings.broke("the same client id gives the same message", || {
                format!("{} {:?}: {named:?}, stored {found:?}", send.client_id, send.text)
            });
        }
    }
}

/// 7, 8: customers get each message at most once, exactly once if it is marked so, in the order of the thread, and
/// in the right chat.
fn providers(evidence: &Evidence, findings: &mut Findings) {
    let mut out: HashMap<&str, &Message> = HashMap::new();
    let mut chats: HashMap<&str, &(String, String)> = HashMap::new();
    for message in messages(evidence) {
        if message.direction == "out" {
            out.insert(&message.text, message);
        } else if let Some(chat) = evidence.said.get(&message.text) {
            chats.insert(&message.conversation, chat);
        }
    }
    let mut seen: HashMap<&str, u64> = HashMap::new();
    let mut last: HashMap<&str, u64> = HashMap::new();
    for sent in &evidence.provider {
        let text = sent.text.as_deref().unwrap_or_default();
        let Some(message) = out.get(text) else {
            let is_of_this_run = model::answered(text).is_some_and(|said| evidence.said.contains_key(said));
            if is_of_this_run {
                findings.broke("what is sent is stored", || format!("{text:?}"));
            }
            continue;
        };
        findings.look("messages that customers got");
        let count = seen.entry(text).or_default();
        *count += 1;
        if *count > 1 {
            findings.broke("nothing is sent twice", || format!("{text:?}, {}", message.status));
        }
        let home = chats.get(message.conversation.as_str());
        if home.is_some_and(|(provider, chat)| *provider != sent.provider || *chat != sent.chat) {
            findings.broke("what is sent goes to its chat", || format!("{text:?}"));
        }
        let answered = model::answered(text).and_then(|said| evidence.said.get(said));
        if answered.is_some_and(|(_, chat)| *chat != sent.chat) {
            findings.broke("what is sent goes to its chat", || format!("{text:?}"));
        }
        let before = last.insert(&message.conversation, message.seq).unwrap_or(0);
        if before > message.seq {
            findings.broke("a conversation's sends keep their order", || {
                format!("{text:?}: {} after {before}", message.seq)
            });
        }
    }
    for (text, message) in out {
        let count = seen.get(text).copied().unwrap_or(0);
        match message.status.as_str() {
            "sent" | "delivered" | "read" | "played" if count == 0 => {
                findings.broke("what is marked sent was sent", || format!("{text:?}, {}", message.status));
            }
            "failed" if count > 0 => {
                findings.broke("what is marked failed was not sent", || format!("{text:?}"));
            }
            "queued" | "sending" => {
                findings.broke("every send ends", || format!("{text:?}, {}", message.status));
            }
            "unknown" => findings.look("messages marked unknown"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
