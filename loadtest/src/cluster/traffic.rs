//! What goes on during a run: customers who write, managers who take over, answer and hand back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::control::Providers;
use super::evidence::ManagerSend;
use super::watcher::Seen;
use crate::api::Api;
use crate::clock::Dice;

/// A manager asks again after this, with the same client id.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);
const PAUSE: Duration = Duration::from_millis(150);
const GIVES_UP_AFTER: Duration = Duration::from_secs(90);
/// Chats of each provider in one run.
const CHATS: u64 = 8;

/// A name that no other run on the same installation has.
#[derive(Clone)]
pub(crate) struct Tag(pub(crate) String);

/// Text → provider and chat.
pub(crate) type Said = HashMap<String, (String, String)>;

fn chat(provider: &str, base: u64, number: u64) -> String {
    match provider {
        "telegram" => (base * CHATS + number).to_string(),
        _ => format!("1555{:07}@c.us", (base * CHATS + number) % 10_000_000),
    }
}

/// Customers write, so many messages a second in all, until they are told to stop.
pub(crate) async fn customers(
    providers: Arc<Providers>,
    tag: Tag,
    base: u64,
    rate: f64,
    seed: u64,
    stop: watch::Receiver<bool>,
) -> Result<Said> {
    let (mut dice, mut said) = (Dice::new(seed), Said::new());
    let mut due = Instant::now();
    for number in 0_u64.. {
        if *stop.borrow() {
            break;
        }
        let provider = if dice.chance(50) { "telegram" } else { "waha" };
        let chat = chat(provider, base, dice.roll(CHATS));
        let text = format!("{} {number} Do you have this in size 42?", tag.0);
        providers.say(provider, &chat, &text).await?;
        said.insert(text, (provider.to_owned(), chat));
        due += Duration::from_secs_f64((0.2 + 1.6 * dice.unit()) / rate);
        tokio::time::sleep_until(due).await;
    }
    Ok(said)
}

pub(crate) struct Manager {
    pub(crate) api: Arc<Api>,
    pub(crate) base: String,
    pub(crate) tag: Tag,
    pub(crate) number: usize,
    pub(crate) seen: Seen,
}

impl Manager {
    pub(crate) async fn work(self, seed: u64, stop: watch::Receiver<bool>) -> Result<Vec<ManagerSend>> {
        let http = reqwest::Client::builder().no_proxy().timeout(ANSWER_WITHIN).build()?;
        let (mut dice, mut sends) = (Dice::new(seed), Vec::new());
        while !*stop.borrow() {
            tokio::time::sleep(Duration::from_millis(100 + dice.roll(500))).await;
            let seen = self.seen.all();
            let Some(conversation) = seen.get(dice.roll(seen.len() as u64) as usize) else { continue };
            match dice.roll(10) {
                0..2 => drop(self.call(&http, conversation, "take-over", &json!({})).await?),
                2..5 => drop(self.call(&http, conversation, "hand-back", &json!({})).await?),
                _ => sends.push(self.send(&http, conversation, sends.len(), dice.chance(20)).await?),
            }
        }
        Ok(sends)
    }

    /// `twice`: also asks again after the answer, as a client does that did not hear it.
    async fn send(
        &self,
        http: &reqwest::Client,
        conversation: &str,
        number: usize,
        twice: bool,
    ) -> Result<ManagerSend> {
        let client_id = format!("{}-{}-{number}", self.tag.0, self.number);
        let text = format!("manager {} of {} says {number}", self.number, self.tag.0);
        let body = json!({ "client_id": client_id, "text": text });
        let mut answers = Vec::new();
        for _ in 0..=usize::from(twice) {
            let answer = self.call(http, conversation, "messages", &body).await?;
            answers.extend(answer["message"]["id"].as_str().map(str::to_owned));
        }
        Ok(ManagerSend { conversation: conversation.to_owned(), client_id, text, answers })
    }

    /// Repeats until there is an answer that means something. Refused: null.
    async fn call(
        &self,
        http: &reqwest::Client,
        conversation: &str,
        verb: &str,
        body: &Value,
    ) -> Result<Value> {
        let url = format!("{}/api/v1/conversations/{conversation}/{verb}", self.base);
        let begun = Instant::now();
        loop {
            let sent = http.post(&url).bearer_auth(self.api.token()).json(body).send().await;
            let status = sent.as_ref().map(reqwest::Response::status).ok();
            match (sent, status) {
                (Ok(answer), Some(status)) if status.is_success() => {
                    if let Ok(answer) = answer.json().await {
                        return Ok(answer);
                    }
                }
                (_, Some(StatusCode::UNAUTHORIZED)) => drop(self.api.sign_in().await),
                (_, Some(StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)) => {}
                (_, Some(status)) if status.is_client_error() => return Ok(Value::Null),
                _ => {}
            }
            if begun.elapsed() > GIVES_UP_AFTER {
                bail!("{verb} was not answered within {GIVES_UP_AFTER:?}, last: {status:?}");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
