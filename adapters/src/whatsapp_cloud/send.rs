//! Sending through a number, marking as read, showing that somebody types.

use serde_json::{Value, json};

use super::{errors::table, request};
use crate::{
    Account, Acknowledge, Address, Client, OutMedia, Outgoing, SendError, SendOutcome,
    call::{Failure, Verdict},
    json as read,
    meta::graph::Graph,
    upload,
};

/// The number's own part of the Graph API.
pub(super) struct Number<'a> {
    pub(super) graph: Graph<'a>,
    pub(super) id: &'a str,
}

impl<'a> Number<'a> {
    pub(super) fn of(http: &'a Client, account: &'a Account) -> Result<Self, Failure> {
        let id = account
            .get("phone_number_id")
            .ok_or_else(|| Failure::setting("phone_number_id", "is missing"))?;
        Ok(Self { graph: Graph::of(http, account, table)?, id })
    }

    /// Brings a file to WhatsApp, which names it by an id. One at an address it fetches by itself.
    async fn bring(&self, media: &OutMedia<'_>, name: &str) -> Result<Option<String>, Failure> {
        let Some(file) = media.bytes else { return Ok(None) };
        let mime = upload::mime(media.mime);
        let fields = [("messaging_product", "whatsapp"), ("type", mime.as_str())];
        let form = upload::form(name, &fields, ("file", media.name.unwrap_or("file"), &mime));
        let answer =
            self.graph.upload(&[self.id, "media"], form, file).await.map_err(upload::nothing_sent)?;
        let id = read::key(&answer, "id");
        id.map(Some).ok_or_else(|| {
            Failure::new(
                Verdict::Retry { after_ms: None },
                "unreadable_answer",
                "WhatsApp took the file, but does not name it",
            )
        })
    }

    async fn post(&self, body: &Value) -> Result<Value, Failure> {
        self.graph.write(self.id, body).await
    }
}

pub(super) async fn send(http: &Client, account: &Account, out: &Outgoing<'_>) -> SendOutcome {
    match try_send(http, account, out).await {
        Ok(id) => SendOutcome::Sent { dedupe_key: id.clone(), external_id: id },
        Err(failure) => failure.into(),
    }
}

/// The id of what WhatsApp accepted. Whether it arrives is told later, by its status.
async fn try_send(http: &Client, account: &Account, out: &Outgoing<'_>) -> Result<String, Failure> {
    let number = Number::of(http, account)?;
    let uploaded = match &out.media {
        Some(media) => number.bring(media, out.our_reference).await?,
        None => None,
    };
    let answer = number.post(&request::message(out, uploaded.as_deref())?).await?;
    let message = read::list(&answer, "messages").first();
    message.and_then(|message| read::key(message, "id")).ok_or_else(|| {
        Failure::new(
            Verdict::Unknown,
            "unreadable_answer",
            "the message was accepted, but the answer does not name it",
        )
    })
}

pub(super) async fn react(
    http: &Client,
    account: &Account,
    to: Address<'_>,
    message: &str,
    emoji: Option<&str>,
) -> Result<(), SendError> {
    let number = Number::of(http, account)?;
    let mut request = request::frame(to, "reaction");
    let reaction = json!({ "message_id": message, "emoji": emoji.unwrap_or_default() });
    request.insert("reaction".to_owned(), reaction);
    number.post(&request.into()).await?;
    Ok(())
}

/// The read mark of the newest message is that of all before it. Whoever looks does not write yet: no typing with it.
pub(super) async fn acknowledge(
    http: &Client,
    account: &Account,
    what: &Acknowledge<'_>,
) -> Result<(), SendError> {
    let Some(message) = what.message else { return Ok(()) };
    Number::of(http, account)?.post(&read_mark(message)).await?;
    Ok(())
}

fn read_mark(message: &str) -> Value {
    json!({ "messaging_product": "whatsapp", "status": "read", "message_id": message })
}

/// Shown for 25 seconds or until the answer comes. WhatsApp takes it with a read mark only.
pub(super) async fn typing(http: &Client, account: &Account, message: &str) -> Result<(), SendError> {
    let mut mark = read_mark(message);
    mark["typing_indicator"] = json!({ "type": "text" });
    Number::of(http, account)?.post(&mark).await?;
    Ok(())
}
