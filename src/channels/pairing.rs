//! Which channel is being paired on which server: one at a time, because a server shows the codes of one after the other in time
//! only for those who look. Kept in memory, as the codes are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::error::Error;

/// Pairings of all servers at a time.
const MOST: usize = 64;
/// Those of one tenant, so that nobody takes the places of all others.
const MOST_OF_TENANT: usize = 8;

#[derive(Default)]
pub struct Pairings {
    /// By server.
    running: Mutex<HashMap<String, Running>>,
}

struct Running {
    tenant: Uuid,
    channel: Uuid,
    phone: Option<String>,
}

/// A pairing that runs; dropped when it is over.
pub struct Turn {
    pairings: Arc<Pairings>,
    server: String,
}

impl Pairings {
    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None`: the channel is being paired already, and the phone is asked for a code there.
    pub fn begin(
        self: &Arc<Self>,
        server: String,
        (tenant, channel): (Uuid, Uuid),
        phone: Option<String>,
    ) -> Result<Option<Turn>, Error> {
        let mut running = self.running();
        if let Some(here) = running.get_mut(&server) {
            if here.channel != channel {
                return Err(Error::conflict(
                    "pairing_busy",
                    "another account is being paired on this server: try again in a few minutes",
                ));
            }
            here.phone = phone.or(here.phone.take());
            return Ok(None);
        }
        let of_tenant = running.values().filter(|one| one.tenant == tenant).count();
        if running.len() >= MOST || of_tenant >= MOST_OF_TENANT {
            return Err(Error::conflict(
                "pairing_busy",
                "too many accounts are being paired: try again in a minute",
            ));
        }
        running.insert(server.clone(), Running { tenant, channel, phone });
        drop(running);
        Ok(Some(Turn { pairings: Arc::clone(self), server }))
    }
}

impl Turn {
    /// The number of the phone for which a code is wanted, once.
    pub fn wanted_phone(&self) -> Option<String> {
        self.pairings.running().get_mut(&self.server)?.phone.take()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.pairings.running().remove(&self.server);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_pairs_one_account_at_a_time() {
        let pairings = Arc::new(Pairings::default());
        let begin = |channel, phone: Option<&str>| {
            let channel = (Uuid::nil(), Uuid::from_u128(channel));
            pairings.begin("waha.example.com".to_owned(), channel, phone.map(str::to_owned))
        };
        let turn = begin(1, None).expect("free").expect("begun");
        assert!(begin(2, None).is_err(), "another account waits");
        assert!(begin(1, Some("12025550100")).expect("its own").is_none(), "a second manager joins");
        assert_eq!(turn.wanted_phone().as_deref(), Some("12025550100"));
        assert_eq!(turn.wanted_phone(), None, "one code for each asking");
        drop(turn);
        assert!(begin(2, None).expect("free again").is_some());
    }

    #[test]
    fn one_tenant_leaves_places_for_others() {
        let pairings = Arc::new(Pairings::default());
        let begin = |tenant: u128, n: u128| {
            let channel = (Uuid::from_u128(tenant), Uuid::from_u128(n));
            pairings.begin(format!("{tenant}-{n}.example.com"), channel, None)
        };
        let turns: Vec<_> = (0..MOST as u128).filter_map(|n| begin(1, n).ok().flatten()).collect();
        assert_eq!(turns.len(), MOST_OF_TENANT);
        assert!(begin(2, 0).expect("another tenant").is_some());
    }
}
