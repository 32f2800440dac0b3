//! Makes this server one of the installation's nodes, unless it would not see the files of one that runs: a file that
//! one node stores would be missing on the other.

use anyhow::bail;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::Config;
use crate::files::Libraries;
use crate::files::shared::{self, is_in_bucket, kind, place};
use crate::model::{NodeBus, NodeState};
use crate::store::nodes::{Join, Joined, Node, SILENT_MS};
use crate::store::{Engine, Store};
use crate::vault::Vault;

/// Longest name of a machine that is stored.
const MAX_NAME: usize = 100;

/// Enters the node and returns it as it is stored.
pub(super) async fn join(
    id: Uuid,
    config: &Config,
    store: &Store,
    libraries: &Libraries,
    vault: &Vault,
) -> anyhow::Result<Node> {
    let (mut library, mut readable) = (None, Vec::new());
    // On SQLite there is one node, whose files nobody else has to see.
    if store.engine() == Engine::Postgres {
        let marks = libraries.marks(store.ids().next()).await;
        readable = marks.readable;
        match marks.written {
            Ok(mark) => library = Some(mark),
            // A bucket is away for all nodes alike, and messages without files go on.
            Err(error) if is_in_bucket(config) => tracing::warn!(
                %error,
                place = place(config),
                "whether other nodes have the same files cannot be checked: the bucket does not tell its mark"
            ),
            Err(error) => bail!(
                "data_dir: {} cannot be used ({error}): let the server's user read and write there",
                place(config)
            ),
        }
    }
    let node = Node {
        id,
        name: name(config),
        address: config.server.listen.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: 0,
        seen_at: 0,
        clock_at: Clock::System.now_ms(),
        state: NodeState::NotReady,
        reason: None,
        bus: if config.bus.url.is_empty() { NodeBus::Alone } else { NodeBus::Down },
        round_trip_us: None,
        sessions: 0,
        library,
        readable,
        master_keys: vault.key_ids(),
    };
    match store.write(Join(node.clone())).await?.value {
        Joined::OtherKey(other) => bail!(
            "master_key: the node {} ({}), which runs on the same database, has another master key: what the one seals does \
             not open at the other. Give all nodes one key; how to change it is in docs/scaling.md. If that node is gone, \
             start this one again {} seconds after its end",
            other.name,
            other.address,
            SILENT_MS / 1_000
        ),
        Joined::Apart(other) => {
            bail!("files: {}. {}", shared::apart(config, &node.readable, &other), shared::remedy())
        }
        Joined::Yes { started_at, library_before } => {
            if let (Some(before), Some(now)) = (library_before, &node.library)
                && before != *now
                && !node.readable.contains(&before)
            {
                tracing::warn!(
                    place = place(config),
                    "files were kept in another {} until now, which this server does not see: what is there cannot be \
                     opened. If it is only not mounted, or named wrongly, stop the server and mend that; if its files were \
                     moved here, all is well",
                    kind(&before)
                );
            }
            Ok(Node { started_at, ..node })
        }
    }
}

/// The configured name, or the machine's.
fn name(config: &Config) -> String {
    let configured = &config.server.node_name;
    if !configured.is_empty() {
        return configured.clone();
    }
    let machine = rustix::system::uname();
    machine.nodename().to_string_lossy().chars().filter(|sign| !sign.is_control()).take(MAX_NAME).collect()
}
