//! The registry of job kinds: what each runs, how many tries it has, and what it writes when it is given up. The
//! payloads are in `store/jobs/kinds.rs`.
//!
//! To add a kind: define its payload there, write an `impl Work` in a file of its own, add a line to [`ALL`].

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Env;
use crate::error::Error;
use crate::store::Tx;
use crate::store::jobs::{
    self, Acknowledge, DeleteFile, Deliver, DisconnectChannel, EndOverdue, FetchMedia, FetchProfile,
    FetchTitle, Job, Payload, React, ReadItem, ReadNews, RenewSessions, Retain, SweepFiles, WatchChannels,
};

/// What to do with a job whose run was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupted {
    /// The job can run again.
    RunAgain,
    /// The job has ended: [`Work::interrupted`] removed it.
    Over,
}

/// A job kind's behaviour.
pub(super) trait Work: Payload + 'static {
    /// Number of runs before the job is given up.
    const TRIES: i64 = 8;
    /// The interval of a recurring kind. It has one job, which is never given up.
    const EVERY: Option<Duration> = None;

    /// The longest time of a run, for kinds that have no such limit of their own.
    const LIMIT: Option<Duration> = match Self::EVERY {
        Some(_) => None,
        None => Some(Duration::from_mins(10)),
    };

    /// Runs the job and removes it in a transaction (the runner reschedules recurring ones). An error means a retry.
    fn run(self, env: &Env, job: &Job) -> impl Future<Output = Result<(), Error>> + Send;

    /// A run failed with this reason, or its process died.
    fn interrupted(
        _tx: &mut Tx<'_>,
        _job: &Job,
        _reason: &str,
    ) -> impl Future<Output = Result<Interrupted, Error>> + Send {
        async { Ok(Interrupted::RunAgain) }
    }

    /// The job has no tries left: writes the reason to the job's subject.
    fn given_up(
        _tx: &mut Tx<'_>,
        _job: &Job,
        _reason: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }

    /// A person retries a dead job.
    fn revived(_tx: &mut Tx<'_>, _job: &Job) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }
}

type JobFuture<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// A job kind with its type erased.
pub(super) struct JobKind {
    pub name: &'static str,
    pub tries: i64,
    pub every: Option<Duration>,
    pub limit: Option<Duration>,
    pub run: for<'a> fn(&'a Env, &'a Job) -> Result<JobFuture<'a, ()>, String>,
    pub interrupted: for<'a> fn(&'a mut Tx<'_>, &'a Job, &'a str) -> JobFuture<'a, Interrupted>,
    pub given_up: for<'a> fn(&'a mut Tx<'_>, &'a Job, &'a str) -> JobFuture<'a, ()>,
    pub revived: for<'a> fn(&'a mut Tx<'_>, &'a Job) -> JobFuture<'a, ()>,
    pub schedule: for<'a> fn(&'a mut Tx<'_>, i64) -> JobFuture<'a, ()>,
}

const fn kind<W: Work>() -> JobKind {
    JobKind {
        name: W::KIND,
        tries: W::TRIES,
        every: W::EVERY,
        limit: W::LIMIT,
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

static ALL: &[JobKind] = &[
    kind::<Deliver>(),
    kind::<Acknowledge>(),
    kind::<ReadNews>(),
    kind::<ReadItem>(),
    kind::<React>(),
    kind::<DeleteFile>(),
    kind::<FetchMedia>(),
    kind::<FetchProfile>(),
    kind::<FetchTitle>(),
    kind::<DisconnectChannel>(),
    kind::<RenewSessions>(),
    kind::<EndOverdue>(),
    kind::<Retain>(),
    kind::<SweepFiles>(),
    kind::<WatchChannels>(),
];

/// The kind with this name, if this version has it.
pub(super) fn of(name: &str) -> Option<&'static JobKind> {
    ALL.iter().find(|kind| kind.name == name)
}

/// The counters of every kind are there from the start: of one that begins with its first event, nobody sees it rise.
pub fn count_from_zero() {
    for kind in ALL {
        metrics::counter!("hubbub_jobs_dead_total", "kind" => kind.name).increment(0);
    }
}

/// The recurring kinds.
pub(super) fn scheduled() -> impl Iterator<Item = &'static JobKind> {
    ALL.iter().filter(|kind| kind.every.is_some())
}

fn payload<W: Work>(job: &Job) -> Result<W, String> {
    match &job.payload {
        Some(text) => serde_json::from_str(text).map_err(|error| error.to_string()),
        None => W::bare(job.subject).ok_or_else(|| "it has none".to_owned()),
    }
}
