//! An installation is a database and the key that opens what is sealed in it. This file knows where they are, and
//! refuses to make anew what is only missing from where one looks.

use std::path::{Path, PathBuf};

use anyhow::bail;
use uuid::Uuid;

use crate::accounts::Vault;
use crate::config::{self, Config};
use crate::store::names::{ListNames, Nameable};
use crate::store::{Engine, Store};

/// Where the SQLite file is, or will be, whatever the working folder. Nothing for PostgreSQL.
pub fn database_file(config: &Config) -> Option<PathBuf> {
    let is_file = Engine::of(&config.database_url) == Engine::Sqlite;
    is_file.then(|| absolute(Path::new(Engine::sqlite_path(&config.database_url))))
}

/// For what works only on an installation that is there: nothing is made in a folder that it was started in by mistake.
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

/// The vault of an open store. The key file is made if it is missing, unless something was sealed with it.
pub async fn vault(config: &Config, store: &Store) -> anyhow::Result<Vault> {
    if let Some(file) = missing_key(config) {
        let first = ListNames { of: Nameable::Channel, tenant: None, after: Uuid::nil(), limit: 1 };
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
    config::master_key(config)
}

/// The key file, if the key should be in it and it is not there.
fn missing_key(config: &Config) -> Option<PathBuf> {
    let is_missing = config.master_key.is_empty() && !exists(&config.master_key_file);
    is_missing.then(|| absolute(&config.master_key_file))
}

/// What cannot be looked at is taken to be there: opening it says why.
fn exists(file: &Path) -> bool {
    file.try_exists().unwrap_or(true)
}

fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}
