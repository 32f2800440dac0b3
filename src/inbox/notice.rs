//! The privacy notice: told once to each contact on a channel, before the first answer, and again when its text has
//! changed. The receipt is written with the message.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{outgoing, send};
use crate::accounts::access::Scope;
use crate::error::Error;
use crate::model::limits::MAX_TEXT;
use crate::model::{Author, AuthorKind, Conversation, MessageBody, PrivacyNotice};
use crate::store::notices::{self, Reader};
use crate::store::{Tx, Verb, messages};

const MAX_LANGUAGES: usize = 40;
/// Characters of a notice: every provider takes it in one part or a few.
const MAX_NOTICE: usize = 4_000;

const _: () = assert!(MAX_NOTICE <= MAX_TEXT);

/// Queues the company's notice if the contact has not been told. Called with a locked conversation, before an answer.
pub(super) async fn before_answer(
    tx: &mut Tx<'_>,
    conversation: &mut Conversation,
    waits_since: Option<i64>,
) -> Result<(), Error> {
    if conversation.is_group {
        return Ok(());
    }
    let company = (conversation.tenant, conversation.company);
    let Some(notice) = notices::current(tx, company).await? else { return Ok(()) };
    let to = Reader {
        tenant: conversation.tenant,
        contact: conversation.contact.id,
        channel: conversation.channel,
        company: conversation.company,
    };
    if notice.texts.is_empty() || notices::is_told(tx, to, notice.version).await? {
        return Ok(());
    }
    let written = messages::heard_last_text(tx, conversation).await?;
    let Some((language, text)) = notice.for_writer(written.as_deref()) else { return Ok(()) };
    // With a template the window may be closed: the notice goes before the first answer in it.
    let sending = outgoing::road::Sending::NOTICE;
    if outgoing::road::refusal(conversation, sending, tx.now())
        .is_some_and(|refusal| refusal.code == outgoing::road::WINDOW_CLOSED)
    {
        return Ok(());
    }
    let body = MessageBody { text: Some(text.to_owned()), ..MessageBody::default() };
    let out = outgoing::Outgoing {
        author: Author { kind: AuthorKind::System, id: None, name: None },
        body: &body,
        client_id: &format!("notice:{}:{}", notice.version, tx.new_id()),
        digest: &send::digest_of(&body),
        has_address: false,
        turn: None,
        waits_since,
    };
    let message = outgoing::put(tx, conversation, out).await?;
    Ok(notices::told(tx, to, (notice.version, language), message.id).await?)
}

/// The notice of a company, as it is now.
pub struct Notice {
    pub scope: Scope,
    pub company: Uuid,
}

impl Verb for Notice {
    type Out = PrivacyNotice;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<PrivacyNotice, Error> {
        Ok(notices::current(tx, (self.scope.tenant(), self.company)).await?.unwrap_or_default())
    }
}

/// Writes a new version of a company's notice, which is told to every contact again.
pub struct SetNotice {
    pub scope: Scope,
    pub company: Uuid,
    pub language: String,
    pub texts: BTreeMap<String, String>,
}

impl Verb for SetNotice {
    type Out = PrivacyNotice;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<PrivacyNotice, Error> {
        let texts = self.checked()?;
        let company = (self.scope.tenant(), self.company);
        let known = notices::current(tx, company).await?.unwrap_or_default();
        if known.texts == texts && known.language == self.language {
            return Ok(known);
        }
        let (language, created_at) = (self.language.clone(), tx.now());
        let notice = PrivacyNotice { version: known.version + 1, language, texts, created_at };
        notices::insert(tx, company, &notice, self.scope.actor().user()).await?;
        Ok(notice)
    }
}

impl SetNotice {
    fn checked(&self) -> Result<BTreeMap<String, String>, Error> {
        if self.texts.len() > MAX_LANGUAGES {
            return Err(Error::invalid("texts", format!("at most {MAX_LANGUAGES} languages")));
        }
        for (language, text) in &self.texts {
            let is_tag = (2..=3).contains(&language.len())
                && language.chars().all(|letter| letter.is_ascii_lowercase());
            if !is_tag {
                return Err(Error::invalid("texts", "name each text by its language: `en`, `ru`"));
            }
            if text.trim().is_empty() || text.chars().count() > MAX_NOTICE {
                let problem =
                    format!("write 1 to {MAX_NOTICE} characters for each language, or leave it out");
                return Err(Error::invalid("texts", problem));
            }
        }
        if !self.texts.is_empty() && !self.texts.contains_key(&self.language) {
            return Err(Error::invalid("language", "name one of the texts: who writes otherwise gets it"));
        }
        Ok(self.texts.iter().map(|(language, text)| (language.clone(), text.trim().to_owned())).collect())
    }
}
