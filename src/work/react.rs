//! Tells the provider which reaction the business has to a message. It tells the one that the message shows when the job
//! runs, so that repeated and overtaken changes end in the last one. A refused one is taken back, with the reason.

use adapters::SendError;
use uuid::Uuid;

use super::Env;
use super::kinds::Work;
use super::{outage, retry};
use crate::error::Error;
use crate::inbox::react;
use crate::model::{Conversation, MessageError};
use crate::store::jobs::{self, Job, React};
use crate::store::{Tx, Verb, conversations, messages};

impl Work for React {
    const TRIES: i64 = 5;

    async fn run(self, env: &Env, job: &Job) -> Result<(), Error> {
        let found = env.store.read(LoadReaction { job: job.clone() }).await?;
        let mut end = End::Done;
        if let Some(found) = found
            && let Some(connected) =
                env.channels.ready(found.conversation.tenant, found.conversation.channel).await?
            && let Some(provider) = adapters::provider(&connected.channel.kind)
        {
            if outage::goes_on(env, job, &connected).await? {
                return Ok(());
            }
            let (account, to) = (connected.secrets.account(), found.conversation.address());
            let emoji = found.emoji.as_deref();
            if let Err(error) = provider.react(&env.http, &account, to, &found.message, emoji).await {
                let random = env.store.ids().next().as_u128() as u64;
                end = End::of(error, found.emoji.clone(), job.tries, random);
            }
        }
        env.store.write(FinishReaction { job: job.clone(), end }).await?;
        Ok(())
    }

    async fn given_up(tx: &mut Tx<'_>, job: &Job, reason: &str) -> Result<(), Error> {
        let error = MessageError { code: "given_up".to_owned(), reason: reason.to_owned() };
        react::refused(tx, (job.tenant, job.subject), react::Refused::Whatever, error).await
    }
}

/// The reaction as the provider is to have it.
struct Wanted {
    conversation: Conversation,
    /// The message's id at the provider.
    message: String,
    emoji: Option<String>,
}

struct LoadReaction {
    job: Job,
}

impl Verb for LoadReaction {
    type Out = Option<Wanted>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let tenant = self.job.tenant;
        let Some(message) = messages::load(tx, tenant, self.job.subject).await? else { return Ok(None) };
        let Some(conversation) = conversations::load(tx, tenant, message.conversation).await? else {
            return Ok(None);
        };
        let Some(id) = react::external_id(tx, &message, tenant).await? else { return Ok(None) };
        Ok(Some(Wanted { conversation, message: id, emoji: react::ours(&message).map(str::to_owned) }))
    }
}

#[derive(Clone)]
enum End {
    Done,
    Retry(i64),
    Refused(Option<String>, MessageError),
}

impl End {
    fn of(error: SendError, emoji: Option<String>, tries: i64, random: u64) -> Self {
        if (error.retryable || error.channel_down) && tries < React::TRIES {
            return Self::Retry(retry::wait_ms(tries, 2_000, 60_000, random));
        }
        let SendError { code, reason, .. } = error;
        Self::Refused(emoji, MessageError { code, reason: reason.to_string() })
    }
}

struct FinishReaction {
    job: Job,
    end: End,
}

impl Verb for FinishReaction {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        if let End::Retry(wait_ms) = &self.end {
            let at = tx.now() + wait_ms;
            jobs::release(tx, &self.job, at, None).await?;
            return Ok(());
        }
        if !jobs::done(tx, &self.job).await? {
            return Ok(());
        }
        if let End::Refused(emoji, error) = &self.end {
            let message = (self.job.tenant, self.job.subject);
            react::refused(tx, message, react::Refused::This(emoji.as_deref()), error.clone()).await?;
        }
        Ok(())
    }
}
