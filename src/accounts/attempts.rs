//! Limits password attempts, in bounded memory: guessing is hopeless, and nobody can lock out somebody else. It knows
//! nothing of passwords.
//!
//! The first limit is for an address and an account together: the wait grows with each attempt. A wider limit for each
//! address and one for each account follow, against guessing at many accounts and from many addresses. They do not
//! apply to an address from which the account was signed in to before, so that strangers cannot use them up for its
//! owner.
//!
//! An attempt is counted before the password is checked, so that parallel attempts cannot exceed the limit.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

const MINUTE_MS: i64 = 60 * 1000;

/// Attempts of one address at one account without a wait.
const FREE: u32 = 5;
/// The longest wait: it starts at a second and doubles up to this, or up to `LONGEST_KNOWN_MS` if the account was
/// signed in to from the address before.
const LONGEST_MS: i64 = 15 * MINUTE_MS;
const LONGEST_KNOWN_MS: i64 = 30 * 1000;
/// The count of an address and an account is reset after this time without an attempt.
const FORGET_MS: i64 = 60 * MINUTE_MS;

/// Of one address, at all accounts.
const ADDRESS: Bound = Bound { window_ms: 5 * MINUTE_MS, most: 60, then_every_ms: 5 * MINUTE_MS };
/// Of all unknown addresses at one account. Over the limit an attempt is still accepted now and then: it may be the
/// owner's.
const ACCOUNT: Bound = Bound { window_ms: 15 * MINUTE_MS, most: 50, then_every_ms: MINUTE_MS / 2 };

/// Entries of each table; at the limit the older half is removed.
const CAPACITY: usize = 20_000;
/// Addresses that are remembered for one account.
const KNOWN: usize = 16;
const KNOWN_MS: i64 = 90 * 24 * 60 * MINUTE_MS;

/// `most` attempts in a window, then one every `then_every_ms` until the window ends.
struct Bound {
    window_ms: i64,
    most: u32,
    then_every_ms: i64,
}

#[derive(Clone, Copy)]
struct Count {
    since_ms: i64,
    last_ms: i64,
    count: u32,
}

impl Count {
    const fn new(now_ms: i64) -> Self {
        Self { since_ms: now_ms, last_ms: now_ms, count: 0 }
    }

    fn add(&mut self, now_ms: i64) {
        self.count = self.count.saturating_add(1);
        self.last_ms = now_ms;
    }
}

impl Bound {
    fn wait_ms(&self, count: Option<&Count>, now_ms: i64) -> i64 {
        match count {
            Some(count) if count.count >= self.most && now_ms - count.since_ms < self.window_ms => {
                let over = count.since_ms + self.window_ms;
                over.min(count.last_ms + self.then_every_ms) - now_ms
            }
            _ => 0,
        }
    }

    fn add<K: Hash + Eq>(&self, counts: &mut HashMap<K, Count>, key: K, now_ms: i64) {
        make_room(counts, &key, |count| count.last_ms);
        let count = counts.entry(key).or_insert(Count::new(now_ms));
        if now_ms - count.since_ms >= self.window_ms {
            *count = Count::new(now_ms);
        }
        count.add(now_ms);
    }
}

/// Accounts are stored as keyed hashes, so that an entry has the same size for every input.
#[derive(Default)]
struct Tables {
    pairs: HashMap<(u64, IpAddr), Count>,
    addresses: HashMap<IpAddr, Count>,
    accounts: HashMap<u64, Count>,
    /// The addresses from which an account was signed in to, with the time of the last sign-in.
    known: HashMap<u64, Vec<(IpAddr, i64)>>,
}

#[derive(Default)]
pub struct Attempts {
    keys: RandomState,
    tables: Mutex<Tables>,
}

/// Too many attempts; the next one is accepted after this many seconds.
#[derive(Debug, PartialEq, Eq)]
pub struct Wait {
    pub seconds: i64,
}

impl Attempts {
    /// Counts an attempt, or refuses it. Returns whether the account was signed in to from this address before. Callers
    /// without an address share one.
    pub fn admit(&self, account: &str, address: Option<IpAddr>, now_ms: i64) -> Result<bool, Wait> {
        let (account, address) = (self.keys.hash_one(account), network(address));
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let tables = &mut *tables;
        let is_known = tables.known.get(&account).is_some_and(|known| {
            known.iter().any(|(known, at_ms)| *known == address && now_ms - at_ms < KNOWN_MS)
        });
        let mut pair = tables.pairs.get(&(account, address)).copied().unwrap_or(Count::new(now_ms));
        if now_ms - pair.last_ms >= FORGET_MS {
            pair = Count::new(now_ms);
        }
        let longest_ms = if is_known { LONGEST_KNOWN_MS } else { LONGEST_MS };
        let mut wait_ms = pair.last_ms + delay_ms(pair.count, longest_ms) - now_ms;
        if !is_known {
            wait_ms = wait_ms
                .max(ADDRESS.wait_ms(tables.addresses.get(&address), now_ms))
                .max(ACCOUNT.wait_ms(tables.accounts.get(&account), now_ms));
        }
        if wait_ms > 0 {
            return Err(Wait { seconds: (wait_ms + 999) / 1000 });
        }
        pair.add(now_ms);
        make_room(&mut tables.pairs, &(account, address), |count| count.last_ms);
        tables.pairs.insert((account, address), pair);
        ADDRESS.add(&mut tables.addresses, address, now_ms);
        if !is_known {
            ACCOUNT.add(&mut tables.accounts, account, now_ms);
        }
        Ok(is_known)
    }

    /// Records a successful sign-in: the address is known for the account from now on. Its attempts at other accounts
    /// stay counted, or one account of its own would let it try all others.
    pub fn succeeded(&self, account: &str, address: Option<IpAddr>, now_ms: i64) {
        let (account, address) = (self.keys.hash_one(account), network(address));
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.pairs.remove(&(account, address));
        make_room(&mut tables.known, &account, |known| known.last().map_or(0, |(_, at_ms)| *at_ms));
        let known = tables.known.entry(account).or_default();
        known.retain(|(known, _)| *known != address);
        if known.len() >= KNOWN {
            known.remove(0);
        }
        known.push((address, now_ms));
    }
}

/// The wait after `count` attempts.
fn delay_ms(count: u32, longest_ms: i64) -> i64 {
    match count.checked_sub(FREE) {
        None => 0,
        Some(over) => (1000_i64 << over.min(20)).min(longest_ms),
    }
}

/// An IPv6 customer has a whole /64, which is counted as one address.
fn network(address: Option<IpAddr>) -> IpAddr {
    match address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.to_canonical()) {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Removes the older half: the cost of one pass is spread over many attempts.
fn make_room<K: Hash + Eq, V>(table: &mut HashMap<K, V>, key: &K, at_ms: impl Fn(&V) -> i64) {
    if table.len() < CAPACITY || table.contains_key(key) {
        return;
    }
    let mut times: Vec<i64> = table.values().map(&at_ms).collect();
    let middle = times.len() / 2;
    let (_, median, _) = times.select_nth_unstable(middle);
    let median = *median;
    table.retain(|_, value| at_ms(value) > median);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: &str = "ann@example.com";

    #[expect(clippy::unnecessary_wraps, reason = "what is asked about is an address, if there is one")]
    fn ip(last: u32) -> Option<IpAddr> {
        Some(Ipv4Addr::from_bits(0xcb00_7100 + last).into())
    }

    #[test]
    fn an_address_waits_longer_each_time_and_others_are_not_held_to_it() {
        let attempts = Attempts::default();
        let mut now_ms = 1_000;
        for _ in 0..FREE {
            attempts.admit(ANN, ip(1), now_ms).expect("free");
        }
        for wait_s in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            assert_eq!(attempts.admit(ANN, ip(1), now_ms), Err(Wait { seconds: wait_s }));
            assert!(attempts.admit(ANN, ip(1), now_ms + wait_s * 1000 - 1).is_err());
            now_ms += wait_s * 1000;
            attempts.admit(ANN, ip(1), now_ms).expect("after the wait");
        }
        attempts.admit(ANN, ip(2), now_ms).expect("another address");
        attempts.admit("ben@example.com", ip(1), now_ms).expect("another account");
        attempts.admit(ANN, ip(1), now_ms + FORGET_MS).expect("long after");
        attempts.admit(ANN, ip(1), now_ms + FORGET_MS).expect("it begins anew");
    }

    /// Attempts from any number of addresses: the owner signs in from a known address at once, and from a new one after
    /// a while.
    #[test]
    fn a_stranger_cannot_lock_an_owner_out() {
        let attempts = Attempts::default();
        attempts.admit(ANN, ip(1), 0).expect("the owner");
        attempts.succeeded(ANN, ip(1), 0);
        let mut heard = 0;
        for n in 0..60_000_u32 {
            let now_ms = 1_000 + i64::from(n);
            heard += u32::from(attempts.admit(ANN, ip(100 + n), now_ms).is_ok());
        }
        assert!((50..60).contains(&heard), "of all unknown addresses together: {heard}");
        let now_ms = 61_000;
        attempts.admit(ANN, ip(1), now_ms).expect("the owner, where she was before");
        attempts.succeeded(ANN, ip(1), now_ms);
        let Err(Wait { seconds }) = attempts.admit(ANN, ip(7), now_ms) else {
            panic!("an unknown address waits")
        };
        assert!(seconds <= 30, "{seconds}");
        attempts.admit(ANN, ip(7), now_ms + seconds * 1000).expect("and is heard");
        attempts.admit("ben@example.com", ip(100), now_ms).expect("another account");
    }

    /// Attempts from the owner's own address: the owner waits some seconds at the most.
    #[test]
    fn a_known_address_waits_for_seconds_only() {
        let attempts = Attempts::default();
        attempts.admit(ANN, ip(1), 0).expect("the owner");
        attempts.succeeded(ANN, ip(1), 0);
        let mut now_ms = 0;
        for _ in 0..200 {
            if let Err(Wait { seconds }) = attempts.admit(ANN, ip(1), now_ms) {
                assert!(seconds <= 30, "{seconds}");
                now_ms += seconds * 1000;
            }
        }
        // The address is over its limit, but not for the account for which it is known.
        assert!(attempts.admit("ben@example.com", ip(1), 1_000).is_err() || now_ms > ADDRESS.window_ms);
    }

    #[test]
    fn one_address_does_not_try_many_accounts_nor_by_one_that_is_its_own() {
        let attempts = Attempts::default();
        for n in 0..ADDRESS.most - 1 {
            attempts.admit(&format!("{n}@example.com"), ip(1), 0).expect("within the bound");
        }
        attempts.admit("own@example.com", ip(1), 0).expect("within the bound");
        attempts.succeeded("own@example.com", ip(1), 0);
        assert_eq!(attempts.admit("new@example.com", ip(1), 0), Err(Wait { seconds: 300 }));
        attempts.admit("own@example.com", ip(1), 0).expect("its own");
        attempts.admit("new@example.com", ip(2), 0).expect("another address");
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let attempts = Attempts::default();
        for n in 0..ADDRESS.most {
            let address: IpAddr = format!("2001:db8::{n:x}").parse().expect("address");
            attempts.admit(&format!("{n}@example.com"), Some(address), 0).expect("within the limit");
        }
        let next = "2001:db8::ffff".parse().expect("address");
        assert!(attempts.admit("new@example.com", Some(next), 0).is_err());
    }

    #[test]
    fn memory_is_bounded() {
        let attempts = Attempts::default();
        for n in 0..(CAPACITY as u32 * 2) {
            let (account, now_ms) = (format!("{n}@example.com"), i64::from(n));
            attempts.admit(&account, ip(n), now_ms).expect("each account once");
            attempts.succeeded(&account, ip(n), now_ms);
            attempts.admit(&account, ip(n + 1), now_ms).expect("each account twice");
            attempts.succeeded(ANN, ip(n), now_ms);
        }
        let tables = attempts.tables.lock().expect("lock");
        let sizes = [tables.pairs.len(), tables.addresses.len(), tables.accounts.len(), tables.known.len()];
        assert!(sizes.iter().all(|size| *size <= CAPACITY), "{sizes:?}");
        assert!(tables.known.values().all(|known| known.len() <= KNOWN));
    }
}
