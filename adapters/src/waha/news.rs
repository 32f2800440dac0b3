//! What a server holds that its webhooks may not have told: they are given up after some tries, and an engine may fall
//! silent. The chats are asked by their newest message, and each for what was written since.

use serde_json::{Value, json};

use super::{
    api::{Api, segment},
    wire,
};
use crate::{Account, Client, News, NewsItem, SendError, Since, call::Failure, json as read};

/// Chats of one page, messages of one question, and questions about one chat.
const CHATS: usize = 20;
const MESSAGES: usize = 100;
const QUESTIONS: usize = 20;
/// Bytes of one page from which on no further chat is asked for: all of a page is in memory.
const PAGE_BYTES: usize = 4 << 20;

/// Messages are told by the second, and by different clocks.
const OVERLAP_S: i64 = 120;

pub(super) async fn news(
    http: &Client,
    account: &Account,
    since: &Since<'_>,
) -> Result<Option<News>, SendError> {
    let api = Api::of(http, account).map_err(SendError::from)?;
    let from_s = since.cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(since.at_ms / 1000);
    let (offset, newest) = since.page.and_then(place).unwrap_or((0, from_s));
    let news = ask(&api, from_s, offset, newest).await.map_err(SendError::from)?;
    Ok(Some(news))
}

/// A page: how many chats were looked at, and the time of the newest message of them, in seconds.
fn place(page: &str) -> Option<(usize, i64)> {
    let (offset, newest) = page.split_once(':')?;
    Some((offset.parse().ok()?, newest.parse().ok()?))
}

async fn ask(api: &Api<'_>, from_s: i64, offset: usize, mut newest: i64) -> Result<News, Failure> {
    let path = format!("/api/{}/chats/overview?limit={CHATS}&offset={offset}", segment(api.session));
    let chats = api.get(&path).await?.json();
    let chats = chats.as_array().map_or(&[][..], Vec::as_slice);
    let (mut found, mut is_over) = (Vec::new(), chats.len() < CHATS);
    let (mut looked, mut is_full) = (0, false);
    for chat in chats {
        if bytes(&found) >= PAGE_BYTES {
            is_full = true;
            break;
        }
        looked += 1;
        let Some(id) = wire::id_text(chat, "id") else { continue };
        let last_s = read::object(chat, "lastMessage").and_then(|last| read::millis(last, "timestamp"));
        let Some(last_s) = last_s.map(|last_ms| last_ms / 1000) else { continue };
        if last_s < from_s - OVERLAP_S {
            // The newest chats come first.
            is_over = true;
            break;
        }
        newest = newest.max(last_s);
        of_chat(api, &id, from_s - OVERLAP_S, &mut found).await?;
    }
    is_over &= !is_full;
    // Stable: what was told in the same second stays in its order.
    found.sort_by_key(|(at_ms, _)| *at_ms);
    Ok(News {
        items: found.into_iter().map(|(_, item)| item).collect(),
        page: (!is_over).then(|| format!("{}:{newest}", offset + looked)),
        cursor: is_over.then(|| newest.to_string()),
    })
}

fn bytes(found: &[(i64, NewsItem)]) -> usize {
    found.iter().filter_map(|(_, item)| item.body.as_ref()).map(Vec::len).sum()
}

/// Adds the messages of a chat since then, oldest first.
async fn of_chat(
    api: &Api<'_>,
    chat: &str,
    from_s: i64,
    found: &mut Vec<(i64, NewsItem)>,
) -> Result<(), Failure> {
    let mut messages = Vec::new();
    for question in 0..QUESTIONS {
        let path = format!(
            "/api/{}/chats/{}/messages?downloadMedia=false&limit={MESSAGES}&offset={}&filter.timestamp.gte={from_s}",
            segment(api.session),
            segment(chat),
            question * MESSAGES
        );
        let page = api.get(&path).await?.json();
        let page = page.as_array().map_or(&[][..], Vec::as_slice);
        messages.extend(page.iter().filter_map(|message| item(message, api.session)));
        if page.len() < MESSAGES {
            break;
        }
    }
    // They come newest first.
    messages.reverse();
    found.extend(messages);
    Ok(())
}

/// A message as its webhook would have told it. It has no delivery: that one may still come.
fn item(message: &Value, session: &str) -> Option<(i64, NewsItem)> {
    let id = wire::id_text(message, "id")?;
    let at_ms = read::millis(message, "timestamp")?;
    let body = json!({ "event": "message.any", "session": session, "payload": message });
    let key = super::id::bare(&id);
    Some((at_ms, NewsItem { key, body: Some(body.to_string().into_bytes()) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_as_it_was_written() {
        assert_eq!(place("40:1794312100"), Some((40, 1_794_312_100)));
        for wrong in ["", "40", "a:1", "1:b", "-1:5"] {
            assert_eq!(place(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_message_is_told_as_a_webhook_would() {
        let message = json!({"id": "false_12025550101@c.us_AAA", "timestamp": 1_794_312_100, "from": "12025550101@c.us",
            "fromMe": false, "body": "hello"});
        let (at_ms, item) = item(&message, "shop").expect("a message");
        assert_eq!((at_ms, item.key.as_str()), (1_794_312_100_000, "AAA"));
        let fields = super::super::parse::parse(&item.body.expect("its body")).expect("JSON");
        assert_eq!(fields[0].message_key.as_deref(), Some("AAA"));
        assert_eq!(fields[0].text.as_deref(), Some("hello"));
    }
}
