//! Samples conversations of any age, found by the last digits of phone numbers, and search texts, from the names that
//! `grow` generates.

use anyhow::{Context, Result, ensure};
use reqwest::Url;
use serde::Deserialize;

use crate::api::Api;
use crate::clock::Dice;
use crate::grow::names;

pub(super) const SEARCHES: [&str; 7] =
    ["name", "cyrillic", "two words", "beginning", "phone prefix", "phone suffix", "miss"];
/// Searches for sample conversations before fewer than wanted are accepted.
const TRIES: usize = 2_000;

pub(super) struct Sample {
    pub(super) conversations: Vec<String>,
}

pub(super) struct Thread {
    pub(super) id: String,
    pub(super) last_seq: u64,
}

/// A page of a list.
pub(super) struct Page {
    pub(super) ids: Vec<String>,
    pub(super) next: Option<String>,
    pub(super) newest_channel: Option<String>,
}

#[derive(Deserialize)]
struct Inbox {
    conversations: Vec<Item>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    channel: String,
}

#[derive(Deserialize)]
struct Found {
    contacts: Vec<FoundContact>,
}

#[derive(Deserialize)]
struct FoundContact {
    conversation: Item,
}

#[derive(Deserialize)]
struct Messages {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    seq: u64,
}

pub(super) async fn page(api: &Api, path: &str) -> Result<Page> {
    let inbox: Inbox = serde_json::from_str(&api.get(path).await?).context("unreadable list")?;
    let newest_channel = inbox.conversations.first().map(|item| item.channel.clone());
    let ids = inbox.conversations.into_iter().map(|item| item.id).collect();
    Ok(Page { ids, next: inbox.next, newest_channel })
}

/// The last `seq` of the newest page of a thread.
pub(super) fn last_seq(page: &str) -> Result<u64> {
    let page: Messages = serde_json::from_str(page).context("unreadable thread")?;
    Ok(page.messages.last().map_or(0, |message| message.seq))
}

pub(super) fn search(tenant: &str, typed: &str) -> Result<String> {
    let url = Url::parse_with_params("http://server/api/v1/contacts", [("tenant", tenant), ("q", typed)])?;
    Ok(format!("{}?{}", url.path(), url.query().unwrap_or_default()))
}

/// A random search text of this kind.
pub(super) fn typed(kind: &str, dice: &mut Dice) -> String {
    let mut pick = |wanted: &dyn Fn(&str) -> bool, from: &[&'static str]| {
        let fitting: Vec<_> = from.iter().copied().filter(|name| wanted(name)).collect();
        fitting[dice.roll(fitting.len() as u64) as usize]
    };
    match kind {
        "name" => pick(&str::is_ascii, names::LAST).to_owned(),
        "cyrillic" => pick(&|name| !name.is_ascii(), names::LAST).to_owned(),
        "two words" => format!("{} {}", pick(&|_| true, names::FIRST), pick(&|_| true, names::LAST)),
        "beginning" => pick(&|_| true, names::FIRST).chars().take(2).collect(),
        "phone prefix" => format!("+79{:03}", dice.roll(1_000)),
        "phone suffix" => format!("{:04}", dice.roll(10_000)),
        _ => format!("zzq{}", dice.roll(1_000)),
    }
}

impl Sample {
    /// Up to `wanted` different conversations.
    pub(super) async fn draw(api: &Api, tenant: &str, wanted: usize, dice: &mut Dice) -> Result<Self> {
        let (mut seen, mut conversations) = (std::collections::HashSet::new(), Vec::new());
        for _ in 0..TRIES {
            let path = search(tenant, &typed("phone suffix", dice))?;
            let found: Found = serde_json::from_str(&api.get(&path).await?).context("unreadable contacts")?;
            let ids = found.contacts.into_iter().map(|found| found.conversation.id);
            conversations.extend(ids.filter(|id| seen.insert(id.clone())));
            if conversations.len() >= wanted {
                conversations.truncate(wanted);
                return Ok(Self { conversations });
            }
        }
        ensure!(
            !conversations.is_empty(),
            "no customer of the tenant has a phone number: fill it with `grow`"
        );
        if conversations.len() < wanted {
            eprintln!("  only {} conversations were found", conversations.len());
        }
        Ok(Self { conversations })
    }
}
