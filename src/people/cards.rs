//! Everything about one person: its contacts, ids and conversations, as far as the caller sees them, and its merges.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::group::seen;
use super::{attributes, notes};
use crate::accounts::access::Scope;
use crate::error::Error;
use crate::model::{AttributeValue, Contact, ContactNote, Merge};
use crate::search::phone::Phone;
use crate::store::{Tx, Verb, contact_notes, contacts, conversations, merges};

/// Conversations and merges that a card has, the newest.
const CONVERSATIONS: usize = 50;
const MERGES: usize = 100;

/// An id of the person on a channel.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CardIdentity {
    pub contact: Uuid,
    pub channel: Uuid,
    pub channel_kind: String,
    /// The provider's id.
    pub id: String,
    /// The phone number that the id is, in E.164 with its plus.
    pub phone: Option<String>,
}

/// A conversation with the person.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CardConversation {
    pub id: Uuid,
    pub contact: Uuid,
    pub channel: Uuid,
    pub channel_kind: String,
    pub state: crate::model::ConversationState,
    pub updated_at: i64,
}

/// A person.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Card {
    pub tenant: Uuid,
    /// The contact as which the person is seen.
    pub contact: Contact,
    /// All its contacts as they are themselves, `contact` the first.
    pub members: Vec<Contact>,
    pub identities: Vec<CardIdentity>,
    /// The newest first.
    pub conversations: Vec<CardConversation>,
    /// What is known of it.
    pub attributes: Vec<AttributeValue>,
    /// The newest first.
    pub notes: Vec<ContactNote>,
    /// The newest first; also those that were undone, and those that wait for a person (`asked`).
    pub merges: Vec<Merge>,
    /// The contacts that a waiting merge would join.
    pub asked: Vec<Contact>,
}

pub struct GetCard {
    pub scope: Scope,
    pub contact: Uuid,
}

impl Verb for GetCard {
    type Out = Card;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Card, Error> {
        of(tx, &self.scope, self.contact).await
    }
}

pub async fn of(tx: &mut Tx<'_>, scope: &Scope, contact: Uuid) -> Result<Card, Error> {
    let tenant = scope.tenant();
    let person = seen(tx, scope, contact).await?;
    let members = person.ids();
    let mut identities = Vec::new();
    for one in contacts::identities(tx, tenant, &members).await? {
        if scope.sees_company(one.company) {
            let phone = phone_of(&one.kind, &one.external_id);
            identities.push(CardIdentity {
                contact: one.contact,
                channel: one.channel,
                channel_kind: one.kind,
                id: one.external_id,
                phone,
            });
        }
    }
    let of = conversations::of_contacts(tx, tenant, &members, CONVERSATIONS as i64).await?;
    let seen_here = of.into_iter().flatten().filter(|(_, company)| scope.sees_company(*company));
    let mut ids: Vec<Uuid> = seen_here.map(|(id, _)| id).collect();
    let mut written = contact_notes::list(tx, tenant, &members, notes::MOST).await?;
    let mut reasons = merges::of_contacts(tx, tenant, &members, MERGES as i64).await?;
    identities.sort_by(|a, b| (a.contact, a.channel, &a.id).cmp(&(b.contact, b.channel, &b.id)));
    ids.sort_unstable_by_key(|id| std::cmp::Reverse(*id));
    ids.truncate(CONVERSATIONS);
    let found = conversations::load_of_person(tx, tenant, &ids, &person.members).await?;
    let shown = found.into_iter().map(|one| CardConversation {
        id: one.id,
        contact: one.contact.id,
        channel: one.channel,
        channel_kind: one.channel_kind,
        state: one.state,
        updated_at: one.updated_at,
    });
    let conversations = shown.collect();
    reasons.sort_by_key(|one| std::cmp::Reverse(one.id));
    reasons.dedup_by_key(|one| one.id);
    reasons.truncate(MERGES);
    written.sort_by_key(|note| std::cmp::Reverse(note.id));
    let attributes = attributes::of(tx, tenant, &members).await?;
    let mut asked = Vec::new();
    for reason in reasons.iter().filter(|one| one.state == crate::model::MergeState::Asked) {
        for id in [reason.contact, reason.into] {
            if !members.contains(&id)
                && let Ok(other) = seen(tx, scope, id).await
            {
                asked.push(Contact { id, ..other.contact });
            }
        }
    }
    Ok(Card {
        tenant,
        contact: person.contact,
        members: person.members,
        identities,
        conversations,
        attributes,
        notes: written,
        merges: reasons,
        asked,
    })
}

/// The number that an id is, where the provider's ids are numbers.
fn phone_of(kind: &str, id: &str) -> Option<String> {
    let number = match kind {
        "waha" => id.strip_suffix("@c.us")?,
        "whatsapp-cloud" => id,
        _ => return None,
    };
    Phone::of_provider(number).map(|phone| phone.to_string())
}
