//! What led a customer here: a reference of a link in the first message, or what the provider tells of an advertisement.
//! Each time is kept as a touch of the contact; the first of a conversation is its source.
//!
//! A reference is taken out of what people and the AI see, and only if it was matched. The message keeps no trace of it: the
//! body in the integration log has it, and the touch.

use std::borrow::Cow;

use adapters::event::{NewMessage, NoAnswer, Referred};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::lead_match;
use super::reference::{self, LIFE_MS};
use crate::accounts::Scope;
use crate::announce;
use crate::error::Error;
use crate::model::{Channel, Conversation, Lead, Source, SourceKind, Touch, Utm};
use crate::store::touches::Keys;
use crate::store::{Tx, Verb, contacts, conversations, leads, links, retention, touches};

/// How long what led a known customer here waits for a conversation.
const JOINED_MS: i64 = 24 * 3_600_000;
/// Characters of a name and of a provider's word.
const MAX_NAME: usize = 200;
/// Touches of a contact that are shown.
const SHOWN: i64 = 20;

/// Looks what led to a customer's message, in the transaction that receives it: keeps the touch, sets the source of the
/// conversation if it has none, and gives the message without its reference.
pub async fn heard<'m>(
    tx: &mut Tx<'_>,
    channel: &Channel,
    conversation: &mut Conversation,
    message: &'m NewMessage,
    at: i64,
) -> Result<Cow<'m, NewMessage>, Error> {
    if message.chat.is_group
        || matches!(message.no_answer, Some(NoAnswer::Automatic | NoAnswer::History | NoAnswer::Stranger))
    {
        return Ok(Cow::Borrowed(message));
    }
    if conversation.last_seq == 0 {
        adopt(tx, channel, conversation).await?;
    }
    let data = &message.content.data;
    // Whoever forwards a message has not followed the link.
    let is_forwarded =
        data.get("forwarded") == Some(&Value::Bool(true)) || data.contains_key("forwarded_from");
    let mut words = Vec::new();
    if !is_forwarded {
        words.extend(start_of(data));
        words.extend(ref_of(data));
        words.extend(reference::find(message.content.text.as_deref().unwrap_or_default()));
    }
    let is_first = conversation.last_seq == 0;
    let mut brought = None;
    for word in words {
        let keys = Keys { message: Some(&message.key), reference: Some(&word), touch: None };
        if let Some(source) = link_of(tx, channel, &word, at).await? {
            keep(tx, channel, conversation, (source, at, None), keys).await?;
        } else if let Some(lead) = lead_match::by_reference(tx, channel, &word, at).await? {
            is_lead(tx, channel, conversation, &lead, at, keys).await?;
        } else {
            continue;
        }
        brought = Some(word);
        break;
    }
    if let (None, Some((source, key, data))) = (&brought, told(data)) {
        let keys = Keys { touch: key.as_deref(), ..Keys::default() };
        keep(tx, channel, conversation, (source, at, Some(data)), keys).await?;
    }
    if is_first {
        for lead in lead_match::by_address(tx, channel, message).await? {
            is_lead(tx, channel, conversation, &lead, at, Keys::default()).await?;
        }
    }
    Ok(brought.map_or(Cow::Borrowed(message), |word| Cow::Owned(without(message, &word))))
}

/// The customer turned out to be the person of a lead.
async fn is_lead(
    tx: &mut Tx<'_>,
    channel: &Channel,
    conversation: &mut Conversation,
    lead: &Lead,
    at: i64,
    keys: Keys<'_>,
) -> Result<(), Error> {
    leads::found(tx, channel.tenant, lead.id, conversation.contact.id).await?;
    let Some(source) = lead_match::source(lead, at) else { return Ok(()) };
    let key = format!("lead:{}", lead.id);
    let data = json!({ "lead": lead.id });
    let keys = Keys { touch: Some(&key), ..keys };
    keep(tx, channel, conversation, (source, lead.at, Some(data)), keys).await.map(drop)
}

/// Something led a customer into a chat, and nobody wrote yet. It is kept for the contact, also of a customer whom nobody
/// knew: its first conversation takes it over.
pub async fn referred(tx: &mut Tx<'_>, channel: &Channel, event: &Referred, at: i64) -> Result<bool, Error> {
    let place = (channel.tenant, channel.id);
    let (source, key, reference, data) = match ref_of(&event.data) {
        Some(word) => match link_of(tx, channel, &word, at).await? {
            Some(source) => (source, None, Some(word), None),
            None => return Ok(false),
        },
        None => match told(&event.data) {
            Some((source, key, data)) => (source, key, None, Some(data)),
            None => return Ok(false),
        },
    };
    let contact = if let Some(contact) = contacts::find(tx, place, &event.chat.id).await? {
        contact
    } else {
        let contact = contacts::insert(tx, channel.tenant, &contacts::Description::default()).await?;
        contacts::link(tx, channel.tenant, channel.id, &event.chat.id, contact.id).await?;
        contact
    };
    let thread = event.chat.thread.as_deref();
    let open = conversations::open_of(tx, place, contact.id, thread).await?;
    let keys = Keys { touch: key.as_deref(), reference: reference.as_deref(), message: None };
    let Some(open) = open else {
        let touch = Touch {
            id: tx.new_id(),
            contact: contact.id,
            channel: channel.id,
            conversation: None,
            source,
            data,
            at,
        };
        return Ok(touches::insert(tx, channel.tenant, &touch, keys).await?);
    };
    let mut conversation = conversations::locked(tx, channel.tenant, open).await?;
    let had = conversation.source.is_some();
    let is_new = keep(tx, channel, &mut conversation, (source, at, data), keys).await?;
    if is_new && !had {
        announce::conversation(tx, &mut conversation)?;
    }
    Ok(is_new)
}

/// The text of an edited message without the reference that was taken out of it before.
pub async fn edited(
    tx: &mut Tx<'_>,
    channel: &Channel,
    message_key: &str,
    text: Option<String>,
) -> Result<Option<String>, Error> {
    let Some(text) = text else { return Ok(None) };
    if reference::find(&text).is_empty() {
        return Ok(Some(text));
    }
    let taken = touches::reference_of(tx, (channel.tenant, channel.id), message_key).await?;
    Ok(Some(taken.map_or_else(|| text.clone(), |reference| reference::strip(&text, &reference))))
}

/// A new conversation takes over what led its customer here shortly before.
async fn adopt(tx: &mut Tx<'_>, channel: &Channel, conversation: &mut Conversation) -> Result<(), Error> {
    let since = retention::id_at(tx.now() - JOINED_MS);
    let contact = (conversation.contact.id, channel.id);
    for seen in touches::unjoined(tx, channel.tenant, contact, since).await? {
        touches::join(tx, channel.tenant, seen.touch.id, conversation.id).await?;
        set_source(tx, conversation, &seen.touch.source).await?;
    }
    Ok(())
}

async fn set_source(tx: &mut Tx<'_>, conversation: &mut Conversation, source: &Source) -> Result<(), Error> {
    if conversation.source.is_none() {
        touches::set_source(tx, (conversation.tenant, conversation.id), source).await?;
        conversation.source = Some(source.clone());
    }
    Ok(())
}

/// `false`: it is known already.
async fn keep(
    tx: &mut Tx<'_>,
    channel: &Channel,
    conversation: &mut Conversation,
    (source, at, data): (Source, i64, Option<Value>),
    keys: Keys<'_>,
) -> Result<bool, Error> {
    let touch = Touch {
        id: tx.new_id(),
        contact: conversation.contact.id,
        channel: channel.id,
        conversation: Some(conversation.id),
        source,
        data,
        at,
    };
    if !touches::insert(tx, channel.tenant, &touch, keys).await? {
        return Ok(false);
    }
    set_source(tx, conversation, &touch.source).await?;
    Ok(true)
}

/// The link of a reference, which is used by this. Nothing if it is unknown, of another channel, used or too old.
async fn link_of(tx: &mut Tx<'_>, channel: &Channel, word: &str, at: i64) -> Result<Option<Source>, Error> {
    let place = (channel.tenant, channel.id);
    let Some(click) = links::click(tx, place, word).await? else { return Ok(None) };
    if at > click.clicked_at + LIFE_MS {
        return Ok(None);
    }
    let Some(link) = links::by_id(tx, channel.tenant, click.link).await? else { return Ok(None) };
    links::use_click(tx, (channel.tenant, link.id), word).await?;
    let campaign = link.campaign.or_else(|| click.utm.campaign.clone());
    Ok(Some(Source {
        kind: SourceKind::Link,
        name: link.name,
        link: Some(link.id),
        campaign,
        utm: click.utm,
    }))
}

/// A reference of ours as the start parameter of a bot.
fn start_of(data: &Map<String, Value>) -> Option<String> {
    data.get("start_param").and_then(Value::as_str).and_then(reference::read)
}

/// A reference of ours as the `ref` of an address.
fn ref_of(data: &Map<String, Value>) -> Option<String> {
    data.get("referral")?.get("ref").and_then(Value::as_str).and_then(reference::read)
}

/// What the provider tells of an advertisement, or of a reference that the tenant made: the source, what tells it from
/// others, and what is kept of it.
fn told(data: &Map<String, Value>) -> Option<(Source, Option<String>, Value)> {
    let referral = data.get("referral")?.as_object()?;
    let ad = data.get("ad").and_then(Value::as_object);
    let word = |of: Option<&Map<String, Value>>, name: &str| {
        let text = of?.get(name)?.as_str()?.trim();
        let text: String = text.chars().filter(|sign| !sign.is_control()).take(MAX_NAME).collect();
        (!text.is_empty()).then_some(text)
    };
    let of = |name: &str| word(Some(referral), name);
    let click = of("ctwa_clid");
    let id = of("ad_id").or_else(|| of("source_id"));
    let is_ad = click.is_some()
        || id.is_some()
        || of("source").is_some_and(|source| source.eq_ignore_ascii_case("ads"));
    let own = of("ref");
    let (kind, name) = if is_ad {
        let headline = word(ad, "headline").or_else(|| word(ad, "title"));
        (SourceKind::Ad, headline.or_else(|| own.clone()).or_else(|| id.clone()).or_else(|| click.clone())?)
    } else {
        // A reference of ours that is over or of somebody else says nothing.
        (SourceKind::Referral, own.clone().filter(|own| reference::read(own).is_none())?)
    };
    let kept: Map<String, Value> = [("ctwa_clid", &click), ("ad_id", &id), ("ref", &own)]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value.clone()?))))
        .collect();
    let source = Source { kind, name, link: None, campaign: None, utm: Utm::default() };
    Some((source, click, Value::Object(kept)))
}

/// The message as people and the AI see it.
fn without(message: &NewMessage, reference: &str) -> NewMessage {
    let mut message = message.clone();
    let content = &mut message.content;
    let is = |value: Option<&Value>| {
        value.and_then(Value::as_str).and_then(reference::read).as_deref() == Some(reference)
    };
    if is(content.data.get("start_param")) {
        content.data.remove("start_param");
        let command = content.text.as_deref().and_then(|text| text.split_whitespace().next());
        content.text = command.map(str::to_owned);
    }
    if let Some(Value::Object(referral)) = content.data.get_mut("referral")
        && is(referral.get("ref"))
    {
        referral.remove("ref");
    }
    content.text = content.text.as_deref().map(|text| reference::strip(text, reference));
    message
}

/// What led the person of a conversation here, newest first, as far as the scope sees it; the first of all is the last.
pub struct TouchesOf {
    pub scope: Scope,
    pub conversation: Uuid,
}

impl Verb for TouchesOf {
    type Out = Vec<Touch>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let tenant = self.scope.tenant();
        let found = conversations::load(tx, tenant, self.conversation).await?;
        let contact = found.ok_or(Error::NotFound("conversation"))?.contact;
        let mut seen = Vec::new();
        let members = if contact.is_joined() {
            contacts::group(tx, tenant, contact.root()).await?
        } else {
            vec![contact]
        };
        for member in members {
            seen.extend(touches::of_contact(tx, (tenant, member.id), SHOWN).await?);
        }
        seen.retain(|seen| self.scope.sees_company(seen.company));
        seen.sort_by_key(|seen| std::cmp::Reverse(seen.touch.id));
        // The newest, and the first of all.
        let first = seen.pop();
        seen.truncate(usize::try_from(SHOWN).unwrap_or(1));
        seen.extend(first);
        Ok(seen.into_iter().map(|seen| seen.touch).collect())
    }
}
