//! One server or a cluster of them, as the URL says.

use std::sync::Arc;

use super::{
    cluster::Cluster,
    names::Names,
    server::{Server, in_time},
};

/// One server carries all topics, or each master of a cluster those of its slots.
#[derive(Clone)]
pub(super) enum Servers {
    One(Arc<Server>),
    Many(Arc<Cluster>),
}

impl Servers {
    pub(super) fn parse(url: &str) -> Result<Servers, String> {
        for (scheme, of_nodes) in [("redis-cluster://", "redis"), ("rediss-cluster://", "rediss")] {
            if let Some(rest) = url.strip_prefix(scheme) {
                return Ok(Servers::Many(Arc::new(Cluster::parse(rest, of_nodes)?)));
            }
        }
        Ok(Servers::One(Arc::new(Server::parse(url)?)))
    }

    /// Connects, and hears what it publishes: whoever may connect need not have the right to either.
    pub(super) async fn ask(&self, names: &Names, topic: &str) -> Result<(), String> {
        match self {
            Servers::One(server) => {
                let channel = names.channel(topic);
                let mut hearing = server.hearing().await?;
                in_time(hearing.subscribe(&channel)).await?;
                let mut connection = server.commands().await?;
                let mut publish = redis::cmd("PUBLISH");
                let heard =
                    in_time(publish.arg(&channel).arg("").query_async::<u64>(&mut connection)).await?;
                if heard == 0 {
                    return Err(format!("what is published to {channel} does not come to who hears it"));
                }
                Ok(())
            }
            Servers::Many(cluster) => cluster.check(names, topic).await,
        }
    }
}
