//! `messages.send`: refuses a mail that is not well formed, that is not from the mailbox, or whose headers look
//! injected; keeps it in the thread only if Gmail would.

use std::{sync::Arc, time::Duration};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::{Value, json};

use super::{
    dates, ids,
    mail::bounce,
    mailbox::{Mailbox, Stored},
    mime,
    part::{Part, addresses},
    push,
    refusal::Refusal,
    shared::Shared,
    state::{Sent, SentFile, Switch},
};

const MAX_RECIPIENTS: usize = 500;

/// Base64 of the URL alphabet, padded or not.
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The headers that a mail has at most once.
const ONCE: [&str; 14] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Auto-Submitted",
    "Precedence",
];

/// A mail that was read and found good, before it is sent.
pub(super) struct Draft {
    root: Part,
    raw: Vec<u8>,
    thread: Option<String>,
    pub(super) to: Vec<String>,
    subject: String,
}

impl Draft {
    pub(super) fn text(&self) -> Option<String> {
        self.root.text("text/plain")
    }

    pub(super) fn has_attachment(&self) -> bool {
        self.root.walk().iter().any(|(_, part)| !part.filename.is_empty())
    }
}

/// Reads the call's body.
pub(super) fn read(shared: &Shared, address: &str, body: &Value) -> Result<Draft, Refusal> {
    let raw = body["raw"].as_str().filter(|raw| !raw.is_empty());
    let raw = raw.ok_or_else(|| {
        Refusal::invalid(
            "'raw' RFC822 payload message string or uploading message via /upload/* URL required",
        )
    })?;
    let raw = URL_SAFE.decode(raw).map_err(|error| {
        Refusal::invalid(format!(
            "Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed: {error}"
        ))
    })?;
    let thread = match &body["threadId"] {
        Value::Null => None,
        Value::String(thread) if !thread.is_empty() => Some(thread.clone()),
        _ => return Err(Refusal::invalid("Invalid thread_id value")),
    };
    if raw.len() > shared.config.max_mail_bytes {
        return Err(Refusal::new(413, "Message too large", "uploadTooLarge", "INVALID_ARGUMENT"));
    }
    let root = mime::parse(&raw).map_err(|what| Refusal::invalid(format!("Invalid message: {what}")))?;
    for name in ONCE {
        if root.headers_named(name).nth(1).is_some() {
            return Err(Refusal::invalid(format!("Invalid message: more than one {name}")));
        }
    }
    if root.header("Bcc").is_some() && !shared.config.allow_bcc {
        return Err(Refusal::invalid("Invalid message: Bcc"));
    }
    if addresses(root.header("From").unwrap_or_default()) != [address] {
        return Err(Refusal::invalid("Invalid From header"));
    }
    let mut to = Vec::new();
    for name in ["To", "Cc", "Bcc"] {
        let named = root.header(name).map(addresses).unwrap_or_default();
        if !named.iter().all(|address| is_address(address)) {
            return Err(Refusal::invalid(format!("Invalid {name} header")));
        }
        to.extend(named);
    }
    if to.is_empty() {
        return Err(Refusal::invalid("Recipient address required"));
    }
    if to.len() > MAX_RECIPIENTS {
        return Err(Refusal::invalid("Too many recipients"));
    }
    // The parser has decoded it once already.
    let subject = mime::decode_words(root.header("Subject").unwrap_or_default()).unwrap_or_default();
    Ok(Draft { root, raw, thread, to, subject })
}

fn is_address(address: &str) -> bool {
    let is_plain =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
    address.split_once('@').is_some_and(|(local, domain)| is_plain(local) && is_plain(domain))
}

/// Sends the mail. Its notification comes this long after it.
pub(super) fn send(
    shared: &Arc<Shared>,
    address: &str,
    draft: Draft,
    notify_after: Duration,
) -> Result<Value, Refusal> {
    let now_ms = shared.now_ms();
    let Draft { mut root, raw, thread, to, subject } = draft;
    let size = raw.len();
    let (answer, labels) = shared.state.change(|state| {
        let id = state.mail_id(now_ms);
        let replaces = state.is_on(Switch::ReplacedIds);
        let mailbox = super::listing::of(state, address)?;
        if thread.as_ref().is_some_and(|thread| !mailbox.has_thread(thread)) {
            return Err(Refusal::not_found());
        }
        let stays = thread.filter(|thread| belongs(mailbox, thread, &root, &subject));
        let thread = stays.clone().unwrap_or_else(|| id.clone());
        let message_id = set_ids(&mut root, &id, replaces, now_ms);
        let mut labels = vec!["SENT".to_owned()];
        if to.iter().any(|to| to == address) {
            labels.extend(["INBOX".to_owned(), "UNREAD".to_owned()]);
        }
        let file = |part: &Part| SentFile {
            name: part.filename.clone(),
            mime: part.mime.clone(),
            bytes: part.body.clone(),
        };
        let sent = Sent {
            mailbox: address.to_owned(),
            id: id.clone(),
            thread: thread.clone(),
            stayed_in_thread: stays.is_some(),
            message_id,
            to,
            subject,
            text: root.text("text/plain"),
            html: root.text("text/html"),
            files: root
                .walk()
                .iter()
                .filter(|(_, part)| !part.filename.is_empty())
                .map(|(_, part)| file(part))
                .collect(),
            headers: root.headers.clone(),
            raw,
            at_ms: now_ms,
        };
        let mail = Stored {
            id,
            thread,
            labels: labels.clone(),
            history_id: 0,
            at_ms: now_ms,
            root,
            size,
            is_vanished: false,
        };
        let answer = mail.short();
        mailbox.store(mail);
        state.sent.push(sent);
        Ok((answer, labels))
    })?;
    push::changed_after(shared, address, &labels, notify_after);
    Ok(answer)
}

/// Adds a date if there is none, and replaces an id that Gmail would not accept. Returns the id.
fn set_ids(root: &mut Part, id: &str, replaces: bool, now_ms: i64) -> String {
    if root.header("Date").is_none() {
        root.headers.push(("Date".into(), dates::rfc5322(now_ms)));
    }
    let is_good = |id: &&str| {
        let inner = id.strip_prefix('<').and_then(|id| id.strip_suffix('>'));
        inner.is_some_and(is_address)
    };
    let given = root.header("Message-ID").filter(|_| !replaces).filter(is_good).map(str::to_owned);
    given.unwrap_or_else(|| {
        let made = format!("<{}{id}@mail.gmail.com>", ids::token("CA"));
        root.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("Message-ID"));
        root.headers.push(("Message-ID".into(), made.clone()));
        made
    })
}

/// Whether the mail names a mail of the thread and has its subject.
fn belongs(mailbox: &Mailbox, thread: &str, root: &Part, subject: &str) -> bool {
    let words = |name: &str| root.header(name).unwrap_or_default().split_whitespace().map(str::to_owned);
    let named: Vec<_> = words("In-Reply-To").chain(words("References")).collect();
    let bare = bare_subject(subject);
    let is_named = mailbox
        .thread(thread)
        .filter_map(|mail| mail.root.header("Message-ID"))
        .any(|id| named.iter().any(|known| known == id));
    let same = |other: &Stored| {
        let other = mime::decode_words(other.root.header("Subject").unwrap_or_default()).unwrap_or_default();
        bare_subject(&other) == bare
    };
    is_named && mailbox.thread(thread).any(same)
}

/// The subject without `Re:` and `Fwd:`.
fn bare_subject(subject: &str) -> String {
    let mut bare = subject.trim().to_lowercase();
    while let Some(rest) = ["re:", "fwd:", "fw:"].iter().find_map(|prefix| bare.strip_prefix(prefix)) {
        bare = rest.trim().to_owned();
    }
    bare
}

/// Sends the mail; the report that nobody has this address comes at once.
pub(super) fn send_and_bounce(shared: &Arc<Shared>, address: &str, draft: Draft) -> Result<Value, Refusal> {
    let (to, subject) = (draft.to.first().cloned().unwrap_or_default(), draft.subject.clone());
    let answer = send(shared, address, draft, Duration::ZERO)?;
    let id = answer["id"].as_str().unwrap_or_default();
    let thread = answer["threadId"].as_str().unwrap_or_default();
    let message_id = shared.state.read(|state| {
        let sent = state.sent.iter().rev().find(|sent| sent.id == id);
        sent.map(|sent| sent.message_id.clone()).unwrap_or_default()
    });
    super::arrival::arrive(shared, address, &bounce(&message_id, &subject, &to, thread));
    Ok(json!(answer))
}
