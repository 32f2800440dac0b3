//! The memory budget for requests that are being received, and the share of it that one address may hold. Only holders
//! are stored, so the table is bounded by the number of connections.
//!
//! Large bodies get three quarters of the budget, and each address may always hold a small one, so that a few senders
//! of large bodies cannot block everybody's small ones.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::network;

/// Bytes of a small body: most webhooks, and everything that people send.
pub const SMALL: usize = 8 * 1024;

#[derive(Clone)]
pub struct Budget(Arc<Inner>);

struct Inner {
    total: usize,
    share: usize,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    all: usize,
    by: HashMap<IpAddr, usize>,
}

/// The budget is exhausted, for this address or for all.
#[derive(Debug)]
pub struct Full;

/// The bytes that one request holds; released on drop.
pub struct Charge {
    of: Arc<Inner>,
    address: IpAddr,
    bytes: usize,
}

impl Budget {
    pub fn new(total: usize, share: usize) -> Self {
        Self(Arc::new(Inner { total, share, used: Mutex::default() }))
    }

    /// A charge of zero bytes.
    pub fn open(&self, address: IpAddr) -> Charge {
        Charge { of: Arc::clone(&self.0), address: network(address), bytes: 0 }
    }

    /// Bytes that all requests hold together.
    pub fn used(&self) -> usize {
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Charge {
    /// Raises the charge to this total; a smaller total changes nothing.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), Full> {
        let Some(more) = bytes.checked_sub(self.bytes).filter(|more| *more > 0) else { return Ok(()) };
        let mut used = self.of.used.lock().unwrap_or_else(PoisonError::into_inner);
        let own = used.by.get(&self.address).copied().unwrap_or(0);
        let for_all = if bytes <= SMALL { self.of.total } else { self.of.total - self.of.total / 4 };
        let is_within = used.all + more <= for_all && own + more <= self.of.share;
        if !is_within && own + more > SMALL {
            return Err(Full);
        }
        used.all += more;
        used.by.insert(self.address, own + more);
        self.bytes = bytes;
        Ok(())
    }

    pub fn release(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut used = self.of.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.all -= self.bytes;
        if let Some(own) = used.by.get_mut(&self.address) {
            *own -= self.bytes;
            if *own == 0 {
                used.by.remove(&self.address);
            }
        }
        self.bytes = 0;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    #[test]
    fn nobody_takes_more_than_his_share_and_all_no_more_than_there_is() {
        let budget = Budget::new(400 * KIB, 120 * KIB);
        let open = |last| budget.open(IpAddr::from([203, 0, 113, last]));
        let (mut one, mut again, mut two, mut three) = (open(1), open(1), open(2), open(3));
        one.grow_to(100 * KIB).expect("within the share");
        again.grow_to(21 * KIB).expect_err("over the share of the address");
        again.grow_to(20 * KIB).expect("just the share");
        two.grow_to(120 * KIB).expect("another's share");
        three.grow_to(61 * KIB).expect_err("over what large ones have together");
        three.grow_to(60 * KIB).expect("the rest of it");
        assert_eq!(budget.used(), 300 * KIB);
        drop(one);
        again.grow_to(100 * KIB).expect("given back");
        again.release();
        drop((again, two, three));
        assert_eq!(budget.used(), 0);
        assert!(budget.0.used.lock().expect("lock").by.is_empty());
    }

    /// Even when the budget is full, an address can hold one small body; while there is room, several.
    #[test]
    fn small_ones_are_heard_beside_large_ones() {
        let budget = Budget::new(400 * KIB, 120 * KIB);
        let open = |last| budget.open(IpAddr::from([203, 0, 113, last]));
        let mut large: Vec<Charge> = (0..3).map(open).collect();
        for charge in &mut large {
            charge.grow_to(100 * KIB).expect("a large one");
        }
        open(9).grow_to(9 * KIB).expect_err("no room for another large one");
        let mut small: Vec<Charge> = (0..12).map(|_| open(10)).collect();
        for charge in &mut small {
            charge.grow_to(SMALL).expect("within the quarter that is theirs");
        }
        let (mut first, mut second) = (open(11), open(11));
        first.grow_to(SMALL).expect("one for each address");
        second.grow_to(SMALL).expect_err("and no more");
    }
}
