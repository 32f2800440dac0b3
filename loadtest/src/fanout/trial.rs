//! One server under a fan-out: opens its subscribers, runs the phases and collects what the subscribers saw.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use super::args::Args;
use super::report::Run;
use crate::aim::Site;
use crate::fleet::Fleet;
use crate::fleet::order::{Order, Seen};
use crate::fleet::subscriber::lock;
use crate::phase::{self, Phase};
use crate::process::Spent;
use crate::publisher::Publisher;

const WARM_UP: Duration = Duration::from_secs(1);

/// One server with its rooms, its subscribers and its publisher.
pub(super) struct Trial {
    site: Site,
    fleet: Fleet,
    publisher: Arc<Mutex<Publisher>>,
    patience: Duration,
    stalled: u32,
    pub(super) run: Run,
}

impl Trial {
    pub(super) async fn open(args: &Args, site: &Site, stalled: u32) -> Result<Self> {
        let before = site.usage()?;
        let mut subscriber_plan = args.aim.subscriber_plan(site, args.rooms * args.subscribers, args.rooms);
        subscriber_plan.stalling = stalled;
        let prefix = subscriber_plan.prefix.clone();
        let begin = Instant::now();
        let (fleet, _) = Fleet::open(subscriber_plan, args.aim.processes).await?;
        let open_seconds = begin.elapsed().as_secs_f64();
        let opened = before.zip(site.usage()?);
        let publisher =
            Publisher::connect(&site.transport, args.aim.publishers, args.rooms, &prefix, args.bytes)?;
        let mut trial = Self {
            site: site.clone(),
            fleet,
            publisher: Arc::new(Mutex::new(publisher)),
            patience: Duration::from_secs(args.drain_s),
            stalled,
            run: Run::new(open_seconds, opened, args.rooms * args.subscribers),
        };
        trial.phase("warm-up", args.rate, WARM_UP).await?;
        Ok(trial)
    }

    pub(super) async fn phase(&mut self, name: &str, rate: f64, time: Duration) -> Result<(Phase, Seen)> {
        let Self { site, fleet, publisher, patience, .. } = self;
        phase::run(name, site, fleet, publisher, rate, time, *patience).await
    }

    pub(super) async fn round(&mut self, args: &Args) -> Result<()> {
        let time = Duration::from_secs_f64(args.seconds);
        if self.stalled == 0 {
            let steady = self.phase("steady", args.rate, time).await?.0;
            self.run.phases.push(steady);
            return if args.alone { self.alone(args, time).await } else { Ok(()) };
        }
        let before = self.phase("before", args.rate, time / 2).await?.0;
        self.fleet.order(&Order::Stall(true)).await?;
        let during = self.phase("during", args.rate, time).await?.0;
        self.run.phases.extend([before, during]);
        self.fleet.order(&Order::Stall(false)).await?;
        self.wait_for_cuts().await
    }

    /// Publishes into as many rooms, in which nobody is.
    async fn alone(&mut self, args: &Args, time: Duration) -> Result<()> {
        let (publishers, transport, rooms, rate, bytes) =
            (args.aim.publishers, self.site.transport.clone(), args.rooms, args.rate, args.bytes);
        let prefix = args.aim.subscriber_plan(&self.site, 0, rooms).prefix;
        let before = self.site.usage()?;
        let published = tokio::task::spawn_blocking(move || {
            let mut publisher = Publisher::connect(&transport, publishers, rooms, &prefix, bytes)?;
            let schedule = publisher.schedule(rate, Some(time));
            publisher.run(&schedule)
        })
        .await??;
        if let Some((before, after)) = before.zip(self.site.usage()?) {
            let cpu_us = Spent::between(before, after).cpu_seconds * 1e6;
            self.run.cpu_us_per_publication_alone.push(cpu_us / published.count.max(1) as f64);
        }
        Ok(())
    }

    /// A stalled subscriber notices its close only when it reads again.
    async fn wait_for_cuts(&mut self) -> Result<()> {
        let deadline = Instant::now() + self.patience;
        loop {
            let seen = self.fleet.order(&Order::Report { published: None }).await?;
            if seen.stalled_closes.values().sum::<u64>() >= u64::from(self.stalled)
                || Instant::now() > deadline
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(super) async fn finish(mut self) -> Result<Run> {
        let published = lock(&self.publisher).total();
        let seen = self.fleet.order(&Order::Report { published: Some(published) }).await?;
        self.run.saw(seen);
        Ok(self.run)
    }
}
