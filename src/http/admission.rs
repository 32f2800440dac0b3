//! What strangers and callers may take of this server before and while they are answered: places for connections, bytes
//! for what is being received, calls a second. It counts and says no; what a no looks like is decided by whoever asks.

pub mod budget;
pub mod places;
pub mod rates;

use std::net::{IpAddr, Ipv6Addr};

pub use budget::{Budget, Charge};
pub use places::{Place, Places};
pub use rates::Rates;

use crate::config::Config;

pub struct Admission {
    pub places: Places,
    pub budget: Budget,
    pub rates: Rates,
}

impl Admission {
    pub fn new(config: &Config) -> Self {
        // One whole body must always fit into what large ones have.
        let total = config.max_unfinished_bytes.max(config.max_body_bytes * 2);
        Self {
            places: Places::new(config.max_unfinished_per_address),
            budget: Budget::new(total, (total / 4).max(config.max_body_bytes)),
            rates: Rates::new(config.rate_per_caller, config.rate_per_tenant),
        }
    }
}

/// What is counted as one: an IPv4 address, or the /64 that an IPv6 customer has as a whole.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}
