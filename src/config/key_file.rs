//! The master key: from the configuration, or from a key file that the first start makes for its owner only.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use super::Config;
use crate::accounts::{MasterKey, Vault};
use crate::private;

/// The vault of this installation. Makes the key file if there is neither a key nor a file.
pub fn master_key(config: &Config) -> anyhow::Result<Vault> {
    let key = if config.secrets.master_key.is_empty() {
        from_file(&config.secrets.master_key_file)?
    } else {
        MasterKey::parse(&config.secrets.master_key).context("master_key")?
    };
    let old = config
        .secrets
        .old_master_keys
        .iter()
        .map(|key| MasterKey::parse(key))
        .collect::<anyhow::Result<Vec<_>>>()?;
    Vault::new(key, &old)
}

fn from_file(path: &Path) -> anyhow::Result<MasterKey> {
    match fs::read_to_string(path) {
        Ok(text) => {
            warn_if_open(path);
            MasterKey::parse(&text).with_context(|| format!("the key file {}", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(path),
        Err(error) => Err(error).with_context(|| format!("cannot read the key file {}", path.display())),
    }
}

/// Never writes over a key that another process made in between.
fn make(path: &Path) -> anyhow::Result<MasterKey> {
    let about = || format!("cannot make the key file {}", path.display());
    if let Some(folder) = path.parent() {
        private::create_dir(folder).with_context(about)?;
    }
    let key = MasterKey::random()?;
    // Written whole under another name and then linked, so that nobody reads half a key.
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = private::create_options().truncate(true).open(&draft).with_context(about)?;
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
        let folder =
            std::env::temp_dir().join(crate::accounts::vault::random_token("hubbub-key-").expect("a name"));
        let config = Config::embedded(&folder);
        let first = master_key(&config).expect("made");
        let sealed = first.seal("x", b"secret").expect("sealed");
        assert_eq!(master_key(&config).expect("read").open("x", &sealed).expect("opened"), b"secret");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&config.secrets.master_key_file).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(&config.secrets.master_key_file, "nonsense").expect("written");
        assert!(format!("{:#}", master_key(&config).expect_err("refused")).contains("hubbub.key"));
        let _ = fs::remove_dir_all(folder);
    }
}
