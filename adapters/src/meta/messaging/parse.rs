//! One webhook to events. Pure; every element of every entry stands for itself. An entry's account is taken from the entry:
//! one body may be about several.

use serde_json::Value;

use super::{
    Network, action, change, message,
    wire::{self, Element, Form},
};
use crate::{Context, Direction, Fields, Kind, NoAnswer, NotJson, bounds, json};

pub(crate) fn parse(network: Network, body: &[u8], context: &Context) -> Result<Vec<Fields>, NotJson> {
    let document = json::document(body)?;
    if json::text(&document, "object").is_some_and(|object| object != network.object()) {
        return Ok(vec![Fields::ignored("unknown_object")]);
    }
    let known = network.account(context);
    let our_app = context.our_app_id.as_ref().and_then(json::id);
    let elements = wire::elements(&document);
    Ok(bounds::events(&elements, 0, |element| {
        let account = element.account().or_else(|| known.clone());
        let told_ms = element.told_ms();
        let scope = Scope { network, account, known: known.as_deref(), our_app: our_app.as_deref() };
        let mut event = scope.read(element);
        event.told_ms = told_ms;
        if event.kind != Kind::Ignored {
            event.external_account_id = event.external_account_id.take().or(scope.account);
        }
        event
    }))
}

/// What is known of an element beside itself.
pub(super) struct Scope<'a> {
    pub(super) network: Network,
    /// Our account, of the entry or else of the hub.
    pub(super) account: Option<String>,
    /// Our account, of the hub.
    known: Option<&'a str>,
    pub(super) our_app: Option<&'a str>,
}

pub(super) fn malformed() -> Fields {
    Fields::ignored("malformed")
}

#[expect(clippy::unnecessary_wraps, reason = "what the readers give, who may read nothing as well")]
pub(super) fn ignored(reason: &str) -> Option<Fields> {
    Some(Fields::ignored(reason))
}

impl Scope<'_> {
    fn read(&self, element: &Element<'_>) -> Fields {
        // The dashboard's tests are about an account of this name.
        if self.account.as_deref() == Some("0") {
            return Fields::ignored("unknown_account");
        }
        let event = match element.form {
            Form::Malformed => None,
            Form::Empty => ignored("empty"),
            Form::Change => change::read(self, element.value),
            Form::Messaging => self.happened(element.value, element.mid),
            Form::Standby => self.happened(element.value, element.mid).map(standby),
        };
        event.unwrap_or_else(malformed)
    }

    /// What an element of `messaging` or `standby` tells.
    pub(super) fn happened(&self, value: &Value, mid: Option<usize>) -> Option<Fields> {
        type Read = fn(&Scope<'_>, &Value, &Value) -> Option<Fields>;
        const KNOWN: &[(&str, Read)] = &[
            ("message", message::message),
            ("postback", message::postback),
            ("reaction", action::reaction),
            ("message_edit", action::edited),
            ("read", action::read),
            ("referral", action::referral),
            ("pass_thread_control", action::handover),
            ("take_thread_control", action::handover),
            ("request_thread_control", action::handover),
            ("app_roles", action::handover),
            ("policy_enforcement", action::policy),
        ];
        /// Neither a message nor about one.
        const UNHANDLED: &[&str] = &["optin", "account_linking", "game_play", "payment", "message_context"];
        if let Some(delivery) = json::object(value, "delivery") {
            return action::delivery(self, value, delivery, mid);
        }
        if let Some((content, read)) =
            KNOWN.iter().find_map(|(name, read)| Some((json::object(value, name)?, read)))
        {
            return read(self, value, content);
        }
        if !value.is_object() || KNOWN.iter().any(|(name, _)| value.get(name).is_some_and(|it| !it.is_null()))
        {
            return None;
        }
        let unhandled = UNHANDLED.iter().find(|name| value.get(**name).is_some());
        ignored(unhandled.copied().unwrap_or("unknown_event"))
    }

    /// Whether it is one of ours.
    pub(super) fn is_ours(&self, id: &str) -> bool {
        self.account.as_deref() == Some(id) || self.known == Some(id)
    }

    /// A change is about our account: the entry names it, and it is one of the two parties.
    pub(super) fn is_known(&self, value: &Value) -> bool {
        let is_other = self.known.is_some_and(|known| self.account.as_deref() != Some(known));
        let parties = ["sender", "recipient"].map(|name| wire::party(value, name));
        let is_strangers =
            parties.iter().any(Option::is_some) && !parties.iter().flatten().any(|id| self.is_ours(id));
        !is_other && !is_strangers
    }

    /// An event between the customer and us, with its direction and the customer's id as that of the conversation. The
    /// error is a reason to ignore it.
    pub(super) fn between(
        &self,
        kind: Kind,
        value: &Value,
        is_echo: bool,
    ) -> Result<Fields, Option<&'static str>> {
        let (sender, recipient) = (wire::party(value, "sender"), wire::party(value, "recipient"));
        let mut event = Fields::new(kind);
        event.timestamp_ms = json::millis(value, "timestamp");
        let is_ours = is_echo || sender.as_deref().is_some_and(|id| self.is_ours(id));
        let customer = if is_ours { recipient } else { sender };
        let customer = customer.ok_or(None)?;
        // Notes of whoever has the account, which are nobody else's to read.
        if self.is_ours(&customer) {
            return Err(Some("own_chat"));
        }
        event.direction = Some(if is_ours { Direction::Outbound } else { Direction::Inbound });
        if !is_ours {
            event.external_contact_id = Some(customer.clone());
        }
        event.external_conversation_id = Some(customer);
        Ok(event)
    }
}

/// Another app has the conversation: it is kept, and nobody of ours answers.
fn standby(mut event: Fields) -> Fields {
    if event.kind != Kind::Ignored {
        event.set("standby", true);
    }
    if event.kind.is_message() {
        event.no_answer = Some(NoAnswer::Standby);
    }
    event
}

/// A reason to ignore it, or nothing that can be read.
pub(super) fn unread(reason: Option<&'static str>) -> Option<Fields> {
    reason.map(Fields::ignored)
}
