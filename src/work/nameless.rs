//! What the jobs that ask a provider for the name of a conversation's contact share: a group's title, a customer's profile.
//! Both are optional: a refusal costs the name and nothing else.

use adapters::SendError;
use uuid::Uuid;

use super::Env;
use super::retry;
use crate::announce;
use crate::error::Error;
use crate::model::Conversation;
use crate::store::contacts::Description;
use crate::store::jobs::{self, Job};
use crate::store::{Tx, Verb, contacts, conversations};

/// Loads a job's conversation if its contact has no name yet.
pub(super) struct LoadNameless {
    pub job: Job,
}

impl Verb for LoadNameless {
    type Out = Option<Conversation>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let found = conversations::load(tx, self.job.tenant, self.job.subject).await?;
        Ok(found.filter(|conversation| conversation.contact.name.is_none()))
    }
}

/// What the provider said.
pub(super) enum Answer<T> {
    /// `None`: it has no name, or does not tell it.
    Told(Option<T>),
    /// It is asked again after so long.
    Retry(i64),
}

impl<T> Answer<T> {
    pub fn of(said: Result<Option<T>, SendError>, env: &Env, job: &Job, tries: i64) -> Self {
        match said {
            Ok(told) => Self::Told(told),
            Err(error) => {
                tracing::debug!(%error, job = job.kind, conversation = %job.subject, "a name cannot be fetched");
                let random = env.store.ids().next().as_u128() as u64;
                if error.retryable && job.tries < tries {
                    Self::Retry(retry::wait_ms(job.tries, 2_000, 60_000, random))
                } else {
                    Self::Told(None)
                }
            }
        }
    }

    /// Ends the job, or puts it off. What was told, with the conversation, if there is still something to do with it.
    pub async fn finish(
        &self,
        tx: &mut Tx<'_>,
        job: &Job,
    ) -> Result<Option<(Conversation, Option<&T>)>, Error> {
        let told = match self {
            Self::Retry(wait_ms) => {
                let at = tx.now() + wait_ms;
                jobs::release(tx, job, at, None).await?;
                return Ok(None);
            }
            Self::Told(told) => told.as_ref(),
        };
        if !jobs::done(tx, job).await? {
            return Ok(None);
        }
        let found = conversations::load_locked(tx, job.tenant, job.subject).await?;
        Ok(found.map(|conversation| (conversation, told)))
    }
}

/// Names the contact. A name that an event set meanwhile is newer.
pub(super) async fn name(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: &mut Conversation,
    told: &Description<'_>,
) -> Result<(), Error> {
    // The contact itself: the conversation shows the person.
    let Some(mut contact) = contacts::by_id(tx, tenant, conversation.contact.id).await? else {
        return Ok(());
    };
    if contact.name.is_none() && contact.learn(told) {
        let now = tx.now();
        contacts::describe(tx, tenant, &contact, now).await?;
        contacts::complete(tx, tenant, &mut contact).await?;
        conversation.contact = contact;
        announce::conversation(tx, conversation)?;
    }
    Ok(())
}
