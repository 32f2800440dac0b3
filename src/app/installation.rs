//! An installation is a database and the master key that opens its sealed secrets. This file locates both, and refuses
//! to create one that is only missing at the configured place.

use std::path::{Path, PathBuf};

use anyhow::bail;
use uuid::Uuid;

use crate::config::Config;
use crate::private;
use crate::store::channels::OneSealed;
use crate::store::names::{ListNames, Nameable};
use crate::store::{Engine, Store};
use crate::vault::{Vault, key_file};

/// The absolute path of the SQLite file, existing or not; `None` for PostgreSQL.
pub fn database_file(config: &Config) -> Option<PathBuf> {
    let is_file = Engine::of(&config.store.database_url) == Engine::Sqlite;
    is_file.then(|| absolute(Path::new(Engine::sqlite_path(&config.store.database_url))))
}

/// For commands that need an existing installation: fails instead of creating one in the wrong folder.
pub fn require(config: &Config) -> anyhow::Result<()> {
    if let Some(file) = database_file(config)
        && !exists(&file)
    {
        bail!(
            "there is no database at {}: run this in the folder of the installation, or name its place with data_dir \
             in hubbub.toml or with HUBBUB_DATA_DIR. To make a new installation here, run `hubbub serve` or \
             `hubbub admin tenant create` first",
            file.display()
        );
    }
    if let Some(file) = missing_key(config) {
        bail!(
            "the key file {} is missing: name its place with master_key_file, or that of the whole installation with \
             data_dir or HUBBUB_DATA_DIR. `hubbub serve` makes one if nothing was sealed with another yet",
            file.display()
        );
    }
    Ok(())
}

/// The vault of an open store. A missing key file is made, unless the store has secrets that were sealed with it.
pub async fn vault(config: &Config, store: &Store) -> anyhow::Result<Vault> {
    if let Some(file) = missing_key(config) {
        let first =
            ListNames { of: Nameable::Channel, tenant: None, after: (Uuid::nil(), Uuid::nil()), limit: 1 };
        if !store.read(first).await?.is_empty() {
            let file = file.display();
            bail!(
                "the key file {file} is missing, and nothing else opens the credentials of the channels that are in \
                 the database: put it back, or name its place with master_key_file (HUBBUB_MASTER_KEY_FILE). If it \
                 is lost for good, write a new key there (openssl rand -base64 32 > {file}) and make the channels \
                 anew"
            );
        }
    }
    let secrets = &config.secrets;
    let vault = key_file::vault(&secrets.master_key, &secrets.master_key_file, &secrets.old_master_keys)?;
    if let Some(sealed) = store.read(OneSealed).await?
        && !vault.may_open(&sealed)
    {
        tracing::error!(
            "the credentials of channels were sealed with another master key: nothing comes or goes through them. Set that \
             key, or add it to old_master_keys; if it is lost, connect the channels anew"
        );
    }
    Ok(vault)
}

/// The configured key file, if it does not exist.
fn missing_key(config: &Config) -> Option<PathBuf> {
    let is_missing = config.secrets.master_key.is_empty() && !exists(&config.secrets.master_key_file);
    is_missing.then(|| absolute(&config.secrets.master_key_file))
}

/// One sentence for each part of the installation that other users of the machine can enter or read. New files are
/// created for this user alone; older ones, and folders shared on purpose, are left as they are.
pub fn open_to_others(config: &Config) -> Vec<String> {
    let mut places = vec![config.store.data_dir.clone()];
    if let Some(database) = database_file(config) {
        for beside in ["", "-wal", "-shm"] {
            let mut file = database.clone().into_os_string();
            file.push(beside);
            places.push(file.into());
        }
    }
    places.push(config.media_dir());
    places.iter().filter_map(|place| private::open_to_others(place)).collect()
}

/// A file that cannot be inspected counts as existing: opening it reports the reason.
fn exists(file: &Path) -> bool {
    file.try_exists().unwrap_or(true)
}

fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::app::App;
    use crate::app::file_lock::FileLock;
    use crate::clock::Clock;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    /// Whatever the umask is: files made by a start are private, and older ones that are open are reported, not
    /// changed.
    #[tokio::test]
    async fn an_installation_is_closed_to_others_and_an_open_one_is_told() {
        let outer = tempfile::tempdir().expect("a folder");
        let config = Config::embedded(&outer.path().join("deep/data"));
        let _lock = FileLock::take(&config).expect("locked");
        let app = App::start(config.clone(), Clock::System).await.expect("started");
        let database = database_file(&config).expect("a file");
        for file in [&database, &config.secrets.master_key_file, &config.store.data_dir.join("hubbub.db-wal")]
        {
            assert_eq!(mode(file), 0o600, "{}", file.display());
        }
        assert_eq!(mode(&config.store.data_dir.join("hubbub.db.lock")), 0o600);
        assert_eq!((mode(&config.store.data_dir), mode(&outer.path().join("deep"))), (0o700, 0o700));
        assert!(open_to_others(&config).is_empty());
        app.stop().await;
        fs::set_permissions(&config.store.data_dir, fs::Permissions::from_mode(0o755)).expect("opened");
        fs::set_permissions(&database, fs::Permissions::from_mode(0o644)).expect("opened");
        let app = App::start(config.clone(), Clock::System).await.expect("started");
        let told = open_to_others(&config);
        let says = |what: &str| told.iter().any(|sentence| sentence.contains(what));
        assert!(
            says(&format!("chmod 700 {}", config.store.data_dir.display())) && says("chmod 600"),
            "{told:?}"
        );
        assert_eq!((mode(&config.store.data_dir), mode(&database)), (0o755, 0o644), "it is the operator's");
        app.stop().await;
    }
}
