//! Whose a lead is: found when its person writes, by an id that the provider vouches for (a phone number, the address of a
//! mail) or by the lead's reference. The other way round, from a lead to a contact, nothing is looked for: whoever fills in
//! a form may write anybody's number.

use adapters::event::NewMessage;

use super::reference::LIFE_MS;
use crate::error::Error;
use crate::model::{Channel, Lead, Source, SourceKind};
use crate::search::phone::Phone;
use crate::store::{Tx, leads};

/// Older leads are their person's too, but did not lead them here.
const LED_MS: i64 = 90 * 24 * 3_600_000;

/// The leads of the message's sender of which nobody knew whose they are, oldest first.
pub(super) async fn by_address(
    tx: &mut Tx<'_>,
    channel: &Channel,
    message: &NewMessage,
) -> Result<Vec<Lead>, Error> {
    let mut found = Vec::new();
    if let Some(phone) = message.sender.phone.as_deref().and_then(Phone::of_provider) {
        for key in phone.keys() {
            found.extend(leads::waiting_phone(tx, channel.tenant, &key).await?);
        }
    }
    if message.chat.id.contains('@') && channel.kind == "gmail" {
        found = leads::waiting_email(tx, channel.tenant, &message.chat.id.to_lowercase()).await?;
    }
    found.retain(|lead| is_of(channel, lead));
    found.sort_by_key(|lead| lead.id);
    Ok(found)
}

/// The lead of a reference, which is used by this. Nothing if it is unknown, used, too old or of another company.
pub(super) async fn by_reference(
    tx: &mut Tx<'_>,
    channel: &Channel,
    word: &str,
    at: i64,
) -> Result<Option<Lead>, Error> {
    let found = leads::by_reference(tx, channel.tenant, word).await?;
    let Some(lead) = found.filter(|lead| is_of(channel, lead) && at <= lead.at + LIFE_MS) else {
        return Ok(None);
    };
    leads::use_reference(tx, channel.tenant, lead.id).await?;
    Ok(Some(lead))
}

fn is_of(channel: &Channel, lead: &Lead) -> bool {
    lead.company.is_none_or(|company| company == channel.company)
}

/// What it says of where its person came from; nothing if it is too long ago.
pub(super) fn source(lead: &Lead, at: i64) -> Option<Source> {
    (at <= lead.at + LED_MS).then(|| Source {
        kind: SourceKind::Lead,
        name: lead.source.clone(),
        link: None,
        campaign: lead.utm.campaign.clone(),
        utm: lead.utm.clone(),
    })
}
