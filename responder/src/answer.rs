//! The task of one turn: runs the brain, streams the answer's pieces to the hub, renews the lease, and settles the
//! turn with exactly one of reply, handoff or fail. It ends when the turn is settled or its lease is over.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::client::{CallError, Client, Link};
use super::wire::Turn;
use super::{Brain, Outcome};

/// Bound of queued pieces; a full queue blocks the brain.
const PIECES: usize = 64;
/// Bytes of one streaming call, when pieces arrive faster than calls are answered.
const MAX_PIECE_BYTES: usize = 8 * 1024;
const BETWEEN_TRIES: Duration = Duration::from_millis(500);
/// A lease is renewed three times in its duration, but not more often than this.
const SHORTEST_RENEWAL: Duration = Duration::from_millis(20);

pub(super) async fn answer(client: Client, brain: Arc<Brain>, turn: Box<Turn>) {
    let leased = Leased { client: &client, turn: &turn };
    tokio::select! {
        () = leased.settle(&brain) => {}
        () = leased.keep() => tracing::info!(turn = turn.id, "the lease is over"),
    }
}

struct Leased<'a> {
    client: &'a Client,
    turn: &'a Turn,
}

impl Leased<'_> {
    async fn settle(&self, brain: &Brain) {
        let Some(outcome) = self.think(brain).await else { return };
        let (method, done) = match outcome {
            Outcome::Answer(text) => ("turn.reply", self.repeat("turn.reply", json!({ "text": text })).await),
            Outcome::Handoff(reason) => {
                ("turn.handoff", self.repeat("turn.handoff", json!({ "reason": short(&reason) })).await)
            }
            Outcome::Fail(reason) => {
                tracing::warn!(turn = self.turn.id, reason, "no answer");
                ("turn.fail", self.repeat("turn.fail", json!({ "reason": short(&reason) })).await)
            }
        };
        match done {
            Ok(()) => tracing::info!(turn = self.turn.id, method, "settled"),
            Err(error) => tracing::info!(turn = self.turn.id, method, %error, "not settled by us"),
        }
    }

    /// Runs the brain and streams its answer. `None` if the turn is over meanwhile.
    async fn think(&self, brain: &Brain) -> Option<Outcome> {
        let (pieces, shown) = mpsc::channel(PIECES);
        let thinking = brain.answer(self.turn, pieces);
        let showing = self.show(shown);
        tokio::pin!(thinking, showing);
        tokio::select! {
            biased;
            // Pieces not yet streamed are part of the reply.
            outcome = &mut thinking => Some(outcome),
            is_over = &mut showing => if is_over { None } else { Some(thinking.await) },
        }
    }

    /// Streams pieces until there are no more; returns true if the turn is over.
    async fn show(&self, mut pieces: mpsc::Receiver<String>) -> bool {
        while let Some(mut piece) = pieces.recv().await {
            while piece.len() < MAX_PIECE_BYTES
                && let Ok(more) = pieces.try_recv()
            {
                piece.push_str(&more);
            }
            match self.call("turn.delta", json!({ "text": piece })).await {
                Err(error) if is_over(&error) => return true,
                // Streaming is optional: while disconnected, the answer continues without it.
                Ok(_) | Err(_) => {}
            }
        }
        false
    }

    /// Renews the lease until it is over. After a reconnect at once: the hub shortened it at the disconnect.
    async fn keep(&self) {
        let every = Duration::from_millis(self.turn.lease_ms / 3).max(SHORTEST_RENEWAL);
        let mut link = self.client.link();
        link.mark_unchanged();
        loop {
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                changed = link.changed() => {
                    let now = *link.borrow_and_update();
                    if changed.is_err() || now == Link::Over {
                        return;
                    }
                    if now == Link::Away {
                        continue;
                    }
                }
            }
            if let Err(error) = self.call("turn.extend", json!({})).await
                && is_over(&error)
            {
                return;
            }
        }
    }

    /// Repeats a settling call, across reconnects, until it is answered. This is safe, because the hub accepts one
    /// outcome per lease, returns success for its repetition, and refuses every other one.
    ///
    /// The hub shortens the lease at a disconnect, so it is renewed before the call is repeated. A refused renewal is
    /// ignored: the first call may have settled the turn.
    async fn repeat(&self, method: &'static str, fields: Value) -> Result<(), CallError> {
        let mut is_lost = false;
        loop {
            self.client.up().await?;
            if is_lost && let Err(CallError::Lost) = self.call("turn.extend", json!({})).await {
                tokio::time::sleep(BETWEEN_TRIES).await;
                continue;
            }
            match self.call(method, fields.clone()).await {
                Ok(_) => return Ok(()),
                Err(error @ (CallError::Lost | CallError::Refused { temporary: true, .. })) => {
                    is_lost = matches!(error, CallError::Lost);
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn call(&self, method: &'static str, mut fields: Value) -> Result<Value, CallError> {
        fields["turn"] = self.turn.id.as_str().into();
        fields["lease"] = self.turn.lease.as_str().into();
        self.client.call(method, fields).await
    }
}

fn is_over(error: &CallError) -> bool {
    match error {
        CallError::Refused { code, .. } => matches!(code, 404 | 409 | 410),
        CallError::Over => true,
        CallError::Lost => false,
    }
}

/// Truncates a reason to the hub's limit.
fn short(reason: &str) -> String {
    reason.trim().chars().take(200).collect()
}
