//! A lead: somebody who left an address on a landing page.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Utm;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Lead {
    pub id: Uuid,
    pub tenant: Uuid,
    pub company: Option<Uuid>,
    /// The landing page, under the one name that is meant.
    pub source: String,
    /// The page's own id of it.
    pub external_id: Option<String>,
    pub name: Option<String>,
    /// In lower case, as it was written: nobody has proved it.
    pub email: Option<String>,
    /// Digits with a `+` where it was written so: nobody has proved it.
    pub phone: Option<String>,
    /// What its person may bring along in a first message, in brackets at the end of the text; null when it was used.
    pub reference: Option<String>,
    /// Whom it turned out to be: who wrote from its phone or email, or brought its reference.
    pub contact: Option<Uuid>,
    /// What else the form asked.
    pub fields: BTreeMap<String, String>,
    pub utm: Utm,
    /// Of advertisements: `gclid`, `fbclid`, `ttclid` and so on.
    pub click_ids: BTreeMap<String, String>,
    pub landing: Option<String>,
    pub referrer: Option<String>,
    /// The text to which the person agreed, and when.
    pub consent: Option<String>,
    pub consent_at: Option<i64>,
    pub at: i64,
}
