//! What lies in the mailbox: by its history since a cursor, or, without one, all mails since a time. The cursor of the latter
//! is asked for before the first list, so that nothing can come between.

use std::fmt::Write as _;

use serde_json::Value;

use super::{
    api::Api,
    errors::NOT_FOUND,
    wire::{History, TOO_LARGE, history_id, id, is_id, page_token},
};
use crate::{
    Account, CURSOR_EXPIRED, Client, News, NewsItem, SendError, Since,
    call::{Failure, Verdict},
    json,
    media::segment,
};

/// Of one mail with the texts in it; its files are not.
pub(super) const MAX_MAIL_BYTES: usize = 32 << 20;

/// A reading may be interrupted after each page.
const PAGE: u32 = 100;

pub(super) async fn news(http: &Client, account: &Account, since: &Since<'_>) -> Result<News, SendError> {
    let mut api = Api::of(http, account)?;
    let news = match since.cursor {
        Some(cursor) => by_history(&mut api, cursor, since.page).await,
        None => by_time(&mut api, since).await,
    };
    Ok(news?)
}

async fn by_history(api: &mut Api<'_>, cursor: &str, page: Option<&str>) -> Result<News, Failure> {
    let expired = |reason: &str| Failure::new(Verdict::Rejected, CURSOR_EXPIRED, reason);
    if history_id(&Value::from(cursor)).is_none() {
        return Err(expired("the stored cursor is none of Gmail's"));
    }
    let mut path = format!("history?startHistoryId={cursor}&historyTypes=messageAdded&maxResults={PAGE}");
    add_page(&mut path, page);
    let answer = match api.get(&path).await {
        Err(failure) if failure.code == NOT_FOUND => return Err(expired(&failure.reason)),
        answer => answer?,
    };
    let History { added, page, cursor: next, .. } = History::read(&readable(&answer.json())?);
    // Without a new place the old one is as good: what it shows is known by then.
    let next = if page.is_none() { Some(next.unwrap_or_else(|| cursor.to_owned())) } else { None };
    Ok(News { items: added.into_iter().map(item_of).collect(), page, cursor: next })
}

/// Pages are those of the list, with the cursor that will be good after the last of them.
async fn by_time(api: &mut Api<'_>, since: &Since<'_>) -> Result<News, Failure> {
    let (cursor, page) = match since.page.and_then(|page| page.split_once(':')) {
        Some((cursor, page)) => (cursor.to_owned(), Some(page)),
        None => (current(api).await?, None),
    };
    let after_s = since.at_ms.div_euclid(1000).max(0);
    let mut path = format!("messages?q=after%3A{after_s}&maxResults={PAGE}");
    add_page(&mut path, page);
    let document = readable(&api.get(&path).await?.json())?;
    // The newest comes first.
    let ids = json::list(&document, "messages").iter().rev().filter_map(|message| id(message, "id"));
    let items = ids.map(|id| item_of(id.to_owned())).collect();
    let page = page_token(&document).map(|page| format!("{cursor}:{page}"));
    let cursor = page.is_none().then_some(cursor);
    Ok(News { items, page, cursor })
}

async fn current(api: &mut Api<'_>) -> Result<String, Failure> {
    let profile = api.get("profile").await?.json();
    let cursor = profile.get("historyId").and_then(history_id);
    cursor.map(|cursor| cursor.to_string()).ok_or_else(unreadable)
}

fn add_page(path: &mut String, page: Option<&str>) {
    if let Some(page) = page {
        let _ = write!(path, "&pageToken={}", segment(page.as_bytes()));
    }
}

fn item_of(key: String) -> NewsItem {
    NewsItem { key, body: None }
}

/// An answer that broke off must not look like an empty one.
fn readable(document: &Value) -> Result<Value, Failure> {
    if document.is_object() { Ok(document.clone()) } else { Err(unreadable()) }
}

fn unreadable() -> Failure {
    Failure::new(Verdict::Unknown, "unreadable_answer", "Gmail's answer cannot be read")
}

/// A mail that vanished in between is no error.
pub(super) async fn item(http: &Client, account: &Account, key: &str) -> Result<Option<Vec<u8>>, SendError> {
    if !is_id(key) {
        return Ok(None);
    }
    let mut api = Api::of(http, account)?;
    match api.get_up_to(&format!("messages/{key}?format=full"), MAX_MAIL_BYTES).await {
        Ok(answer) if answer.body.len() >= MAX_MAIL_BYTES => Ok(Some(heads_of(&mut api, key).await?)),
        Ok(answer) => Ok(Some(answer.body)),
        Err(failure) if failure.code == NOT_FOUND => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// A mail that is too large to be fetched, with its headers only and a mark that says so.
async fn heads_of(api: &mut Api<'_>, key: &str) -> Result<Vec<u8>, Failure> {
    let answer = match api.get(&format!("messages/{key}?format=metadata")).await {
        Err(failure) if failure.code == NOT_FOUND => return Err(too_large()),
        answer => answer?,
    };
    let Value::Object(mut mail) = answer.json() else { return Err(too_large()) };
    mail.insert(TOO_LARGE.to_owned(), Value::Bool(true));
    Ok(Value::Object(mail).to_string().into_bytes())
}

fn too_large() -> Failure {
    Failure::new(Verdict::Rejected, "too_large", "the mail's text is too long")
}
