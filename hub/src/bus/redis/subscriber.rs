//! The hearing connection, and the subscriptions on it, which follow the topics that are held.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use futures_util::StreamExt;
use redis::aio::{PubSubSink, PubSubStream};

use super::{
    server::{Server, in_time},
    shared::{Backoff, Shared},
};

/// Topics in one command.
pub(super) const MAX_TOPICS: usize = 256;

pub(super) async fn run(shared: Arc<Shared>, server: Arc<Server>) {
    let mut backoff = Backoff::new();
    loop {
        let (sink, stream) = match server.hearing().await {
            Ok(hearing) => hearing.split(),
            Err(why) => {
                shared.down(&why);
                backoff.wait().await;
                continue;
            }
        };
        let why = tokio::select! {
            () = hear(&shared, stream) => "the connection ended".to_owned(),
            why = follow(&shared, sink) => why,
            () = shared.reconnect[1].notified() => "a probe did not come back".to_owned(),
        };
        shared.down(&why);
        backoff.wait().await;
        backoff = Backoff::new();
    }
}

async fn hear(shared: &Shared, mut stream: PubSubStream) {
    let mut heard = 0u32;
    while let Some(message) = stream.next().await {
        shared.take(message.get_channel_name(), Bytes::copy_from_slice(message.get_payload_bytes()));
        heard = heard.wrapping_add(1);
        // What comes is handed out here: others get their turn between.
        if heard.is_multiple_of(32) {
            tokio::task::yield_now().await;
        }
    }
}

/// Keeps the subscriptions as the topics are. Returns why it cannot.
async fn follow(shared: &Shared, mut sink: PubSubSink) -> String {
    let mut on = HashSet::new();
    let mut wanted: Vec<(Arc<str>, bool)> =
        shared.topics.all().into_iter().map(|topic| (topic, true)).collect();
    loop {
        for part in wanted.chunks(MAX_TOPICS) {
            let (mut more, mut fewer) = (Vec::new(), Vec::new());
            for (topic, is_held) in part {
                match (*is_held, on.contains(topic)) {
                    (true, false) => more.push(Arc::clone(topic)),
                    (false, true) => fewer.push(Arc::clone(topic)),
                    _ => {}
                }
            }
            on.extend(more.iter().cloned());
            for topic in &fewer {
                on.remove(topic);
            }
            let done = in_time(async {
                if !more.is_empty() {
                    sink.subscribe(&channels(shared, &more)).await?;
                }
                if !fewer.is_empty() {
                    sink.unsubscribe(&channels(shared, &fewer)).await?;
                }
                Ok(())
            });
            if let Err(why) = done.await {
                return why;
            }
            if let Some(inbound) = shared.inbound().filter(|_| !more.is_empty()) {
                inbound.subscribed(&more);
            }
        }
        shared.topics.changed.notified().await;
        wanted = shared.topics.changes();
    }
}

fn channels(shared: &Shared, topics: &[Arc<str>]) -> Vec<String> {
    topics.iter().map(|topic| shared.names.channel(topic)).collect()
}
