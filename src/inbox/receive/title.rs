//! A chat or a topic got another name: its contact or its conversations are called so. Nobody is made by it.

use adapters::{Address, Event};

use super::time;
use crate::error::Error;
use crate::inbox::announce;
use crate::model::Channel;
use crate::store::contacts::Description;
use crate::store::{Tx, contacts, conversations, threads};

pub(super) async fn apply(tx: &mut Tx<'_>, channel: &Channel, event: &Event) -> Result<bool, Error> {
    let Some(chat) = event.external_conversation_id.as_deref() else { return Ok(false) };
    let at = time::or_now(event, tx.now());
    let (mut place_is_news, mut chat_is_news) = (false, false);
    if let Some(title) = event.thread_title.as_deref() {
        let address = Address { chat, thread: event.thread.as_deref() };
        place_is_news = threads::entitle(tx, channel, address, (title, at)).await?;
    }
    let Some(mut contact) = contacts::find(tx, channel.id, chat).await? else { return Ok(place_is_news) };
    let said = Description { name: event.chat_title.as_deref(), ..Description::default() };
    if contact.learn(&said) {
        contacts::describe(tx, channel.tenant, &contact).await?;
        chat_is_news = true;
    }
    if chat_is_news || place_is_news {
        for open in conversations::all_open_of(tx, (channel.tenant, channel.id), contact.id).await? {
            let Some(mut conversation) = conversations::load_locked(tx, channel.tenant, open).await? else {
                continue;
            };
            if chat_is_news || conversation.thread == event.thread {
                announce::conversation(tx, &mut conversation)?;
            }
        }
    }
    Ok(chat_is_news || place_is_news)
}
