//! One measured phase of publishing: publications on schedule, deliveries, and the server's cost.

use std::fmt::{self, Display, Formatter};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use tokio::time::Instant;

use crate::aim::Site;
use crate::fleet::Fleet;
use crate::fleet::order::{Order, Seen};
use crate::fleet::subscriber::lock;
use crate::histogram::{Latency, Summary};
use crate::process::Spent;
use crate::publisher::{Published, Publisher};
use crate::report;

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Tolerated overrun of a schedule.
const LATE: f64 = 1.05;
const LATE_S: f64 = 0.2;

#[derive(Clone, Serialize)]
pub(crate) struct Phase {
    pub(crate) name: String,
    /// Publications a second that were asked for.
    pub(crate) rate: f64,
    pub(crate) published: u64,
    /// From the first due time to the last arrival.
    pub(crate) seconds: f64,
    pub(crate) deliveries: u64,
    pub(crate) deliveries_per_second: f64,
    /// From the due time to the arrival at the subscriber.
    pub(crate) latency: Summary,
    pub(crate) publisher_lag: Summary,
    pub(crate) on_schedule: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<Spent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deliveries_per_server_cpu_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server_cpu_us_per_delivery: Option<f64>,
    pub(crate) generator_cpu_seconds: f64,
}

/// Requests reports until nothing is missing or the time is up; returns the last report and the latencies of all.
pub(crate) async fn drain(fleet: &mut Fleet, total: u64, patience: Duration) -> Result<(Seen, Latency)> {
    let deadline = Instant::now() + patience;
    let (mut latency, mut deliveries) = (Latency::default(), 0);
    loop {
        let mut seen = fleet.order(&Order::Report { published: Some(total) }).await?;
        latency.add_steps(&seen.latency);
        deliveries += seen.deliveries;
        if seen.lost == 0 || Instant::now() > deadline {
            seen.deliveries = deliveries;
            return Ok((seen, latency));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

pub(crate) async fn run(
    name: &str,
    site: &Site,
    fleet: &mut Fleet,
    publisher: &Arc<Mutex<Publisher>>,
    rate: f64,
    time: Duration,
    patience: Duration,
) -> Result<(Phase, Seen)> {
    fleet.order(&Order::Report { published: None }).await?;
    let (before, generator_before) = (site.usage()?, fleet.cpu_seconds());
    let publisher = Arc::clone(publisher);
    let published: Published = tokio::task::spawn_blocking(move || {
        let mut publisher = lock(&publisher);
        let schedule = publisher.schedule(rate, Some(time));
        publisher.run(&schedule)
    })
    .await??;
    let (seen, latency) = drain(fleet, published.total, patience).await?;
    let server = before.zip(site.usage()?).map(|(before, after)| Spent::between(before, after));
    let seconds = seen.last_arrival_us.saturating_sub(published.begin_us) as f64 / 1e6;
    let deliveries = seen.deliveries as f64;
    let planned = time.as_secs_f64();
    let phase = Phase {
        name: name.to_owned(),
        rate,
        published: published.count,
        seconds,
        deliveries: seen.deliveries,
        deliveries_per_second: deliveries / seconds.max(1e-9),
        latency: latency.summary(),
        publisher_lag: published.lag.summary(),
        on_schedule: published.seconds.max(seconds) < planned * LATE + LATE_S,
        server,
        deliveries_per_server_cpu_second: server
            .filter(|spent| spent.cpu_seconds > 0.0)
            .map(|spent| deliveries / spent.cpu_seconds),
        server_cpu_us_per_delivery: server.map(|spent| spent.cpu_seconds * 1e6 / deliveries.max(1.0)),
        generator_cpu_seconds: fleet.cpu_seconds() - generator_before,
    };
    Ok((phase, seen))
}

impl Display for Phase {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "  {}: {} published at {:.0}/s{}, {} delivered in {:.2} s, {:.0} deliveries/s",
            self.name,
            self.published,
            self.rate,
            if self.on_schedule { "" } else { " (schedule not kept)" },
            self.deliveries,
            self.seconds,
            self.deliveries_per_second
        )?;
        report::latency(out, "due to seen", &self.latency)?;
        report::latency(out, "publisher lag", &self.publisher_lag)?;
        if let (Some(server), Some(us)) = (&self.server, self.server_cpu_us_per_delivery) {
            writeln!(
                out,
                "  server {:.2} cpu s, {us:.2} us a delivery, {:.0} deliveries a cpu second, \
                 {} context switches, rss {} -> {} KiB",
                server.cpu_seconds,
                self.deliveries_per_server_cpu_second.unwrap_or_default(),
                server.context_switches,
                server.rss_kib_before,
                server.rss_kib_after
            )?;
        }
        writeln!(out, "  generator {:.2} cpu s", self.generator_cpu_seconds)
    }
}
