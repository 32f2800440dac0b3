//! The master key: from the configuration, or from a key file that the first start makes, readable by its owner only.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use super::{MasterKey, Vault};
use crate::private;

/// The vault of an installation. Makes the key file if neither a key nor a file exists.
pub fn vault(key: &str, file: &Path, old: &[String]) -> anyhow::Result<Vault> {
    let key = if key.is_empty() { from_file(file)? } else { MasterKey::parse(key).context("master_key")? };
    let old = old.iter().map(|key| MasterKey::parse(key)).collect::<anyhow::Result<Vec<_>>>()?;
    Vault::new(key, &old)
}

fn from_file(path: &Path) -> anyhow::Result<MasterKey> {
    match fs::read_to_string(path) {
        Ok(text) => {
            warn_if_open(path);
            MasterKey::parse(&text).with_context(|| format!("the key file {}", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(path),
        Err(error) => Err(error)
            .with_context(|| format!("cannot read the key file {}{}", path.display(), private::whose(path))),
    }
}

/// Never overwrites a key that another process made in the meantime.
fn make(path: &Path) -> anyhow::Result<MasterKey> {
    let about = || format!("cannot make the key file {}", path.display());
    if let Some(folder) = path.parent() {
        private::create_dir(folder).with_context(about)?;
    }
    let key = MasterKey::random()?;
    // Written under another name and then linked, so that no process reads a partial key.
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = private::create_options().truncate(true).open(&draft).with_context(about)?;
    private::give(&file, &draft, private::around(path));
    writeln!(file, "{}", key.to_base64()).and_then(|()| file.sync_all()).with_context(about)?;
    let linked = fs::hard_link(&draft, path);
    let _ = fs::remove_file(&draft);
    match linked {
        Ok(()) => {
            tracing::warn!(file = %path.display(), "made a master key: keep a copy of it apart from the database");
            Ok(key)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => from_file(path),
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
}
