//! Limits the unfinished connections of each address. An address is stored only while it has one, so the table is
//! bounded by the number of connections.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::network;

#[derive(Clone)]
pub struct ConnectionSlots(Arc<Inner>);

struct Inner {
    per_address: u32,
    taken: Mutex<HashMap<IpAddr, u32>>,
}

/// One connection of an address; the slot is released on drop.
pub struct ConnectionSlot {
    of: Arc<Inner>,
    address: IpAddr,
}

impl ConnectionSlots {
    pub fn new(per_address: u32) -> Self {
        Self(Arc::new(Inner { per_address, taken: Mutex::default() }))
    }

    /// Takes a slot, or `None` if the address is at its limit.
    pub fn take(&self, address: IpAddr) -> Option<ConnectionSlot> {
        let address = network(address);
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(address).or_insert(0);
        if *count >= self.0.per_address {
            return None;
        }
        *count += 1;
        Some(ConnectionSlot { of: Arc::clone(&self.0), address })
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut taken = self.of.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_places_and_no_more_and_an_ipv6_network_is_one() {
        let slots = ConnectionSlots::new(2);
        let take = |address: &str| slots.take(address.parse().expect("an address"));
        let first = take("203.0.113.7").expect("a place");
        let second = take("::ffff:203.0.113.7").expect("a place");
        assert!(take("203.0.113.7").is_none());
        let other = take("203.0.113.8").expect("another address");
        drop(first);
        let third = take("203.0.113.7").expect("given back");
        let six = (take("2001:db8::1").expect("a place"), take("2001:db8::2").expect("a place"));
        assert!(take("2001:db8::ffff").is_none());
        let next = take("2001:db8:0:1::1").expect("another network");
        drop((second, third, other, six, next));
        assert!(slots.0.taken.lock().expect("lock").is_empty());
    }
}
