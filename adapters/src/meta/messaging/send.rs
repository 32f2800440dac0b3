//! Sending to a person, and the small courtesies around it. A text never goes beside a file: one call is one of them.

use serde_json::{Map, Value, json};

use super::{COMMENT, Network, USER_REF};
use crate::{
    Acknowledge, Address, Button, MediaKind, OutMedia, Outgoing, SendError, SendOutcome,
    call::{Failure, Verdict},
    json as read,
    meta::graph::Graph,
    upload,
};

const MAX_BUTTONS: usize = 13;
/// Characters of a button's title, and bytes of what comes back of it.
const MAX_TITLE: usize = 20;
const MAX_PAYLOAD: usize = 1_000;

/// `sender`: the page or the account, as the API names it.
pub(crate) async fn send(
    graph: &Graph<'_>,
    network: Network,
    sender: &str,
    out: &Outgoing<'_>,
) -> SendOutcome {
    match try_send(graph, network, sender, out).await {
        Ok(outcome) => outcome,
        Err(failure) => failure.into(),
    }
}

async fn try_send(
    graph: &Graph<'_>,
    network: Network,
    sender: &str,
    out: &Outgoing<'_>,
) -> Result<SendOutcome, Failure> {
    let uploaded = match &out.media {
        Some(media) if network == Network::Messenger => {
            bring(graph, sender, media, out.our_reference).await?
        }
        _ => None,
    };
    let answer = graph.write(sender, &request(network, out, uploaded.as_deref())?).await?;
    Ok(match answer.get("message_id").and_then(read::id) {
        Some(id) => SendOutcome::Sent { external_id: id.clone(), dedupe_key: id },
        None => SendOutcome::Unknown {
            reason: "the message was accepted, but the answer does not name it".into(),
            channel_down: false,
        },
    })
}

/// Brings a file to the page, which names it by an id. One at an address is fetched from there.
async fn bring(
    graph: &Graph<'_>,
    sender: &str,
    media: &OutMedia<'_>,
    name: &str,
) -> Result<Option<String>, Failure> {
    let Some(file) = media.bytes else { return Ok(None) };
    let mime = upload::mime(media.mime);
    let about = json!({ "attachment": { "type": kind(media.kind), "payload": { "is_reusable": false } } })
        .to_string();
    let fields = [("message", about.as_str())];
    let form = upload::form(name, &fields, ("filedata", media.name.unwrap_or("file"), &mime));
    let path = [sender, "message_attachments"];
    let answer = graph.upload(&path, form, file).await.map_err(upload::nothing_sent)?;
    let id = answer.get("attachment_id").and_then(read::id);
    id.map(Some).ok_or_else(|| {
        Failure::new(
            Verdict::Retry { after_ms: None },
            "unreadable_answer",
            "the file was taken, but the answer does not name it",
        )
    })
}

fn refuse(code: &str, reason: &str) -> Failure {
    Failure::new(Verdict::Rejected, code, reason)
}

/// The body of the call.
fn request(network: Network, out: &Outgoing<'_>, uploaded: Option<&str>) -> Result<Value, Failure> {
    if out.template.is_some() {
        return Err(refuse("not_supported", "there are no approved texts on this channel"));
    }
    let mut body = Map::new();
    body.insert("recipient".into(), recipient(out.to.chat));
    // Only for people, and only where one asked for it.
    if out.human_agent && !out.is_automatic {
        body.insert("messaging_type".into(), "MESSAGE_TAG".into());
        body.insert("tag".into(), "HUMAN_AGENT".into());
    } else if network == Network::Messenger {
        body.insert("messaging_type".into(), "RESPONSE".into());
    }
    let mut message = Map::new();
    let text = out.text.filter(|text| !text.trim().is_empty());
    if let Some(media) = &out.media {
        let caption = media.caption.filter(|caption| !caption.trim().is_empty());
        if caption.or(text).is_some() {
            return Err(refuse("caption", "a text cannot go beside a file here"));
        }
        if uploaded.is_none() && media.url.is_empty() {
            return Err(refuse(
                "no_address",
                "files go by their address here, and this server has none that is public: set public_url",
            ));
        }
        message.insert("attachment".into(), attachment(media, uploaded));
    } else {
        let text = text.ok_or_else(|| refuse("empty", "there is nothing to send"))?;
        message.insert("text".into(), text.into());
    }
    if !out.buttons.is_empty() {
        message.insert("quick_replies".into(), quick_replies(network, out)?);
    }
    // Instagram has no such member.
    if network == Network::Messenger && !out.our_reference.is_empty() {
        message.insert("metadata".into(), out.our_reference.into());
    }
    body.insert("message".into(), message.into());
    if let Some(quoted) = out.reply_to.filter(|quoted| is_message(quoted)) {
        body.insert("reply_to".into(), json!({ "mid": quoted }));
    }
    Ok(body.into())
}

/// A press without an id of the provider's cannot be quoted.
fn is_message(id: &str) -> bool {
    !id.starts_with("press:")
}

fn recipient(chat: &str) -> Value {
    if let Some(reference) = chat.strip_prefix(USER_REF) {
        json!({ "user_ref": reference })
    } else if let Some(comment) = chat.strip_prefix(COMMENT) {
        json!({ "comment_id": comment })
    } else {
        json!({ "id": chat })
    }
}

const fn kind(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image | MediaKind::Sticker => "image",
        MediaKind::Audio | MediaKind::Voice => "audio",
        MediaKind::Video => "video",
        MediaKind::Document => "file",
    }
}

fn attachment(media: &OutMedia<'_>, uploaded: Option<&str>) -> Value {
    let payload = match uploaded {
        Some(id) => json!({ "attachment_id": id }),
        None => json!({ "url": media.url }),
    };
    json!({ "type": kind(media.kind), "payload": payload })
}

fn quick_replies(network: Network, out: &Outgoing<'_>) -> Result<Value, Failure> {
    if out.buttons.len() > MAX_BUTTONS {
        return Err(refuse("too_many_buttons", "there can be at most 13 buttons"));
    }
    if network == Network::Instagram && out.media.is_some() {
        return Err(refuse("buttons", "buttons go under a text only here"));
    }
    out.buttons.iter().map(quick_reply).collect::<Result<Vec<_>, _>>().map(Value::from)
}

fn quick_reply(button: &Button) -> Result<Value, Failure> {
    if button.title.trim().is_empty() || button.title.chars().count() > MAX_TITLE {
        return Err(refuse("button_title", "a button's title has 1 to 20 characters"));
    }
    if button.id.is_empty() || button.id.len() > MAX_PAYLOAD {
        return Err(refuse("button_id", "a button's id has 1 to 1000 bytes"));
    }
    Ok(json!({ "content_type": "text", "title": button.title, "payload": button.id }))
}

/// Sets or takes back the business's reaction.
pub(crate) async fn react(
    graph: &Graph<'_>,
    network: Network,
    sender: &str,
    to: Address<'_>,
    (message, emoji): (&str, Option<&str>),
) -> Result<(), SendError> {
    let mut payload = json!({ "message_id": message });
    if let Some(emoji) = emoji {
        payload["reaction"] = reaction(network, emoji).into();
    }
    let action = if emoji.is_some() { "react" } else { "unreact" };
    let body = json!({ "recipient": recipient(to.chat), "sender_action": action, "payload": payload });
    graph.write(sender, &body).await?;
    Ok(())
}

/// Instagram's own name for the one reaction that it documents.
fn reaction(network: Network, emoji: &str) -> &str {
    let is_heart = matches!(emoji.trim_end_matches('\u{fe0f}'), "❤" | "♥");
    if network == Network::Instagram && is_heart { "love" } else { emoji }
}

/// A request of its own: beside a message it is refused.
async fn sender_action(
    graph: &Graph<'_>,
    sender: &str,
    to: Address<'_>,
    action: &str,
) -> Result<(), SendError> {
    // Nobody is there yet who could see it.
    if [USER_REF, COMMENT].iter().any(|prefix| to.chat.starts_with(prefix)) {
        return Ok(());
    }
    let body = json!({ "recipient": recipient(to.chat), "sender_action": action });
    graph.write(sender, &body).await?;
    Ok(())
}

pub(crate) async fn seen(graph: &Graph<'_>, sender: &str, what: &Acknowledge<'_>) -> Result<(), SendError> {
    sender_action(graph, sender, what.to, "mark_seen").await
}

pub(crate) async fn typing(
    graph: &Graph<'_>,
    sender: &str,
    to: Address<'_>,
    on: bool,
) -> Result<(), SendError> {
    sender_action(graph, sender, to, if on { "typing_on" } else { "typing_off" }).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Template;

    const TEXT: Outgoing<'_> =
        Outgoing { our_reference: "ref-1", ..Outgoing::text(Address::chat("7300000000000001"), "hi") };

    fn code(network: Network, out: &Outgoing<'_>) -> String {
        request(network, out, None).unwrap_err().code
    }

    #[test]
    fn the_tag_is_a_person_s_choice() {
        let body = request(Network::Messenger, &TEXT, None).unwrap();
        assert_eq!((&body["messaging_type"], &body["tag"]), (&json!("RESPONSE"), &Value::Null));
        assert_eq!(body["message"], json!({ "text": "hi", "metadata": "ref-1" }));
        let person = Outgoing { human_agent: true, ..TEXT };
        for network in [Network::Messenger, Network::Instagram] {
            let body = request(network, &person, None).unwrap();
            assert_eq!(
                (&body["messaging_type"], &body["tag"]),
                (&json!("MESSAGE_TAG"), &json!("HUMAN_AGENT"))
            );
        }
        let machine = Outgoing { is_automatic: true, ..person };
        assert!(request(Network::Messenger, &machine, None).unwrap().get("tag").is_none());
        let instagram = request(Network::Instagram, &TEXT, None).unwrap();
        assert_eq!(instagram, json!({ "recipient": {"id": "7300000000000001"}, "message": {"text": "hi"} }));
    }

    #[test]
    fn what_one_call_cannot_hold_is_refused_before_it() {
        let url = "https://x.example.com/a.jpg";
        let media =
            OutMedia { kind: MediaKind::Image, url, bytes: None, name: None, mime: None, caption: None };
        let file = Outgoing { text: None, media: Some(media), ..TEXT };
        let body = request(Network::Messenger, &file, None).unwrap();
        assert_eq!(body["message"]["attachment"], json!({"type": "image", "payload": {"url": url}}));
        assert_eq!(code(Network::Messenger, &Outgoing { text: Some("x"), ..file }), "caption");
        let captioned = OutMedia { caption: Some("x"), ..media };
        assert_eq!(code(Network::Instagram, &Outgoing { media: Some(captioned), ..file }), "caption");
        assert_eq!(code(Network::Messenger, &Outgoing { text: Some(" "), ..TEXT }), "empty");
        let template = Template { name: "t".into(), language: "en".into(), components: Vec::new() };
        assert_eq!(
            code(Network::Messenger, &Outgoing { template: Some(&template), ..TEXT }),
            "not_supported"
        );
        let buttons = vec![Button { id: "A".into(), title: "Yes".into() }; 13];
        let asked = Outgoing { buttons: &buttons, ..TEXT };
        let body = request(Network::Instagram, &asked, None).unwrap();
        assert_eq!(body["message"]["quick_replies"][12]["payload"], "A");
        let many = vec![buttons[0].clone(); 14];
        assert_eq!(code(Network::Messenger, &Outgoing { buttons: &many, ..TEXT }), "too_many_buttons");
        let long = [Button { id: "A".into(), title: "x".repeat(21) }];
        assert_eq!(code(Network::Messenger, &Outgoing { buttons: &long, ..TEXT }), "button_title");
        assert_eq!(code(Network::Instagram, &Outgoing { buttons: &buttons, ..file }), "buttons");
    }

    #[test]
    fn people_without_an_id_are_named_by_what_there_is() {
        assert_eq!(recipient("user_ref:shop-7"), json!({ "user_ref": "shop-7" }));
        assert_eq!(recipient("comment:17900000000000001"), json!({ "comment_id": "17900000000000001" }));
        let quoting =
            |id| request(Network::Messenger, &Outgoing { reply_to: Some(id), ..TEXT }, None).unwrap();
        assert_eq!(quoting("m_x")["reply_to"], json!({ "mid": "m_x" }));
        assert!(quoting("press:1:2:3").get("reply_to").is_none());
        assert_eq!(reaction(Network::Instagram, "❤️"), "love");
        assert_eq!(reaction(Network::Messenger, "❤️"), "❤️");
    }
}
