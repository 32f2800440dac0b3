//! Records the start of a send attempt, after checking that the part may still be sent. From here on only the provider's
//! answer tells whether it was accepted.

use anyhow::Context as _;
use uuid::Uuid;

use crate::error::Error;
use crate::inbox::outgoing::Part;
use crate::inbox::outgoing::road::{self, By, Sending};
use crate::inbox::receipt;
use crate::model::{AuthorKind, ChannelState, MessageStatus, Owner};
use crate::store::deliveries::{self, Delivery};
use crate::store::files::{self, File};
use crate::store::jobs::{self, Job};
use crate::store::messages::Heard;
use crate::store::{Tx, Verb, channels, conversations, messages};
use crate::work::runner::CLAIM_MS;

/// A recorded attempt with everything that the provider call needs.
pub(super) struct Begun {
    pub delivery: Delivery,
    pub part: Part,
    /// The part's uploaded file.
    pub file: Option<File>,
    pub chat: String,
    pub thread: Option<String>,
    /// What the part answers.
    pub heard: Option<Heard>,
    pub is_automatic: bool,
    pub attempt: Attempt,
}

/// One attempt to send a part.
#[derive(Clone, Copy)]
pub(super) struct Attempt {
    pub id: Uuid,
    /// When it began.
    pub at: i64,
    /// No earlier attempt has an unknown outcome.
    pub is_first: bool,
}

pub(super) struct Begin {
    pub job: Job,
    pub reserved: Option<String>,
}

impl Verb for Begin {
    type Out = Option<Begun>;

    fn tenant(&self) -> Option<Uuid> {
        self.job.holder()
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        // A slow worker may have lost its claim to another one, which sends the part.
        let until = tx.now() + CLAIM_MS;
        if !jobs::keep(tx, &self.job, until).await? {
            return Ok(None);
        }
        let Some(mut delivery) = deliveries::load(tx, self.job.tenant, self.job.subject).await? else {
            jobs::done(tx, &self.job).await?;
            return Ok(None);
        };
        let conversation = conversations::locked(tx, delivery.tenant, delivery.conversation).await?;
        let message =
            messages::load(tx, delivery.tenant, delivery.message).await?.ok_or(Error::NotFound("message"))?;
        if delivery.state != MessageStatus::Queued {
            jobs::done(tx, &self.job).await?;
            return Ok(None);
        }
        let part: Part =
            serde_json::from_str(&delivery.payload).context("a delivery's payload is damaged")?;
        let is_automatic = message.author.kind == AuthorKind::Responder;
        if is_automatic && conversation.owner == Owner::Human && !part.by_person {
            receipt::silence(tx, delivery).await?;
            jobs::done(tx, &self.job).await?;
            return Ok(None);
        }
        let sending = Sending {
            by: if part.by_person { By::Person } else { By::author(message.author.kind) },
            is_template: part.template.is_some(),
            human_agent: part.human_agent,
        };
        if let Some(refusal) = road::refusal(&conversation, sending, tx.now()) {
            receipt::refuse(tx, delivery, refusal.into()).await?;
            jobs::done(tx, &self.job).await?;
            return Ok(None);
        }
        // The channel may have been paused since the claim: the job is requeued.
        let channel = channels::by_id(tx, delivery.tenant, delivery.channel)
            .await?
            .ok_or(Error::NotFound("channel"))?;
        if channel.state != ChannelState::Active {
            let now = tx.now();
            jobs::postpone(tx, &self.job, now, "the channel is paused").await?;
            return Ok(None);
        }
        delivery.state = MessageStatus::Sending;
        let is_first = delivery.begun_at.is_none();
        delivery.begun_at = delivery.begun_at.or(Some(tx.now()));
        if let Some(reserved) = &self.reserved {
            delivery.reserved_id = Some(reserved.clone());
            delivery.external_key = Some(reserved.clone());
        }
        deliveries::update(tx, &delivery).await?;
        let attempt = Attempt { id: deliveries::begin_attempt(tx, &delivery).await?, at: tx.now(), is_first };
        receipt::refresh(tx, &delivery).await?;
        let file = match part.media.as_ref().and_then(|media| media.file) {
            Some(id) => files::load(tx, delivery.tenant, id).await?,
            None => None,
        };
        let heard = messages::heard(tx, &conversation, message.reply_to).await?;
        let (chat, thread) = (conversation.external_id, conversation.thread);
        Ok(Some(Begun { delivery, part, file, chat, thread, heard, is_automatic, attempt }))
    }
}
