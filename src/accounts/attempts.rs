//! Limits how often a password may be tried, per account and per address, in bounded memory.
//!
//! An attempt is counted before the password is checked, so that many at once are not more than the limit; a
//! right password gives the account's count back. It knows nothing of passwords.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

const WINDOW_MS: i64 = 5 * 60 * 1000;
const PER_ACCOUNT: u32 = 10;
const PER_ADDRESS: u32 = 60;
/// Accounts and addresses that are remembered; above it the oldest windows are forgotten.
const CAPACITY: usize = 20_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Account(String),
    Address(IpAddr),
}

struct Window {
    since_ms: i64,
    count: u32,
}

#[derive(Default)]
pub struct Attempts(Mutex<HashMap<Key, Window>>);

/// Too many attempts; the next is heard after so many seconds.
#[derive(Debug, PartialEq, Eq)]
pub struct Wait {
    pub seconds: i64,
}

impl Attempts {
    /// Counts an attempt, or refuses it.
    pub fn admit(&self, account: &str, address: Option<IpAddr>, now_ms: i64) -> Result<(), Wait> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = [
            address.map(|address| (Key::Address(network(address)), PER_ADDRESS)),
            Some((Key::Account(account.to_owned()), PER_ACCOUNT)),
        ];
        for (key, limit) in keys.iter().flatten() {
            if let Some(window) = windows.get(key)
                && now_ms - window.since_ms < WINDOW_MS
                && window.count >= *limit
            {
                return Err(Wait { seconds: ((window.since_ms + WINDOW_MS - now_ms) + 999) / 1000 });
            }
        }
        for (key, _) in keys.into_iter().flatten() {
            if windows.len() >= CAPACITY && !windows.contains_key(&key) {
                make_room(&mut windows, now_ms);
            }
            let window = windows.entry(key).or_insert(Window { since_ms: now_ms, count: 0 });
            if now_ms - window.since_ms >= WINDOW_MS {
                *window = Window { since_ms: now_ms, count: 0 };
            }
            window.count += 1;
        }
        Ok(())
    }

    /// The password was right: the account starts anew. The address does not, or one good account of its own
    /// would let it try all others.
    pub fn succeeded(&self, account: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&Key::Account(account.to_owned()));
    }
}

/// An IPv6 customer has a whole /64, so that is what is counted.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.into(),
            None => std::net::Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        },
    }
}

fn make_room(windows: &mut HashMap<Key, Window>, now_ms: i64) {
    windows.retain(|_, window| now_ms - window.since_ms < WINDOW_MS);
    if windows.len() >= CAPACITY {
        // The older half goes: one pass pays for many admissions.
        let mut times: Vec<i64> = windows.values().map(|window| window.since_ms).collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        windows.retain(|_, window| window.since_ms > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, last])
    }

    #[test]
    fn an_account_is_closed_after_ten_failures_and_opens_again() {
        let attempts = Attempts::default();
        for n in 0..PER_ACCOUNT {
            attempts.admit("ann@example.com", Some(ip(n as u8)), 1000).expect("within the limit");
        }
        assert_eq!(attempts.admit("ann@example.com", Some(ip(99)), 61_000), Err(Wait { seconds: 240 }));
        assert!(attempts.admit("bob@example.com", Some(ip(99)), 61_000).is_ok(), "another account");
        assert!(
            attempts.admit("ann@example.com", Some(ip(99)), 1000 + WINDOW_MS).is_ok(),
            "the window is over"
        );
    }

    #[test]
    fn a_right_password_starts_the_account_anew_but_not_the_address() {
        let attempts = Attempts::default();
        for _ in 0..PER_ADDRESS {
            attempts.admit("ann@example.com", Some(ip(1)), 0).expect("within the limit");
            attempts.succeeded("ann@example.com");
        }
        assert!(attempts.admit("ann@example.com", Some(ip(1)), 0).is_err(), "the address has tried enough");
        assert!(attempts.admit("ann@example.com", Some(ip(2)), 0).is_ok());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let attempts = Attempts::default();
        for n in 0..PER_ADDRESS {
            let address: IpAddr = format!("2001:db8::{n:x}").parse().expect("address");
            attempts.admit(&format!("{n}@example.com"), Some(address), 0).expect("within the limit");
        }
        let next = "2001:db8::ffff".parse().expect("address");
        assert!(attempts.admit("new@example.com", Some(next), 0).is_err());
    }

    #[test]
    fn memory_is_bounded() {
        let attempts = Attempts::default();
        for n in 0..(CAPACITY as i64 * 2) {
            attempts.admit(&format!("{n}@example.com"), None, n / 100).expect("each account once");
        }
        assert!(attempts.0.lock().expect("lock").len() <= CAPACITY);
    }
}
