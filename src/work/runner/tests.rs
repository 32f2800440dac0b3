//! What holds for every run: its failure has a reason, it ends after its kind's limit, and it keeps its claim as long as it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use uuid::Uuid;

use super::*;
use crate::clock::Clock;
use crate::store::jobs::{ReadNews, Slot};
use crate::store::{Arg, Effects, Publisher, StoreConfig};

#[tokio::test]
async fn whatever_goes_wrong_in_a_job_has_a_reason() {
    assert_eq!(catch_failure(async { Ok(()) }).await, Ok(()));
    let failed = catch_failure(async { Err(Error::NotFound("conversation")) }).await.expect_err("an error");
    assert_eq!((failed.reason.as_str(), failed.for_good), ("there is no such conversation", false));
    let panicked = catch_failure(async { panic!("on purpose") }).await.expect_err("a panic");
    assert!(panicked.reason.contains("panic") && !panicked.for_good);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_never_ends_is_ended_after_ten_minutes_and_tried_again() {
    let kind = kinds::of("read_news").expect("the kind");
    assert_eq!(kind.limit, Some(Duration::from_mins(10)));
    let begun = tokio::time::Instant::now();
    let ended = catch_failure(limited(kind.limit, std::future::pending())).await.expect_err("it is ended");
    assert_eq!(begun.elapsed().as_secs(), 600);
    assert!(ended.reason.contains("600 seconds") && !ended.for_good, "{ended:?}");
}

struct Nobody;

impl Publisher for Nobody {
    fn publish(&self, _: Effects) {}
}

/// A job of a reader, claimed.
struct Held {
    store: Store,
    job: Job,
    hand: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

struct Push;

impl Verb for Push {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let (tenant, queue) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let slot = Slot { tenant, queue, lane: "news", position: 0 };
        Ok(jobs::push(tx, &slot, &ReadNews { channel: queue }).await?)
    }
}

/// Until when the job is claimed, and by whom from now on.
struct Look {
    claim: Option<Uuid>,
}

impl Verb for Look {
    type Out = i64;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, Error> {
        if let Some(claim) = self.claim {
            tx.exec("update jobs set claim = $1", &[Arg::from(claim)]).await?;
        }
        let until = tx.one::<(i64,)>("select claimed_until from jobs", &[]).await?;
        Ok(until.expect("a job").0)
    }
}

impl Held {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = folder.path().join("hubbub.db").display().to_string();
        let (clock, hand) = Clock::manual(1_800_000_000_000);
        let store = Store::open(&StoreConfig::new(url, 1), clock, Arc::new(Nobody)).await;
        let store = store.expect("a store");
        store.write(Push).await.expect("a job");
        let (paces, shares) = (Arc::default(), Shares::of(Class::News));
        let claims = Arc::new(ClaimIds::of(Uuid::from_u128(7)));
        let claim = ClaimJobs { class: Class::News, limit: 1, paces, claims, shares };
        let (mut jobs, _) = store.write(claim).await.expect("a claim").value;
        let (job, _) = jobs.remove(0);
        Self { store, job, hand, _folder: folder }
    }

    async fn look(&self, claim: Option<Uuid>) -> i64 {
        self.store.write(Look { claim }).await.expect("the job").value
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_runs_long_keeps_its_claim() {
    let one = Held::new().await;
    let first = one.look(None).await;
    let work = async {
        // Each renewal counts from the time at which it is made.
        for minute in 1..=5 {
            one.hand.fetch_add(60_000, Ordering::Relaxed);
            while one.look(None).await < first + minute * 60_000 {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        "done"
    };
    assert_eq!(with_claim_renewal(&one.store, &one.job, work).await, Some("done"));
    assert_eq!(one.look(None).await, first + 300_000);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_another_worker_has_taken_over_is_dropped() {
    let one = Held::new().await;
    let until = one.look(Some(Uuid::from_u128(9))).await;
    let work = std::future::pending::<()>();
    assert_eq!(with_claim_renewal(&one.store, &one.job, work).await, None);
    assert_eq!(one.look(None).await, until, "the other's claim is not touched");
}
