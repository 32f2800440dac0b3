//! Sends typing indicators to customers: for the AI while it holds a turn, for a person while they type. Kept in memory
//! and best effort: an indicator that cannot be sent now is dropped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Dispatcher;
use crate::channels::ChannelCache;
use crate::error::Error;
use crate::model::{ChannelState, Conversation, ConversationState};
use crate::store::jobs::Class;
use crate::store::queues::{self, QueueKey};
use crate::store::{Store, Tx, Verb, conversations, messages};

const TICK: Duration = Duration::from_secs(1);
/// Providers show an indicator for about five seconds; it is repeated within that.
const REPEAT_MS: i64 = 4_000;
/// Longer than a tick, because each tick renews it while the lease is held.
const AI_TYPING_MS: i64 = 2_500;
const PERSON_TYPING_MS: i64 = 5_000;
/// Pause of a channel after a failed call.
const BACKOFF_MS: i64 = 60_000;
/// Limits: tracked conversations, concurrent calls, and the timeout of a call.
const MAX_CONVERSATIONS: usize = 10_000;
const MAX_CALLS: usize = 32;
const CALL_TIMEOUT: Duration = Duration::from_secs(3);

pub struct Typing {
    store: Store,
    channels: ChannelCache,
    http: adapters::Client,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By conversation.
    shown: HashMap<Uuid, Shown>,
    /// Channels whose last call failed, and the end of their pause.
    backing_off: HashMap<Uuid, i64>,
}

struct Shown {
    tenant: Uuid,
    /// When the indicator ends, unless it is renewed.
    until: i64,
    told_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Call {
    tenant: Uuid,
    conversation: Uuid,
    on: bool,
}

impl State {
    fn note(&mut self, tenant: Uuid, conversation: Uuid, until: i64) {
        if self.shown.len() >= MAX_CONVERSATIONS && !self.shown.contains_key(&conversation) {
            return;
        }
        let shown = self.shown.entry(conversation).or_insert(Shown { tenant, until, told_at: None });
        shown.until = shown.until.max(until);
    }

    /// At most `most` calls to make now. Ended entries are removed even if their call does not fit.
    fn due(&mut self, now: i64, most: usize) -> Vec<Call> {
        self.backing_off.retain(|_, until| *until > now);
        let mut calls = Vec::new();
        self.shown.retain(|conversation, shown| {
            let on = shown.until > now;
            let is_due = match shown.told_at {
                Some(told_at) => !on || now - told_at >= REPEAT_MS,
                None => on,
            };
            if is_due && calls.len() < most {
                calls.push(Call { tenant: shown.tenant, conversation: *conversation, on });
                shown.told_at = Some(now);
            }
            on
        });
        calls
    }

    fn is_backing_off(&self, channel: Uuid) -> bool {
        self.backing_off.contains_key(&channel)
    }
}

impl Typing {
    pub fn new(store: Store, channels: ChannelCache, http: adapters::Client) -> Self {
        Self { store, channels, http, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A person types in a conversation.
    pub fn person(&self, tenant: Uuid, conversation: Uuid) {
        let until = self.store.clock().now_ms() + PERSON_TYPING_MS;
        self.state().note(tenant, conversation, until);
    }

    /// Runs until `stop`; calls in progress are then dropped.
    pub async fn run(self: Arc<Self>, dispatcher: Arc<Dispatcher>, stop: CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut calls = JoinSet::new();
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            while calls.try_join_next().is_some() {}
            let now = self.store.clock().now_ms();
            let due = {
                let mut state = self.state();
                dispatcher
                    .each_held(|tenant, conversation| state.note(tenant, conversation, now + AI_TYPING_MS));
                state.due(now, MAX_CALLS - calls.len().min(MAX_CALLS))
            };
            for call in due {
                let this = Arc::clone(&self);
                calls.spawn(async move {
                    if let Err(error) = this.send(call).await {
                        tracing::debug!(%error, conversation = %call.conversation, "a typing indicator cannot be sent");
                    }
                });
            }
        }
    }

    async fn send(&self, call: Call) -> Result<(), Error> {
        let Some((conversation, newest)) = self.store.read(LoadConversation { call }).await? else {
            return Ok(());
        };
        let channel = conversation.channel;
        let Some(connected) = self.channels.ready(conversation.tenant, channel).await? else { return Ok(()) };
        let is_active = connected.channel.state == ChannelState::Active;
        if !is_active || self.state().is_backing_off(channel) {
            return Ok(());
        }
        let Some(provider) = adapters::provider(&connected.channel.kind) else { return Ok(()) };
        let account = connected.secrets.account();
        let (to, newest) = (conversation.address(), newest.as_deref());
        let told = provider.typing_under(&self.http, &account, to, call.on, newest);
        let failed = match tokio::time::timeout(CALL_TIMEOUT, told).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it took too long".to_owned(),
        };
        tracing::debug!(error = failed, %channel, "a typing call failed; the channel is paused");
        let until = self.store.clock().now_ms() + BACKOFF_MS;
        self.state().backing_off.insert(channel, until);
        Ok(())
    }
}

/// Loads the conversation if it is open and its channel's send queue is not blocked, and the provider's id of the
/// customer's newest message.
struct LoadConversation {
    call: Call,
}

impl Verb for LoadConversation {
    type Out = Option<(Conversation, Option<String>)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let found = conversations::load(tx, self.call.tenant, self.call.conversation).await?;
        let Some(found) = found.filter(|found| found.state == ConversationState::Open) else {
            return Ok(None);
        };
        let queue =
            queues::load(tx, QueueKey { tenant: found.tenant, id: found.channel, class: Class::Send })
                .await?;
        let blocked = queue.and_then(|queue| queue.blocked_until).is_some_and(|until| until > tx.now());
        if blocked {
            return Ok(None);
        }
        let newest = messages::heard_last_id(tx, &found).await?;
        Ok(Some((found, newest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_every_four_seconds_and_once_that_it_is_over() {
        let mut state = State::default();
        let (tenant, conversation) = (Uuid::nil(), Uuid::from_u128(1));
        let mut told = Vec::new();
        for second in 0..20 {
            let now = second * 1_000;
            if second < 10 {
                state.note(tenant, conversation, now + AI_TYPING_MS);
            }
            told.extend(state.due(now, MAX_CALLS).into_iter().map(|call| (second, call.on)));
        }
        assert_eq!(told, [(0, true), (4, true), (8, true), (12, false)]);
        assert!(state.shown.is_empty());
    }

    #[test]
    fn what_cannot_be_told_in_time_is_forgotten() {
        let mut state = State::default();
        for number in 0..2 * MAX_CONVERSATIONS as u128 {
            state.note(Uuid::nil(), Uuid::from_u128(number), 2_000);
        }
        assert_eq!(state.shown.len(), MAX_CONVERSATIONS);
        assert_eq!(
            (state.due(0, MAX_CALLS).len(), state.due(1_000, MAX_CALLS).len()),
            (MAX_CALLS, MAX_CALLS)
        );
        // Only conversations whose start was sent get the end.
        assert!(state.due(3_000, usize::MAX).iter().all(|call| !call.on));
        assert!(state.shown.is_empty());
    }
}
