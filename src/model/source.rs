//! Where a customer came from: what a list shows of it, and what is kept of each time.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::text_enum;

text_enum!(
    SourceKind {
        /// A tracked link of ours.
        Link = "link",
        /// An advertisement that opens a chat.
        Ad = "ad",
        /// A reference that the tenant put into an address by itself.
        Referral = "referral",
        /// A form on a landing page.
        Lead = "lead",
    }
);

/// The marks by which campaigns are told apart: lower case, at most 200 characters each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Utm {
    pub source: Option<String>,
    pub medium: Option<String>,
    pub campaign: Option<String>,
    pub term: Option<String>,
    pub content: Option<String>,
}

/// Where a conversation came from, as it was then: a link that is renamed later changes nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    pub kind: SourceKind,
    /// For people: the link's name, the advertisement's headline.
    pub name: String,
    /// The link, if it was one of ours.
    pub link: Option<Uuid>,
    pub campaign: Option<String>,
    #[serde(default)]
    pub utm: Utm,
}

/// One time that something led the contact here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Touch {
    pub id: Uuid,
    pub contact: Uuid,
    pub channel: Uuid,
    /// Nothing if it came before a conversation was open.
    pub conversation: Option<Uuid>,
    pub source: Source,
    /// What the provider told besides: ids of the advertisement and of the click.
    #[schema(value_type = Option<Object>)]
    pub data: Option<serde_json::Value>,
    pub at: i64,
}

/// A tracked link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Link {
    pub id: Uuid,
    pub tenant: Uuid,
    pub company: Uuid,
    pub channel: Uuid,
    pub channel_kind: String,
    /// Its address is `/l/{code}` of this server.
    pub code: String,
    pub name: String,
    /// Whom the chat is with: digits of a phone number, or a user name.
    pub target: String,
    /// What the customer finds written.
    pub text: Option<String>,
    pub utm: Utm,
    pub campaign: Option<String>,
    pub active: bool,
    pub expires_at: Option<i64>,
    /// Visits of people.
    pub visits: i64,
    /// First messages that came through it.
    pub chats: i64,
    pub visited_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
}
