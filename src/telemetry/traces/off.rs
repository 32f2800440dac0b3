//! Without the feature `otel` there are no spans.

use std::sync::Arc;

use hub::{Trace, TraceListener};

use crate::config::Config;

/// There is none.
pub(super) enum Open {}

impl Open {
    pub(super) fn put(&mut self, _: &'static str, _: String) {
        match *self {}
    }

    pub(super) fn fail(&mut self, _: &'static str) {
        match *self {}
    }

    pub(super) fn trace(&self) -> Trace {
        match *self {}
    }
}

pub(super) fn root(_: &'static str, _: Option<Trace>) -> Option<Open> {
    None
}

pub(super) fn child(_: &'static str, _: Trace) -> Option<Open> {
    None
}

/// Whether spans are sent anywhere.
pub const fn are_on() -> bool {
    false
}

/// A configuration that wants traces is refused before.
pub fn start(_: &Config) -> anyhow::Result<()> {
    Ok(())
}

/// What is told of publications that were handed out on this node.
pub fn listener(_: &str) -> Option<Arc<dyn TraceListener>> {
    None
}

/// Sends what has ended.
pub fn stop() -> std::future::Ready<()> {
    std::future::ready(())
}
