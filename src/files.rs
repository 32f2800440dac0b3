//! Files: the library that holds the bytes, uploads into it, and what is done to a file before it is kept (its type by its
//! bytes, no position in a picture). What a message does with a file is the inbox's.

pub mod address;
pub mod library;
pub mod limits;
pub mod pieces;
pub mod position;
pub mod shared;
pub mod staging;
mod thumbnail;
pub mod upload;
pub mod voice;

mod inspect;
mod keep;
pub mod remove;

use std::sync::Arc;

use crate::config::Config;
use crate::vault::Vault;

pub use address::Addresses;
pub use inspect::pixels;
pub use library::Libraries;
pub use staging::Staging;
pub use thumbnail::Thumbnails;

/// What everything about files needs, of one server.
#[derive(Clone)]
pub struct Files {
    pub libraries: Arc<Libraries>,
    pub staging: Arc<Staging>,
    pub addresses: Arc<Addresses>,
    pub thumbnails: Arc<Thumbnails>,
}

impl Files {
    pub fn open(config: &Config, vault: &Vault) -> anyhow::Result<Self> {
        Ok(Self {
            libraries: Arc::new(Libraries::open(config)?),
            staging: Arc::new(Staging::new(config.store.data_dir.join("uploads"))),
            thumbnails: Arc::new(Thumbnails::new(config.store.data_dir.join("thumbnails"))),
            addresses: Arc::new(Addresses::new(config, vault)?),
        })
    }
}
