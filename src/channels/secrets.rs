//! The secrets of a channel: its credentials and the secret that verifies its webhooks, sealed in the channel's row and
//! bound to the channel's id.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::apps;
use crate::error::Error;
use crate::model::Channel;
use crate::store::Tx;
use crate::vault::{Vault, random_token};

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct ChannelSecrets {
    /// By the names of the provider's credential fields.
    pub credentials: BTreeMap<String, String>,
    /// The provider signs each webhook with it, or sends it along.
    pub hook_secret: String,
    /// The account's id at the provider, known since it was connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// When the person who signed in gave the tokens, Unix milliseconds: what this person took back before concerns others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_at: Option<i64>,
    /// The settings of the channel's app. They are the app's, and not sealed with the channel.
    #[serde(skip)]
    pub app: BTreeMap<String, String>,
    /// Stores what calls with these secrets renew on their way.
    #[serde(skip)]
    pub keeper: Option<Arc<dyn adapters::KeepRenewed>>,
}

impl std::fmt::Debug for ChannelSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.credentials.keys().collect();
        f.debug_struct("ChannelSecrets").field("credentials", &names).finish_non_exhaustive()
    }
}

fn owner(channel: Uuid) -> String {
    format!("channel:{channel}")
}

impl ChannelSecrets {
    /// Credentials with a new webhook secret.
    pub fn new(credentials: BTreeMap<String, String>) -> anyhow::Result<Self> {
        Ok(Self { credentials, hook_secret: random_token("")?, ..Self::default() })
    }

    pub fn seal(&self, vault: &Vault, channel: Uuid) -> anyhow::Result<String> {
        vault.seal(&owner(channel), &serde_json::to_vec(self)?)
    }

    pub fn open(vault: &Vault, channel: &Channel) -> anyhow::Result<Self> {
        let plain = vault.open(&owner(channel.id), &channel.sealed)?;
        // The parser's message is left out: it may quote the secret.
        serde_json::from_slice(&plain)
            .map_err(|_| anyhow::anyhow!("the secrets of channel {} are damaged", channel.id))
    }

    /// As [`open`](Self::open), with the settings of the channel's app.
    pub(crate) async fn load(tx: &mut Tx<'_>, vault: &Vault, channel: &Channel) -> Result<Self, Error> {
        let app = apps::settings_of(tx, vault, channel.app).await?;
        Ok(Self { app, ..Self::open(vault, channel)? })
    }

    /// The form in which an adapter takes them. No credential can stand in the place of an app's setting.
    pub fn account(&self) -> adapters::Account {
        let mut settings = self.credentials.clone();
        settings.extend(self.app.clone());
        let (external_id, keeper) = (self.external_id.clone(), self.keeper.clone());
        adapters::Account { external_id, settings, keeper }
    }
}
