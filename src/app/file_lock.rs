//! A lock for one server per SQLite file: a second server would repeat sends, offers and answers. The server holds an
//! advisory lock on a file beside the database for its lifetime; the kernel releases it however the process ends. The
//! operator's commands do not take it: they are only further writers.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::installation::database_file;
use crate::config::Config;
use crate::private;

/// Released on drop.
#[derive(Debug)]
pub struct FileLock {
    _file: Option<File>,
}

impl FileLock {
    /// Takes the lock. Nothing is locked for PostgreSQL.
    pub fn take(config: &Config) -> anyhow::Result<Self> {
        let file = database_file(config).map(|database| lock(&database)).transpose()?;
        Ok(Self { _file: file })
    }

    /// Takes the lock of a SQLite file that no configuration names.
    pub fn of(database: &Path) -> anyhow::Result<Self> {
        Ok(Self { _file: Some(lock(database)?) })
    }
}

fn lock(database: &Path) -> anyhow::Result<File> {
    let beside = lock_path(database);
    let about = || format!("cannot lock {}{}", beside.display(), private::whose(&beside));
    if let Some(folder) = beside.parent() {
        private::create_dir(folder).with_context(about)?;
    }
    // The lock file is never removed: a third process could lock a new file while the second waits for the old one.
    let file = private::create(&beside).with_context(about)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another server works on the database {} (it holds {}): stop it first, or give this one a place of its own \
             with data_dir or HUBBUB_DATA_DIR",
            database.display(),
            beside.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(about),
    }
}

/// The lock file is beside the real database file, also if the path is a symbolic link.
fn lock_path(database: &Path) -> PathBuf {
    let real = std::fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    let mut path = real.into_os_string();
    path.push(".lock");
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_on_the_same_file_is_refused_until_the_first_lets_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config::embedded(&folder.path().join("new"));
        let first = FileLock::take(&config).expect("taken");
        let refused = FileLock::take(&config).expect_err("refused").to_string();
        assert!(refused.contains("hubbub.db") && refused.contains("HUBBUB_DATA_DIR"), "{refused}");
        FileLock::take(&Config::embedded(&folder.path().join("other"))).expect("another file");
        drop(first);
        FileLock::take(&config).expect("free again");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_leads_to_the_same_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let [real, link] = ["real.db", "link.db"].map(|name| folder.path().join(name));
        std::fs::write(&real, "").expect("written");
        std::os::unix::fs::symlink(&real, &link).expect("linked");
        let mut config = Config::embedded(folder.path());
        config.store.database_url = real.display().to_string();
        let _first = FileLock::take(&config).expect("taken");
        config.store.database_url = format!("sqlite://{}", link.display());
        FileLock::take(&config).expect_err("refused");
    }

    #[test]
    fn postgres_needs_no_file() {
        let mut config = Config::embedded(Path::new("/nowhere"));
        config.store.database_url = "postgres://localhost/hubbub".to_owned();
        FileLock::take(&config).expect("nothing to lock");
    }
}
