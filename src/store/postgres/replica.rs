//! A standby of PostgreSQL that answers reads. Whatever it answers is as new as on the primary: a read asks the primary
//! how far its log is, and then the standby whether its readers see all of that. So nobody misses what they wrote a
//! moment before, on whichever node, and a standby that stands still, is another's or was promoted answers nothing.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_postgres::{Client, ToStatement};
use tokio_util::sync::CancellationToken;

use super::address;
use super::connect::{self, Connections, Lent};
use crate::store::dialect::PositionSql;
use crate::store::{ReplicaConfig, StoreError};

/// How often the replica is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What a server that works says of itself is here by then.
const ANSWER: Duration = Duration::from_secs(1);
/// The most positions of the primary that are remembered while the replica is behind them.
const POSITIONS: usize = 600;
/// The longest pause between two questions whether the replica has come as far.
const PAUSE: Duration = Duration::from_millis(20);

/// How the replica was when it was last looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Up,
    /// It did not reach the primary's position in time.
    Behind,
    /// It takes writes: it was promoted, or never followed anybody.
    NotStandby,
    /// It follows another primary.
    Foreign,
    /// It does not answer, or was not looked at yet.
    Away(String),
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up => f.write_str("it has all that the primary has"),
            Self::Behind => f.write_str("it is too far behind the primary"),
            Self::NotStandby => f.write_str("it is no standby, or was promoted"),
            Self::Foreign => {
                f.write_str("it is a standby of another installation, cluster or timeline than the primary")
            }
            Self::Away(why) => f.write_str(why),
        }
    }
}

/// How the replica is, and who answered the reads that it may answer.
#[derive(Clone, Debug)]
pub struct ReplicaState {
    pub standing: Standing,
    /// How old the oldest position of the primary is that it has not reached.
    pub lag: Duration,
    pub served: u64,
    pub passed_on: u64,
}

/// How far the primary's log was at some moment, and what a copy of it is a copy of.
#[derive(Debug)]
pub(in crate::store) struct Position {
    at: i64,
    identity: String,
}

impl Position {
    pub(in crate::store) async fn of<S>(primary: &Client, statement: &S) -> Result<Self, StoreError>
    where
        S: ToStatement + Sync + ?Sized,
    {
        let row = primary.query_one(statement, &[]).await?;
        Ok(Self { at: row.try_get(0)?, identity: row.try_get(1)? })
    }

    /// Waits until the replica has this position. Returns how it stands, and how far it is.
    pub(in crate::store) async fn on<S>(
        &self,
        replica: &Client,
        statement: &S,
        wait: Duration,
    ) -> Result<(Standing, i64), StoreError>
    where
        S: ToStatement + Sync + ?Sized,
    {
        let (begun, mut pause) = (Instant::now(), Duration::from_millis(1));
        loop {
            let row = replica.query_one(statement, &[]).await?;
            let (is_standby, at, identity): (bool, i64, String) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            if is_standby && at < self.at && begun.elapsed() + pause <= wait {
                sleep(pause).await;
                pause = PAUSE.min(pause * 2);
                continue;
            }
            let standing = match (is_standby, identity == self.identity) {
                (false, _) => Standing::NotStandby,
                (true, false) => Standing::Foreign,
                (true, true) if at < self.at => Standing::Behind,
                (true, true) => Standing::Up,
            };
            return Ok((standing, at));
        }
    }
}

/// Looks at a replica once, with connections of its own.
pub(in crate::store) async fn look(
    (primary, replica): (&str, &str),
    wait: Duration,
    name: &str,
) -> Result<(Standing, Duration), StoreError> {
    let primary = connect::alone(primary, name).await?;
    let sql = PositionSql::of(super::epoch(&primary, false).await?);
    let position = Position::of(&primary, sql.primary).await?;
    let replica = connect::alone_at(address::parse_replica(replica)?, name).await?;
    let begun = Instant::now();
    let (standing, _) = position.on(&replica, sql.replica, wait).await?;
    Ok((standing, begun.elapsed()))
}

#[derive(Clone)]
pub(super) struct Replica(Arc<Inner>);

struct Inner {
    pool: Connections,
    /// One connection, which is free whatever the readers do.
    watcher: Connections,
    wait: Duration,
    sql: &'static PositionSql,
    seen: watch::Sender<(Standing, Duration)>,
    served: AtomicU64,
    passed_on: AtomicU64,
    closing: CancellationToken,
}

impl Replica {
    /// The replica is not waited for: until it was looked at, the primary answers.
    pub(super) fn open(
        config: &ReplicaConfig,
        connections: u32,
        sql: &'static PositionSql,
        primary: &Connections,
    ) -> Result<Self, StoreError> {
        let address = address::parse_replica(&config.url)?;
        let not_yet = Standing::Away("it was not looked at yet".to_owned());
        let this = Self(Arc::new(Inner {
            pool: Connections::open(&address, connections)?,
            watcher: Connections::open(&address, 1)?,
            wait: config.lag,
            sql,
            seen: watch::Sender::new((not_yet, Duration::ZERO)),
            served: AtomicU64::new(0),
            passed_on: AtomicU64::new(0),
            closing: CancellationToken::new(),
        }));
        tokio::spawn(this.clone().watch(primary.clone()));
        Ok(this)
    }

    /// A connection to the replica, which has all that was committed when this was called. `None`: it cannot be had now.
    pub(super) async fn lend(&self, primary: &Connections) -> Option<Lent> {
        if self.0.seen.borrow().0 != Standing::Up {
            return None;
        }
        let asked = async {
            let position = self.position(primary).await?;
            let mut lent = self.0.pool.lend().await?;
            let (standing, _) = self.standing(&mut lent, &position).await?;
            Ok::<_, StoreError>((standing, lent))
        };
        match timeout(self.0.wait + ANSWER, asked).await {
            Ok(Ok((Standing::Up, lent))) => Some(lent),
            Ok(Ok((Standing::Behind, lent))) => {
                lent.give_back();
                None
            }
            _ => None,
        }
    }

    /// Ends when the replica is found not to answer: whoever reads there need not wait any longer.
    pub(super) async fn lost(&self) {
        let mut seen = self.0.seen.subscribe();
        // The sender lives as long as this.
        let _ = seen.wait_for(|(standing, _)| matches!(standing, Standing::Away(_))).await;
    }

    pub(super) fn served(&self) {
        self.0.served.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn passed_on(&self) {
        self.0.passed_on.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn state(&self) -> ReplicaState {
        let (standing, lag) = self.0.seen.borrow().clone();
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        ReplicaState { standing, lag, served: count(&self.0.served), passed_on: count(&self.0.passed_on) }
    }

    pub(super) fn close(&self) {
        self.0.closing.cancel();
        self.0.pool.close();
        self.0.watcher.close();
    }

    async fn position(&self, primary: &Connections) -> Result<Position, StoreError> {
        let mut lent = primary.lend().await?;
        let client = lent.client()?;
        let statement = client.prepare_cached(self.0.sql.primary).await?;
        let position = Position::of(client, &statement).await?;
        lent.give_back();
        Ok(position)
    }

    async fn standing(&self, lent: &mut Lent, position: &Position) -> Result<(Standing, i64), StoreError> {
        let client = lent.client()?;
        let statement = client.prepare_cached(self.0.sql.replica).await?;
        position.on(client, &statement, self.0.wait).await
    }

    /// Looks at the replica until the store is closed.
    async fn watch(self, primary: Connections) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut positions: VecDeque<(Instant, i64)> = VecDeque::new();
        while self.0.closing.run_until_cancelled(ticks.tick()).await.is_some() {
            let asked = Instant::now();
            // Without the primary nothing is known of the replica, and no read gets there.
            let Ok(Ok(position)) = timeout(ANSWER, self.position(&primary)).await else { continue };
            if positions.len() < POSITIONS {
                positions.push_back((asked, position.at));
            }
            let standing = match self.look(&position).await {
                Ok((standing, at)) => {
                    positions.retain(|(_, wanted)| *wanted > at);
                    standing
                }
                Err(error) => Standing::Away(error.to_string()),
            };
            self.note(&standing, positions.front().map_or(Duration::ZERO, |(asked, _)| asked.elapsed()));
        }
    }

    async fn look(&self, position: &Position) -> Result<(Standing, i64), StoreError> {
        let silent = || StoreError::Unavailable("it does not answer in time".to_owned());
        let mut lent = self.0.watcher.lend().await.map_err(|error| match error {
            StoreError::Busy => silent(),
            other => other,
        })?;
        let asked = timeout(self.0.wait + ANSWER, self.standing(&mut lent, position)).await;
        let found = asked.map_err(|_| silent())??;
        // Any other is left: of several servers the next one may be a standby.
        if matches!(found.0, Standing::Up | Standing::Behind) {
            lent.give_back();
        }
        Ok(found)
    }

    fn note(&self, standing: &Standing, lag: Duration) {
        let (is_up, reason) = (*standing == Standing::Up, standing.to_string());
        let before = self.0.seen.send_replace((standing.clone(), lag)).0;
        // Also why it is away when it never was there.
        let is_known = match (&before, standing) {
            (Standing::Away(before), Standing::Away(now)) => before == now,
            (before, now) => std::mem::discriminant(before) == std::mem::discriminant(now),
        };
        if is_known || self.0.closing.is_cancelled() {
            return;
        }
        if is_up {
            tracing::info!("the replica answers searches, lists and reports");
        } else {
            tracing::warn!(reason, lag_ms = lag.as_millis(), "the primary answers instead of the replica");
        }
    }
}
