//! Folders and files that only this user may read: created with these permissions whatever the umask, and checked
//! afterwards. Wider permissions that an operator set are reported, not changed.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;

/// Creates a folder and its missing parents.
pub fn create_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
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
