//! A clock that is wrong: libfaketime (Debian's package `faketime`) stands between a program and the time of day. Clocks that
//! only measure how long something takes are left as they are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::program::Recipe;

/// How long the library believes what it read in the file, in seconds.
const LOOKS_AGAIN: &str = "1";

pub(crate) struct WrongClock {
    library: PathBuf,
    file: PathBuf,
}

impl WrongClock {
    /// Right at first. `None` where the library is not installed.
    pub(crate) fn new(folder: &Path, name: &str) -> Result<Option<Self>> {
        let Some(library) = library() else { return Ok(None) };
        tidy();
        let clock = Self { library, file: folder.join(name) };
        clock.set(0)?;
        Ok(Some(clock))
    }

    /// The program starts with this clock.
    pub(crate) fn given_to(&self, recipe: Recipe) -> Recipe {
        recipe
            .with("LD_PRELOAD", self.library.display().to_string())
            .with("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string())
            .with("FAKETIME_CACHE_DURATION", LOOKS_AGAIN)
            .with("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }

    /// So many seconds ahead of the right time, or behind it.
    pub(crate) fn set(&self, ahead: i64) -> Result<()> {
        let draft = self.file.with_extension("draft");
        std::fs::write(&draft, format!("{ahead:+}\n")).context("the file of a clock")?;
        std::fs::rename(&draft, &self.file).context("the file of a clock")
    }
}

impl Drop for WrongClock {
    fn drop(&mut self) {
        tidy();
    }
}

/// Removes what the library made in shared memory for programs that were killed.
fn tidy() {
    for entry in std::fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process =
            ["faketime_shm_", "sem.faketime_sem_"].iter().find_map(|begin| name.strip_prefix(begin));
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|library| library.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::unix_ms;
    use crate::cluster::program::output;

    #[tokio::test]
    async fn a_program_believes_it() {
        let folder = std::env::temp_dir().join(format!("loadtest-clock-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        if let Some(clock) = WrongClock::new(&folder, "clock").unwrap() {
            clock.set(3_600).unwrap();
            let recipe = clock.given_to(Recipe::new(Path::new("date"), &["+%s"], &folder.join("log")));
            let told = output(&mut recipe.command(), "").await.unwrap();
            let ahead = told.trim().parse::<u64>().unwrap() - unix_ms() / 1_000;
            assert!((3_598..=3_602).contains(&ahead), "{ahead}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
