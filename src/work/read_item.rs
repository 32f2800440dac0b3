//! Reads a message of a provider's news that could not be had when the others were read. After its tries it is among the
//! dead jobs with the reason, and a person has it tried again: the provider still holds it.

use anyhow::anyhow;

use super::Env;
use super::kinds::Work;
use super::read_news::fetch;
use crate::error::Error;
use crate::store::jobs::{self, Job, ReadItem};
use crate::store::{Tx, Verb};

impl Work for ReadItem {
    /// About an hour.
    const TRIES: i64 = 20;

    async fn run(self, env: &Env, job: &Job) -> Result<(), Error> {
        let connected = env.channels.ready(job.tenant, self.channel).await?;
        let connected =
            connected.ok_or_else(|| anyhow!("the channel is switched off: switch it on, and try again"))?;
        let provider = adapters::provider(&connected.channel.kind)
            .ok_or_else(|| anyhow!("this version has no provider {:?}", connected.channel.kind))?;
        match fetch(env, provider, &connected, &self.key).await? {
            Ok(()) => {
                env.store.write(Done { job: job.clone() }).await?;
                Ok(())
            }
            Err(error) => Err(anyhow!("the message {} cannot be had: {error}", self.key).into()),
        }
    }
}

struct Done {
    job: Job,
}

impl Verb for Done {
    type Out = ();

    fn tenant(&self) -> Option<uuid::Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        jobs::done(tx, &self.job).await?;
        Ok(())
    }
}
