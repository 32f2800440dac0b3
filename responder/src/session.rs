//! The turns of a connected worker: an offered turn starts a task, a withdrawn one ends it. After `stop`, it accepts
//! no new turns and finishes the current ones.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::Brain;
use super::answer::answer;
use super::client::{CallError, Client};
use super::wire::{Notice, Turn};

/// Time to finish the current turns after `stop`.
const LAST_WORDS: Duration = Duration::from_secs(20);

struct Session {
    client: Client,
    brain: Arc<Brain>,
    /// The current tasks by turn.
    at_hand: HashMap<String, Work>,
    tasks: JoinSet<()>,
}

struct Work {
    lease: String,
    task: AbortHandle,
}

/// Runs until `stop`, or until the connection has ended. Never waits for a call, so that notices are processed while
/// answers are made.
pub(super) async fn work(
    client: Client,
    mut notices: mpsc::Receiver<Value>,
    brain: Arc<Brain>,
    stop: CancellationToken,
) {
    let mut session = Session { client, brain, at_hand: HashMap::new(), tasks: JoinSet::new() };
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            heard = notices.recv() => match heard {
                Some(data) => session.hear(data, true),
                None => return,
            },
            Some(ended) = session.tasks.join_next() => session.tidy(ended),
        }
    }
    let finished = tokio::time::timeout(LAST_WORDS, session.finish(notices)).await;
    if finished.is_err() {
        tracing::warn!("some turns are left unanswered; the hub offers them again");
    }
}

impl Session {
    fn hear(&mut self, data: Value, takes_turns: bool) {
        match Notice::read(data) {
            Ok(Some(Notice::Offered(turn))) if takes_turns => self.take(turn),
            // Aborted: its lease ends soon after the disconnect, and the hub offers the turn again.
            Ok(Some(Notice::Offered(_)) | None) => {}
            Ok(Some(Notice::Withdrawn { turn, lease, reason })) => self.withdraw(&turn, &lease, &reason),
            Err(error) => tracing::warn!(%error, "a notice that cannot be read"),
        }
    }

    fn take(&mut self, turn: Box<Turn>) {
        tracing::info!(turn = turn.id, conversation = turn.conversation, attempt = turn.attempt, "offered");
        let (id, lease) = (turn.id.clone(), turn.lease.clone());
        let task = self.tasks.spawn(answer(self.client.clone(), Arc::clone(&self.brain), turn));
        // A newer lease of the same turn replaces the task of the older one.
        if let Some(older) = self.at_hand.insert(id, Work { lease, task }) {
            older.task.abort();
        }
    }

    fn withdraw(&mut self, turn: &str, lease: &str, reason: &str) {
        if let Some(work) = self.at_hand.get(turn).filter(|work| work.lease == lease) {
            tracing::info!(turn, reason, "withdrawn");
            work.task.abort();
        }
    }

    fn tidy(&mut self, ended: Result<(), tokio::task::JoinError>) {
        if let Err(error) = ended
            && error.is_panic()
        {
            tracing::error!(%error, "an answer panicked; its lease runs out");
        }
        self.at_hand.retain(|_, work| !work.task.is_finished());
    }

    async fn finish(&mut self, mut notices: mpsc::Receiver<Value>) {
        let client = self.client.clone();
        let goodbye = tokio::spawn(async move {
            match client.call("responder.capacity", json!({ "capacity": 0 })).await {
                Err(CallError::Refused { code, message, .. }) => {
                    tracing::debug!(code, message, "offers cannot be turned off; new ones are left alone");
                }
                Ok(_) | Err(CallError::Lost | CallError::Over) => {}
            }
        });
        loop {
            tokio::select! {
                ended = self.tasks.join_next() => match ended {
                    Some(ended) => self.tidy(ended),
                    None => break,
                },
                heard = notices.recv() => match heard {
                    Some(data) => self.hear(data, false),
                    None => break,
                },
            }
        }
        goodbye.abort();
    }
}
