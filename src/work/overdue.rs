//! Gives up sends older than [`MAX_AGE_MS`]. Behind a channel that is down or paused they are never tried, so `finish`
//! cannot give them up.

use std::time::Duration;

use uuid::Uuid;

use super::Env;
use super::deliver::MAX_AGE_MS;
use super::end;
use super::kinds::Work;
use crate::error::Error;
use crate::store::jobs::{self, Deliver, EndOverdue, Job, Payload};
use crate::store::{Tx, Verb, queues};

const PAGE: i64 = 200;

impl Work for EndOverdue {
    const EVERY: Option<Duration> = Some(Duration::from_mins(1));

    async fn run(self, env: &Env, _: &Job) -> Result<(), Error> {
        loop {
            let overdue = env.store.read(LoadOverdue).await?;
            let count = overdue.len() as i64;
            for job in overdue {
                env.store.write(GiveUpOverdue { job }).await?;
            }
            if count < PAGE || env.soft.is_cancelled() {
                return Ok(());
            }
        }
    }
}

struct LoadOverdue;

impl Verb for LoadOverdue {
    type Out = Vec<Job>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Job>, Error> {
        let before = tx.now() - MAX_AGE_MS;
        Ok(jobs::overdue(tx, Deliver::KIND, before, PAGE).await?)
    }
}

struct GiveUpOverdue {
    job: Job,
}

impl Verb for GiveUpOverdue {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        // A worker may have claimed or ended it since it was read. The lock prevents that from here on.
        if let Some(key) = self.job.key() {
            queues::lock(tx, key).await?;
        }
        let Some(job) = jobs::load(tx, self.job.tenant, self.job.id).await? else { return Ok(()) };
        if job.claim.is_some() || !job.waits() {
            return Ok(());
        }
        let why = match job.key() {
            Some(key) => queues::blocked(tx, key).await?,
            None => None,
        };
        let why =
            why.or_else(|| job.error.clone()).unwrap_or_else(|| "nothing was sent on its channel".to_owned());
        end::give_up(tx, &job, &format!("it waited for a day: {why}")).await
    }
}
