//! The controller of the worker processes: starts them, sends each the orders, and merges their reports. Several
//! processes, because of the limit of descriptors per process and to keep the publisher's schedule apart from the
//! readers.

pub(crate) mod churn;
mod connections;
mod cycle;
pub(crate) mod order;
mod roam;
pub(crate) mod subscriber;
pub(crate) mod worker;

use std::net::Ipv4Addr;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use order::{Order, Seen, SubscriberPlan};

use crate::endpoint::Endpoint;
use crate::process;

/// Below the usual limit of 20,000 descriptors.
pub(crate) const SUBSCRIBERS_PER_PROCESS: u32 = 18_000;
/// 127.0.0.10 and up; each worker uses eight addresses.
const FIRST_SOURCE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 10);

pub(crate) struct Fleet {
    workers: Vec<Worker>,
}

struct Worker {
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Fleet {
    /// Fails unless all subscribers of `subscriber_plan` connect. `processes` 0 takes as many as needed.
    pub(crate) async fn open(subscriber_plan: SubscriberPlan, processes: u32) -> Result<(Self, Seen)> {
        let needed = subscriber_plan.subscribers.div_ceil(SUBSCRIBERS_PER_PROCESS).max(1);
        let count = if processes == 0 { needed } else { processes };
        let loopback = Endpoint::parse(&subscriber_plan.url, "ws")?.address.ip().is_loopback();
        let mut fleet = Self { workers: Vec::new() };
        let mut first = 0;
        for nth in 0..count {
            let mut worker = Worker::start()?;
            let subscribers = (subscriber_plan.subscribers - first).div_ceil(count - nth);
            let source = Ipv4Addr::from(u32::from(FIRST_SOURCE) + nth * 8);
            worker
                .send(&Order::Open(SubscriberPlan {
                    first: subscriber_plan.first + first,
                    subscribers,
                    source: loopback.then_some(source),
                    connects_per_second: subscriber_plan.connects_per_second / f64::from(count),
                    ..subscriber_plan.clone()
                }))
                .await?;
            fleet.workers.push(worker);
            first += subscribers;
        }
        let seen = fleet.answers().await?;
        if seen.open < u64::from(subscriber_plan.subscribers) {
            bail!(
                "only {} of {} connections were opened: {:?}",
                seen.open,
                subscriber_plan.subscribers,
                seen.errors
            );
        }
        Ok((fleet, seen))
    }

    pub(crate) async fn order(&mut self, order: &Order) -> Result<Seen> {
        for worker in &mut self.workers {
            worker.send(order).await?;
        }
        self.answers().await
    }

    async fn answers(&mut self) -> Result<Seen> {
        let mut seen = Seen::default();
        for worker in &mut self.workers {
            let line = worker.answers.next_line().await?.context("a generator process ended by itself")?;
            seen.add(serde_json::from_str(&line).context("unreadable answer of a generator process")?);
        }
        Ok(seen)
    }

    /// CPU time of all generator processes, including this one.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let pids = self.workers.iter().filter_map(|worker| worker.child.id()).chain([std::process::id()]);
        pids.filter_map(|pid| process::usage(pid).ok()).map(|usage| usage.cpu_seconds).sum()
    }
}

impl Worker {
    fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start a generator process")?;
        let orders = child.stdin.take().context("no way to give orders")?;
        let answers = BufReader::new(child.stdout.take().context("no way to get answers")?).lines();
        Ok(Self { child, orders, answers })
    }

    async fn send(&mut self, order: &Order) -> Result<()> {
        let line = serde_json::to_string(order)? + "\n";
        self.orders.write_all(line.as_bytes()).await.context("a generator process ended by itself")
    }
}
