//! Who a thread is with, where others can write into it: whoever began it, or was written to first. What anybody else writes there
//! is shown with its author, and says nothing about the customer: no machine answers it, and it changes no contact.

use adapters::Provider;
use adapters::event::{NewMessage, NoAnswer};

use crate::error::Error;
use crate::model::{Channel, Contact, Conversation};
use crate::store::{Tx, contacts, messages};

fn is_open(channel: &Channel) -> bool {
    adapters::provider(&channel.kind).is_some_and(Provider::is_open_to_strangers)
}

/// The message as one of a stranger, if it is one.
pub(super) async fn marked(
    tx: &mut Tx<'_>,
    channel: &Channel,
    contact: Option<&Contact>,
    found: Option<&Conversation>,
    event: &NewMessage,
) -> Result<Option<NewMessage>, Error> {
    let (true, Some(contact)) = (is_open(channel), contact) else { return Ok(None) };
    let customer = match contacts::address(tx, channel.tenant, contact.id).await? {
        Some(address) => Some(address),
        // A thread from before addresses were kept.
        None => match found {
            Some(found) => messages::first_author(tx, found).await?,
            None => None,
        },
    };
    let Some(customer) = customer else {
        know(tx, channel, contact, event).await?;
        return Ok(None);
    };
    if event.sender.id.as_deref().is_some_and(|sender| sender.eq_ignore_ascii_case(&customer)) {
        return Ok(None);
    }
    // What is known of it already stays: it is not answered either.
    let no_answer = Some(event.no_answer.unwrap_or(NoAnswer::Stranger));
    let mut marked = NewMessage { no_answer, ..event.clone() };
    marked.content.data.insert(messages::STRANGER.to_owned(), true.into());
    Ok(Some(marked))
}

/// Keeps who a new thread is with.
pub(super) async fn know(
    tx: &mut Tx<'_>,
    channel: &Channel,
    contact: &Contact,
    event: &NewMessage,
) -> Result<(), Error> {
    if let Some(address) = event.sender.id.as_deref().filter(|_| is_open(channel)) {
        contacts::set_address(tx, channel.tenant, contact.id, address).await?;
    }
    Ok(())
}
