//! Answers a button press, so that the customer's client stops waiting. Late ones are pointless: it is
//! tried once.

use uuid::Uuid;

use super::kinds::Work;
use crate::app::App;
use crate::error::Error;
use crate::model::Conversation;
use crate::store::jobs::{self, Acknowledge, Job};
use crate::store::{Tx, Verb, conversations, messages};

impl Work for Acknowledge {
    async fn run(self, app: &App, job: &Job) -> Result<(), Error> {
        answer(app, job).await
    }
}

async fn answer(app: &App, job: &Job) -> Result<(), Error> {
    let found = app.store.read(Look { job: job.clone() }).await?;
    if let Some((conversation, callback)) = found
        && let Some(connected) = app.channels.by_id(conversation.tenant, conversation.channel).await?
        && let Some(provider) = adapters::provider(&connected.channel.kind)
    {
        let what = adapters::Acknowledge {
            to: conversation.address(),
            message: None,
            participant: None,
            callback: Some(&callback),
        };
        if let Err(error) = provider.acknowledge(&app.http, &connected.secrets.account(), &what).await {
            tracing::warn!(%error, channel = %conversation.channel, "a button press could not be answered");
        }
    }
    app.store.write(Done { job: job.clone() }).await?;
    Ok(())
}

struct Look {
    job: Job,
}

impl Verb for Look {
    type Out = Option<(Conversation, String)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let Some(message) = messages::load(tx, self.job.tenant, self.job.subject).await? else {
            return Ok(None);
        };
        let Some(conversation) = conversations::load(tx, self.job.tenant, message.conversation).await? else {
            return Ok(None);
        };
        let data = message.data.unwrap_or_default();
        let callback = data.get("callback_query_id").and_then(serde_json::Value::as_str).map(str::to_owned);
        Ok(callback.map(|callback| (conversation, callback)))
    }
}

struct Done {
    job: Job,
}

impl Verb for Done {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        jobs::done(tx, &self.job).await?;
        Ok(())
    }
}
