//! The greedy tenant, which sends at full speed: messages, or bodies that expand in memory.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::http1::Connection;
use crate::target::Target;
use crate::webhook::{Factory, Run};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Shape {
    /// Ordinary messages of many chats.
    Messages,
    /// Many ids of deleted messages with one long prefix (Telegram).
    Deletions,
    /// Presences of one chat (WAHA).
    Presences,
    /// A list of small lists.
    Lists,
    /// One message with a long text.
    Text,
}

/// Message count of the run, more than the greedy tenant ever sends.
const MESSAGES: usize = 100_000_000;

pub(crate) struct Greedy {
    stopped: Arc<AtomicBool>,
    connections: JoinSet<BTreeMap<String, u64>>,
}

impl Greedy {
    pub(crate) fn start(target: &Target, shape: Shape, bytes: usize, connections: usize) -> Result<Self> {
        let factory = Arc::new(Factory::new(Run::new(MESSAGES, 200), target)?);
        let (stopped, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let address: Arc<str> = target.address()?.into();
        let mut running = JoinSet::new();
        for _ in 0..connections.max(1) {
            let (factory, stopped, next) = (Arc::clone(&factory), Arc::clone(&stopped), Arc::clone(&next));
            let address = Arc::clone(&address);
            running.spawn(async move {
                let mut answers = BTreeMap::<String, u64>::new();
                let mut open = None;
                while !stopped.load(Relaxed) {
                    let number = next.fetch_add(1, Relaxed);
                    let request = match shape {
                        Shape::Messages => factory.request(number),
                        _ => factory.signed(&body(shape, number, bytes), number),
                    };
                    let answer = exchange(&mut open, &address, &request).await;
                    *answers.entry(answer).or_default() += 1;
                }
                answers
            });
        }
        Ok(Self { stopped, connections: running })
    }

    /// Responses, by status.
    pub(crate) async fn stop(mut self) -> Result<BTreeMap<String, u64>> {
        self.stopped.store(true, Relaxed);
        let mut answers = BTreeMap::new();
        while let Some(part) = self.connections.join_next().await {
            for (answer, count) in part? {
                *answers.entry(answer).or_default() += count;
            }
        }
        Ok(answers)
    }
}

async fn exchange(open: &mut Option<Connection>, address: &str, request: &[u8]) -> String {
    let connection = match open.take() {
        Some(connection) => Ok(connection),
        None => Connection::open(address).await,
    };
    let Ok(mut connection) = connection else { return "not connected".to_owned() };
    match connection.exchange(request).await {
        Ok(answer) => {
            if answer.reusable {
                *open = Some(connection);
            }
            answer.status.to_string()
        }
        Err(_) => "no answer".to_owned(),
    }
}

/// A body of about `bytes` bytes.
fn body(shape: Shape, number: usize, bytes: usize) -> String {
    let mut body = String::with_capacity(bytes + 512);
    let fill = |body: &mut String, one: &str, end: &str| {
        while body.len() + one.len() + end.len() < bytes {
            body.push_str(one);
        }
        body.truncate(body.trim_end_matches(',').len());
        body.push_str(end);
    };
    match shape {
        Shape::Messages => {}
        Shape::Deletions => {
            let connection = "x".repeat(200);
            let _ = write!(
                body,
                r#"{{"update_id":{number},"deleted_business_messages":{{"business_connection_id":"{connection}","chat":{{"id":5550001001,"type":"private"}},"message_ids":["#
            );
            let mut id = number * 50_000 % 900_000;
            while body.len() + 8 < bytes {
                let _ = write!(body, "{id},");
                id += 1;
            }
            fill(&mut body, ",", "]}}");
        }
        Shape::Presences => {
            let chat = "1".repeat(200);
            let _ = write!(
                body,
                r#"{{"id":"evt_{number}","timestamp":1794312000317,"event":"presence.update","session":"default","payload":{{"id":"{chat}@g.us","presences":["#
            );
            fill(&mut body, r#"{"lastKnownPresence":"online"},"#, "]}}");
        }
        Shape::Lists => {
            let _ = write!(body, r#"{{"update_id":{number},"message":["#);
            fill(&mut body, "[0],", "]}");
        }
        Shape::Text => {
            let _ = write!(
                body,
                r#"{{"update_id":{number},"message":{{"message_id":{number},"chat":{{"id":5550001001,"type":"private"}},"date":1794312000,"text":""#
            );
            fill(&mut body, "long ", r#""}}"#);
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_of_about_their_size() {
        for shape in [Shape::Deletions, Shape::Presences, Shape::Lists, Shape::Text] {
            let body = body(shape, 7, 70_000);
            assert!((69_900..=70_010).contains(&body.len()), "{shape:?}: {}", body.len());
            serde_json::from_str::<serde_json::Value>(&body).unwrap();
        }
    }
}
