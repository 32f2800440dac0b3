//! Ends sends that have waited for longer than an answer is worth sending: behind a channel that is down or paused
//! nobody tries them, so somebody has to say so.

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
            let overdue = env.store.read(Overdue).await?;
            let count = overdue.len() as i64;
            for job in overdue {
                env.store.write(End { job }).await?;
            }
            if count < PAGE || env.soft.is_cancelled() {
                return Ok(());
            }
        }
    }
}

struct Overdue;

impl Verb for Overdue {
    type Out = Vec<Job>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Job>, Error> {
        let before = tx.now() - MAX_AGE_MS;
        Ok(jobs::overdue(tx, Deliver::KIND, before, PAGE).await?)
    }
}

struct End {
    job: Job,
}

impl Verb for End {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        // Somebody may have claimed or ended it since it was read; from here on nobody does.
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
