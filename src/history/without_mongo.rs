//! MongoDB in a build without its driver: it can be configured, and is refused.
#![expect(clippy::unused_async, reason = "as the one that has something to wait for")]

use uuid::Uuid;

use super::{Asked, Forgotten, Page, Wanted};
use crate::config;
use crate::error::Error;
use crate::store::history_term::HistoryClaim;
use crate::store::{Event, Store};

const NONE: &str = "this build has no MongoDB: take a released one (`make build`), build with `--features mongo`, or leave it empty";

/// There is none.
#[derive(Clone)]
pub enum Mongo {}

impl Mongo {
    pub(super) async fn open(_: &config::History, _: &Store) -> anyhow::Result<Self> {
        anyhow::bail!(NONE)
    }

    pub(super) async fn ask(_: &config::History, _: Option<&HistoryClaim>, _: i64) -> Result<Asked, String> {
        Err(NONE.to_owned())
    }

    pub(super) async fn take_over(_: &config::History, _: &Store, _: bool) -> anyhow::Result<String> {
        anyhow::bail!(NONE)
    }

    pub(super) fn is_up(&self) -> bool {
        match *self {}
    }

    pub(super) fn is_owned(&self) -> bool {
        match *self {}
    }

    pub(super) async fn hold(&self) -> Result<(), Error> {
        match *self {}
    }

    pub(super) async fn watch(&self) {
        match *self {}
    }

    pub(super) async fn apply(&self, _: Uuid, _: &[Event]) -> Result<(), Error> {
        match *self {}
    }

    pub(super) async fn fill(&self, _: Uuid, _: Uuid) -> Result<Option<Uuid>, Error> {
        match *self {}
    }

    pub(super) async fn page(&self, _: Wanted) -> Result<Page, Error> {
        match *self {}
    }

    pub(super) async fn forget(&self, _: Uuid, _: Forgotten) -> Result<(), Error> {
        match *self {}
    }

    pub(super) async fn keep_for(&self, _: Uuid, _: Option<i64>) -> Result<(), Error> {
        match *self {}
    }
}
