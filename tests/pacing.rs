//! How fast is sent: within what the provider takes, in order, and at nobody else's cost.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use emulators::telegram::{EmulatorConfig, TelegramEmulator};
use hubbub::clock::Clock;
use hubbub::error::Error;
use hubbub::store::jobs::{self, Acknowledge, ClaimIds, Class, Job, Slot};
use hubbub::store::pace::Paces;
use hubbub::store::shares::Shares;
use hubbub::store::{Effects, Engine, Publisher, Store, StoreConfig, Tx, Verb};
use serde_json::json;
use uuid::Uuid;

use crate::kit::{self, World, postgres};
use crate::on_both;

struct Nobody;

impl Publisher for Nobody {
    fn publish(&self, _: Effects) {}
}

/// Jobs of a channel, `per_lane` in each lane.
struct Fill {
    tenant: Uuid,
    queue: Uuid,
    from: i64,
    to: i64,
    lanes: i64,
}

impl Verb for Fill {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        for number in self.from..self.to {
            let lane = format!("lane {}", number % self.lanes);
            let slot = Slot { tenant: self.tenant, queue: self.queue, lane: &lane, position: number };
            jobs::push(tx, &slot, &Acknowledge { message: Uuid::from_u64_pair(7, number as u64) }).await?;
        }
        Ok(())
    }
}

struct Claim {
    paces: Arc<Paces>,
    claims: Arc<ClaimIds>,
}

impl Verb for Claim {
    type Out = (Vec<Job>, Option<i64>);

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let until = tx.now() + 60_000;
        let shares = Shares::of(Class::Send);
        let taken = jobs::claim(tx, Class::Send, 64, until, (&self.paces, &shares, &self.claims)).await?;
        let next = if taken.is_empty() { jobs::next_at(tx, Class::Send, &shares).await? } else { None };
        Ok((taken.into_iter().map(|(job, _)| job).collect(), next))
    }
}

struct Done {
    jobs: Vec<Job>,
}

impl Verb for Done {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        for job in &self.jobs {
            assert!(jobs::done(tx, job).await?, "it is still ours");
        }
        Ok(())
    }
}

struct Channels {
    tenant: Uuid,
    busy: Uuid,
    idle: Uuid,
}

impl Verb for Channels {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let company = Uuid::from_u64_pair(2, 1);
        tx.put(
            "insert into tenants (id, name, next_cursor, created_at) values ($1, 'T', 0, 0)",
            &[self.tenant.into()],
        )
        .await?;
        tx.put(
            "insert into companies (id, tenant, name, kind, created_at) values ($1, $2, 'C', 'product', 0)",
            &[company.into(), self.tenant.into()],
        )
        .await?;
        for (channel, token) in [(self.busy, "a"), (self.idle, "b")] {
            tx.put(
                "insert into channels (id, tenant, company, kind, name, state, hook_token, sealed, settings, created_at, updated_at) \
                 values ($1, $2, $3, 'telegram', 'C', 'active', $4, '', '{}', 0, 0)",
                &[channel.into(), self.tenant.into(), company.into(), token.into()],
            )
            .await?;
        }
        Ok(())
    }
}

/// What waited while a provider was away for an hour, and another channel beside it, with a clock of its own.
async fn drain(engine: Engine, backlog: i64) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = match engine {
        Engine::Sqlite => folder.path().join("pace.db").display().to_string(),
        Engine::Postgres => postgres::database(),
    };
    let (clock, hand): (Clock, Arc<AtomicI64>) = Clock::manual(1_794_312_000_000);
    let store = Store::open(&StoreConfig::new(url, 4), clock, Arc::new(Nobody)).await.expect("a store");
    let (tenant, busy, idle) =
        (Uuid::from_u64_pair(1, 1), Uuid::from_u64_pair(3, 1), Uuid::from_u64_pair(3, 2));
    store.write(Channels { tenant, busy, idle }).await.expect("two channels");
    for from in (0..backlog).step_by(2_000) {
        let fill = Fill { tenant, queue: busy, from, to: (from + 2_000).min(backlog), lanes: 400 };
        store.write(fill).await.expect("filled");
    }
    let (paces, claims) = (Arc::new(Paces::default()), Arc::new(ClaimIds::of(Uuid::from_u128(7))));
    let (mut begun, mut last, mut others): (Vec<i64>, HashMap<String, Uuid>, Vec<i64>) = Default::default();
    let rate = 25;
    let (started, mut asked) = (hand.load(Ordering::Relaxed), 0_i64);
    let mut worst = std::time::Duration::ZERO;
    while begun.len() < usize::try_from(backlog).expect("a number") {
        let now = hand.load(Ordering::Relaxed);
        // Every second somebody writes on the other channel.
        if asked <= (now - started) / 1_000 {
            let fill = Fill {
                tenant,
                queue: idle,
                from: 1_000_000 + asked,
                to: 1_000_001 + asked,
                lanes: 1_000_000_000,
            };
            store.write(fill).await.expect("one more");
            others.push(now);
            asked += 1;
        }
        let at = Instant::now();
        let (taken, next) = store
            .write(Claim { paces: Arc::clone(&paces), claims: Arc::clone(&claims) })
            .await
            .expect("a claim")
            .value;
        worst = worst.max(at.elapsed());
        for job in &taken {
            if job.queue == idle {
                assert_eq!(
                    others.pop(),
                    Some(now),
                    "the other channel's message leaves in the moment it is written"
                );
                continue;
            }
            begun.push(now);
            let before = last.insert(job.lane.clone(), job.subject);
            assert!(before.is_none_or(|before| before < job.subject), "in order");
        }
        let within = begun.iter().rev().take_while(|at| **at > now - 1_000).count();
        assert!(within <= rate, "{within} in a second");
        let none = taken.is_empty();
        store.write(Done { jobs: taken }).await.expect("they end");
        if none {
            let second = started + asked * 1_000;
            let next = next.unwrap_or(second).min(second).max(now + 1);
            hand.store(next, Ordering::Relaxed);
        }
    }
    let took_s = (hand.load(Ordering::Relaxed) - started) / 1_000;
    println!("{backlog} messages in {took_s} s of the clock, the slowest claim {worst:?}");
    assert!(took_s <= backlog / 20, "{backlog} messages took {took_s} s");
    store.close().await;
}

on_both!(a_backlog_drains_in_order_within_the_rate_and_nobody_else_waits, |engine| async move {
    drain(engine, 3_000).await;
});

/// For a look at figures: `cargo test -p hubbub --test e2e hundred_thousand -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn a_hundred_thousand_wait() {
    drain(Engine::Sqlite, 100_000).await;
}

on_both!(a_provider_that_refuses_haste_refuses_nothing, |engine| async move {
    let world = World::start(engine).await;
    let config = EmulatorConfig {
        token: "7000000003:another-emulated_token".into(),
        fetch_media: false,
        most_per_second: Some(30),
        ..EmulatorConfig::default()
    };
    let strict = TelegramEmulator::start(config).await.expect("the emulator");
    let bot = [("token", strict.token().to_owned()), ("api_base", strict.api_base())];
    let settings = kit::quick();
    kit::channel(&world.app, &world.scope(), world.bot.company, "telegram", &bot, settings, world.address)
        .await;
    let mut manager = world.person("agent@example.com").await;
    let mut conversations = Vec::new();
    for customer in 0..12 {
        strict.customer_says(5_550_900 + customer, &format!("Hello {customer}"));
        let hello = format!("Hello {customer}");
        let event = manager.publication(|data| data["message"]["text"] == hello).await;
        conversations.push(event["conversation"]["id"].clone());
    }
    // Far more at once than a second takes, and more to the first chat than its burst.
    let mut expected = 0;
    for (at, conversation) in conversations.iter().enumerate() {
        for number in 0..if at == 0 { 8 } else { 5 } {
            let send = json!({ "conversation": conversation, "client_id": format!("c{number}"), "text": format!("{number}") });
            // A person who sends faster than the socket takes is told to wait.
            while let Err(code) = manager.rpc("message.send", send.clone()).await {
                assert_eq!(code, 111);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            expected += 1;
        }
    }
    // Another channel does not wait behind it.
    world.telegram.customer_says(5_550_999, "Hello there");
    let event = manager.publication(|data| data["message"]["text"] == "Hello there").await;
    let send = json!({ "conversation": event["conversation"]["id"], "client_id": "x", "text": "Here" });
    manager.rpc("message.send", send).await.expect("it is queued");
    world.telegram.sent_reaches(1).await;
    assert!(strict.sent().len() < expected, "the busy one is not through yet");
    let sent = tokio::time::timeout(kit::PATIENCE, strict.sent_reaches(expected)).await.expect("all of them");
    let calls = strict.calls().iter().filter(|call| call.method == "sendMessage").count();
    assert_eq!(calls, expected, "none was refused and tried again");
    let mut of_chat: HashMap<i64, Vec<String>> = HashMap::new();
    for one in sent {
        of_chat.entry(one.chat).or_default().push(one.text.unwrap_or_default());
    }
    for (chat, texts) in of_chat {
        assert!(texts.is_sorted(), "{chat}: {texts:?}");
    }
    manager.close().await;
    world.finish().await;
});
