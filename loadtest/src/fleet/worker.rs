//! A worker process: executes the orders on its standard input and answers each with a report. It ends when its
//! standard input closes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::Instant;

use super::connections::Connections;
use super::order::{Order, Seen};
use super::{churn, cycle, roam};
use crate::clock::{Dice, unix_us};

pub(crate) async fn run() -> Result<()> {
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    let first = orders.next_line().await?.context("no order came")?;
    let Order::Open(subscriber_plan) = serde_json::from_str(&first)? else {
        bail!("the first order is to open")
    };
    let connections = Arc::new(Connections::new(subscriber_plan)?);
    let mut tasks = connections.open().await;
    answer(&connections.look(None))?;
    while let Some(order) = orders.next_line().await? {
        let mut published = None;
        match serde_json::from_str(&order)? {
            Order::Open(_) => bail!("opened already"),
            Order::Report { published: so_far } => published = so_far,
            Order::Stall(stall) => drop(connections.stall.send_replace(stall)),
            Order::Storm(backoff) => {
                connections.empty(tasks);
                let dropped_us = unix_us();
                let resume =
                    |index| tokio::spawn(Arc::clone(&connections).resume(index, backoff, dropped_us));
                tasks = (0..connections.subscribers.len()).map(resume).collect();
            }
            Order::Cycle { seconds, per_second } => {
                connections.empty(tasks);
                let until = Instant::now() + Duration::from_secs_f64(seconds);
                let cycle =
                    |index| tokio::spawn(cycle::cycle(Arc::clone(&connections), index, until, per_second));
                tasks = (0..connections.subscribers.len()).map(cycle).collect();
            }
            Order::Churn { seconds, every_ms, seed } => {
                connections.empty(tasks);
                let until = Instant::now() + Duration::from_secs_f64(seconds);
                let churn = |index| {
                    let dice =
                        Dice::new(seed ^ (u64::from(connections.subscriber_plan.first) + index as u64) << 20);
                    tokio::spawn(churn::churn(Arc::clone(&connections), index, every_ms, until, dice))
                };
                tasks = (0..connections.subscribers.len()).map(churn).collect();
            }
            Order::Roam { seconds, every_ms, seed } => {
                connections.empty(tasks);
                let until = Instant::now() + Duration::from_secs_f64(seconds);
                let roam = |index| {
                    let dice =
                        Dice::new(seed ^ (u64::from(connections.subscriber_plan.first) + index as u64) << 20);
                    tokio::spawn(roam::roam(Arc::clone(&connections), index, every_ms, until, dice))
                };
                tasks = (0..connections.subscribers.len()).map(roam).collect();
            }
            Order::Leave => {
                connections.empty(tasks);
                tasks = Vec::new();
            }
        }
        answer(&connections.look(published))?;
    }
    Ok(())
}

fn answer(seen: &Seen) -> Result<()> {
    println!("{}", serde_json::to_string(seen)?);
    Ok(())
}
