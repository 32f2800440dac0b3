//! The sessions on streams, by the secret that their clients' requests carry.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use uuid::Uuid;

use crate::{authority::SessionId, lock::lock, stream::Pipe};

#[derive(Default)]
pub(crate) struct Streams(Mutex<HashMap<Uuid, StreamEntry>>);

#[derive(Clone)]
pub(crate) struct StreamEntry {
    pub(crate) session: SessionId,
    pub(crate) pipe: Arc<Pipe>,
}

/// A stream in the list, for as long as this lives.
pub(crate) struct RegisteredStream {
    streams: Arc<Streams>,
    secret: Uuid,
}

impl Streams {
    pub(crate) fn get(&self, secret: Uuid) -> Option<StreamEntry> {
        lock(&self.0).get(&secret).cloned()
    }

    pub(super) fn add(self: &Arc<Self>, secret: Uuid, entry: StreamEntry) -> RegisteredStream {
        lock(&self.0).insert(secret, entry);
        RegisteredStream { streams: Arc::clone(self), secret }
    }
}

impl Drop for RegisteredStream {
    fn drop(&mut self) {
        lock(&self.streams.0).remove(&self.secret);
    }
}
