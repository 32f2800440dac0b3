//! A person sends the failed parts of a message again. They really leave once more, under ids of their own; what the provider
//! still says about the earlier ids changes nothing.

use anyhow::Context as _;
use uuid::Uuid;

use super::outgoing::road::{self, Sending};
use super::outgoing::{self, Part};
use super::{receipt, send};
use crate::accounts::access::Scope;
use crate::channels::pause;
use crate::error::Error;
use crate::model::{Direction, Message, MessageStatus};
use crate::store::jobs::{self, Deliver};
use crate::store::{Tx, Verb, channels, conversations, deliveries, messages};

/// Earlier ids of a part that are remembered.
const FORMER: usize = 20;

pub struct TryAgain {
    pub scope: Scope,
    pub conversation: Uuid,
    pub message: Uuid,
    /// Also parts that may have arrived.
    pub even_unknown: bool,
}

impl Verb for TryAgain {
    type Out = Message;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Message, Error> {
        let tenant = self.scope.tenant();
        let conversation = conversations::locked(tx, tenant, self.conversation).await?;
        send::must_be_open(&conversation)?;
        let channel =
            channels::by_id(tx, tenant, conversation.channel).await?.ok_or(Error::NotFound("channel"))?;
        pause::must_run(&channel)?;
        let message = messages::load(tx, tenant, self.message).await?;
        let message = message.filter(|message| message.conversation == conversation.id);
        let message = message.ok_or(Error::NotFound("message"))?;
        let parts = deliveries::of_message(tx, tenant, message.id).await?;
        let is_unknown = |part: &deliveries::Delivery| part.state == MessageStatus::Unknown;
        if !self.even_unknown && parts.iter().any(is_unknown) {
            let why = "it may have arrived: look whether the customer got it, then say even_unknown";
            return Err(Error::conflict("outcome_unknown", why));
        }
        let again: Vec<_> = parts
            .into_iter()
            .filter(|part| part.state == MessageStatus::Failed || is_unknown(part))
            .collect();
        for part in &again {
            let part: Part =
                serde_json::from_str(&part.payload).context("a delivery's payload is damaged")?;
            let sending = Sending {
                is_template: part.template.is_some(),
                human_agent: part.human_agent,
                ..Sending::PERSON
            };
            road::must_allow(&conversation, sending, tx.now())?;
        }
        let Some(first) = again.first().cloned().filter(|_| message.direction == Direction::Out) else {
            let why = "only a message that failed can be sent again";
            return Err(Error::conflict("not_failed", why));
        };
        for mut part in again {
            jobs::forget_dead::<Deliver>(tx, tenant, part.id).await?;
            // A try that may have been accepted keeps its reserved id, by which the provider knows the next one as the same.
            if part.begun_at.is_none() {
                part.former_keys.extend(part.external_key.take());
                let surplus = part.former_keys.len().saturating_sub(FORMER);
                part.former_keys.drain(..surplus);
                part.external_id = None;
                part.reserved_id = None;
            }
            part.state = MessageStatus::Queued;
            part.sent_at = None;
            part.error = None;
            part.tries = 0;
            deliveries::update(tx, &part).await?;
            // It is a person's from now on: that a person has the conversation does not hold it back.
            if let Ok(payload) = serde_json::from_str::<Part>(&part.payload) {
                let payload = serde_json::to_string(&Part { by_person: true, ..payload });
                deliveries::set_payload(tx, &part, &payload.unwrap_or_else(|_| part.payload.clone())).await?;
            }
            outgoing::queue(tx, &message, &part).await?;
        }
        receipt::refresh(tx, &first).await?;
        messages::load(tx, tenant, message.id).await?.ok_or(Error::NotFound("message"))
    }
}
