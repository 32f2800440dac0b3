//! Asks the provider who a customer is whose messages do not say it. Optional: a refusal costs the name and nothing else, and
//! it is asked once more when the customer writes again.

use adapters::Profile;
use uuid::Uuid;

use super::Env;
use super::kinds::Work;
use super::nameless::{self, Answer, LoadNameless};
use crate::error::Error;
use crate::store::contacts::Description;
use crate::store::jobs::{FetchProfile, Job};
use crate::store::{Tx, Verb, contacts};

impl Work for FetchProfile {
    const TRIES: i64 = 3;

    async fn run(self, env: &Env, job: &Job) -> Result<(), Error> {
        let found = env.store.read(LoadNameless { job: job.clone() }).await?;
        let mut answer = Answer::Told(None);
        if let Some(conversation) = found
            && let Some(connected) = env.channels.ready(conversation.tenant, conversation.channel).await?
            && let Some(provider) = adapters::provider(&connected.channel.kind)
        {
            let account = connected.secrets.account();
            let said = provider.profile(&env.http, &account, &conversation.external_id).await;
            answer = Answer::of(said, env, job, Self::TRIES);
        }
        env.store.write(FinishFetch { job: job.clone(), answer }).await?;
        Ok(())
    }
}

struct FinishFetch {
    job: Job,
    answer: Answer<Profile>,
}

impl Verb for FinishFetch {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let Some((mut conversation, profile)) = self.answer.finish(tx, &self.job).await? else {
            return Ok(());
        };
        let tenant = self.job.tenant;
        let Some(profile) = profile else {
            return Ok(contacts::asked_in_vain(tx, tenant, conversation.contact.id).await?);
        };
        let told = Description {
            name: profile.name.as_deref(),
            user_name: profile.handle.as_deref(),
            ..Description::default()
        };
        nameless::name(tx, tenant, &mut conversation, &told).await
    }
}
