//! A mail, as `messages.get` answers it, as one message of a conversation. What a reply needs of it is in its data:
//! `subject`, `rfc822_message_id`, `in_reply_to`, `references`, and `answer_to` where it asks for answers elsewhere.

use serde_json::Value;

use super::{
    automatic, bounce,
    bounce::Bounce,
    header::Mailbox,
    part::Part,
    reference,
    wire::{self, TOO_LARGE, UNWANTED, has_label},
};
use crate::{Context, Direction, Fields, Kind, MediaKind, NoAnswer, Origin, Words, json};

/// The references that a reply repeats: the first, and the newest of the others.
const MAX_REFERENCES: usize = 20;

pub(super) fn read(document: &Value, context: &Context) -> Fields {
    mail(document, context).unwrap_or_else(|| Fields::ignored("malformed"))
}

fn mail(document: &Value, context: &Context) -> Option<Fields> {
    let (id, thread) = (wire::id(document, "id")?, wire::id(document, "threadId")?);
    let root = Part::of(json::object(document, "payload")?);
    if let Some((_, reason)) = UNWANTED.iter().find(|(label, _)| has_label(document, label)) {
        let mut event = Fields::ignored(reason);
        event.external_message_id = Some(id.to_owned());
        return Some(event);
    }
    let mailbox = context.mailbox.as_deref().map(str::trim).filter(|mailbox| !mailbox.is_empty());
    let is_sent = has_label(document, "SENT");
    let bounce = if is_sent { None } else { bounce::read(root, mailbox) };
    let mut event = match bounce {
        Some(bounce) => status(bounce),
        None if is_sent => outbound(root, mailbox),
        None => inbound(root, mailbox, thread),
    };
    event.external_message_id = Some(id.to_owned());
    event.external_conversation_id = Some(thread.to_owned());
    event.external_account_id = mailbox.map(str::to_lowercase);
    event.timestamp_ms = json::millis(document, "internalDate");
    for (name, value) in
        [("subject", root.headers().text("Subject")), ("rfc822_message_id", first(root, "Message-ID"))]
    {
        if let Some(value) = value {
            event.set(name, value);
        }
    }
    if event.kind == Kind::Status {
        return Some(event);
    }
    event.message_key = Some(id.to_owned());
    event.text = root.text();
    if document.get(TOO_LARGE).is_some() {
        // What it says is unknown, so a person has to look.
        event.text = Some(too_large(document));
        event.set("too_large", true);
    }
    for file in root.files(id) {
        event.attach(file);
    }
    event.kind = match (&event.text, event.media.first().map(|file| file.kind)) {
        (None, Some(MediaKind::Image)) => Kind::Image,
        (None, Some(MediaKind::Audio)) => Kind::Audio,
        (None, Some(MediaKind::Video)) => Kind::Video,
        (None, Some(_)) => Kind::Document,
        _ => Kind::Text,
    };
    thread_of(root, &mut event);
    Some(event)
}

/// What stands in the place of a text that is not there, with the beginning of it that Gmail tells.
fn too_large(document: &Value) -> String {
    const WORDS: &str = "This mail is too large to be shown here: open it in the mailbox.";
    match json::text(document, "snippet").filter(|snippet| !snippet.trim().is_empty()) {
        Some(snippet) => format!("{WORDS}\n\n{snippet}"),
        None => WORDS.to_owned(),
    }
}

fn first(root: Part<'_>, name: &str) -> Option<String> {
    root.headers().ids(name).first().map(|id| (*id).to_owned())
}

/// Which mails it answers.
fn thread_of(root: Part<'_>, event: &mut Fields) {
    if let Some(answered) = first(root, "In-Reply-To") {
        event.set("in_reply_to", answered.as_str());
        event.reply_to = Some(answered);
    }
    let mut references = root.headers().ids("References");
    if references.len() > MAX_REFERENCES {
        references.drain(1..=references.len() - MAX_REFERENCES);
    }
    if !references.is_empty() {
        event.set("references", references);
    }
}

/// Somebody wrote to us.
fn inbound(root: Part<'_>, mailbox: Option<&str>, thread: &str) -> Fields {
    let mut event = Fields::new(Kind::Text);
    event.direction = Some(Direction::Inbound);
    let from = root.headers().mailboxes("From").into_iter().next();
    if automatic::is_automatic(root, from.as_ref().map(|from| from.address.as_str()), mailbox) {
        mark_automatic(&mut event);
    }
    let answer_to = root.headers().mailboxes("Reply-To").into_iter().next();
    if let Some(Mailbox { address, .. }) = answer_to
        && from.as_ref().is_none_or(|from| from.address != address)
    {
        event.set("answer_to", address);
    }
    match from {
        Some(from) => {
            // The contact is of the thread: by its address people know who it is, and find it.
            event.contact_handle = Some(from.address.clone());
            event.external_contact_id = Some(from.address);
            event.contact_name = from.name;
        }
        // Nobody whom one could write to, and still a mail.
        None => event.external_contact_id = Some(thread.to_owned()),
    }
    event
}

/// The mailbox sent it: we did, or a person with another mail program, or a rule of the mailbox.
fn outbound(root: Part<'_>, mailbox: Option<&str>) -> Fields {
    let mut event = Fields::new(Kind::Text);
    event.direction = Some(Direction::Outbound);
    let headers = root.headers();
    event.our_reference = reference::of(headers, mailbox);
    let says_so = automatic::says_so(headers);
    event.origin = Some(if event.our_reference.is_some() {
        Origin::OurApi
    } else if says_so {
        Origin::OtherApp
    } else {
        Origin::HumanDevice
    });
    let is_own = |one: &Mailbox| mailbox.is_some_and(|own| own.eq_ignore_ascii_case(&one.address));
    let to: Vec<_> = ["To", "Cc", "Bcc"].into_iter().flat_map(|name| headers.mailboxes(name)).collect();
    let other = to.iter().position(|one| !is_own(one));
    let is_to_ourselves = other.is_none() && !to.is_empty();
    if says_so || is_to_ourselves {
        mark_automatic(&mut event);
    }
    if let Some(to) = to.into_iter().nth(other.unwrap_or_default()) {
        event.contact_handle = Some(to.address.clone());
        event.external_contact_id = Some(to.address);
        event.contact_name = to.name;
    }
    event
}

fn mark_automatic(event: &mut Fields) {
    event.no_answer = Some(NoAnswer::Automatic);
    event.set("auto_submitted", true);
}

fn status(bounce: Bounce) -> Fields {
    let mut event = Fields::new(Kind::Status);
    event.status = Some(bounce.status);
    event.retryable = (bounce.status == crate::Status::Failed).then_some(bounce.retryable);
    event.reason = bounce.reason.map(|reason| Words::from(reason).into());
    // A report does not know Gmail's id of the mail: which one is meant is known by our reference alone.
    let unknown = || format!("rfc822:{}", bounce.original);
    event.target_key = Some(bounce.our_reference.clone().unwrap_or_else(unknown));
    event.our_reference = bounce.our_reference;
    event.target_message_id = Some(bounce.original);
    event.set("auto_submitted", true);
    event
}
