//! An emulated bucket of the S3 API: signatures (version 4) are checked, objects and uploads in parts are kept in memory, and
//! calls fail when a test says so.

mod api;
mod sign;
mod state;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use self::state::{ACCESS_KEY, SECRET_KEY, Shared, State};
use crate::serving::{Tasks, Watched};

pub struct S3Emulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: Tasks,
}

impl S3Emulator {
    pub async fn start() -> std::io::Result<Self> {
        let (tasks, shared) = (Tasks::default(), Arc::new(Shared { state: Watched::new(State::default()) }));
        let address = tasks.serve((Ipv4Addr::LOCALHOST, 0).into(), api::router(Arc::clone(&shared))).await?;
        Ok(Self { address, shared, tasks })
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn access_key(&self) -> &'static str {
        ACCESS_KEY
    }

    pub fn secret_key(&self) -> &'static str {
        SECRET_KEY
    }

    /// The keys of all objects.
    pub fn keys(&self) -> Vec<String> {
        self.shared.state.read(|state| state.objects.keys().cloned().collect())
    }

    /// Somebody else writes an object, at a time such as `2020-01-01T00:00:00.000Z`.
    pub fn holds(&self, key: &str, bytes: &[u8], at: &str) {
        self.shared.state.change(|state| {
            state.objects.insert(key.to_owned(), bytes.to_vec());
            state.dates.insert(key.to_owned(), at.to_owned());
        });
    }

    /// Uploads in parts that are neither complete nor given up.
    pub fn unfinished(&self) -> usize {
        self.shared.state.read(|state| state.uploads.len())
    }

    /// From now on one of so many calls fails, or none.
    pub fn fails_one_of(&self, every: Option<u64>) {
        self.shared.state.change(|state| state.every = every);
    }
}

impl Drop for S3Emulator {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}
