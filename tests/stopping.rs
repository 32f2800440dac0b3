//! What becomes of work that is under way when a server is told to stop.

use std::time::{Duration, Instant};

use emulators::Fail;
use hubbub::error::Error;
use hubbub::store::jobs::{self, Acknowledge, ClaimIds, Class, Job, Slot};
use hubbub::store::pace::Paces;
use hubbub::store::shares::Shares;
use hubbub::store::{Tx, Verb};
use uuid::Uuid;

use crate::kit::World;
use crate::on_both;
use crate::sending::{conversation, send};

/// A claim lasts so long if nobody releases it.
const CLAIM: Duration = Duration::from_mins(1);

on_both!(a_send_that_has_begun_gets_its_answer_however_short_the_grace_is, |engine| async move {
    let world = World::configured(engine, |config| config.server.shutdown_grace_ms = 100).await;
    let mut manager = world.person("agent@example.com").await;
    let conversation = conversation(&world, &mut manager).await;
    let before = world.telegram.sent().len();
    world.telegram.fail_next(1, Fail::Slow);
    let message = send(&mut manager, &conversation, "Your lamp is ready").await;
    world.telegram.sent_reaches(before + 1).await;
    let world = world.restart().await;
    let api = world.api("agent@example.com").await;
    let messages = api.messages(&conversation).await;
    let message = messages.iter().find(|one| one["id"] == message["id"]).expect("it is there");
    assert_eq!(message["status"], "sent", "{message}");
    assert_eq!(world.telegram.sent().len(), before + 1, "once");
    world.finish().await;
});

/// A job that its node does not get to the end of.
struct Claimed {
    tenant: Uuid,
    channel: Uuid,
    node: Uuid,
}

impl Verb for Claimed {
    type Out = Job;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Job, Error> {
        let slot = Slot { tenant: self.tenant, queue: self.channel, lane: "unfinished", position: 0 };
        jobs::push(tx, &slot, &Acknowledge { message: Uuid::from_u128(7) }).await?;
        let until = tx.now() + i64::try_from(CLAIM.as_millis()).expect("a time");
        let by = (&Paces::default(), &Shares::of(Class::Send), &ClaimIds::of(self.node));
        let mut taken = jobs::claim(tx, Class::Send, 1, until, by).await?;
        Ok(taken.pop().expect("it is claimed").0)
    }
}

struct IsThere(Job);

impl Verb for IsThere {
    type Out = bool;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        Ok(jobs::load(tx, self.0.tenant, self.0.id).await?.is_some())
    }
}

on_both!(what_a_stopped_server_left_is_done_by_the_next_one_at_once, |engine| async move {
    let world = World::start(engine).await;
    let (tenant, channel, node) = (world.tenant, world.bot.id, world.app.nodes.id);
    let job = world.app.store.write(Claimed { tenant, channel, node }).await.expect("a claim").value;
    let world = world.restart().await;
    let begun = Instant::now();
    while world.app.store.read(IsThere(job.clone())).await.expect("a look") {
        assert!(begun.elapsed() < CLAIM / 4, "it waits until the claim expires");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.finish().await;
});
