//! A mailbox's connection: proving the credentials, the watch that makes Gmail publish changes, and their renewal. A watch
//! ends after a week; it is renewed daily, and its failure shows in the health long before.

use std::collections::BTreeMap;

use serde_json::json;

use super::{api::Api, header, wire::history_id};
use crate::{
    Account, AccountInfo, Client, ConnectFailure, Expiry, Health, HealthState, Renewed, SendError, Words,
    call::{Failure, Verdict},
    google::token,
    json as read,
};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// Before its end an access token is renewed.
const EARLY_MS: i64 = 5 * MINUTE_MS;
/// A watch that could not be renewed is tried again.
const AGAIN_MS: i64 = 15 * MINUTE_MS;

/// When the watch is renewed next.
pub(super) const WATCH_DUE: &str = "watch_renew_at_ms";
/// Why it could not be.
pub(super) const WATCH_ERROR: &str = "watch_error";

pub(super) fn claim(mailbox: &str) -> String {
    format!("mailbox:{}", mailbox.to_lowercase())
}

struct Profile {
    mailbox: String,
    mails: Option<u64>,
}

async fn profile(api: &mut Api<'_>) -> Result<Profile, Failure> {
    let answer = api.get("profile").await?.json();
    let mailbox =
        read::text(&answer, "emailAddress").and_then(|text| header::address(&text)).ok_or_else(|| {
            Failure::new(
                Verdict::Rejected,
                "unreadable_answer",
                "the address does not answer like the Gmail API",
            )
        })?;
    Ok(Profile { mailbox, mails: read::unsigned(&answer, "messagesTotal") })
}

/// The mailbox behind a token.
pub(super) async fn mailbox(api: &mut Api<'_>) -> Result<String, Failure> {
    Ok(profile(api).await?.mailbox)
}

/// Replaces the watch that there was.
async fn watch(api: &mut Api<'_>, account: &Account) -> Result<(), Failure> {
    let topic = account.get("topic").ok_or_else(|| Failure::setting("topic", "is missing"))?;
    let body = json!({ "topicName": topic, "labelIds": ["INBOX", "SENT"], "labelFilterBehavior": "INCLUDE" });
    let answer = api.post("watch", &body).await?.json();
    answer.get("historyId").and_then(history_id).map(|_| ()).ok_or_else(|| {
        Failure::new(
            Verdict::Unknown,
            "unreadable_answer",
            "Gmail's answer does not say that it watches the mailbox",
        )
    })
}

fn is_own(account: &Account, mailbox: &str) -> bool {
    account.get("mailbox").is_some_and(|own| own.eq_ignore_ascii_case(mailbox))
}

fn other_mailbox(mailbox: &str) -> Failure {
    Failure::new(
        Verdict::ChannelDown,
        "other_mailbox",
        format!("the sign-in is of {mailbox}, which is another mailbox than the channel's"),
    )
}

pub(super) async fn connect(http: &Client, account: &Account) -> Result<AccountInfo, ConnectFailure> {
    let mut api = Api::of(http, account)?;
    let Profile { mailbox, mails } = profile(&mut api).await?;
    if !is_own(account, &mailbox) {
        return Err(other_mailbox(&mailbox).into());
    }
    watch(&mut api, account).await?;
    Ok(AccountInfo {
        external_id: mailbox.clone(),
        name: Some(Words::from(&mailbox)),
        claim: Some(claim(&mailbox)),
        health: up(mails, None),
    })
}

fn up(mails: Option<u64>, watch_error: Option<&str>) -> Health {
    let detail = mails.map_or_else(|| "watched".to_owned(), |mails| format!("watched, {mails} mails"));
    let last_error = watch_error.map(|error| Words::from(format!("the watch could not be renewed: {error}")));
    Health { last_error, ..Health::new(HealthState::Up, detail.into()) }
}

pub(super) async fn health(http: &Client, account: &Account) -> Result<Health, SendError> {
    let mut api = Api::of(http, account)?;
    let failure = match profile(&mut api).await {
        Ok(profile) if is_own(account, &profile.mailbox) => {
            return Ok(up(profile.mails, account.get(WATCH_ERROR)));
        }
        Ok(profile) => other_mailbox(&profile.mailbox),
        Err(failure) => failure,
    };
    let state = match failure.verdict {
        _ if failure.code == token::SIGNED_OUT || failure.code == "other_mailbox" => HealthState::NeedsPerson,
        Verdict::ChannelDown | Verdict::UnknownAndDown => HealthState::Down,
        _ => return Err(failure.into()),
    };
    Ok(Health::new(state, failure.reason))
}

/// Whoever is signed out already watches nothing.
pub(super) async fn disconnect(http: &Client, account: &Account) -> Result<(), SendError> {
    let mut api = Api::of(http, account)?;
    match api.post("stop", &json!({})).await {
        Err(failure) if failure.code == token::SIGNED_OUT => return Ok(()),
        Err(failure) if failure.verdict != Verdict::Rejected => return Err(failure.into()),
        _ => {}
    }
    Ok(token::revoke(http, account).await?)
}

fn time(account: &Account, name: &str) -> Option<i64> {
    account.get(name)?.parse().ok()
}

/// The earlier of the token's end and the day's renewal of the watch. What was never made is due.
pub(super) fn expiry(account: &Account) -> Option<Expiry> {
    account.get("refresh_token")?;
    let ends_at_ms = match account.get("access_token") {
        Some(_) => time(account, "access_expires_at_ms").unwrap_or(0),
        None => 0,
    };
    let watch_due = time(account, WATCH_DUE).unwrap_or(0);
    let renew_at_ms = ends_at_ms.saturating_sub(EARLY_MS).min(watch_due).max(0);
    Some(Expiry { renew_at_ms, ends_at_ms, needs_person: false })
}

/// A token that has time left stays. A watch that cannot be renewed takes nothing from the token.
pub(super) async fn renew(http: &Client, account: &Account, now_ms: i64) -> Result<Renewed, SendError> {
    let mut settings = BTreeMap::new();
    // All that is renewed here is given back together.
    let account = &Account { keeper: None, ..account.clone() };
    let mut api = Api::of(http, account)?;
    let ends_at_ms = time(account, "access_expires_at_ms").filter(|_| account.get("access_token").is_some());
    if ends_at_ms.is_none_or(|ends| now_ms >= ends.saturating_sub(EARLY_MS)) {
        let tokens = token::refreshed(http, account).await?;
        settings.extend(access(&tokens, now_ms));
        api = api.with_token(tokens.access);
    }
    if time(account, WATCH_DUE).is_none_or(|due| now_ms >= due) {
        let (due_ms, error) = match watch(&mut api, account).await {
            Ok(()) => (DAY_MS, String::new()),
            Err(failure) if failure.code == token::SIGNED_OUT => return Err(failure.into()),
            Err(failure) => (AGAIN_MS, failure.reason.as_str().to_owned()),
        };
        settings.insert(WATCH_DUE.to_owned(), now_ms.saturating_add(due_ms).to_string());
        settings.insert(WATCH_ERROR.to_owned(), error);
    }
    if let Some(tokens) = api.into_renewed() {
        settings.extend(access(&tokens, now_ms));
    }
    Ok(Renewed { settings })
}

/// An access token, as settings of the channel.
pub(super) fn access(tokens: &token::Tokens, now_ms: i64) -> [(String, String); 2] {
    let ends_at_ms = now_ms.saturating_add(tokens.lifetime_s.saturating_mul(1000));
    [
        ("access_token".to_owned(), tokens.access.clone()),
        ("access_expires_at_ms".to_owned(), ends_at_ms.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_end_decides() {
        let account = |pairs: &[(&str, &str)]| Account {
            settings: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..Account::default()
        };
        let at = |pairs: &[(&str, &str)]| expiry(&account(pairs)).map(|expiry| expiry.renew_at_ms);
        assert_eq!(at(&[]), None);
        assert_eq!(at(&[("refresh_token", "r")]), Some(0));
        let token = [("refresh_token", "r"), ("access_token", "a"), ("access_expires_at_ms", "1000000")];
        assert_eq!(at(&token), Some(0), "no watch yet");
        assert_eq!(at(&[&token[..], &[(WATCH_DUE, "9000000")]].concat()), Some(700_000));
        assert_eq!(at(&[&token[..], &[(WATCH_DUE, "5000")]].concat()), Some(5_000));
    }

    #[test]
    fn one_mailbox_has_one_claim() {
        assert_eq!(claim("Support@Shop.example.com"), "mailbox:support@shop.example.com");
    }
}
