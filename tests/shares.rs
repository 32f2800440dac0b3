//! Invariant 12 within a class of work: neither a tenant with many channels nor a provider that hangs holds all of its workers.

use std::sync::Arc;

use hubbub::clock::Clock;
use hubbub::error::Error;
use hubbub::store::jobs::{self, ClaimIds, Claimed, Class, ReadNews, Slot};
use hubbub::store::pace::Paces;
use hubbub::store::shares::Shares;
use hubbub::store::{Arg, Effects, Engine, Publisher, Store, StoreConfig, Tx, Verb};
use uuid::Uuid;

use crate::kit::postgres;
use crate::on_both;

struct Nobody;

impl Publisher for Nobody {
    fn publish(&self, _: Effects) {}
}

/// A tenant with so many channels of a kind, each with news to be read.
struct Tenant {
    number: u64,
    kind: &'static str,
    channels: u64,
}

impl Tenant {
    fn id(&self) -> Uuid {
        Uuid::from_u64_pair(1, self.number)
    }
}

impl Verb for Tenant {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let (tenant, company) = (self.id(), Uuid::from_u64_pair(2, self.number));
        let sql = "insert into tenants (id, name, next_cursor, created_at) values ($1, 'T', 0, 0)";
        tx.put(sql, &[tenant.into()]).await?;
        let sql =
            "insert into companies (id, tenant, name, kind, created_at) values ($1, $2, 'C', 'product', 0)";
        tx.put(sql, &[company.into(), tenant.into()]).await?;
        for n in 0..self.channels {
            let channel = Uuid::from_u64_pair(1_000 + self.number, n);
            let token = channel.to_string();
            let sql = "insert into channels (id, tenant, company, kind, name, state, hook_token, sealed, settings, created_at, updated_at) \
                       values ($1, $2, $3, $4, 'C', 'active', $5, '', '{}', 0, 0)";
            let args = [
                channel.into(),
                tenant.into(),
                company.into(),
                Arg::from(self.kind),
                Arg::from(token.as_str()),
            ];
            tx.put(sql, &args).await?;
            let lane = format!("news:{channel}");
            jobs::push(tx, &Slot { tenant, queue: channel, lane: &lane, position: 0 }, &ReadNews { channel })
                .await?;
        }
        Ok(())
    }
}

/// One claim of the news workers, as the runner makes it.
struct Claim {
    paces: Arc<Paces>,
    claims: Arc<ClaimIds>,
    shares: Shares,
    free: i64,
}

impl Verb for Claim {
    type Out = (Vec<Claimed>, Option<i64>);

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let until = tx.now() + 60_000;
        let taken =
            jobs::claim(tx, Class::News, self.free, until, (&self.paces, &self.shares, &self.claims)).await?;
        let next = jobs::next_at(tx, Class::News, &self.shares).await?;
        Ok((taken, next))
    }
}

struct End(Claimed);

impl Verb for End {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        assert!(jobs::done(tx, &self.0.0).await?, "it is still ours");
        Ok(())
    }
}

/// The workers of one process.
struct Workers {
    store: Store,
    paces: Arc<Paces>,
    claims: Arc<ClaimIds>,
    shares: Shares,
    running: Vec<Claimed>,
}

impl Workers {
    /// Claims until nothing more is to be had; when the next may be.
    async fn claim(&mut self) -> Option<i64> {
        loop {
            let free = (Class::News.workers() - self.running.len()) as i64;
            let (paces, claims) = (Arc::clone(&self.paces), Arc::clone(&self.claims));
            let claim = Claim { paces, claims, shares: self.shares.clone(), free };
            let (taken, next) = self.store.write(claim).await.expect("a claim").value;
            if taken.is_empty() {
                return next;
            }
            for one in taken {
                self.shares.begin(one.1);
                self.running.push(one);
            }
        }
    }

    fn of(&self, tenant: &Tenant) -> usize {
        self.running.iter().filter(|(job, _)| job.tenant == tenant.id()).count()
    }
}

on_both!(one_tenant_or_one_provider_never_holds_all_workers_of_a_class, |engine| async move {
    let folder = tempfile::tempdir().expect("a folder");
    let url = match engine {
        Engine::Sqlite => folder.path().join("shares.db").display().to_string(),
        Engine::Postgres => postgres::database(),
    };
    let (clock, hand) = Clock::manual(1_794_312_000_000);
    let store = Store::open(&StoreConfig::new(url, 4), clock, Arc::new(Nobody)).await.expect("a store");
    let workers = Class::News.workers();
    let mut news = Workers {
        store,
        paces: Arc::default(),
        claims: Arc::new(ClaimIds::of(Uuid::from_u128(7))),
        shares: Shares::of(Class::News),
        running: Vec::new(),
    };

    // More mailboxes than there are workers, and a tenant with one.
    let heavy = Tenant { number: 1, kind: "gmail", channels: 3 * workers as u64 };
    let light = Tenant { number: 2, kind: "gmail", channels: 1 };
    for (tenant, running) in [(&heavy, workers / 2), (&light, 1)] {
        news.store.write(Tenant { ..*tenant }).await.expect("a tenant");
        hand.fetch_add(1_500, std::sync::atomic::Ordering::Relaxed);
        news.claim().await;
        assert_eq!(news.of(tenant), running);
    }
    // What is left out does not make anybody look all the time.
    let next = news.claim().await;
    assert!(next.is_none_or(|next| next > hand.load(std::sync::atomic::Ordering::Relaxed)), "{next:?}");

    // Many tenants of a provider that hangs, and one of another.
    for number in 10..10 + workers as u64 {
        news.store.write(Tenant { number, kind: "gmail", channels: 1 }).await.expect("a tenant");
    }
    news.claim().await;
    let other = Tenant { number: 100, kind: "waha", channels: 1 };
    news.store.write(Tenant { ..other }).await.expect("a tenant");
    hand.fetch_add(1_500, std::sync::atomic::Ordering::Relaxed);
    news.claim().await;
    assert_eq!(news.of(&other), 1);

    // Everything is done in the end.
    let mut done = 0;
    while let Some(one) = news.running.pop() {
        news.shares.end(one.1);
        news.store.write(End(one)).await.expect("it ends");
        done += 1;
        hand.fetch_add(1_500, std::sync::atomic::Ordering::Relaxed);
        news.claim().await;
    }
    assert_eq!(done, 4 * workers + 2);
    news.store.close().await;
});
