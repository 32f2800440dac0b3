//! A chat or a topic was renamed: updates the contact's name or the thread's title. Never creates a contact.

use adapters::event::Title;

use super::time;
use crate::announce;
use crate::error::Error;
use crate::model::Channel;
use crate::store::contacts::Description;
use crate::store::{Tx, contacts, conversations, threads};

pub(super) async fn apply(tx: &mut Tx<'_>, channel: &Channel, news: &Title) -> Result<bool, Error> {
    let chat = &news.chat;
    let at = time::or_now(&news.told, tx.now());
    let (mut place_is_news, mut chat_is_news) = (false, false);
    if let Some(title) = chat.thread_title.as_deref() {
        place_is_news = threads::entitle(tx, channel, chat.address(), (title, at)).await?;
    }
    let Some(mut contact) = contacts::find(tx, (channel.tenant, channel.id), &chat.id).await? else {
        return Ok(place_is_news);
    };
    let said = Description { name: chat.title.as_deref(), ..Description::default() };
    if contacts::is_newest(tx, channel.tenant, contact.id, at).await? && contact.learn(&said) {
        contacts::describe(tx, channel.tenant, &contact, at).await?;
        chat_is_news = true;
    }
    if chat_is_news || place_is_news {
        for open in conversations::all_open_of(tx, (channel.tenant, channel.id), contact.id).await? {
            let Some(mut conversation) = conversations::load_locked(tx, channel.tenant, open).await? else {
                continue;
            };
            if chat_is_news || conversation.thread == chat.thread {
                announce::conversation(tx, &mut conversation)?;
            }
        }
    }
    Ok(chat_is_news || place_is_news)
}
