//! What a business knows of a person besides what providers tell: labels, attributes, notes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::text_enum;

/// A label of a tenant, for contacts and conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Label {
    pub id: Uuid,
    pub name: String,
    /// `#rrggbb`.
    pub colour: String,
}

text_enum!(
    /// The type of an attribute's values.
    AttributeKind {
        Text = "text",
        Number = "number",
        /// `YYYY-MM-DD`.
        Date = "date",
        /// One of `choices`.
        Choice = "choice",
        YesNo = "yes_no",
        /// An object of `street`, `postal_code`, `city`, `region` and `country`, all texts.
        Address = "address",
    }
);

/// What values an attribute may have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AttributeRules {
    /// Bounds of numbers.
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// Characters of a text; 1,000 if there is none.
    pub max_length: Option<u32>,
    pub choices: Vec<String>,
    /// Nobody fills it in any more; what is known stays and may be unset.
    pub retired: bool,
}

/// Something that a tenant wants to know of its contacts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Attribute {
    pub id: Uuid,
    pub name: String,
    pub kind: AttributeKind,
    pub rules: AttributeRules,
}

/// What is known of a contact.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AttributeValue {
    pub attribute: Uuid,
    #[schema(value_type = serde_json::Value)]
    pub value: serde_json::Value,
    pub updated_at: i64,
    /// Who set it.
    pub author: Option<String>,
}

/// A note about a contact, for people only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ContactNote {
    pub id: Uuid,
    pub contact: Uuid,
    pub text: String,
    /// Who wrote it: a user.
    pub author: Option<Uuid>,
    pub author_name: Option<String>,
    pub created_at: i64,
    pub edited_at: Option<i64>,
}
