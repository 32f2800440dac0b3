//! Token buckets: calls and searches a second of each caller, calls of each tenant, bytes a second of each tenant's
//! webhooks, visits of links by address. Callers are verified before they are counted, so strangers cannot fill the table.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;
use uuid::Uuid;

use super::network;
use crate::config::Limits;

/// Size of a bucket, in seconds of its rate.
const BURST_S: f64 = 5.0;
/// Buckets that are kept. At the limit full ones are removed first; if that is not enough, the fullest half is reset.
const CAPACITY: usize = 20_000;

pub struct Rates {
    callers: Table,
    searches: Table,
    tenants: Table,
    /// In bytes: the webhooks of all tenants are written to the same disk.
    hooks: Table,
    visits: Table,
    visitors: Table,
    visits_of_tenants: Table,
}

/// Over the rate; the next call is accepted after this many seconds.
#[derive(Debug, PartialEq, Eq)]
pub struct Wait {
    pub seconds: i64,
}

struct Table {
    /// Tokens a second; 0: no limit.
    rate: f64,
    buckets: Mutex<HashMap<Uuid, Bucket>>,
}

struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Rates {
    /// A rate of 0 is no limit.
    pub fn new(limits: &Limits) -> Self {
        let table = |rate: u32| Table { rate: f64::from(rate), buckets: Mutex::default() };
        Self {
            callers: table(limits.rate_per_caller),
            searches: table(limits.rate_searches),
            tenants: table(limits.rate_per_tenant),
            hooks: table(limits.rate_hook_bytes),
            visits: table(limits.rate_visits),
            visitors: table(limits.rate_visits.saturating_mul(4)),
            visits_of_tenants: table(limits.rate_visits.saturating_mul(40)),
        }
    }

    pub fn caller(&self, id: Uuid) -> Result<(), Wait> {
        self.callers.take(id, 1.0, Instant::now())
    }

    /// Counts a search over so many tenants.
    pub fn search(&self, caller: Uuid, tenants: usize) -> Result<(), Wait> {
        self.searches.take(caller, tenants as f64, Instant::now())
    }

    pub fn tenant(&self, id: Uuid) -> Result<(), Wait> {
        self.tenants.take(id, 1.0, Instant::now())
    }

    /// Counts a request of a stranger's address: over it, nothing is looked up.
    pub fn stranger(&self, address: IpAddr) -> Result<(), Wait> {
        self.visitors.take(key(address), 1.0, Instant::now())
    }

    /// Whether a visit of a tenant's link from an address may be recorded.
    pub fn visit(&self, address: IpAddr, tenant: Uuid) -> bool {
        let now = Instant::now();
        self.visits.take(key(address), 1.0, now).is_ok()
            && self.visits_of_tenants.take(tenant, 1.0, now).is_ok()
    }

    /// Counts a lead that an address hands in.
    pub fn lead(&self, address: IpAddr) -> Result<(), Wait> {
        self.visits.take(key(address), 1.0, Instant::now())
    }

    /// Counts a webhook of `bytes` bytes.
    pub fn hook(&self, tenant: Uuid, bytes: usize) -> Result<(), Wait> {
        self.hooks.take(tenant, bytes as f64, Instant::now())
    }
}

/// Addresses of one network are one.
fn key(address: IpAddr) -> Uuid {
    let bits = match network(address) {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    Uuid::from_u128(bits)
}

impl Table {
    /// A cost over the bucket's size is accepted when the bucket is full.
    fn take(&self, id: Uuid, cost: f64, now: Instant) -> Result<(), Wait> {
        if self.rate <= 0.0 {
            return Ok(());
        }
        let full = self.rate * BURST_S;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CAPACITY && !buckets.contains_key(&id) {
            self.make_room(&mut buckets, now);
        }
        let bucket = buckets.entry(id).or_insert(Bucket { tokens: full, filled: now });
        bucket.tokens = self.level(bucket, now);
        bucket.filled = now;
        let cost = cost.min(full);
        if bucket.tokens < cost {
            return Err(Wait { seconds: (((cost - bucket.tokens) / self.rate).ceil() as i64).max(1) });
        }
        bucket.tokens -= cost;
        Ok(())
    }

    fn level(&self, bucket: &Bucket, now: Instant) -> f64 {
        let since = now.saturating_duration_since(bucket.filled).as_secs_f64();
        (bucket.tokens + since * self.rate).min(self.rate * BURST_S)
    }

    fn make_room(&self, buckets: &mut HashMap<Uuid, Bucket>, now: Instant) {
        let full = self.rate * BURST_S;
        buckets.retain(|_, bucket| self.level(bucket, now) < full);
        if buckets.len() >= CAPACITY {
            let mut levels: Vec<f64> = buckets.values().map(|bucket| self.level(bucket, now)).collect();
            let middle = levels.len() / 2;
            let (_, median, _) = levels.select_nth_unstable_by(middle, f64::total_cmp);
            let median = *median;
            buckets.retain(|_, bucket| self.level(bucket, now) < median);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rates(rate_per_caller: u32, rate_per_tenant: u32, rate_hook_bytes: u32) -> Rates {
        let mut limits =
            crate::config::load("", &std::collections::BTreeMap::new()).expect("the defaults").limits;
        limits = Limits { rate_per_caller, rate_per_tenant, rate_hook_bytes, ..limits };
        Rates::new(&limits)
    }

    #[test]
    fn a_caller_has_a_burst_and_a_rate_and_others_are_not_held_to_it() {
        let rates = rates(2, 0, 100);
        let (one, other, start) = (Uuid::from_u128(1), Uuid::from_u128(2), Instant::now());
        for _ in 0..10 {
            rates.callers.take(one, 1.0, start).expect("the burst");
        }
        assert_eq!(rates.callers.take(one, 1.0, start), Err(Wait { seconds: 1 }));
        rates.callers.take(other, 1.0, start).expect("another caller");
        rates.callers.take(one, 1.0, start + Duration::from_millis(500)).expect("one more");
        assert!(rates.callers.take(one, 1.0, start + Duration::from_millis(500)).is_err());
        for _ in 0..1_000 {
            rates.tenant(one).expect("no limit");
        }
        // The bucket holds five seconds of the rate; a larger body is accepted when the bucket is full.
        rates.hooks.take(one, 400.0, start).expect("some");
        assert_eq!(rates.hooks.take(one, 300.0, start), Err(Wait { seconds: 2 }));
        rates.hooks.take(other, 9_000.0, start).expect("a large one, alone");
        assert!(rates.hooks.take(other, 1.0, start).is_err());
    }

    #[test]
    fn memory_is_bounded_and_who_is_over_the_limit_is_not_forgotten() {
        let rates = rates(1, 1, 0);
        let (start, loud) = (Instant::now(), Uuid::from_u128(7));
        while rates.callers.take(loud, 1.0, start).is_ok() {}
        for n in 0..(CAPACITY as u128 * 2) {
            let _ = rates.callers.take(Uuid::from_u128(1_000 + n), 1.0, start);
        }
        assert!(rates.callers.buckets.lock().expect("lock").len() <= CAPACITY);
        assert!(rates.callers.take(loud, 1.0, start).is_err());
    }
}
