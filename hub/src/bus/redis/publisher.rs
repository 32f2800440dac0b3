//! The publishing connection. What waits goes out together, one round trip after another.

use std::{sync::Arc, time::Duration};

use redis::{Pipeline, aio::MultiplexedConnection};
use tokio::{sync::mpsc, time::Instant};

use super::{
    server::{Server, in_time, passes_on},
    shared::{Backoff, Outgoing, Shared},
};

pub(super) const MAX_BATCH: usize = 256;
/// A master may become a replica while its connections stay.
const LOOK_EVERY: Duration = Duration::from_secs(5);

pub(super) async fn run(shared: Arc<Shared>, server: Arc<Server>, mut queued: mpsc::Receiver<Outgoing>) {
    let mut batch = Vec::new();
    let mut backoff = Backoff::new();
    loop {
        let mut connection = match server.commands().await {
            Ok(connection) => connection,
            Err(why) => {
                shared.down(&why);
                while let Ok(outgoing) = queued.try_recv() {
                    batch.push(outgoing);
                    shared.lost(&mut batch);
                }
                backoff.wait().await;
                continue;
            }
        };
        backoff = Backoff::new();
        let mut look = tokio::time::interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
        loop {
            tokio::select! {
                count = queued.recv_many(&mut batch, MAX_BATCH) => {
                    if count == 0 {
                        return;
                    }
                }
                () = shared.reconnect[0].notified() => break,
                _ = look.tick() => {}
            }
            if batch.is_empty() {
                let Err(why) = passes_on(&mut connection).await else { continue };
                shared.down(&why);
                break;
            }
            if let Err(why) = send(&shared, &mut connection, &mut batch).await {
                shared.down(&why);
                shared.lost(&mut batch);
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn send(
    shared: &Shared,
    connection: &mut MultiplexedConnection,
    batch: &mut Vec<Outgoing>,
) -> Result<(), String> {
    let mut pipeline = Pipeline::with_capacity(batch.len());
    for outgoing in batch.iter() {
        pipeline.cmd("PUBLISH").arg(&outgoing.channel).arg(&outgoing.bytes[..]).ignore();
    }
    in_time(pipeline.query_async::<()>(connection)).await?;
    shared.sent(batch);
    Ok(())
}
