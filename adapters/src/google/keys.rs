//! Google's published keys, fetched when they are needed and kept as long as their answer allows. A token that names an
//! unknown key makes them be fetched anew, but not more often than every few seconds: anybody can write such a token.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use crate::{Client, Words, call::Failure, verify::Jwks};

/// A set has two or three keys.
const MAX_BYTES: usize = 256 * 1024;
/// Addresses that are remembered: an installation has one.
const MAX_SETS: usize = 16;
const LEAST_AGE_S: i64 = 10;
const DEFAULT_AGE_S: i64 = 300;
const MOST_AGE_S: i64 = 86_400;

/// What is known of one address. The lock is held while the keys are fetched, so that all who wait share one answer.
type Set = Arc<tokio::sync::Mutex<Known>>;

#[derive(Default)]
struct Known {
    keys: Option<Arc<Jwks>>,
    until_s: i64,
    /// When they were last asked for, whatever came of it.
    asked_s: Option<i64>,
    failure: Option<Words>,
}

static SETS: LazyLock<Mutex<HashMap<String, Set>>> = LazyLock::new(Mutex::default);

/// The keys at that address, with the named one among them if Google has it.
pub(crate) async fn keys(http: &Client, address: &str, kid: &str, now_s: i64) -> Result<Arc<Jwks>, Words> {
    let set = set_of(address);
    let mut known = set.lock().await;
    let is_fresh = now_s < known.until_s;
    if let Some(keys) = known.keys.as_ref().filter(|keys| is_fresh && keys.knows(kid)) {
        return Ok(Arc::clone(keys));
    }
    let may_ask = known.asked_s.is_none_or(|asked| now_s.abs_diff(asked) >= LEAST_AGE_S.unsigned_abs());
    if may_ask {
        known.asked_s = Some(now_s);
        match fetch(http, address).await {
            Ok((keys, age_s)) => {
                known.until_s = now_s.saturating_add(age_s);
                known.keys = Some(Arc::new(keys));
                known.failure = None;
            }
            Err(failure) => known.failure = Some(failure.reason),
        }
    }
    match (&known.keys, &known.failure) {
        (Some(keys), None) if now_s < known.until_s || may_ask => Ok(Arc::clone(keys)),
        (_, Some(failure)) => Err(failure.clone()),
        _ => Err("they ran out a moment ago".into()),
    }
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
