//! What a business knows of its contacts: labels, attributes, notes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{At, Caller};
use crate::document;
use crate::error::Error;
use crate::model::{Attribute, AttributeKind, AttributeRules, Conversation, Label};
use crate::people::{self, Card};

#[derive(Debug, Deserialize, ToSchema)]
pub struct OfTenant {
    tenant: Uuid,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Labels {
    labels: Vec<Label>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelBody {
    tenant: Uuid,
    /// The label that is changed; without it a new one is made.
    label: Option<Uuid>,
    #[serde(deserialize_with = "document::line")]
    name: String,
    /// `#rrggbb`.
    #[serde(deserialize_with = "document::line")]
    colour: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveLabelBody {
    tenant: Uuid,
    label: Uuid,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LabelRemoved {
    /// `false`: it was taken off some of its many bearers. Call again.
    is_gone: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelsBody {
    /// All labels that it has from now on.
    labels: Vec<Uuid>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LabelledConversation {
    conversation: Conversation,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Attributes {
    attributes: Vec<Attribute>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttributeBody {
    tenant: Uuid,
    /// The attribute that is changed; without it a new one is made.
    attribute: Option<Uuid>,
    #[serde(deserialize_with = "document::line")]
    name: String,
    /// It never changes.
    kind: AttributeKind,
    #[serde(default)]
    rules: AttributeRules,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ValuesBody {
    /// By the attribute's id; null unsets one.
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    values: BTreeMap<Uuid, Value>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactNoteBody {
    /// The note that is changed or removed; without it a new one is added.
    note: Option<Uuid>,
    /// Without it the note is removed.
    #[serde(default, deserialize_with = "document::opt_written")]
    text: Option<String>,
}

pub async fn labels(caller: Caller, query: OfTenant) -> Result<Labels, Error> {
    let verb = people::ListLabels(caller.tenant(query.tenant)?);
    Ok(Labels { labels: caller.app.store.read(verb).await? })
}

pub async fn put_label(caller: Caller, body: LabelBody) -> Result<Label, Error> {
    let LabelBody { tenant, label, name, colour } = body;
    let verb = people::PutLabel { scope: caller.tenant(tenant)?, id: label, name, colour };
    Ok(caller.app.store.write(verb).await?.value)
}

pub async fn remove_label(caller: Caller, body: RemoveLabelBody) -> Result<LabelRemoved, Error> {
    let verb = people::RemoveLabel { scope: caller.tenant(body.tenant)?, id: body.label };
    Ok(LabelRemoved { is_gone: caller.app.store.write(verb).await?.value })
}

pub async fn label_contact(at: At, body: LabelsBody) -> Result<Card, Error> {
    let verb = people::LabelContact { scope: at.scope, contact: at.id, labels: body.labels };
    Ok(at.app.store.write(verb).await?.value)
}

pub async fn label_conversation(at: At, body: LabelsBody) -> Result<LabelledConversation, Error> {
    let verb = people::LabelConversation { scope: at.scope, conversation: at.id, labels: body.labels };
    Ok(LabelledConversation { conversation: at.app.store.write(verb).await?.value })
}

pub async fn attributes(caller: Caller, query: OfTenant) -> Result<Attributes, Error> {
    let verb = people::ListAttributes(caller.tenant(query.tenant)?);
    Ok(Attributes { attributes: caller.app.store.read(verb).await? })
}

pub async fn put_attribute(caller: Caller, body: AttributeBody) -> Result<Attribute, Error> {
    let AttributeBody { tenant, attribute, name, kind, rules } = body;
    let verb = people::PutAttribute { scope: caller.tenant(tenant)?, id: attribute, name, kind, rules };
    Ok(caller.app.store.write(verb).await?.value)
}

pub async fn set_values(at: At, body: ValuesBody) -> Result<Card, Error> {
    let verb = people::SetAttributes { scope: at.scope, contact: at.id, values: body.values };
    Ok(at.app.store.write(verb).await?.value)
}

pub async fn note(at: At, body: ContactNoteBody) -> Result<Card, Error> {
    let verb = people::NoteContact { scope: at.scope, contact: at.id, note: body.note, text: body.text };
    Ok(at.app.store.write(verb).await?.value)
}
