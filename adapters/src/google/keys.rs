//! Google's published keys, fetched when they are needed and kept as long as their answer allows. A token that names an
//! unknown key makes them be fetched anew, but not more often than every few seconds: anybody can write such a token. Whoever
//! names a known key never waits for a fetch.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::{Client, Words, call::Failure, verify::Jwks};

/// A set has two or three keys.
const MAX_BYTES: usize = 256 * 1024;
/// Addresses that are remembered: an installation has one.
const MAX_SETS: usize = 16;
const LEAST_AGE_S: i64 = 10;
const DEFAULT_AGE_S: i64 = 300;
const MOST_AGE_S: i64 = 86_400;
/// For so long a set that ran out is good while a new one is fetched. Google announces a key long before it signs with it.
const STALE_S: i64 = 600;

/// What is known of one address. The lock is never held across a fetch.
type Set = Arc<Mutex<Known>>;

#[derive(Default)]
struct Known {
    keys: Option<Arc<Jwks>>,
    until_s: i64,
    /// When they were last asked for, whatever came of it.
    asked_s: Option<i64>,
    failure: Option<Words>,
    /// Closes when the fetch that runs has ended.
    fetching: Option<watch::Receiver<()>>,
}

static SETS: LazyLock<Mutex<HashMap<String, Set>>> = LazyLock::new(Mutex::default);

/// The keys at that address, with the named one among them if Google has it.
pub(crate) async fn keys(http: &Client, address: &str, kid: &str, now_s: i64) -> Result<Arc<Jwks>, Words> {
    let set = set_of(address);
    let fetched = {
        let mut known = locked(&set);
        let named = known.keys.clone().filter(|keys| keys.knows(kid));
        if let Some(keys) = named.as_ref().filter(|_| now_s < known.until_s) {
            return Ok(Arc::clone(keys));
        }
        let fetched = known.fetch(http, address, &set, now_s);
        if let Some(keys) = named.filter(|_| now_s < known.until_s.saturating_add(STALE_S)) {
            return Ok(keys);
        }
        fetched
    };
    if let Some(mut fetched) = fetched {
        // An error is the end: nothing is ever sent.
        let _ = fetched.changed().await;
    }
    locked(&set).judge(now_s)
}

impl Known {
    /// The fetch that runs, or a new one if the last was long enough ago. It is a task of its own: who waits for it may leave.
    fn fetch(&mut self, http: &Client, address: &str, set: &Set, now_s: i64) -> Option<watch::Receiver<()>> {
        if let Some(running) = self.fetching.as_ref().filter(|running| running.has_changed().is_ok()) {
            return Some(running.clone());
        }
        if self.asked_s.is_some_and(|asked| now_s.abs_diff(asked) < LEAST_AGE_S.unsigned_abs()) {
            return None;
        }
        self.asked_s = Some(now_s);
        let (ended, fetching) = watch::channel(());
        self.fetching = Some(fetching.clone());
        let (http, address, set) = (http.clone(), address.to_owned(), Arc::clone(set));
        tokio::spawn(async move {
            let answer = fetch(&http, &address).await;
            let mut known = locked(&set);
            match answer {
                Ok((keys, age_s)) => {
                    known.until_s = now_s.saturating_add(age_s);
                    known.keys = Some(Arc::new(keys));
                    known.failure = None;
                }
                Err(failure) => known.failure = Some(failure.reason),
            }
            drop(known);
            drop(ended);
        });
        Some(fetching)
    }

    fn judge(&self, now_s: i64) -> Result<Arc<Jwks>, Words> {
        match (&self.keys, &self.failure) {
            (_, Some(failure)) => Err(failure.clone()),
            (Some(keys), None) if now_s < self.until_s => Ok(Arc::clone(keys)),
            _ => Err("they ran out a moment ago".into()),
        }
    }
}

fn locked(set: &Set) -> MutexGuard<'_, Known> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

fn set_of(address: &str) -> Set {
    let mut sets = SETS.lock().unwrap_or_else(PoisonError::into_inner);
    if sets.len() >= MAX_SETS && !sets.contains_key(address) {
        sets.clear();
    }
    Arc::clone(sets.entry(address.to_owned()).or_default())
}

async fn fetch(http: &Client, address: &str) -> Result<(Jwks, i64), Failure> {
    use crate::call::{Verdict, lost};
    let unusable = |why: String| Failure::new(Verdict::Unknown, "no_keys", why);
    let mut response = http.get(address).send().await?;
    if response.status().as_u16() != 200 {
        return Err(unusable(format!("Google's keys: the answer was {}", response.status().as_u16())));
    }
    let cache = response.headers().get("cache-control").and_then(|value| value.to_str().ok());
    let age_s = cache.and_then(max_age).unwrap_or(DEFAULT_AGE_S).clamp(LEAST_AGE_S, MOST_AGE_S);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(unusable("Google's keys: the answer is too long".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    let keys =
        serde_json::from_slice(&body).map_err(|_| unusable("Google's keys cannot be read".to_owned()))?;
    Ok((keys, age_s))
}

fn max_age(cache_control: &str) -> Option<i64> {
    cache_control.split(',').find_map(|directive| {
        let (name, value) = directive.trim().split_once('=')?;
        name.eq_ignore_ascii_case("max-age").then(|| value.trim_matches('"').parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_is_read_wherever_it_stands() {
        assert_eq!(max_age("public, max-age=19204, must-revalidate, no-transform"), Some(19_204));
        assert_eq!(max_age("Max-Age=\"60\""), Some(60));
        assert_eq!(max_age("no-store"), None);
        assert_eq!(max_age("max-age=soon"), None);
    }
}
