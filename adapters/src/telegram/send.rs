//! Sending to a Telegram chat. Texts go without markup, and files by their address.

use serde_json::{Map, Value, json};

use super::{api::Api, errors::Reply, place::Place, wire::Message};
use crate::{
    Account, Acknowledge, Address, Client, MediaKind, Outgoing, SendError, SendOutcome,
    call::{Failure, Verdict},
    upload,
};

pub(super) async fn send(http: &Client, account: &Account, out: &Outgoing<'_>) -> SendOutcome {
    match try_send(http, account, out).await {
        Ok(outcome) => outcome,
        Err(failure) => failure.into(),
    }
}

async fn try_send(http: &Client, account: &Account, out: &Outgoing<'_>) -> Result<SendOutcome, Failure> {
    let api = Api::of(http, account)?;
    let (method, mut parameters) =
        request(out).ok_or_else(|| Failure::new(Verdict::Rejected, "empty", "there is nothing to send"))?;
    let mut reply = call(&api, method, &parameters, out).await?;
    if let Reply::Moved(chat) = reply {
        // The refused call sent nothing. The echo-less answer names the new chat, and so does the key.
        parameters.insert("chat_id".into(), chat.into());
        reply = call(&api, method, &parameters, out).await?;
    }
    Ok(match reply {
        Reply::Done(result) => sent(&result).unwrap_or_else(|| SendOutcome::Unknown {
            reason: "the message was accepted, but the answer does not name it".into(),
            channel_down: false,
        }),
        Reply::Nothing | Reply::Moved(_) => SendOutcome::Rejected {
            code: "400".into(),
            reason: "the Bot API refused the message for this chat".into(),
            channel_down: false,
        },
    })
}

async fn call(
    api: &Api<'_>,
    method: &str,
    parameters: &Map<String, Value>,
    out: &Outgoing<'_>,
) -> Result<Reply, Failure> {
    let Some((media, file)) = out.media.as_ref().and_then(|media| media.bytes.map(|file| (media, file)))
    else {
        return api.call(method, &Value::Object(parameters.clone())).await;
    };
    let member = member(media.kind).1;
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let fields: Vec<_> = parameters
        .iter()
        .filter(|(name, _)| *name != member)
        .map(|(name, value)| (name.as_str(), plain(value)))
        .collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mime = upload::mime(media.mime);
    let file_part = (member, media.name.unwrap_or("file"), mime.as_str());
    api.upload(method, upload::form(out.our_reference, &fields, file_part), file).await
}

/// The method for a kind of file, and the file's name in it.
const fn member(kind: MediaKind) -> (&'static str, &'static str) {
    match kind {
        MediaKind::Image => ("sendPhoto", "photo"),
        MediaKind::Voice => ("sendVoice", "voice"),
        MediaKind::Audio => ("sendAudio", "audio"),
        MediaKind::Video => ("sendVideo", "video"),
        MediaKind::Document | MediaKind::Sticker => ("sendDocument", "document"),
    }
}

fn sent(result: &Value) -> Option<SendOutcome> {
    let message = Message::of(result)?;
    let dedupe_key = Place::of(message).key(message.id);
    Some(SendOutcome::Sent { external_id: message.id.to_string(), dedupe_key })
}

/// The method and its parameters; `None` when there is nothing to send.
fn request(out: &Outgoing<'_>) -> Option<(&'static str, Map<String, Value>)> {
    let mut parameters = Place::read(out.to).parameters();
    let text = out.text.filter(|text| !text.trim().is_empty());
    let method = if let Some(media) = &out.media {
        let (method, member) = member(media.kind);
        parameters.insert(member.into(), media.url.into());
        if let Some(caption) = media.caption.filter(|caption| !caption.is_empty()).or(text) {
            parameters.insert("caption".into(), caption.into());
        }
        method
    } else {
        parameters.insert("text".into(), text?.into());
        "sendMessage"
    };
    if !out.buttons.is_empty() {
        let rows: Vec<_> = out
            .buttons
            .iter()
            .map(|button| json!([{ "text": button.title, "callback_data": button.id }]))
            .collect();
        parameters.insert("reply_markup".into(), json!({ "inline_keyboard": rows }));
    }
    // A quoted message that is gone must not keep the answer back.
    if let Some(message) = out.reply_to.and_then(message_id) {
        let reply = json!({"message_id": message, "allow_sending_without_reply": true});
        parameters.insert("reply_parameters".into(), reply);
    }
    Some((method, parameters))
}

/// From a bare id or a message key. Button presses cannot be quoted.
fn message_id(id: &str) -> Option<i64> {
    if id.starts_with("cb:") {
        return None;
    }
    id.rsplit(':').next()?.parse().ok()
}

/// A press that is not answered leaves the customer's button spinning. Anything else has no acknowledgement here.
pub(super) async fn answer_callback(
    http: &Client,
    account: &Account,
    what: &Acknowledge<'_>,
) -> Result<(), SendError> {
    if let Some(callback) = what.callback {
        let parameters = json!({ "callback_query_id": callback });
        Api::of(http, account)?.call("answerCallbackQuery", &parameters).await?;
    }
    Ok(())
}

/// Sets or removes the bot's reaction. Telegram takes an emoji of its list only, and one of each bot.
pub(super) async fn react(
    http: &Client,
    account: &Account,
    to: Address<'_>,
    message: &str,
    emoji: Option<&str>,
) -> Result<(), SendError> {
    let Some(id) = message_id(message) else {
        return Err(
            Failure::new(Verdict::Rejected, "not_supported", "a pressed button takes no reaction").into()
        );
    };
    let reaction: Vec<_> = emoji.iter().map(|emoji| json!({ "type": "emoji", "emoji": emoji })).collect();
    let mut parameters = Map::new();
    parameters.insert("chat_id".into(), to.chat.into());
    parameters.insert("message_id".into(), id.into());
    parameters.insert("reaction".into(), reaction.into());
    Api::of(http, account)?.call("setMessageReaction", &parameters.into()).await?;
    Ok(())
}

pub(super) async fn typing(http: &Client, account: &Account, to: Address<'_>) -> Result<(), SendError> {
    let place = Place::read(to);
    // The direct messages of a channel show nobody typing.
    if place.is_direct() {
        return Ok(());
    }
    let mut parameters = place.parameters();
    parameters.insert("action".into(), "typing".into());
    Api::of(http, account)?.call("sendChatAction", &parameters.into()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OutMedia;

    const TEXT: Outgoing<'_> = Outgoing::text(Address::chat("555"), "hi");

    #[test]
    fn a_reply_takes_both_spellings_of_an_id() {
        for id in ["12", "555:12"] {
            let (_, parameters) = request(&Outgoing { reply_to: Some(id), ..TEXT }).unwrap();
            assert_eq!(parameters["reply_parameters"]["message_id"], 12);
        }
        let (_, parameters) = request(&Outgoing { reply_to: Some("cb:12"), ..TEXT }).unwrap();
        assert!(!parameters.contains_key("reply_parameters"));
    }

    #[test]
    fn buttons_stand_in_rows_under_the_text() {
        let buttons = [crate::Button { id: "size:m".into(), title: "M".into() }];
        let (_, parameters) = request(&Outgoing { buttons: &buttons, ..TEXT }).unwrap();
        let keyboard = &parameters["reply_markup"]["inline_keyboard"];
        assert_eq!(keyboard[0][0], json!({ "text": "M", "callback_data": "size:m" }));
    }

    #[test]
    fn a_file_takes_the_text_as_its_caption() {
        let media = OutMedia {
            kind: MediaKind::Image,
            url: "https://x.example.com/a",
            bytes: None,
            name: None,
            mime: None,
            caption: None,
        };
        let (method, parameters) = request(&Outgoing { media: Some(media), ..TEXT }).unwrap();
        assert_eq!((method, &parameters["caption"]), ("sendPhoto", &json!("hi")));
        assert!(request(&Outgoing { text: Some("  "), ..TEXT }).is_none());
    }
}
