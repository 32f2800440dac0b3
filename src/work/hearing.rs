//! Asks providers to tell when a customer types, where they tell it only when asked: for conversations that a person opens or whose
//! turn is being gathered. Kept in memory and best effort: a provider that refuses is left alone for a while.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::channels::ChannelCache;
use crate::error::Error;
use crate::model::{ChannelState, Conversation, ConversationState};
use crate::store::{Store, Tx, Verb, conversations};

/// A session of the provider that starts anew has forgotten whom it was asked about.
const AGAIN_MS: i64 = 300_000;
/// Pause of a channel after a failed call.
const BACKOFF_MS: i64 = 300_000;
/// Limits: remembered conversations, those that wait, concurrent calls, and the timeout of a call.
const MAX_KNOWN: usize = 10_000;
const MAX_WAITING: usize = 1_000;
const MAX_CALLS: usize = 8;
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

pub struct Hearing {
    store: Store,
    channels: ChannelCache,
    http: adapters::Client,
    state: Mutex<State>,
    come: Notify,
}

#[derive(Default)]
struct State {
    /// When a conversation may be asked about again.
    asked: HashMap<Uuid, i64>,
    waiting: VecDeque<(Uuid, Uuid)>,
    /// Channels whose last call failed, and the end of their pause.
    backing_off: HashMap<Uuid, i64>,
}

impl State {
    /// `true`: it waits to be asked about.
    fn note(&mut self, tenant: Uuid, conversation: Uuid, now: i64) -> bool {
        if self.asked.get(&conversation).is_some_and(|until| now < *until)
            || self.waiting.len() >= MAX_WAITING
        {
            return false;
        }
        if self.asked.len() >= MAX_KNOWN {
            self.asked.retain(|_, until| now < *until);
            if self.asked.len() >= MAX_KNOWN {
                return false;
            }
        }
        self.asked.insert(conversation, now + AGAIN_MS);
        self.waiting.push_back((tenant, conversation));
        true
    }

    fn is_backing_off(&mut self, channel: Uuid, now: i64) -> bool {
        self.backing_off.retain(|_, until| now < *until);
        self.backing_off.contains_key(&channel)
    }
}

impl Hearing {
    pub fn new(store: Store, channels: ChannelCache, http: adapters::Client) -> Self {
        Self { store, channels, http, state: Mutex::default(), come: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never blocks: the call is made elsewhere, if the conversation was not asked about lately.
    pub fn ask(&self, tenant: Uuid, conversation: Uuid) {
        if self.state().note(tenant, conversation, self.store.clock().now_ms()) {
            self.come.notify_one();
        }
    }

    /// Runs until `stop`; calls in progress are then dropped.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut calls = JoinSet::new();
        let work = async {
            loop {
                while calls.len() >= MAX_CALLS {
                    calls.join_next().await;
                }
                let next = self.state().waiting.pop_front();
                let Some((tenant, conversation)) = next else {
                    self.come.notified().await;
                    continue;
                };
                let this = Arc::clone(&self);
                calls.spawn(async move {
                    if let Err(error) = this.call(tenant, conversation).await {
                        tracing::debug!(%error, %conversation, "a provider cannot be asked for typing");
                    }
                });
            }
        };
        stop.run_until_cancelled(work).await;
    }

    async fn call(&self, tenant: Uuid, id: Uuid) -> Result<(), Error> {
        let Some(conversation) = self.store.read(LoadOpen { tenant, id }).await? else { return Ok(()) };
        let Some(provider) = adapters::provider(&conversation.channel_kind) else { return Ok(()) };
        if !provider.tells_typing_when_asked() || conversation.is_group {
            return Ok(());
        }
        let channel = conversation.channel;
        let Some(connected) = self.channels.ready(tenant, channel).await? else { return Ok(()) };
        let now = self.store.clock().now_ms();
        if connected.channel.state != ChannelState::Active || self.state().is_backing_off(channel, now) {
            return Ok(());
        }
        let account = connected.secrets.account();
        let asked = provider.hear_typing(&self.http, &account, conversation.address());
        let failed = match timeout(CALL_TIMEOUT, asked).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it took too long".to_owned(),
        };
        tracing::debug!(error = failed, %channel, "a provider refused to tell who types; the channel is left alone");
        let mut state = self.state();
        state.backing_off.insert(channel, now + BACKOFF_MS);
        state.asked.remove(&id);
        Ok(())
    }
}

/// Loads the conversation if it is open.
struct LoadOpen {
    tenant: Uuid,
    id: Uuid,
}

impl Verb for LoadOpen {
    type Out = Option<Conversation>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let found = conversations::load(tx, self.tenant, self.id).await?;
        Ok(found.filter(|found| found.state == ConversationState::Open))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_asked_about_now_and_then() {
        let (mut state, one) = (State::default(), Uuid::from_u128(1));
        assert!(state.note(Uuid::nil(), one, 0));
        assert!(!state.note(Uuid::nil(), one, AGAIN_MS - 1), "it was a moment ago");
        assert!(state.note(Uuid::nil(), one, AGAIN_MS));
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut state = State::default();
        let noted = (0..2 * MAX_WAITING as u128)
            .filter(|id| state.note(Uuid::nil(), Uuid::from_u128(*id), 0))
            .count();
        assert_eq!((noted, state.waiting.len(), state.asked.len()), (MAX_WAITING, MAX_WAITING, MAX_WAITING));
    }
}
