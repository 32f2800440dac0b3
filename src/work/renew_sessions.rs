//! Renews the sessions of a tenant's members who see some of its companies only, because a channel moved between companies: they
//! connect again, under what they see now, and load their lists anew. In steps; one that is run twice changes nothing more.

use std::time::Duration;

use tokio::time::sleep;
use uuid::Uuid;

use super::Env;
use super::kinds::Work;
use crate::accounts::users::RenewLimited;
use crate::error::Error;
use crate::store::jobs::{self, Job, RenewSessions};
use crate::store::{Tx, Verb, channels, consumers};

/// Members of one step.
const STEP: i64 = 100;
/// Other nodes learn within two seconds whose rights changed. Until then their sessions go on in the feed, so that a position
/// says nothing about what its client knows.
const OTHER_NODES: Duration = Duration::from_secs(3);

impl Work for RenewSessions {
    async fn run(self, env: &Env, job: &Job) -> Result<(), Error> {
        // Another move may have been settled meanwhile.
        env.store.write(Mark { job: job.clone(), is_over: false }).await?;
        let mut after = Some(Uuid::nil());
        while let Some(user) = after {
            let step = RenewLimited { tenant: job.tenant, after: user, limit: STEP };
            after = env.store.write(step).await?.value;
        }
        sleep(OTHER_NODES).await;
        env.store.write(Mark { job: job.clone(), is_over: true }).await?;
        Ok(())
    }
}

struct Mark {
    job: Job,
    is_over: bool,
}

impl Verb for Mark {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let place = (self.job.tenant, self.job.subject);
        if !self.is_over {
            return Ok(channels::set_moved_at(tx, place, None).await?);
        }
        if jobs::done(tx, &self.job).await? {
            // A session of before may have the newest event as well.
            let next = consumers::top(tx, self.job.tenant).await? + 1;
            channels::set_moved_at(tx, place, Some(next)).await?;
        }
        Ok(())
    }
}
