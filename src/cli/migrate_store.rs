//! `hubbub migrate-store`: an installation moves from SQLite to PostgreSQL.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::print;
use crate::app::file_lock::FileLock;
use crate::clock::Clock;
use crate::config::names_file;
use crate::store::Engine;
use crate::store::copy::{Copying, Step, copy};

/// The pause between two lines about one table.
const TELL_EVERY: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
pub(super) struct MigrateStore {
    /// The SQLite file: `sqlite:PATH`. No server may run on it.
    #[arg(long, value_name = "URL")]
    from: String,
    /// An empty PostgreSQL database, or the unfinished copy: `postgres://user@host/database`. A password may be in
    /// HUBBUB_TARGET_PASSWORD instead, so that the list of processes does not show it.
    #[arg(long, value_name = "URL")]
    to: String,
}

impl MigrateStore {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        if !names_file(&self.from) {
            bail!("--from: must be sqlite:PATH: other ways are those of PostgreSQL's own tools");
        }
        if Engine::of(&self.to) != Engine::Postgres {
            bail!("--to: must be postgres://…");
        }
        let file = PathBuf::from(Engine::sqlite_path(&self.from));
        if !file.exists() {
            bail!("--from: there is no database at {}", file.display());
        }
        let to = with_password(&self.to, std::env::var("HUBBUB_TARGET_PASSWORD").ok().as_deref())?;
        // What a server writes during the copy would be missing in it.
        let _lock = FileLock::of(&file)?;
        let mut told = Lines::default();
        let done = copy(&file, &to, &Copying::default(), &Clock::System, &mut |step| told.tell(step))
            .await
            .context("the copy is not finished")?;
        print(&format!(
            "copied and compared {} rows of {} tables. What to do next:\n\
             1. set database_url (HUBBUB_DATABASE_URL) to the target, on every node; the master key stays the same\n\
             2. files of messages are not in the database: keep the data folder's media where every node sees it, or \
             have new files go to a bucket (file_library, docs/files.md)\n\
             3. start the server; it builds the search index anew beside its work\n\
             4. keep {} until you have seen it work, and start no server on it again",
            done.rows,
            done.tables,
            file.display()
        ))
    }
}

/// The address with a password, if it has none.
fn with_password(url: &str, password: Option<&str>) -> anyhow::Result<String> {
    let Some(password) = password.filter(|password| !password.is_empty()) else { return Ok(url.to_owned()) };
    let mut parsed = url::Url::parse(url).context("--to")?;
    if parsed.password().is_none() && parsed.set_password(Some(password)).is_err() {
        bail!("--to: has no host for the password of HUBBUB_TARGET_PASSWORD");
    }
    Ok(parsed.into())
}

/// The lines of progress.
#[derive(Default)]
struct Lines {
    last: Option<Instant>,
}

impl Lines {
    fn tell(&mut self, step: &Step<'_>) {
        match step {
            Step::LeavesOut { objects } => {
                eprintln!("hubbub: not copied, because this server did not make it: {}", objects.join(", "));
            }
            Step::Resumes { rows } => eprintln!("hubbub: goes on after {rows} rows that are there already"),
            Step::Verifies => eprintln!("hubbub: all rows are there; comparing both"),
            Step::Rows { table, rows, of } => {
                let is_end = rows == of;
                if is_end || self.last.is_none_or(|last| last.elapsed() >= TELL_EVERY) {
                    self.last = Some(Instant::now());
                    eprintln!("hubbub: {table}: {rows} of {of} rows");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_need_not_be_in_the_arguments() {
        let with = |url, password| with_password(url, password).expect("an address");
        assert_eq!(with("postgres://hub@db/hub", None), "postgres://hub@db/hub");
        assert_eq!(
            with("postgres://hub@db/hub?sslmode=require", Some("a/b")),
            "postgres://hub:a%2Fb@db/hub?sslmode=require"
        );
        assert_eq!(with("postgres://hub:own@db/hub", Some("other")), "postgres://hub:own@db/hub");
    }
}
