//! `hubbub admin history`.

use clap::Subcommand;

use super::{Context, Show};
use crate::history::take_over;

#[derive(Subcommand)]
pub(in crate::cli) enum History {
    /// Let this database go on with the history in MongoDB in place of the one that has it: after a backup was restored. Nothing
    /// that the store has is lost: it is written there again. The other one is kept out from then on.
    TakeOver {
        /// Also from a server that runs.
        #[arg(long)]
        while_in_use: bool,
        #[command(flatten)]
        show: Show,
    },
}

impl History {
    pub(super) async fn run(self, admin: &Context) -> anyhow::Result<()> {
        match self {
            Self::TakeOver { while_in_use, show } => {
                let done = take_over(&admin.config.history, &admin.store, while_in_use).await?;
                show.done(&done)
            }
        }
    }
}
