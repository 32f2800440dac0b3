//! Outgoing messages: validates what a person or a responder sends, and splits it into the provider's parts. Pure, except
//! for storing them.

pub(crate) mod road;
mod special;
mod uploads;

use adapters::{Outward, ProviderLimits, split};
use anyhow::Context as _;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::announce;
use crate::channels::health;
use crate::channels::templates;
use crate::error::Error;
use crate::model::limits::{MAX_ATTACHMENTS, MAX_BUTTONS, MAX_CLIENT_ID, MAX_LABEL, MAX_TEXT, MAX_URL};
use crate::model::{
    Author, Conversation, Direction, EventKind, Message, MessageBody, MessageKind, MessageStatus,
    OutAttachment,
};
use crate::store::deliveries::{self, Delivery};
use crate::store::jobs::{self, Deliver, Payload, Slot};
use crate::store::queues::{self, QueueKey};
use crate::store::{Tx, conversations, messages};

/// More parts than any message has, texts and files together.
const MAX_PARTS: i64 = 100_000;

/// One part of a message, sent in one provider call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub text: Option<String>,
    pub media: Option<OutAttachment>,
    /// The provider's id of the quoted message.
    pub reply_to: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<adapters::Button>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<adapters::Template>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub human_agent: bool,
    /// A person has sent it again, whoever wrote it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_person: bool,
}

/// Validates an answer: each message, and the total size.
pub fn check_all(parts: &[MessageBody]) -> Result<(), Error> {
    parts.iter().try_for_each(check)?;
    let characters: usize = parts.iter().flat_map(|part| &part.text).map(|text| text.chars().count()).sum();
    if characters > MAX_TEXT {
        let problem = format!("at most {MAX_TEXT} characters in all parts together; send it as a file");
        return Err(Error::invalid("parts.text", problem));
    }
    if parts.iter().map(|part| part.attachments.len()).sum::<usize>() > MAX_ATTACHMENTS {
        let problem = format!("at most {MAX_ATTACHMENTS} files in all parts together");
        return Err(Error::invalid("parts.attachments", problem));
    }
    if parts.iter().map(|part| part.buttons.len()).sum::<usize>() > MAX_BUTTONS {
        return Err(Error::invalid(
            "parts.buttons",
            format!("at most {MAX_BUTTONS} buttons in all parts together"),
        ));
    }
    if parts.iter().filter(|part| part.template.is_some()).count() > 1 {
        return Err(Error::invalid("parts.template", "at most one template in an answer"));
    }
    Ok(())
}

/// Validates a message. The error names the field and the remedy.
pub fn check(body: &MessageBody) -> Result<(), Error> {
    let text = body.text.as_deref().map(str::trim).unwrap_or_default();
    special::check_form(body)?;
    if text.is_empty() && body.attachments.is_empty() && body.template.is_none() {
        return Err(Error::invalid("text", "write something, or attach a file"));
    }
    if text.chars().count() > MAX_TEXT {
        return Err(Error::invalid("text", format!("at most {MAX_TEXT} characters; send it as a file")));
    }
    if body.attachments.len() > MAX_ATTACHMENTS {
        return Err(Error::invalid("attachments", format!("at most {MAX_ATTACHMENTS} files in one message")));
    }
    for file in &body.attachments {
        kind_of(file)?;
        match (&file.url, file.file) {
            (None, Some(_)) => {}
            (Some(url), None) => {
                let web = url.starts_with("https://") || url.starts_with("http://");
                if !web || url.len() > MAX_URL || url.contains(char::is_whitespace) {
                    return Err(Error::invalid(
                        "attachments.url",
                        "give the public https address of the file",
                    ));
                }
            }
            _ => {
                let problem = "give either an uploaded file, or the public https address (`url`) of one";
                return Err(Error::invalid("attachments.file", problem));
            }
        }
        for (field, label) in [("attachments.name", &file.name), ("attachments.mime", &file.mime)] {
            if label.as_ref().is_some_and(|label| label.chars().count() > MAX_LABEL) {
                return Err(Error::invalid(field, format!("at most {MAX_LABEL} characters")));
            }
        }
    }
    Ok(())
}

/// Refuses file addresses in private networks: the provider downloads the file, and a gateway often runs in our network.
/// Checked on acceptance and again before sending, because the operator's settings may have changed.
pub fn check_files(files: &[OutAttachment], outward: &Outward) -> Result<(), Error> {
    for url in files.iter().filter_map(|file| file.url.as_deref()) {
        let url = Url::parse(url).map_err(|_| Error::invalid("attachments.url", "is not an address"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::invalid("attachments.url", "must be without a name or a password in it"));
        }
        outward.judge(&url).map_err(|refused| Error::invalid("attachments.url", refused.to_string()))?;
    }
    Ok(())
}

/// Validates a client id, the idempotency key of a message.
pub fn check_client_id(client_id: &str) -> Result<(), Error> {
    if client_id.is_empty() || client_id.len() > MAX_CLIENT_ID {
        return Err(Error::invalid(
            "client_id",
            format!("give an id of 1 to {MAX_CLIENT_ID} bytes, new for every message"),
        ));
    }
    Ok(())
}

fn kind_of(file: &OutAttachment) -> Result<MessageKind, Error> {
    match file.kind.as_str() {
        "image" => Ok(MessageKind::Image),
        "audio" => Ok(MessageKind::Audio),
        "voice" => Ok(MessageKind::Voice),
        "video" => Ok(MessageKind::Video),
        "document" => Ok(MessageKind::Document),
        _ => Err(Error::invalid("attachments.kind", "one of image, audio, voice, video, document")),
    }
}

/// Splits a message into parts: a long text at sentences, one part for each file, a short text as the caption of a single
/// file. The quote belongs to the first part. Where a file has no caption the files go first, as the caption would stand
/// under them; buttons stand under the last piece of the text, and it goes last.
pub fn parts(body: &MessageBody, limits: &ProviderLimits, reply_to: Option<&str>) -> Vec<Part> {
    if body.template.is_some() {
        let (template, reply_to) =
            (body.template.as_ref().map(special::template), reply_to.map(str::to_owned));
        return vec![Part { template, reply_to, human_agent: body.human_agent, ..Part::default() }];
    }
    let text = body.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let mut parts = Vec::new();
    let caption = match (text, body.attachments.as_slice()) {
        (Some(text), [_])
            if body.buttons.is_empty() && adapters::measure(text, limits.unit) <= limits.max_caption =>
        {
            Some(text)
        }
        _ => None,
    };
    for file in &body.attachments {
        let text = caption.map(str::to_owned);
        parts.push(Part { text, media: Some(file.clone()), ..Part::default() });
    }
    if let (Some(text), None) = (text, caption) {
        let cut = split(text, limits.max_text, limits.unit);
        let pieces = cut.into_iter().map(|piece| Part { text: Some(piece.to_owned()), ..Part::default() });
        if limits.max_caption == 0 || !body.buttons.is_empty() {
            parts.extend(pieces);
        } else {
            parts.splice(0..0, pieces);
        }
    }
    if let Some(last) = parts.last_mut() {
        last.buttons = body.buttons.iter().map(special::button).collect();
    }
    for part in &mut parts {
        part.human_agent = body.human_agent;
    }
    if let Some(first) = parts.first_mut() {
        first.reply_to = reply_to.map(str::to_owned);
    }
    parts
}

/// An outgoing message: author, content, and the turn that it answers.
pub(super) struct Outgoing<'a> {
    pub author: Author,
    pub body: &'a MessageBody,
    pub client_id: &'a str,
    pub digest: &'a str,
    pub turn: Option<Uuid>,
    /// When the customer began to wait for an answer that this message does not give.
    pub waits_since: Option<i64>,
    /// Providers can fetch uploaded files from this server.
    pub has_address: bool,
}

/// Appends an outgoing message to a locked conversation: its row, its deliveries, a job for each in the conversation's
/// lane, the event.
pub(super) async fn put(
    tx: &mut Tx<'_>,
    conversation: &mut Conversation,
    out: Outgoing<'_>,
) -> Result<Message, Error> {
    let provider =
        adapters::provider(&conversation.channel_kind).context("the channel's provider is not built in")?;
    special::check_provider(out.body, &special::Takes::of(provider))?;
    if out.body.human_agent && out.author.kind == crate::model::AuthorKind::Responder {
        return Err(Error::invalid("human_agent", "only a person answers as a person: leave it out"));
    }
    let sending = road::Sending {
        by: road::By::author(out.author.kind),
        is_template: out.body.template.is_some(),
        human_agent: out.body.human_agent,
    };
    road::must_allow(conversation, sending, tx.now())?;
    let (body, uploaded) =
        uploads::resolve(tx, conversation.tenant, provider, out.body, out.has_address).await?;
    let reply_to = match out.body.reply_to {
        Some(id) => quoted(tx, conversation, id).await?,
        None => None,
    };
    let of_template = match &out.body.template {
        Some(template) => {
            templates::text_of(tx, (conversation.tenant, conversation.channel), template).await?
        }
        None => None,
    };
    let kind = body.attachments.first().map_or(Ok(MessageKind::Text), kind_of)?;
    let mut message = Message {
        kind,
        text: out
            .body
            .text
            .as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .or(of_template),
        client_id: Some(out.client_id.to_owned()),
        reply_to: out.body.reply_to,
        status: MessageStatus::Queued,
        turn: out.turn,
        data: special::shown(out.body),
        ..Message::next(tx.new_id(), conversation, Direction::Out, out.author, tx.now())
    };
    let place = messages::MessageKeys {
        tenant: conversation.tenant,
        channel: conversation.channel,
        external_key: None,
        external_id: None,
        client_digest: Some(out.digest),
        inbound_count: conversation.inbound_count,
    };
    messages::insert(tx, &message, &place).await?;
    for (position, (file, uploaded)) in body.attachments.iter().zip(&uploaded).enumerate() {
        let shown =
            uploads::attach(tx, (conversation.tenant, message.id), position, file, uploaded.as_ref()).await?;
        message.attachments.push(shown);
    }
    // A channel that is down sends nothing: the delivery shows the error from the start.
    let key = QueueKey { tenant: conversation.tenant, id: conversation.channel, class: Deliver::CLASS };
    let waits = match queues::blocked(tx, key).await? {
        Some(reason) => Some(health::why_it_waits(tx, (key.tenant, key.id), &reason).await?),
        None => None,
    };
    let parts = parts(&body, &provider.limits(), reply_to.as_deref());
    for (number, part) in parts.iter().enumerate() {
        let delivery = Delivery {
            id: tx.new_id(),
            tenant: conversation.tenant,
            channel: conversation.channel,
            conversation: conversation.id,
            message: message.id,
            part: number as i64,
            parts: parts.len() as i64,
            payload: serde_json::to_string(part).context("a part cannot be written as JSON")?,
            state: MessageStatus::Queued,
            reserved_id: None,
            external_key: None,
            external_id: None,
            tries: 0,
            error: waits.clone(),
            begun_at: None,
            sent_at: None,
            former_keys: Vec::new(),
        };
        deliveries::insert(tx, &delivery).await?;
        if waits.is_some() {
            deliveries::update(tx, &delivery).await?;
        }
        queue(tx, &message, &delivery).await?;
    }
    if waits.is_some() {
        message.error = waits;
        messages::set_status(tx, conversation.tenant, &message).await?;
    }
    conversation.last_seq = message.seq;
    conversation.last_message = Some(announce::last_message(&message));
    conversation.updated_at = tx.now();
    conversations::advance(tx, conversation).await?;
    conversations::waits(tx, conversation, out.waits_since).await?;
    announce::message(tx, EventKind::MessageCreated, conversation, &message)?;
    Ok(message)
}

/// Requeues the parts of a message that were failed because an earlier part had failed.
pub(crate) async fn requeue_after(tx: &mut Tx<'_>, first: &Delivery) -> Result<(), Error> {
    let Some(message) = messages::load(tx, first.tenant, first.message).await? else { return Ok(()) };
    for mut part in deliveries::of_message(tx, first.tenant, first.message).await? {
        if part.part <= first.part || part.state != MessageStatus::Failed {
            continue;
        }
        part.state = MessageStatus::Queued;
        part.error = None;
        deliveries::update(tx, &part).await?;
        queue(tx, &message, &part).await?;
    }
    Ok(())
}

/// Queues a part of a message in the conversation's lane, at its place.
pub(super) async fn queue(tx: &mut Tx<'_>, message: &Message, part: &Delivery) -> Result<(), Error> {
    let lane = lane_of(part.conversation);
    let position = message.seq * MAX_PARTS + part.part;
    let slot = Slot { tenant: part.tenant, queue: part.channel, lane: &lane, position };
    Ok(jobs::push(tx, &slot, &Deliver { delivery: part.id }).await?)
}

/// The lane of a conversation's sends, which run in order.
pub(super) fn lane_of(conversation: Uuid) -> String {
    format!("conversation:{conversation}")
}

/// The provider's id of the quoted message.
async fn quoted(tx: &mut Tx<'_>, conversation: &Conversation, id: Uuid) -> Result<Option<String>, Error> {
    let quoted = messages::load(tx, conversation.tenant, id).await?;
    if quoted.is_none_or(|quoted| quoted.conversation != conversation.id) {
        return Err(Error::invalid("reply_to", "quote a message of the same conversation"));
    }
    if let Some(external) = messages::external_id(tx, conversation.tenant, id).await? {
        return Ok(Some(external));
    }
    let first = deliveries::of_message(tx, conversation.tenant, id).await?.into_iter().next();
    Ok(first.and_then(|part| part.external_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> ProviderLimits {
        adapters::provider("telegram").expect("built in").limits()
    }

    fn image() -> OutAttachment {
        OutAttachment {
            kind: "image".into(),
            url: Some("https://cdn.example.com/a.png".into()),
            ..OutAttachment::default()
        }
    }

    #[test]
    fn a_short_text_is_the_caption_of_the_only_file() {
        let body = MessageBody {
            text: Some("Our menu".into()),
            attachments: vec![image()],
            ..MessageBody::default()
        };
        let cut = parts(&body, &limits(), Some("7"));
        assert_eq!(cut.len(), 1);
        assert_eq!((cut[0].text.as_deref(), cut[0].reply_to.as_deref()), (Some("Our menu"), Some("7")));
    }

    #[test]
    fn where_a_file_has_no_caption_the_text_follows_it() {
        let body = MessageBody {
            text: Some("This is size M".into()),
            attachments: vec![image()],
            ..MessageBody::default()
        };
        let without = ProviderLimits { max_caption: 0, ..limits() };
        let cut = parts(&body, &without, Some("7"));
        assert_eq!(cut.len(), 2);
        assert!(cut[0].media.is_some() && cut[0].text.is_none() && cut[1].media.is_none());
        assert_eq!(cut[1].text.as_deref(), Some("This is size M"));
        assert_eq!((cut[0].reply_to.as_deref(), cut[1].reply_to.as_deref()), (Some("7"), None));
    }

    #[test]
    fn a_long_text_goes_before_the_files_in_pieces() {
        let body = MessageBody {
            text: Some("A sentence. ".repeat(800)),
            attachments: vec![image(), image()],
            ..MessageBody::default()
        };
        let cut = parts(&body, &limits(), Some("7"));
        let (texts, files): (Vec<_>, Vec<_>) = cut.iter().partition(|part| part.media.is_none());
        assert!(texts.len() > 1 && files.len() == 2);
        assert!(texts.iter().all(|part| part.text.as_ref().is_some_and(|text| text.ends_with('.'))));
        assert_eq!(cut.iter().filter(|part| part.reply_to.is_some()).count(), 1);
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_field() {
        let field = |body: MessageBody| match check(&body) {
            Err(Error::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(MessageBody { text: Some("  ".into()), ..MessageBody::default() }), "text");
        let mut file = image();
        file.url = Some("file:///etc/passwd".into());
        assert_eq!(
            field(MessageBody { attachments: vec![file], ..MessageBody::default() }),
            "attachments.url"
        );
        let outward = Outward::allowing(&["cdn.internal"]);
        let files = |url: &str| check_files(&[OutAttachment { url: Some(url.into()), ..image() }], &outward);
        for inward in [
            "http://0x7f.1/a.png",
            "https://[::ffff:10.0.0.1]/a.png",
            "http://files:9000/a.png",
            "http://a.localhost/",
        ] {
            let refused = files(inward).expect_err(inward);
            assert_eq!(refused.to_string(), "attachments.url: this address is not public", "{inward}");
        }
        assert!(files("https://u:p@cdn.example.com/a.png").is_err());
        assert!(
            files("https://cdn.example.com/a.png?x=1#y").is_ok() && files("http://CDN.internal/a").is_ok()
        );
        let mut file = image();
        file.kind = "program".into();
        assert_eq!(
            field(MessageBody { attachments: vec![file], ..MessageBody::default() }),
            "attachments.kind"
        );
    }
}
