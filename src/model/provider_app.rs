//! An app of a provider (a Meta app, a Google client, a WAHA server), through which channels of one or of all tenants are connected.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::text_enum;

text_enum!(
    /// How far an app is.
    ProviderAppState {
        /// Its settings are not complete, or the provider has not been asked.
        Draft = "draft",
        /// The provider examines it.
        InReview = "in_review",
        /// Free for the next tenant that needs one; one that serves all tenants stays here.
        Approved = "approved",
        /// A tenant has it.
        Assigned = "assigned",
        /// Its channels go on; nobody else gets it.
        Retired = "retired",
    }
);

/// An app as stored. `sealed` holds its settings and secrets, encrypted.
#[derive(Clone, Debug)]
pub struct ProviderApp {
    pub id: Uuid,
    /// The name of its kind: `meta`, `google` or `waha`.
    pub family: String,
    pub name: String,
    pub state: ProviderAppState,
    pub tenant: Option<Uuid>,
    /// Its id at the provider.
    pub external_id: String,
    pub sealed: String,
    pub created_at: i64,
}

/// An app as operators see it: nothing secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProviderAppView {
    pub id: Uuid,
    /// `meta`, `google` or `waha`.
    pub family: String,
    pub name: String,
    pub state: ProviderAppState,
    /// The tenant that has it.
    pub tenant: Option<Uuid>,
    pub external_id: String,
    /// Where the provider delivers: append it to the public address of this server. Nothing: it delivers to the channels.
    pub hook_path: Option<String>,
    /// How many channels are connected through it.
    pub channels: i64,
    /// How many may be; nothing: any number.
    pub capacity: Option<i64>,
    /// The settings that are no secrets.
    pub settings: BTreeMap<String, String>,
    /// The names of the secrets that it has.
    pub secrets: Vec<String>,
    pub created_at: i64,
}
