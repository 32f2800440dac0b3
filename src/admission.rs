//! Admission: limits of connections, of bytes that are being received, and of calls a second. It counts and refuses;
//! the caller builds the refusal.

pub mod budget;
pub mod connection_slots;
pub mod origins;
pub mod rates;
pub mod repeats;
pub mod untrusted;
pub mod webhook_share;

use std::net::{IpAddr, Ipv6Addr};

pub use budget::{Budget, Charge};
pub use connection_slots::{ConnectionSlot, ConnectionSlots};
pub use rates::Rates;
pub use repeats::Repeats;
pub use webhook_share::WebhookShares;

use crate::config::Config;

pub struct Admission {
    pub connection_slots: ConnectionSlots,
    /// For bodies of requests with a token, an API key or a channel's secret path.
    pub budget: Budget,
    /// For heads of all requests and bodies of the session routes. Strangers can exhaust this budget and not the other,
    /// however many addresses they have.
    pub strangers: Budget,
    pub rates: Rates,
    /// Visitors of links, so that one who comes again is not two.
    pub visitors: Repeats,
}

impl Admission {
    pub fn new(config: &Config) -> Self {
        // The share of large bodies must have room for one largest body.
        let total = config.limits.max_unfinished_bytes.max(config.limits.max_body_bytes * 2);
        let of_strangers = total / 4;
        Self {
            connection_slots: ConnectionSlots::new(config.limits.max_unfinished_per_address),
            budget: Budget::new(total - of_strangers, (total / 4).max(config.limits.max_body_bytes)),
            strangers: Budget::new(of_strangers, of_strangers / 4),
            rates: Rates::new(&config.limits),
            visitors: Repeats::default(),
        }
    }
}

/// The unit of counting: an IPv4 address, or an IPv6 /64, which is what one customer of a provider gets.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_with_many_addresses_take_nothing_of_what_the_known_have() {
        let config = crate::config::load("", &std::collections::BTreeMap::new()).expect("the defaults");
        let admission = Admission::new(&config);
        let mut held = Vec::new();
        for last in 1..=200 {
            for _ in 0..20 {
                let mut head = admission.strangers.open(IpAddr::from([198, 51, 100, last]));
                let _ = head.grow_to(64 * 1024);
                held.push(head);
            }
        }
        assert!(admission.strangers.used() <= config.limits.max_unfinished_bytes / 4);
        let mut body = admission.budget.open(IpAddr::from([203, 0, 113, 1]));
        body.grow_to(config.limits.max_body_bytes).expect("the longest body of one who is known");
        admission.strangers.open(IpAddr::from([203, 0, 113, 1])).grow_to(budget::SMALL).expect("a sign-in");
    }
}
