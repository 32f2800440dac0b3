//! Folders and files that only this user may read: created with these permissions whatever the umask, and checked
//! afterwards. Wider permissions that an operator set are reported, not changed.
//!
//! What root makes in the folder of another user is made for that user: commands are typed as root beside a server that is
//! not, and it could not open its own files any more.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Creates a folder and its missing parents.
pub fn create_dir(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    let missing: Vec<_> =
        path.ancestors().take_while(|one| !one.as_os_str().is_empty() && !one.exists()).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    // From the outermost on: each has the owner of the one around it.
    #[cfg(unix)]
    for made in missing.into_iter().rev() {
        // Another process may have made it in the meantime.
        if let Ok(folder) = File::open(made) {
            give(&folder, made, around(made));
        }
    }
    Ok(())
}

/// Opens a file to write into it, creating it if it does not exist.
pub fn create(path: &Path) -> io::Result<File> {
    match create_options().create_new(true).open(path) {
        Ok(file) => {
            give(&file, path, around(path));
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => create_options().open(path),
        Err(error) => Err(error),
    }
}

/// The folder of a file.
pub fn around(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Gives what this process has just made the owner and the group of what is at `like`: the file whose place it takes, whose
/// mode it gets too, or its folder. Only root can; anybody else who replaces another's file is told.
#[cfg(unix)]
pub fn give(made: &File, path: &Path, like: &Path) {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    let given = || {
        let (about, own) = (std::fs::metadata(like)?, made.metadata()?);
        let is_replaced = about.is_file();
        let is_others = (about.uid(), about.gid()) != (own.uid(), own.gid());
        if is_others && (is_replaced || rustix::process::geteuid().is_root()) {
            fchown(made, Some(about.uid()), Some(about.gid()))?;
        }
        if is_replaced {
            made.set_permissions(std::fs::Permissions::from_mode(about.mode() & 0o777))?;
        }
        io::Result::Ok(())
    };
    if let Err(error) = given() {
        tracing::warn!(
            %error,
            file = %path.display(),
            like = %like.display(),
            "a file cannot be given the owner that is right there: chown it before the server starts, or run the command as \
             the server's user"
        );
    }
}

#[cfg(not(unix))]
pub fn give(_: &File, _: &Path, _: &Path) {}

/// Why a file may not be opened: the end of a message about it.
#[cfg(unix)]
pub fn whose(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt as _;
    let own = rustix::process::geteuid();
    match std::fs::metadata(path) {
        Ok(about) if about.uid() != own.as_raw() && !own.is_root() => format!(
            " (it belongs to the user {}, and this process is the user {}: chown it)",
            about.uid(),
            own.as_raw()
        ),
        _ => String::new(),
    }
}

#[cfg(not(unix))]
pub fn whose(_: &Path) -> String {
    String::new()
}

/// Options to open a file, creating it if it does not exist.
pub fn create_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A warning if others can enter a folder or read a file, with the command that fixes it.
#[cfg(unix)]
pub fn open_to_others(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let about = std::fs::metadata(path).ok()?;
    let mode = about.permissions().mode() & 0o777;
    let (what, right) = if about.is_dir() { ("folder", "700") } else { ("file", "600") };
    let path = path.display();
    (mode & 0o077 != 0).then(|| {
        format!(
            "the {what} {path} is open to other users of this machine (mode {mode:o}): customers' words and files are in \
             it. If that is not meant so: chmod {right} {path}"
        )
    })
}

#[cfg(not(unix))]
pub fn open_to_others(_: &Path) -> Option<String> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

    use super::*;

    fn about(path: &Path) -> (u32, u32, u32) {
        let about = std::fs::metadata(path).expect("it is there");
        (about.uid(), about.gid(), about.mode() & 0o777)
    }

    #[test]
    fn a_new_file_is_for_this_user_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let own = about(folder.path());
        let file = folder.path().join("a/b/new");
        create_dir(around(&file)).expect("made");
        create(&file).expect("made");
        create(&file).expect("opened");
        assert_eq!(about(&folder.path().join("a/b")), (own.0, own.1, 0o700));
        assert_eq!(about(&file), (own.0, own.1, 0o600));
    }

    /// Says something only where root runs it.
    #[test]
    fn what_root_makes_is_for_the_user_of_its_place() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        chown(folder.path(), Some(10_001), Some(10_002)).expect("root may");
        let file = folder.path().join("a/b/new");
        create_dir(around(&file)).expect("made");
        create(&file).expect("made");
        for (path, mode) in
            [(folder.path().join("a"), 0o700), (folder.path().join("a/b"), 0o700), (file.clone(), 0o600)]
        {
            assert_eq!(about(&path), (10_001, 10_002, mode), "{}", path.display());
        }
        let former = folder.path().join("former");
        std::fs::write(&former, "").expect("written");
        chown(&former, Some(10_003), Some(10_004)).expect("root may");
        std::fs::set_permissions(&former, std::fs::Permissions::from_mode(0o640)).expect("root may");
        give(&File::open(&file).expect("opened"), &file, &former);
        assert_eq!(about(&file), (10_003, 10_004, 0o640));
    }
}
