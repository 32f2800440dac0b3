//! One server or a cluster of them, as the URL says.

use std::sync::Arc;

use super::{cluster::Cluster, server::Server};

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

    /// Connects and asks once.
    pub(super) async fn ask(&self) -> Result<(), String> {
        match self {
            Servers::One(server) => {
                let mut connection = server.commands().await?;
                let answer = redis::cmd("PING").query_async::<String>(&mut connection).await;
                answer.map(drop).map_err(|error| error.to_string())
            }
            Servers::Many(cluster) => cluster.check().await,
        }
    }
}
