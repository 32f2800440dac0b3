//! An emulated bucket of the S3 API: signatures (version 4) are checked, objects and uploads in parts are kept in memory, and
//! calls fail when a test says so.

mod api;
mod sign;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::serving::{Tasks, Watched};

/// What a call does instead of what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum S3Fail {
    /// Nothing is done.
    Refused,
    /// It is done, and the answer says that it was not.
    DoneAnd500,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Vec<u8>>,
    /// Parts by number, by the id of their upload.
    uploads: BTreeMap<String, BTreeMap<u32, Vec<u8>>>,
    made: u64,
    /// Of so many calls each one fails, in turn in both ways.
    every: Option<u64>,
    calls: u64,
}

struct Shared {
    state: Watched<State>,
}

pub struct S3Emulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: Tasks,
}

const BUCKET: &str = "files";
const ACCESS_KEY: &str = "AKIAEXAMPLE";
const SECRET_KEY: &str = "example-secret";

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
