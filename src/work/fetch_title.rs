//! Fetches the title of a group whose messages do not contain it. Optional: after a few tries the group stays untitled
//! until an event names it.

use uuid::Uuid;

use super::Env;
use super::kinds::Work;
use super::nameless::{self, Answer, LoadNameless};
use crate::error::Error;
use crate::store::contacts::Description;
use crate::store::jobs::{FetchTitle, Job};
use crate::store::{Tx, Verb};

impl Work for FetchTitle {
    const TRIES: i64 = 3;

    async fn run(self, env: &Env, job: &Job) -> Result<(), Error> {
        let found = env.store.read(LoadNameless { job: job.clone() }).await?;
        let mut answer = Answer::Told(None);
        if let Some(conversation) = found
            && let Some(connected) = env.channels.ready(conversation.tenant, conversation.channel).await?
            && let Some(provider) = adapters::provider(&connected.channel.kind)
        {
            let account = connected.secrets.account();
            let said = provider.title(&env.http, &account, &conversation.external_id).await;
            answer = Answer::of(said, env, job, Self::TRIES);
        }
        env.store.write(FinishFetch { job: job.clone(), answer }).await?;
        Ok(())
    }
}

struct FinishFetch {
    job: Job,
    answer: Answer<String>,
}

impl Verb for FinishFetch {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let Some((mut conversation, title)) = self.answer.finish(tx, &self.job).await? else {
            return Ok(());
        };
        let told = Description { name: title.map(String::as_str), ..Description::default() };
        nameless::name(tx, self.job.tenant, &mut conversation, &told).await
    }
}
