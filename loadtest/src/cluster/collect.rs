//! Waits until an installation is at rest, and gathers the evidence that is not the sockets'.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::time::Instant;

use super::check::Findings;
use super::control::{Providers, Record};
use super::evidence::{Evidence, Logged, Message};
use super::postgres::rows;
use super::traffic::Said;
use super::world::World;
use crate::api::Api;
use crate::grow::check;

const LOOK_AGAIN: Duration = Duration::from_millis(250);
const STILL: Duration = Duration::from_millis(1_500);
const MOST_LOOKS: usize = 40;
const ACCEPTED_WITHIN: Duration = Duration::from_secs(90);
const PAGE: usize = 200;

/// What has no end yet: turns, sends, and jobs that do not come back by themselves.
const UNDER_WAY: [(&str, &str); 3] = [
    ("turns", "select count(*) from turns where state in ('collecting', 'offered')"),
    ("sends", "select count(*) from deliveries where state in ('queued', 'sending')"),
    ("jobs", "select count(*) from jobs where state <> 'dead' and tenant in (select id from tenants)"),
];
/// Work that was given up, by its kind and reason.
const GIVEN_UP: &str = "select kind || ': ' || coalesce(error, '') from jobs where state = 'dead' order by 1";
/// What the server's own checks do not say.
const MORE: [(&str, &str); 3] = [
    (
        "one open conversation for a contact, channel and thread",
        "select count(*) from (select 1 from conversations where state = 'open' \
         group by tenant, channel, contact, thread having count(*) > 1) v",
    ),
    (
        "a message of a provider is stored once",
        "select count(*) from (select 1 from messages where external_key is not null \
         group by tenant, channel, external_key having count(*) > 1) v",
    ),
    (
        "a client id is used once in a conversation",
        "select count(*) from (select 1 from messages where client_id is not null \
         group by tenant, conversation, client_id having count(*) > 1) v",
    ),
];

/// Waits until nothing happens any more: after the last send its receipts come from the provider. The newest cursor.
pub(crate) async fn still(owner: &Api, tenant: &str) -> Result<u64> {
    let mut top = owner.top(tenant).await?;
    for _ in 0..MOST_LOOKS {
        tokio::time::sleep(STILL).await;
        let before = std::mem::replace(&mut top, owner.top(tenant).await?);
        if top == before {
            break;
        }
    }
    Ok(top)
}

/// Waits until nothing is under way. The rest if that does not happen in time.
pub(crate) async fn settle(database: &str, patience: Duration) -> Result<Vec<String>> {
    let deadline = Instant::now() + patience;
    loop {
        let mut rest = Vec::new();
        for (what, sql) in UNDER_WAY {
            let count = number(database, sql).await?;
            if count > 0 {
                rest.push(format!("{count} {what}"));
            }
        }
        if rest.is_empty() || Instant::now() > deadline {
            return Ok(rest);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn number(database: &str, sql: &str) -> Result<i64> {
    let rows = rows(database, sql).await?;
    rows.first().and_then(|row| row.first()?.parse().ok()).with_context(|| sql.to_owned())
}

pub(crate) async fn given_up(database: &str) -> Result<Vec<String>> {
    Ok(rows(database, GIVEN_UP).await?.into_iter().flatten().collect())
}

/// Every statement over the database: how many there are, and a sentence for each that does not hold.
async fn database(database: &str) -> Result<(usize, Vec<String>)> {
    let (mut count, mut broken) = (0, Vec::new());
    for (what, sql) in check::on_postgres() {
        count += 1;
        let places = number(database, &sql).await.with_context(|| what)?;
        if places != 0 {
            broken.push(format!("{what}: not so in {places} places"));
        }
    }
    for (what, sql) in MORE {
        count += 1;
        let places = number(database, sql).await?;
        if places != 0 {
            broken.push(format!("{what}: not so in {places} places"));
        }
    }
    Ok((count, broken))
}

/// Waits until every text that a customer wrote is accepted: providers repeat.
pub(crate) async fn accepted(providers: &Providers, said: &Said, findings: &mut Findings) -> Result<Record> {
    let deadline = Instant::now() + ACCEPTED_WITHIN;
    loop {
        let record = providers.record().await?;
        let missing = said.keys().filter(|text| !record.accepted.contains(*text)).count();
        if missing == 0 {
            return Ok(record);
        }
        if Instant::now() > deadline {
            findings.broke("every webhook is accepted in the end", || {
                format!("{missing} are not, {} were given up", record.given_up)
            });
            return Ok(record);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Everything but the sockets.
pub(crate) async fn fill(evidence: &mut Evidence, world: &World, api: &Api, record: &Record) -> Result<()> {
    evidence.accepted =
        record.accepted.iter().filter(|text| evidence.said.contains_key(*text)).cloned().collect();
    evidence.provider = world.providers.record().await?.sent;
    evidence.log = log(api, &world.tenant, evidence.start).await?;
    evidence.threads = threads(api, &evidence.log).await?;
    (evidence.statements, evidence.database) = database(&world.database().await).await?;
    Ok(())
}

/// The events after a cursor, as the API has them.
async fn log(api: &Api, tenant: &str, start: u64) -> Result<Vec<Logged>> {
    let (mut log, mut last) = (Vec::new(), start);
    loop {
        let page: Value = serde_json::from_str(&api.events(tenant, last).await?)?;
        let events = page["events"].as_array().context("a page without events")?;
        for event in events {
            let event = Logged::read(event)?;
            last = last.max(event.cursor);
            log.push(event);
        }
        let top = page["top"].as_u64().unwrap_or_default();
        if last >= top {
            return Ok(log);
        }
        ensure!(!events.is_empty(), "the feed ends at {last} below its top {top}");
    }
}

/// The threads of all conversations that the log names.
async fn threads(api: &Api, log: &[Logged]) -> Result<BTreeMap<String, Vec<Message>>> {
    let named: BTreeSet<&str> =
        log.iter().filter_map(|event| event.conversation.as_ref()).map(|one| one.id.as_str()).collect();
    let mut threads = BTreeMap::new();
    for conversation in named {
        let mut thread: Vec<Message> = Vec::new();
        loop {
            let after = thread.last().map_or(0, |message| message.seq);
            let page: Value = serde_json::from_str(&api.messages(conversation, after).await?)?;
            let messages = page["messages"].as_array().context("a page without messages")?;
            for message in messages {
                thread.push(Message::read(message)?);
            }
            if page["more"] != true || messages.len() < PAGE {
                break;
            }
        }
        threads.insert(conversation.to_owned(), thread);
    }
    Ok(threads)
}
