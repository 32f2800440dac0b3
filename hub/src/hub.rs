//! The handle that the application holds.
#![allow(clippy::todo, clippy::unused_async, unused_variables, dead_code)]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::*;

#[derive(Clone)]
pub struct Hub {
    inner: Arc<()>,
}

impl Hub {
    /// Must be called inside a tokio runtime.
    pub fn new(config: HubConfig, authority: Arc<dyn Authority>, log: Arc<dyn Log>) -> Hub {
        todo!()
    }
    pub async fn serve(&self, transport: impl Transport, peer: Peer) -> Closed {
        todo!()
    }
    pub fn publish(&self, room: &str, publication: Publication) {
        todo!()
    }
    pub fn publish_ephemeral(&self, room: &str, data: Bytes, tags: Tags) {
        todo!()
    }
    pub fn send(&self, session: SessionId, data: Bytes) -> bool {
        todo!()
    }
    pub async fn subscribe(&self, session: SessionId, sub: ServerSub) -> bool {
        todo!()
    }
    pub fn disconnect_user(&self, user: &str, code: CloseCode) {
        todo!()
    }
    pub fn disconnect_session(&self, session: SessionId, code: CloseCode) {
        todo!()
    }
    pub fn unsubscribe(&self, session: SessionId, room: &str, code: u32, reason: &str) {
        todo!()
    }
    pub fn presence(&self, room: &str) -> Vec<ClientInfo> {
        todo!()
    }
    pub fn stats(&self) -> Stats {
        todo!()
    }
    pub async fn drain(&self, deadline: Duration) {
        todo!()
    }
}
