//! The messages of a conversation: reading them, sending one, adding a private note.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::Once;
use super::{At, page_size};
use crate::document;
use crate::error::Error;
use crate::history::{self, End, Page, Wanted};
use crate::inbox::{look, note as noting, react as reacting, send as sending, try_again as again};
use crate::model::{Message, MessageBody, OutAttachment, OutButton, OutTemplate};

#[derive(Debug, Deserialize, ToSchema)]
pub struct MessagesQuery {
    /// Messages with a lower `seq`: the newest of them.
    before_seq: Option<i64>,
    /// Messages with a higher `seq`: the oldest of them.
    after_seq: Option<i64>,
    /// 1 to 200, default 50.
    limit: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MessagesAnswer {
    /// By rising `seq`.
    messages: Vec<Message>,
    /// There are more in the direction that was asked for.
    more: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MessageAnswer {
    message: Message,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendBody {
    /// The client's own id of the message. The same id again gives the first result back.
    #[serde(deserialize_with = "document::line")]
    client_id: String,
    #[serde(default, deserialize_with = "document::opt_written")]
    text: Option<String>,
    #[serde(default)]
    attachments: Vec<OutAttachment>,
    /// A message of the same conversation to quote.
    reply_to: Option<Uuid>,
    /// Reply buttons under the text, where the channel's provider has them.
    #[serde(default)]
    buttons: Vec<OutButton>,
    /// Instead of a text, files and buttons, where the channel's provider has templates.
    template: Option<OutTemplate>,
    /// A person answers after the provider's window for machines has closed, where the provider allows that.
    #[serde(default)]
    human_agent: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteBody {
    #[serde(deserialize_with = "document::line")]
    client_id: String,
    #[serde(deserialize_with = "document::written")]
    text: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReactBody {
    message: Uuid,
    /// One emoji that the provider takes; null takes the reaction back.
    #[serde(deserialize_with = "document::opt_line")]
    emoji: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TryAgainBody {
    message: Uuid,
    /// Also what may have arrived: the customer may get it twice.
    #[serde(default)]
    even_unknown: bool,
}

pub async fn react(at: At, args: ReactBody) -> Result<MessageAnswer, Error> {
    let ReactBody { message, emoji } = args;
    let verb = reacting::React { scope: at.scope, conversation: at.id, message, emoji };
    Ok(MessageAnswer { message: at.app.store.write(verb).await?.value })
}

pub async fn try_again(at: At, args: TryAgainBody) -> Result<MessageAnswer, Error> {
    let TryAgainBody { message, even_unknown } = args;
    let verb = again::TryAgain { scope: at.scope, conversation: at.id, message, even_unknown };
    Ok(MessageAnswer { message: at.app.store.write(verb).await?.value })
}

pub async fn list(at: At, query: MessagesQuery) -> Result<MessagesAnswer, Error> {
    if query.before_seq.is_some() && query.after_seq.is_some() {
        return Err(Error::invalid("after_seq", "give before_seq or after_seq, not both"));
    }
    let limit = page_size(query.limit, 50, look::MAX_PAGE);
    let wanted = Wanted {
        tenant: at.scope.tenant(),
        conversation: at.id,
        after: query.after_seq.unwrap_or(0),
        before: query.before_seq.unwrap_or(i64::MAX),
        end: if query.after_seq.is_some() { End::Oldest } else { End::Newest },
        limit: usize::try_from(limit).unwrap_or(1),
    };
    let verb = look::Messages {
        scope: at.scope,
        conversation: at.id,
        before_seq: query.before_seq,
        after_seq: query.after_seq,
        limit,
        tells_last: at.app.history.is_beside(),
    };
    // The newest page is what the live one goes on from.
    let store = &at.app.store;
    let read =
        if query.before_seq.is_some() { store.read_anywhere(verb).await } else { store.read(verb).await };
    let look::MessagePage { messages, more, last_seq } = read?;
    // Those that have left the store are added.
    let page = history::complete(&at.app.history, wanted, last_seq, Page { messages, more }).await?;
    Ok(MessagesAnswer { messages: page.messages, more: page.more })
}

pub async fn send(at: At, args: SendBody) -> Result<Once<MessageAnswer>, Error> {
    let SendBody { client_id, text, attachments, reply_to, buttons, template, human_agent } = args;
    let body = MessageBody { text, attachments, reply_to, buttons, template, human_agent };
    let verb = sending::SendMessage {
        scope: at.scope,
        outward: at.app.http.outward().clone(),
        has_address: at.app.files.addresses.is_there(),
        conversation: at.id,
        client_id,
        body,
    };
    Ok(made(at.app.store.write(verb).await?.value))
}

pub async fn add_note(at: At, args: NoteBody) -> Result<Once<MessageAnswer>, Error> {
    let NoteBody { client_id, text } = args;
    let verb = noting::Note { scope: at.scope, conversation: at.id, client_id, text };
    Ok(made(at.app.store.write(verb).await?.value))
}

fn made(sent: sending::Sent) -> Once<MessageAnswer> {
    Once { body: MessageAnswer { message: sent.message }, is_repeated: sent.repeated }
}
