//! What an emulated bucket holds, and when its calls fail.

use std::collections::BTreeMap;

use crate::serving::Watched;

/// What a call does instead of what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum S3Fail {
    /// Nothing is done.
    Refused,
    /// It is done, and the answer says that it was not.
    DoneAnd500,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) objects: BTreeMap<String, Vec<u8>>,
    /// When an object was written, if a test says so.
    pub(super) dates: BTreeMap<String, String>,
    /// Parts by number, by the id of their upload.
    pub(super) uploads: BTreeMap<String, BTreeMap<u32, Vec<u8>>>,
    pub(super) made: u64,
    /// Of so many calls each one fails, in turn in both ways.
    pub(super) every: Option<u64>,
    pub(super) calls: u64,
}

pub(super) struct Shared {
    pub(super) state: Watched<State>,
}

pub(super) const BUCKET: &str = "files";
pub(super) const ACCESS_KEY: &str = "AKIAEXAMPLE";
pub(super) const SECRET_KEY: &str = "example-secret";
