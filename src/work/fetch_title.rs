//! Fetches the title of a group whose messages do not contain it. Optional: after a few tries the group stays untitled
//! until an event names it.

use uuid::Uuid;

use super::Env;
use super::kinds::Work;
use super::retry;
use crate::announce;
use crate::error::Error;
use crate::model::Conversation;
use crate::store::contacts::Description;
use crate::store::jobs::{self, FetchTitle, Job};
use crate::store::{Tx, Verb, contacts, conversations};

impl Work for FetchTitle {
    const TRIES: i64 = 3;

    async fn run(self, env: &Env, job: &Job) -> Result<(), Error> {
        let found = env.store.read(LoadConversation { job: job.clone() }).await?;
        let mut end = TitleOutcome::Title(None);
        if let Some(conversation) = found
            && let Some(connected) = env.channels.ready(conversation.tenant, conversation.channel).await?
            && let Some(provider) = adapters::provider(&connected.channel.kind)
        {
            let account = connected.secrets.account();
            end = match provider.title(&env.http, &account, &conversation.external_id).await {
                Ok(title) => TitleOutcome::Title(title),
                Err(error) => {
                    tracing::debug!(%error, channel = %conversation.channel, "a group's title cannot be fetched");
                    let random = env.store.ids().next().as_u128() as u64;
                    let again = error.retryable && job.tries < Self::TRIES;
                    if again {
                        TitleOutcome::Retry(retry::wait_ms(job.tries, 2_000, 60_000, random))
                    } else {
                        end
                    }
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

enum TitleOutcome {
    Title(Option<String>),
    Retry(i64),
}

struct FinishFetch {
    job: Job,
    end: TitleOutcome,
}

impl Verb for FinishFetch {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let title = match &self.end {
            TitleOutcome::Retry(wait_ms) => {
                let at = tx.now() + wait_ms;
                jobs::release(tx, &self.job, at, None).await?;
                return Ok(());
            }
            TitleOutcome::Title(title) => title.as_deref(),
        };
        if !jobs::done(tx, &self.job).await? {
            return Ok(());
        }
        let (tenant, id) = (self.job.tenant, self.job.subject);
        let Some(mut conversation) = conversations::load_locked(tx, tenant, id).await? else { return Ok(()) };
        // A name that an event set meanwhile is newer.
        if conversation.contact.name.is_none()
            && conversation.contact.learn(&Description { name: title, ..Description::default() })
        {
            let now = tx.now();
            contacts::describe(tx, tenant, &conversation.contact, now).await?;
            announce::conversation(tx, &mut conversation)?;
        }
        Ok(())
    }
}
