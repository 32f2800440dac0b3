//! The registry of kinds of jobs: what each does, how often it is tried, and what people see of one that is given
//! up. The payloads are `store/jobs/kinds.rs`'s.
//!
//! To add a kind: its payload there, an `impl Work` in a file of its own, a line in [`ALL`].

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Env;
use crate::error::Error;
use crate::store::Tx;
use crate::store::jobs::{
    self, Acknowledge, Deliver, EndOverdue, FetchMedia, FetchTitle, Job, Payload, Retain, SweepFiles,
};

/// What a job that broke off has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupted {
    /// Nothing: it can run again.
    RunAgain,
    /// It is over already: its end is written.
    Over,
}

/// What jobs of a kind do.
pub(super) trait Work: Payload + 'static {
    /// Runs before it is given up.
    const TRIES: i64 = 8;
    /// One job of the kind comes again after so long, and is never given up.
    const EVERY: Option<Duration> = None;

    /// Does it, and ends the job in a transaction (but for those that come again). An error means: later.
    fn run(self, env: &Env, job: &Job) -> impl Future<Output = Result<(), Error>> + Send;

    /// It failed with this reason, or its process died.
    fn interrupted(
        _tx: &mut Tx<'_>,
        _job: &Job,
        _reason: &str,
    ) -> impl Future<Output = Result<Interrupted, Error>> + Send {
        async { Ok(Interrupted::RunAgain) }
    }

    /// It is not tried any more: what it was about says why.
    fn given_up(
        _tx: &mut Tx<'_>,
        _job: &Job,
        _reason: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }

    /// A person wants it to be tried again.
    fn revived(_tx: &mut Tx<'_>, _job: &Job) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }
}

type Told<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// A kind without its type.
pub(super) struct Kind {
    pub name: &'static str,
    pub tries: i64,
    pub every: Option<Duration>,
    pub run: for<'a> fn(&'a Env, &'a Job) -> Result<Told<'a, ()>, String>,
    pub interrupted: for<'a> fn(&'a mut Tx<'_>, &'a Job, &'a str) -> Told<'a, Interrupted>,
    pub given_up: for<'a> fn(&'a mut Tx<'_>, &'a Job, &'a str) -> Told<'a, ()>,
    pub revived: for<'a> fn(&'a mut Tx<'_>, &'a Job) -> Told<'a, ()>,
    pub schedule: for<'a> fn(&'a mut Tx<'_>, i64) -> Told<'a, ()>,
}

const fn kind<W: Work>() -> Kind {
    Kind {
        name: W::KIND,
        tries: W::TRIES,
        every: W::EVERY,
        run: |env, job| {
            let payload = payload::<W>(job)?;
            Ok(Box::pin(payload.run(env, job)))
        },
        interrupted: |tx, job, reason| Box::pin(W::interrupted(tx, job, reason)),
        given_up: |tx, job, reason| Box::pin(W::given_up(tx, job, reason)),
        revived: |tx, job| Box::pin(W::revived(tx, job)),
        schedule: |tx, at| {
            Box::pin(async move {
                let Some(payload) = W::bare(uuid::Uuid::nil()) else { return Ok(()) };
                Ok(jobs::schedule(tx, &payload, at).await?)
            })
        },
    }
}

static ALL: &[Kind] = &[
    kind::<Deliver>(),
    kind::<Acknowledge>(),
    kind::<FetchMedia>(),
    kind::<FetchTitle>(),
    kind::<EndOverdue>(),
    kind::<Retain>(),
    kind::<SweepFiles>(),
];

/// The kind of that name, if this version knows it.
pub(super) fn of(name: &str) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.name == name)
}

/// Those that come again and again.
pub(super) fn scheduled() -> impl Iterator<Item = &'static Kind> {
    ALL.iter().filter(|kind| kind.every.is_some())
}

fn payload<W: Work>(job: &Job) -> Result<W, String> {
    match &job.payload {
        Some(text) => serde_json::from_str(text).map_err(|error| error.to_string()),
        None => W::bare(job.subject).ok_or_else(|| "it has none".to_owned()),
    }
}
