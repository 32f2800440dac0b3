//! What the engine beneath WAHA says of a message: `_data.type` (WEBJS, WPP) or the member of `_data.message` (NOWEB,
//! GOWS) that holds the content. What a person can send is let in by name. Everything else in there is the engine's
//! own: notes on encryption and on businesses, settings of a chat, stubs of calls, edits that could not be opened.

use serde_json::Value;

use super::wire::Item;
use crate::json;

/// What a person sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Text,
    Media,
    Place,
    Cards,
    Order,
    /// A choice of a list or a press of a button.
    Choice,
    Poll,
    /// Sent by a person, and nothing that we can show.
    Unread,
}

pub(super) enum Finding<'a> {
    Said {
        part: Part,
        /// The engine's name for it: a type or a member.
        name: &'a str,
        value: &'a Value,
        /// Shown once, on the phone only.
        view_once: bool,
    },
    /// A stand-in for a message that could not be decrypted yet; the real one follows under the same id.
    Waiting,
    /// Nobody wrote this.
    Technical(String),
    /// The engine says nothing: what the payload has is all there is.
    Silent,
}

/// Values of `_data.type`.
const TYPES: &[(&str, Part)] = &[
    ("chat", Part::Text),
    ("image", Part::Media),
    ("video", Part::Media),
    ("gif", Part::Media),
    ("ptv", Part::Media),
    ("ptt", Part::Media),
    ("audio", Part::Media),
    ("document", Part::Media),
    ("sticker", Part::Media),
    ("location", Part::Place),
    ("vcard", Part::Cards),
    ("multi_vcard", Part::Cards),
    ("order", Part::Order),
    ("product", Part::Order),
    ("list_response", Part::Choice),
    ("buttons_response", Part::Choice),
    ("template_button_reply", Part::Choice),
    ("interactive_response", Part::Choice),
    ("native_flow_response", Part::Choice),
    ("interactive", Part::Text),
    ("native_flow", Part::Text),
    ("buttons", Part::Text),
    ("list", Part::Text),
    ("template", Part::Text),
    ("hsm", Part::Text),
    ("poll_creation", Part::Poll),
    ("event_creation", Part::Unread),
    ("scheduled_event_creation", Part::Unread),
    ("sticker_pack", Part::Unread),
    ("sticker-pack", Part::Unread),
    ("groups_v4_invite", Part::Unread),
    ("payment", Part::Unread),
    ("unknown", Part::Unread),
    ("futureproof", Part::Unread),
    ("oversized", Part::Unread),
];

/// Members of a message.
const MEMBERS: &[(&str, Part)] = &[
    ("conversation", Part::Text),
    ("extendedTextMessage", Part::Text),
    ("imageMessage", Part::Media),
    ("videoMessage", Part::Media),
    ("ptvMessage", Part::Media),
    ("audioMessage", Part::Media),
    ("documentMessage", Part::Media),
    ("stickerMessage", Part::Media),
    ("locationMessage", Part::Place),
    ("liveLocationMessage", Part::Place),
    ("contactMessage", Part::Cards),
    ("contactsArrayMessage", Part::Cards),
    ("orderMessage", Part::Order),
    ("productMessage", Part::Order),
    ("listResponseMessage", Part::Choice),
    ("buttonsResponseMessage", Part::Choice),
    ("templateButtonReplyMessage", Part::Choice),
    ("interactiveResponseMessage", Part::Choice),
    ("interactiveMessage", Part::Text),
    ("buttonsMessage", Part::Text),
    ("listMessage", Part::Text),
    ("templateMessage", Part::Text),
    ("highlyStructuredMessage", Part::Text),
    ("pollCreationMessage", Part::Poll),
    ("pollCreationMessageV2", Part::Poll),
    ("pollCreationMessageV3", Part::Poll),
    ("pollCreationMessageV4", Part::Poll),
    ("pollCreationMessageV5", Part::Poll),
    ("eventMessage", Part::Unread),
    ("stickerPackMessage", Part::Unread),
    ("groupInviteMessage", Part::Unread),
    ("newsletterAdminInviteMessage", Part::Unread),
    ("sendPaymentMessage", Part::Unread),
    ("requestPaymentMessage", Part::Unread),
    ("invoiceMessage", Part::Unread),
    ("scheduledCallCreationMessage", Part::Unread),
];

/// Types of notes, which some engines give words too.
const NOTES: &[&str] = &[
    "e2e_notification",
    "notification",
    "notification_template",
    "broadcast_notification",
    "group_notification",
    "gp2",
    "protocol",
    "revoked",
    "call_log",
    "reaction",
    "reaction_enc",
    "poll_update",
    "pinned_message",
    "pin_message",
    "keep_in_chat",
    "event_response",
    "debug",
    "bot_profile",
    // The pictures of an album come by themselves.
    "album",
];

/// Members that are the engine's own, whatever else stands beside them.
const TECHNICAL: &[&str] = &[
    "protocolMessage",
    "secretEncryptedMessage",
    "call",
    "chat",
    "bcallMessage",
    "callLogMesssage",
    "callLogMessage",
    "reactionMessage",
    "encReactionMessage",
    "encCommentMessage",
    "encEventResponseMessage",
    "pollUpdateMessage",
    "pollResultSnapshotMessage",
    "keepInChatMessage",
    "pinInChatMessage",
    "scheduledCallEditMessage",
    "botInvokeMessage",
    "stickerSyncRmrMessage",
    "placeholderMessage",
    "messageHistoryBundle",
    "messageHistoryNotice",
    "albumMessage",
];

/// Members that accompany a message, or come alone and say nothing.
const COMPANIONS: &[&str] =
    &["messageContextInfo", "senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage"];

/// Members that hold the message proper.
const WRAPPERS: &[&str] = &[
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
    "editedMessage",
    "deviceSentMessage",
    "lottieStickerMessage",
    "associatedChildMessage",
    "groupMentionedMessage",
    "botForwardedMessage",
    "limitSharingMessage",
    "questionMessage",
    "eventCoverImage",
    "statusMentionMessage",
];

const MAX_WRAPPERS: usize = 8;

/// The engine's message of an item.
pub(super) fn message<'a>(item: &Item<'a>) -> Option<&'a Value> {
    let data = item.value.get("_data")?;
    ["message", "Message"].iter().find_map(|name| json::object(data, name))
}

/// What the engine says that a message is.
pub(super) fn look<'a>(item: &Item<'a>) -> Finding<'a> {
    let Some(data) = json::object(item.value, "_data") else { return Finding::Silent };
    let view_once = is_view_once(data);
    let opened = message(item).map(|message| open(message, view_once));
    if let Some(found) = opened.as_ref().and_then(Opened::said) {
        return found;
    }
    if let Some(name) = data.get("type").and_then(Value::as_str) {
        if let Some((_, part)) = TYPES.iter().find(|(known, _)| *known == name) {
            return Finding::Said { part: *part, name, value: data, view_once };
        }
        if name == "ciphertext" {
            return Finding::Waiting;
        }
        if NOTES.contains(&name) || !has_content(item) {
            return Finding::Technical(plain(name));
        }
    }
    if let Some(opened) = opened {
        return opened.unsaid(item);
    }
    // What is shown once comes to other devices as a mark without a message.
    if view_once && !has_content(item) {
        return Finding::Said { part: Part::Unread, name: "", value: data, view_once };
    }
    match data.get("messageStubType") {
        None | Some(Value::Null) => {}
        Some(stub) if stub.as_u64() == Some(0) => {}
        Some(stub) if stub.as_u64() == Some(2) || stub == "CIPHERTEXT" => return Finding::Waiting,
        Some(_) if has_content(item) => {}
        Some(_) => return Finding::Technical("stub".into()),
    }
    let kind = data.get("Info").and_then(|info| info.get("Type")).and_then(Value::as_str);
    match kind {
        Some(name @ ("media" | "poll" | "event")) if !has_content(item) => {
            Finding::Said { part: Part::Unread, name, value: data, view_once: false }
        }
        _ => Finding::Silent,
    }
}

/// What an edit makes of a message, beneath the engine's own wrapping of edits.
pub(super) fn look_at_edit<'a>(item: &Item<'a>) -> Finding<'a> {
    let Some(message) = message(item) else { return look(item) };
    let opened = open(message, false);
    let inner = json::object(opened.message, "protocolMessage").and_then(|protocol| {
        json::object(protocol, "editedMessage").or(json::object(protocol, "EditedMessage"))
    });
    match inner {
        Some(inner) => {
            let opened = open(inner, false);
            opened.said().unwrap_or_else(|| opened.unsaid(item))
        }
        None => look(item),
    }
}

/// Whether the payload itself has something that a person wrote.
pub(super) fn has_content(item: &Item<'_>) -> bool {
    let value = item.value;
    json::text(value, "body").is_some()
        || json::flag(value, "hasMedia") == Some(true)
        || json::object(value, "media").is_some_and(|media| media.get("url").is_some_and(Value::is_string))
        || json::object(value, "location").is_some()
        || !json::list(value, "vCards").is_empty()
}

/// A message without its wrappers.
struct Opened<'a> {
    message: &'a Value,
    view_once: bool,
}

fn is_view_once(data: &Value) -> bool {
    let marked = |value: &Value, name: &str| json::flag(value, name) == Some(true);
    ["isViewOnce", "IsViewOnce", "IsViewOnceV2", "IsViewOnceV2Extension"]
        .iter()
        .any(|name| marked(data, name))
        || data.get("key").is_some_and(|key| marked(key, "isViewOnce"))
}

fn open(mut message: &Value, mut view_once: bool) -> Opened<'_> {
    for _ in 0..MAX_WRAPPERS {
        let inner = WRAPPERS.iter().find_map(|name| {
            let inner = json::object(json::object(message, name)?, "message")?;
            Some((*name, inner))
        });
        let Some((name, inner)) = inner else { break };
        view_once |= name.starts_with("viewOnce");
        message = inner;
    }
    Opened { message, view_once }
}

impl<'a> Opened<'a> {
    fn said(&self) -> Option<Finding<'a>> {
        let found = MEMBERS.iter().find_map(|(name, part)| {
            let value = self.message.get(*name).filter(|value| value.is_object() || value.is_string())?;
            Some((*name, *part, value))
        });
        let (name, part, value) = found?;
        let view_once = self.view_once
            || ["viewOnce", "ViewOnce"].iter().any(|flag| json::flag(value, flag) == Some(true));
        Some(Finding::Said { part, name, value, view_once })
    }

    /// Nothing in there that a person can send.
    fn unsaid(&self, item: &Item<'a>) -> Finding<'a> {
        let members = || self.message.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        let known = members().find(|(name, _)| TECHNICAL.contains(&name.as_str()));
        let unknown = || members().find(|(name, _)| !COMPANIONS.contains(&name.as_str()));
        match known {
            Some((name, _)) => Finding::Technical(plain(name)),
            None if has_content(item) => Finding::Silent,
            // A view that is shown once is sent to other devices without its content.
            None if self.view_once => Finding::Said {
                part: Part::Unread,
                name: "viewOnceMessage",
                value: self.message,
                view_once: true,
            },
            None => match unknown().or_else(|| members().next()) {
                Some((name, _)) => Finding::Technical(plain(name)),
                None => Finding::Silent,
            },
        }
    }
}

/// A foreign name that is fit for a log.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).take(48).collect()
}
