//! `hubbub admin feed`.

use clap::Subcommand;

use super::{Context, Show};
use crate::store::events::BeginAnew;

#[derive(Subcommand)]
pub(in crate::cli) enum Feed {
    /// After the database was restored: positions of before mean other events now, so whoever comes with one is told to
    /// load everything anew. Those who are connected are told within a minute.
    BeginAnew {
        #[command(flatten)]
        show: Show,
    },
}

impl Feed {
    pub(super) async fn run(self, admin: &Context) -> anyhow::Result<()> {
        match self {
            Self::BeginAnew { show } => {
                let epoch = admin.store.write(BeginAnew).await?.value;
                show.one(&epoch, |epoch| format!("the feed's epoch is {epoch} now"))
            }
        }
    }
}
