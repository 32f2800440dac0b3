//! `hubbub backup` and `hubbub restore`, of an installation on SQLite. The master key is no part of a backup.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::print;
use crate::app::file_lock::FileLock;
use crate::app::installation::database_file;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::backup;

#[derive(clap::Args)]
pub(super) struct Backup {
    /// The file to make. It must not be there yet.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

#[derive(clap::Args)]
pub(super) struct Restore {
    /// A file that `hubbub backup` made.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
}

impl Backup {
    pub(super) fn run(&self, config: &Config) -> anyhow::Result<()> {
        let database = sqlite(config, "pg_dump")?;
        if !database.exists() {
            bail!("there is no database at {}", database.display());
        }
        let copied = backup::backup(&database, &self.to, &mut percent("copied"))
            .with_context(|| format!("no backup was made of {}", database.display()))?;
        let mut text = format!(
            "{} holds {} rows of {} tables in {} bytes. Keep it apart from the master key{}, without which the channels' \
             credentials in it cannot be opened",
            self.to.display(),
            copied.rows,
            copied.tables,
            copied.bytes,
            key_place(config)
        );
        if !copied.foreign.is_empty() {
            let _ = write!(
                text,
                "\n`hubbub restore` refuses it as it is, because of what this server did not make in the database: {}",
                copied.foreign.join(", ")
            );
        }
        print(&text)
    }
}

impl Restore {
    pub(super) fn run(&self, config: &Config) -> anyhow::Result<()> {
        let database = sqlite(config, "pg_restore")?;
        let _lock = FileLock::take(config)?;
        let restored = backup::restore(&self.from, &database, &Clock::System, &mut percent("copied"))
            .with_context(|| format!("{} was not put in place of anything", self.from.display()))?;
        let mut text = format!(
            "{} holds {} rows of {} tables now. The feed's epoch is {}: whoever comes with a position of before loads \
             everything anew",
            database.display(),
            restored.copied.rows,
            restored.copied.tables,
            restored.epoch
        );
        if let Some(former) = &restored.former {
            let _ = write!(text, "\nThe former database is {}", former.display());
        }
        if restored.unsent > 0 {
            let _ = write!(
                text,
                "\n{} messages were waiting to be sent when the backup was made. They may have left since, and leave when \
                 the server starts",
                restored.unsent
            );
        }
        print(&text)
    }
}

fn sqlite(config: &Config, instead: &str) -> anyhow::Result<PathBuf> {
    database_file(config).with_context(|| {
        format!("database_url is PostgreSQL: use its own tools ({instead}, or a base backup with its log; docs/backup.md)")
    })
}

fn key_place(config: &Config) -> String {
    if config.secrets.master_key.is_empty() {
        format!(" ({})", Path::new(&config.secrets.master_key_file).display())
    } else {
        " (master_key)".to_owned()
    }
}

/// Writes a line to standard error at each tenth.
fn percent(what: &'static str) -> impl FnMut(i32, i32) {
    let mut told = 0;
    move |done, all| {
        let tenth = if all > 0 { i64::from(done) * 10 / i64::from(all) } else { 10 };
        if tenth > told {
            told = tenth;
            eprintln!("hubbub: {what} {} %", tenth * 10);
        }
    }
}
