//! Acknowledges a button press, so that the customer's client stops waiting. Tried once: a late acknowledgement has no
//! effect.

use serde_json::Value;
use uuid::Uuid;

use super::Env;
use super::kinds::Work;
use crate::error::Error;
use crate::model::Conversation;
use crate::store::jobs::{self, Acknowledge, Job};
use crate::store::{Tx, Verb, conversations, messages};

impl Work for Acknowledge {
    async fn run(self, env: &Env, job: &Job) -> Result<(), Error> {
        answer(env, job).await
    }
}

async fn answer(env: &Env, job: &Job) -> Result<(), Error> {
    let found = env.store.read(LoadPressed { job: job.clone() }).await?;
    if let Some((conversation, data)) = found
        && let Some(connected) = env.channels.ready(conversation.tenant, conversation.channel).await?
        && let Some(provider) = adapters::provider(&connected.channel.kind)
        && let Some(press) = provider.press(&data)
    {
        let what = adapters::Acknowledge {
            to: conversation.address(),
            message: None,
            participant: None,
            callback: Some(press),
        };
        if let Err(error) = provider.acknowledge(&env.http, &connected.secrets.account(), &what).await {
            tracing::warn!(%error, channel = %conversation.channel, "a button press cannot be acknowledged");
        }
    }
    env.store.write(RemoveJob { job: job.clone() }).await?;
    Ok(())
}

/// Loads the conversation and the data of the press.
struct LoadPressed {
    job: Job,
}

impl Verb for LoadPressed {
    type Out = Option<(Conversation, Value)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let Some(message) = messages::load(tx, self.job.tenant, self.job.subject).await? else {
            return Ok(None);
        };
        let conversation = conversations::load(tx, self.job.tenant, message.conversation).await?;
        Ok(conversation.zip(message.data))
    }
}

struct RemoveJob {
    job: Job,
}

impl Verb for RemoveJob {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        jobs::done(tx, &self.job).await?;
        Ok(())
    }
}
