//! Whether a message may go to a customer now: whether people blocked them, the customer's own wish, and the provider's
//! window for answers. Asked when a message is written and again when it leaves, because a queue may be longer than a
//! window. Pure.

use crate::error::Error;
use crate::model::{AuthorKind, Conversation, MessageError};

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Person,
    /// A program of the business, through which people may write.
    Program,
    Machine,
    /// The program itself, before somebody's answer: it goes where that answer may go.
    Notice,
}

impl By {
    pub(crate) const fn author(kind: AuthorKind) -> Self {
        match kind {
            AuthorKind::Manager | AuthorKind::Phone => Self::Person,
            AuthorKind::OtherApp => Self::Program,
            AuthorKind::Customer | AuthorKind::Responder => Self::Machine,
            AuthorKind::System => Self::Notice,
        }
    }
}

/// What is to be sent, as far as the rules ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sending {
    pub by: By,
    pub is_template: bool,
    /// It says that a person answers outside of the window for machines.
    pub human_agent: bool,
}

impl Sending {
    /// A machine's plain answer.
    pub const MACHINE: Self = Self { by: By::Machine, is_template: false, human_agent: false };
    /// The privacy notice.
    pub const NOTICE: Self = Self { by: By::Notice, ..Self::MACHINE };
    /// A person's plain answer.
    pub const PERSON: Self = Self { by: By::Person, ..Self::MACHINE };
}

/// Why a message may not go, with what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub code: &'static str,
    pub reason: String,
}

pub(crate) const BLOCKED: &str = "contact_blocked";
pub(crate) const WINDOW_CLOSED: &str = "window_closed";
pub(crate) const OPTED_OUT: &str = "opted_out";

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::conflict(refusal.code, refusal.reason)
    }
}

impl From<Refusal> for MessageError {
    fn from(refusal: Refusal) -> Self {
        Self { code: refusal.code.to_owned(), reason: refusal.reason }
    }
}

pub(crate) fn refusal(conversation: &Conversation, sending: Sending, now_ms: i64) -> Option<Refusal> {
    blocked(conversation)
        .or_else(|| opted_out(conversation, sending))
        .or_else(|| window_closed(conversation, sending, now_ms))
}

/// As [`refusal`], for what a person or a program asks.
pub(crate) fn must_allow(conversation: &Conversation, sending: Sending, now_ms: i64) -> Result<(), Error> {
    refusal(conversation, sending, now_ms).map_or(Ok(()), |refusal| Err(refusal.into()))
}

/// Nobody writes to a person who is blocked, whatever the customer and the provider allow.
fn blocked(conversation: &Conversation) -> Option<Refusal> {
    conversation.contact.blocked_at?;
    let reason = "the contact is blocked: unblock it to write to it".to_owned();
    Some(Refusal { code: BLOCKED, reason })
}

/// Who asked for no more messages is not written to by machines and with templates. A person may answer what the customer
/// writes after that.
fn opted_out(conversation: &Conversation, sending: Sending) -> Option<Refusal> {
    let since = conversation.contact.opted_out_at?;
    let asked_since = conversation.last_heard_at.is_some_and(|heard| heard > since);
    let is_person = sending.by == By::Person;
    if (is_person || sending.by == By::Notice) && !sending.is_template && asked_since {
        return None;
    }
    let what = match (is_person, sending.is_template) {
        (false, _) => "only a person answers, and only what the customer writes from now on",
        (true, true) => "send no template: answer in your own words what the customer writes",
        (true, false) => "wait until the customer writes, or note that they agreed",
    };
    let reason = format!("the customer asked for no more messages: {what}");
    Some(Refusal { code: OPTED_OUT, reason })
}

fn window_closed(conversation: &Conversation, sending: Sending, now_ms: i64) -> Option<Refusal> {
    let window = conversation.window()?;
    if sending.is_template && window.templates {
        return None;
    }
    let is_person = matches!(sending.by, By::Person | By::Program);
    let open = |until: Option<i64>| until.is_some_and(|until| now_ms < until);
    if open(conversation.can_send_until)
        || (sending.human_agent && is_person && open(conversation.person_can_send_until))
    {
        return None;
    }
    let remedy = if window.templates {
        "send a template that the provider approved, or wait until the customer writes"
    } else if !is_person && open(conversation.person_can_send_until) {
        "a person can still answer"
    } else if is_person && !sending.human_agent && open(conversation.person_can_send_until) {
        "send it as a person's answer (`human_agent`), which is taken for seven days"
    } else {
        "wait until the customer writes again, or use another channel"
    };
    let hours = window.open_ms / 3_600_000;
    let reason = match conversation.last_heard_at {
        Some(_) => format!("the customer wrote last more than {hours} hours ago: {remedy}"),
        None => format!("the customer has not written here yet: {remedy}"),
    };
    Some(Refusal { code: WINDOW_CLOSED, reason })
}

#[cfg(test)]
#[path = "road/tests.rs"]
mod tests;
