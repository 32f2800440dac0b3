//! What goes wrong, chosen by a seed: each fault is done and undone by one task, and no two are done to one part at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::{Mutex, watch};

use super::link::{Link, Mode};
use super::world::{Node, World};
use crate::clock::Dice;

const NODE_READY_WITHIN: Duration = Duration::from_mins(1);
/// Longer than the lease of a turn.
const PAUSE_MS: u64 = 3_500;
/// In seconds, ahead or behind.
const FARTHEST_STEP_S: u64 = 120;

/// Kind → how often.
pub(crate) type Counts = BTreeMap<String, u64>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    KillNode,
    PauseNode,
    RollingRestart,
    KillPostgres,
    FullDisk,
    KillRedis,
    PauseRedis,
    KillResponder,
    PauseResponder,
    Link(Place, How),
    ProviderFails,
    StepClock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Front,
    Store,
    Bus,
    Provider,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    Cut,
    Slow,
    HalfOpen,
}

impl Fault {
    fn name(self) -> String {
        let of = |how| match how {
            How::Cut => "cut",
            How::Slow => "slow",
            How::HalfOpen => "half-open",
        };
        match self {
            Self::KillNode => "node killed".into(),
            Self::PauseNode => "node paused".into(),
            Self::RollingRestart => "rolling restart".into(),
            Self::KillPostgres => "PostgreSQL killed".into(),
            Self::FullDisk => "disk full".into(),
            Self::KillRedis => "Redis killed".into(),
            Self::PauseRedis => "Redis paused".into(),
            Self::KillResponder => "responder killed".into(),
            Self::PauseResponder => "responder paused".into(),
            Self::Link(Place::Front, how) => format!("link to a node {}", of(how)),
            Self::Link(Place::Store, how) => format!("link to PostgreSQL {}", of(how)),
            Self::Link(Place::Bus, how) => format!("link to Redis {}", of(how)),
            Self::Link(Place::Provider, how) => format!("link to a provider {}", of(how)),
            Self::ProviderFails => "provider fails".into(),
            Self::StepClock => "clock steps, and steps back".into(),
        }
    }

    /// What is possible in this installation, the weightier the more often.
    fn possible(world: &World, can_be_full: bool) -> Vec<Self> {
        let mut all = vec![Self::KillNode; 4];
        all.extend([
            Self::PauseNode,
            Self::PauseNode,
            Self::RollingRestart,
            Self::KillPostgres,
            Self::KillResponder,
        ]);
        all.extend([Self::PauseResponder, Self::ProviderFails, Self::ProviderFails]);
        let mut places = vec![Place::Front, Place::Store, Place::Provider];
        if world.redis.is_some() {
            all.extend([Self::KillRedis, Self::KillRedis, Self::PauseRedis]);
            places.push(Place::Bus);
        }
        if can_be_full {
            all.push(Self::FullDisk);
        }
        if world.nodes.iter().all(|node| node.clock.is_some()) {
            all.extend([Self::StepClock, Self::StepClock]);
        }
        for place in places {
            all.extend([How::Cut, How::Slow, How::HalfOpen].map(|how| Self::Link(place, how)));
        }
        all
    }
}

/// Makes trouble until it is told to stop; then everything is whole again.
pub(crate) struct Trouble {
    world: Arc<World>,
    possible: Vec<Fault>,
    /// Whole-installation faults are done alone.
    at_large: Mutex<()>,
}

impl Trouble {
    pub(crate) async fn new(world: Arc<World>) -> Arc<Self> {
        let can_be_full = world.postgres.lock().await.can_be_full();
        let possible = Fault::possible(&world, can_be_full);
        Arc::new(Self { world, possible, at_large: Mutex::new(()) })
    }

    /// What this machine or program cannot do.
    pub(crate) async fn left_out(&self) -> Vec<&'static str> {
        let mut out = Vec::new();
        if self.world.nodes.iter().any(|node| node.clock.is_none()) {
            out.push("clock steps: libfaketime is not installed");
        }
        if !self.world.postgres.lock().await.can_be_full() {
            out.push("a full disk: only root can mount a small one");
        }
        if self.world.redis.is_none() {
            out.push("Redis: it is not installed, or was not wanted");
        }
        out
    }

    pub(crate) async fn make(self: Arc<Self>, seed: u64, stop: watch::Receiver<bool>) -> Result<Counts> {
        let (mut dice, mut counts) = (Dice::new(seed), Counts::new());
        while !*stop.borrow() {
            tokio::time::sleep(Duration::from_millis(100 + dice.roll(900))).await;
            let fault = self.possible[dice.roll(self.possible.len() as u64) as usize];
            if self.one(fault, &mut dice).await.with_context(|| fault.name())? {
                *counts.entry(fault.name()).or_default() += 1;
            }
        }
        Ok(counts)
    }

    /// False: the part is busy with another fault.
    async fn one(&self, fault: Fault, dice: &mut Dice) -> Result<bool> {
        let world = &self.world;
        let short = Duration::from_millis(50 + dice.roll(2_000));
        let long = Duration::from_millis(PAUSE_MS + dice.roll(2_000));
        let index = dice.roll(world.nodes.len() as u64) as usize;
        let node = &world.nodes[index];
        match fault {
            Fault::KillNode => {
                let Ok(mut program) = node.program.try_lock() else { return Ok(false) };
                program.kill().await?;
                tokio::time::sleep(short).await;
                program.start_again()?;
                drop(program);
                world.until_node(node, NODE_READY_WITHIN).await?;
            }
            Fault::PauseNode => {
                let Ok(program) = node.program.try_lock() else { return Ok(false) };
                program.signal("STOP").await?;
                tokio::time::sleep(long).await;
                program.signal("CONT").await?;
            }
            Fault::RollingRestart => {
                let Ok(_alone) = self.at_large.try_lock() else { return Ok(false) };
                for node in &world.nodes {
                    restart(world, node).await?;
                }
            }
            Fault::KillPostgres => {
                let Ok(_alone) = self.at_large.try_lock() else { return Ok(false) };
                let Ok(mut postgres) = world.postgres.try_lock() else { return Ok(false) };
                postgres.kill().await?;
                tokio::time::sleep(short).await;
                postgres.until_ready().await?;
            }
            Fault::FullDisk => {
                let Ok(_alone) = self.at_large.try_lock() else { return Ok(false) };
                let Ok(mut postgres) = world.postgres.try_lock() else { return Ok(false) };
                postgres.fill()?;
                tokio::time::sleep(long).await;
                postgres.empty()?;
                postgres.until_ready().await?;
            }
            Fault::KillRedis | Fault::PauseRedis => {
                let Some(Ok(mut redis)) = world.redis.as_ref().map(Mutex::try_lock) else { return Ok(false) };
                if fault == Fault::KillRedis {
                    redis.kill().await?;
                    tokio::time::sleep(short).await;
                    redis.until_ready().await?;
                } else {
                    redis.signal("STOP").await?;
                    tokio::time::sleep(long).await;
                    redis.signal("CONT").await?;
                }
            }
            Fault::KillResponder => {
                let Ok(mut responder) = world.responder.try_lock() else { return Ok(false) };
                responder.kill().await?;
                tokio::time::sleep(short).await;
                responder.start_again()?;
            }
            Fault::PauseResponder => {
                let Ok(responder) = world.responder.try_lock() else { return Ok(false) };
                responder.signal("STOP").await?;
                tokio::time::sleep(long).await;
                responder.signal("CONT").await?;
            }
            Fault::Link(place, how) => {
                let link = match place {
                    Place::Front => Some(&node.front),
                    Place::Store => Some(&node.store),
                    Place::Bus => node.bus.as_ref(),
                    Place::Provider => {
                        let at = dice.roll(world.provider_links.len() as u64) as usize;
                        world.provider_links.get(at).map(|(_, link)| link)
                    }
                };
                let Some(link) = link else { return Ok(false) };
                disturb(link, how, dice).await;
            }
            Fault::ProviderFails => {
                let at = dice.roll(world.provider_links.len() as u64) as usize;
                let (provider, _) = world.provider_links[at];
                let how = ["hang", "slow", "error", "cut", "too_many"][dice.roll(5) as usize];
                world.providers.fail(provider, how, 1 + dice.roll(3)).await?;
            }
            Fault::StepClock => {
                let Some(Ok(clock)) = node.clock.as_ref().map(Mutex::try_lock) else { return Ok(false) };
                let far = 1 + dice.roll(FARTHEST_STEP_S).cast_signed();
                clock.set(if dice.chance(50) { far } else { -far })?;
                tokio::time::sleep(long).await;
                clock.set(0)?;
            }
        }
        Ok(true)
    }
}

/// Asks it to stop, waits for the end, starts the next one.
async fn restart(world: &World, node: &Node) -> Result<()> {
    let mut program = node.program.lock().await;
    program.stop().await?;
    program.start_again()?;
    drop(program);
    world.until_node(node, NODE_READY_WITHIN).await
}

async fn disturb(link: &Link, how: How, dice: &mut Dice) {
    let mode = match how {
        How::Cut => Mode::Cut,
        How::Slow => Mode::Slow(20 + dice.roll(280)),
        How::HalfOpen => Mode::Still,
    };
    link.set(mode);
    tokio::time::sleep(Duration::from_millis(100 + dice.roll(4_000))).await;
    link.set(Mode::Open);
}
