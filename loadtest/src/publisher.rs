//! Publishes marked messages on an open-loop schedule, dealt to the rooms in turn, over HTTP or over sockets.
//!
//! All publications of a room use one connection, so that their order is the order of the marks. Plain threads,
//! because the runtime's timer ticks only every millisecond, which would dominate the measured latency.

mod lane;
mod schedule;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::clock::unix_us;
use crate::histogram::Latency;
use lane::Lane;
pub(crate) use schedule::{Schedule, Transport};

pub(crate) struct Publisher {
    lanes: Vec<Lane>,
    /// Published so far, in all rooms.
    next: u64,
}

#[derive(Default)]
pub(crate) struct Published {
    /// Total of all rooms since the publisher was created.
    pub(crate) total: u64,
    /// In this run.
    pub(crate) count: u64,
    /// From the due time to the write: the delay caused by the generator or by the server's backpressure.
    pub(crate) lag: Latency,
    pub(crate) begin_us: u64,
    pub(crate) seconds: f64,
}

impl Publisher {
    pub(crate) fn connect(
        transport: &Transport,
        lanes: u32,
        rooms: u32,
        prefix: &str,
        bytes: usize,
    ) -> Result<Self> {
        let count = lanes.clamp(1, rooms);
        let lanes = (0..count).map(|nth| Lane::connect(transport, nth, count, rooms, prefix, bytes));
        Ok(Self { lanes: lanes.collect::<Result<_>>()?, next: 0 })
    }

    pub(crate) fn total(&self) -> u64 {
        self.next
    }

    /// Without `duration` until the schedule is stopped.
    pub(crate) fn schedule(&self, rate: f64, duration: Option<Duration>) -> Arc<Schedule> {
        let end = duration.map_or(u64::MAX, |time| self.next + (time.as_secs_f64() * rate).ceil() as u64);
        Arc::new(Schedule { first: self.next, rate, begin_us: unix_us(), end: AtomicU64::new(end) })
    }

    /// Blocks until everything is written and answered.
    pub(crate) fn run(&mut self, schedule: &Schedule) -> Result<Published> {
        let mut published = Published { begin_us: schedule.begin_us, ..Published::default() };
        std::thread::scope(|scope| {
            let running: Vec<_> =
                self.lanes.iter_mut().map(|lane| scope.spawn(|| lane.run(schedule))).collect();
            for lane in running {
                let Ok(lag) = lane.join() else { bail!("a publishing thread panicked") };
                published.lag.merge(&lag?);
            }
            Ok(())
        })?;
        self.next = schedule.end.load(Relaxed);
        published.seconds = unix_us().saturating_sub(schedule.begin_us) as f64 / 1e6;
        (published.total, published.count) = (self.next, self.next - schedule.first);
        Ok(published)
    }
}
