//! Asks the provider who a customer is whose messages do not say it. Optional: a refusal costs the name and nothing else, and
//! it is asked once more when the customer writes again.

use adapters::Profile;
use uuid::Uuid;

use super::Env;
use super::kinds::Work;
use super::retry;
use crate::announce;
use crate::error::Error;
use crate::model::Conversation;
use crate::store::contacts::Description;
use crate::store::jobs::{self, FetchProfile, Job};
use crate::store::{Tx, Verb, contacts, conversations};

impl Work for FetchProfile {
    const TRIES: i64 = 3;

    async fn run(self, env: &Env, job: &Job) -> Result<(), Error> {
        let found = env.store.read(LoadConversation { job: job.clone() }).await?;
        let mut end = Asked::Told(None);
        if let Some(conversation) = found
            && let Some(connected) = env.channels.ready(conversation.tenant, conversation.channel).await?
            && let Some(provider) = adapters::provider(&connected.channel.kind)
        {
            let account = connected.secrets.account();
            end = match provider.profile(&env.http, &account, &conversation.external_id).await {
                Ok(profile) => Asked::Told(profile),
                Err(error) => {
                    tracing::debug!(%error, channel = %conversation.channel, "a customer's name cannot be fetched");
                    let random = env.store.ids().next().as_u128() as u64;
                    let again = error.retryable && job.tries < Self::TRIES;
                    if again { Asked::Retry(retry::wait_ms(job.tries, 2_000, 60_000, random)) } else { end }
                }
            };
        }
        env.store.write(FinishFetch { job: job.clone(), end }).await?;
        Ok(())
    }
}

/// Loads the conversation if its contact has no name yet.
struct LoadConversation {
    job: Job,
}

impl Verb for LoadConversation {
    type Out = Option<Conversation>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let found = conversations::load(tx, self.job.tenant, self.job.subject).await?;
        Ok(found.filter(|conversation| conversation.contact.name.is_none()))
    }
}

enum Asked {
    Told(Option<Profile>),
    Retry(i64),
}

struct FinishFetch {
    job: Job,
    end: Asked,
}

impl Verb for FinishFetch {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let profile = match &self.end {
            Asked::Retry(wait_ms) => {
                let at = tx.now() + wait_ms;
                jobs::release(tx, &self.job, at, None).await?;
                return Ok(());
            }
            Asked::Told(profile) => profile.as_ref(),
        };
        if !jobs::done(tx, &self.job).await? {
            return Ok(());
        }
        let (tenant, id) = (self.job.tenant, self.job.subject);
        let Some(mut conversation) = conversations::load_locked(tx, tenant, id).await? else { return Ok(()) };
        let Some(profile) = profile else {
            return Ok(contacts::asked_in_vain(tx, tenant, conversation.contact.id).await?);
        };
        let told = Description {
            name: profile.name.as_deref(),
            user_name: profile.handle.as_deref(),
            ..Description::default()
        };
        // A name that an event set meanwhile is newer.
        if conversation.contact.name.is_none() && conversation.contact.learn(&told) {
            let now = tx.now();
            contacts::describe(tx, tenant, &conversation.contact, now).await?;
            announce::conversation(tx, &mut conversation)?;
        }
        Ok(())
    }
}
