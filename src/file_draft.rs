//! A file that is written under another name until it is whole, and then gets its name: instead of nothing, or in the place
//! of what had it. That it can get it is tried before anything is written.
//!
//! Not every file system can do all of it. FAT and most of SMB have no links, some of FUSE neither links nor a rename that
//! replaces nothing: the ways to a name are tried one after the other.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::private;

/// Stands between the name of a file and what is random in that of its draft. Random, because the number of a process comes
/// again: in a container it is always the same.
const MARK: &str = ".new-";
const RANDOM: usize = 20;
/// At the end of the name until the draft has shown that it can be renamed.
const UNTRIED: &str = ".try";
/// What SQLite writes beside a draft.
const BESIDE: &[&str] = &["-journal", "-wal", "-shm"];
/// A draft to which nothing was written for so long is that of a process that was killed.
const STALE: Duration = Duration::from_hours(24);

/// Removed if it never gets its name.
pub struct FileDraft {
    path: PathBuf,
}

impl FileDraft {
    /// An empty draft beside the file that it is to become, whose folder must be there, and which only this user can read.
    /// Removes drafts in that folder which nobody works on any more.
    pub fn begin(of: &Path) -> io::Result<Self> {
        let (folder, mut prefix) = (private::around(of), of.file_name().unwrap_or_default().to_owned());
        remove_stale(folder);
        prefix.push(MARK);
        let made = tempfile::Builder::new()
            .prefix(&prefix)
            .rand_bytes(RANDOM)
            .suffix(UNTRIED)
            .tempfile_in(folder)?;
        private::give(made.as_file(), made.path(), if of.exists() { of } else { folder });
        let mut draft = Self { path: made.into_temp_path().keep()? };
        let named = draft.path.with_extension("");
        give(&draft.path, &named)?;
        draft.path = named;
        Ok(draft)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it a name that nothing else has. [`io::ErrorKind::AlreadyExists`]: something has it, and keeps it.
    pub fn publish(self, name: &Path) -> io::Result<()> {
        sync(&self.path)?;
        give(&self.path, name)?;
        sync(private::around(name))
    }

    /// Puts it in the place of a file.
    pub fn replace(self, file: &Path) -> io::Result<()> {
        sync(&self.path)?;
        fs::rename(&self.path, file)?;
        sync(private::around(file))
    }
}

impl Drop for FileDraft {
    fn drop(&mut self) {
        for end in std::iter::once(&"").chain(BESIDE) {
            let mut path = self.path.clone().into_os_string();
            path.push(end);
            let _ = fs::remove_file(path);
        }
    }
}

/// Keeps a file under a further name, which nothing has: by a link, or by a copy where there are no links. The file has its
/// own name at every moment.
pub fn keep_as(file: &Path, name: &Path) -> io::Result<()> {
    match fs::hard_link(file, name) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => copy_as(file, name),
        linked => linked,
    }
}

fn copy_as(file: &Path, name: &Path) -> io::Result<()> {
    let draft = FileDraft::begin(name)?;
    fs::copy(file, &draft.path)?;
    draft.publish(name)
}

/// A way to give a file a name that nothing has. If something has it, the error is [`io::ErrorKind::AlreadyExists`].
type Way = fn(&Path, &Path) -> io::Result<()>;

const WAYS: &[Way] = &[rename_to_nothing, link, rename_to_claimed];

fn give(from: &Path, to: &Path) -> io::Result<()> {
    give_by(WAYS, from, to)
}

fn give_by(ways: &[Way], from: &Path, to: &Path) -> io::Result<()> {
    let mut refused = io::Error::from(io::ErrorKind::Unsupported);
    for way in ways {
        match way(from, to) {
            // Which error says that there is no such way depends on the file system, and on the filters of containers.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => refused = error,
            given => return given,
        }
    }
    Err(refused)
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_to_nothing(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    let _ = fs::remove_file(from);
    Ok(())
}

/// An empty file claims the name, and is then replaced: whoever looks in between sees it empty.
fn rename_to_claimed(from: &Path, to: &Path) -> io::Result<()> {
    private::create_options().create_new(true).open(to)?;
    fs::rename(from, to).inspect_err(|_| {
        let _ = fs::remove_file(to);
    })
}

fn sync(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

fn remove_stale(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|entry| is_draft(entry.file_name())) {
        let changed = entry.metadata().and_then(|about| about.modified());
        // By the clock of the file system; one that runs ahead has no such age, and the draft stays.
        if changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > STALE)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_draft(name: OsString) -> bool {
    let Ok(name) = name.into_string() else { return false };
    let name =
        std::iter::once(&UNTRIED).chain(BESIDE).find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    name.rsplit_once(MARK).is_some_and(|(of, random)| {
        !of.is_empty() && random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().into_string().expect("a name")).collect();
        names.sort();
        names
    }

    fn has_none(_: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    #[test]
    fn every_way_gives_a_free_name_and_takes_none_away() {
        let some: [&[Way]; 4] = [
            WAYS,
            &[has_none, link, rename_to_claimed],
            &[has_none, has_none, rename_to_claimed],
            &[rename_to_claimed],
        ];
        for ways in some {
            let folder = tempfile::tempdir().expect("a folder");
            let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
            fs::write(&from, "one").expect("written");
            give_by(ways, &from, &to).expect("given");
            assert_eq!(names(folder.path()), ["to"]);
            assert_eq!(fs::read_to_string(&to).expect("read"), "one");
            fs::write(&from, "two").expect("written");
            let taken = give_by(ways, &from, &to).expect_err("refused");
            assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read_to_string(&to).expect("read"), "one");
            assert_eq!(fs::read_to_string(&from).expect("read"), "two");
        }
        let folder = tempfile::tempdir().expect("a folder");
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        let refused = give_by(&[has_none], &from, &to).expect_err("refused");
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        // What is not there is not named either, and its name is free again.
        give_by(WAYS, &from, &to).expect_err("refused");
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_draft_is_published_or_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.db");
        let draft = FileDraft::begin(&file).expect("begun");
        fs::write(draft.path(), "whole").expect("written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(draft.path()).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        // As SQLite does.
        fs::write(format!("{}-journal", draft.path().display()), "").expect("written");
        draft.publish(&file).expect("published");
        drop(FileDraft::begin(&file).expect("begun"));
        assert_eq!(names(folder.path()), ["a.db"]);
        let draft = FileDraft::begin(&file).expect("begun");
        fs::write(draft.path(), "other").expect("written");
        let taken = draft.publish(&file).expect_err("refused");
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&file).expect("read"), "whole");
        let draft = FileDraft::begin(&file).expect("begun");
        fs::write(draft.path(), "newer").expect("written");
        keep_as(&file, &folder.path().join("kept")).expect("kept");
        copy_as(&file, &folder.path().join("copied")).expect("copied");
        draft.replace(&file).expect("replaced");
        assert_eq!(names(folder.path()), ["a.db", "copied", "kept"]);
        let text = |name: &str| fs::read_to_string(folder.path().join(name)).expect("read");
        assert_eq!(["a.db", "copied", "kept"].map(text), ["newer", "whole", "whole"]);
        FileDraft::begin(&folder.path().join("none/a.db")).map(drop).expect_err("the folder is not made");
    }

    #[test]
    fn what_a_killed_process_left_is_in_nobodys_way_and_removed_later() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.db");
        let left = [
            "a.db.new-1",
            "b.db.new-0123456789abcdefGHIJ",
            "b.db.new-0123456789abcdefGHIJ-wal",
            "notes.new-x",
        ];
        for name in left {
            fs::write(folder.path().join(name), "").expect("written");
        }
        FileDraft::begin(&file).expect("begun").publish(&file).expect("published");
        assert_eq!(names(folder.path()).len(), 1 + left.len(), "it may be under way");
        for name in left {
            let at =
                fs::metadata(folder.path().join(name)).and_then(|about| about.modified()).expect("a time");
            let old = fs::File::options().write(true).open(folder.path().join(name)).expect("opens");
            old.set_modified(at - STALE - Duration::from_mins(1)).expect("set");
        }
        drop(FileDraft::begin(&file).expect("begun"));
        assert_eq!(names(folder.path()), ["a.db", "a.db.new-1", "notes.new-x"], "others' files are theirs");
    }
}
