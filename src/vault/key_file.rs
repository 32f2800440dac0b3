//! The master key: from the configuration, or from a key file that the first start makes, readable by its owner only.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use super::{MasterKey, Vault};
use crate::file_draft::FileDraft;
use crate::private;

/// The vault of an installation. Makes the key file if neither a key nor a file exists.
pub fn vault(key: &str, file: &Path, old: &[String]) -> anyhow::Result<Vault> {
    let key = if key.is_empty() { from_file(file)? } else { MasterKey::parse(key).context("master_key")? };
    let old = old.iter().map(|key| MasterKey::parse(key)).collect::<anyhow::Result<Vec<_>>>()?;
    Vault::new(key, &old)
}

/// A file that another process is just making may be empty for a moment.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

fn from_file(path: &Path) -> anyhow::Result<MasterKey> {
    match read(path) {
        Ok(text) => parse(path, &text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path),
        Err(error) => Err(error)
            .with_context(|| format!("cannot read the key file {}{}", path.display(), private::whose(path))),
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = fs::read_to_string(path)?;
    for _ in 0..TRIES {
        if !text.trim().is_empty() {
            break;
        }
        std::thread::sleep(PAUSE);
        text = fs::read_to_string(path)?;
    }
    Ok(text)
}

fn parse(path: &Path, text: &str) -> anyhow::Result<MasterKey> {
    warn_if_open(path);
    MasterKey::parse(text).with_context(|| format!("the key file {}", path.display()))
}

/// Never overwrites a key that another process made in the meantime.
fn make(path: &Path) -> anyhow::Result<MasterKey> {
    let about = || format!("cannot make the key file {}", path.display());
    private::create_dir(private::around(path)).with_context(about)?;
    let key = MasterKey::random()?;
    // Written under another name first, so that no process reads a partial key.
    let draft = FileDraft::begin(path).with_context(about)?;
    fs::write(draft.path(), format!("{}\n", key.to_base64())).with_context(about)?;
    match draft.publish(path) {
        Ok(()) => {
            tracing::warn!(file = %path.display(), "made a master key: keep a copy of it apart from the database");
            Ok(key)
        }
        // Not by `from_file`: under the name may be a link to a file that is not there.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            parse(path, &read(path).with_context(about)?)
        }
        Err(error) => Err(error).with_context(about),
    }
}

#[cfg(unix)]
fn warn_if_open(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    if fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0) {
        tracing::warn!(file = %path.display(), "the key file can be read by others: chmod 600");
    }
}

#[cfg(not(unix))]
fn warn_if_open(_: &Path) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_start_makes_a_key_that_later_ones_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("new/hubbub.key");
        let open = || vault("", &file, &[]);
        let first = open().expect("made");
        let sealed = first.seal("x", b"secret").expect("sealed");
        assert_eq!(open().expect("read").open("x", &sealed).expect("opened"), b"secret");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&file).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(&file, "nonsense").expect("written");
        assert!(format!("{:#}", open().expect_err("refused")).contains("hubbub.key"));
    }

    #[test]
    fn what_a_killed_start_left_beside_it_is_in_nobodys_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("hubbub.key");
        // In a container every start is the same number of process.
        let left = format!("hubbub.key.new-{}", std::process::id());
        fs::create_dir(folder.path().join(&left)).expect("made");
        fs::create_dir(folder.path().join(left.replace(".key", ""))).expect("made");
        vault("", &file, &[]).expect("made");
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 3);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nowhere_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("hubbub.key");
        std::os::unix::fs::symlink(folder.path().join("not-mounted/hubbub.key"), &file).expect("linked");
        let why = format!("{:#}", vault("", &file, &[]).expect_err("refused"));
        assert!(why.contains("cannot make the key file"), "{why}");
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1);
    }
}
