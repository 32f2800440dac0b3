//! Whether an account delivers to our app, and to make it do so or stop.

use serde_json::{Value, json};

use crate::{
    Health, HealthState, SendError,
    call::{Failure, Verdict},
    json as read,
    meta::{fault::TOKEN, graph::Graph},
};

/// What an account delivers.
pub(crate) struct Subscription {
    /// Everything that is read.
    pub fields: &'static [&'static str],
    /// Without which there is no channel. Asked for alone where Meta knows one of the others no more.
    pub needed: &'static [&'static str],
}

/// Of a page. A linked Instagram account is delivered with it, and connecting either replaces the fields of both.
pub(crate) const PAGE: Subscription = Subscription {
    fields: &[
        "messages",
        "messaging_postbacks",
        "message_echoes",
        "message_deliveries",
        "message_reads",
        "message_reactions",
        "message_edits",
        "messaging_referrals",
        "messaging_optins",
        "messaging_handovers",
        "messaging_policy_enforcement",
        "standby",
    ],
    needed: &["messages", "messaging_postbacks", "message_echoes", "message_deliveries", "message_reads"],
};

/// The name of a page's subscription among those that are ended with their last channel.
pub(crate) fn of_page(page: &str) -> String {
    format!("page:{page}")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    /// Without some of the fields.
    Partial,
    None,
}

impl Subscription {
    /// `id`: of the page or the account.
    pub(crate) async fn begin(&self, graph: &Graph<'_>, id: &str) -> Result<(), Failure> {
        match subscribe(graph, id, self.fields).await {
            Err(failure) if failure.code == "parameter" => subscribe(graph, id, self.needed).await,
            done => done,
        }
    }

    pub(crate) async fn end(&self, graph: &Graph<'_>, id: &str) -> Result<(), SendError> {
        graph.delete(&[id, "subscribed_apps"], &[]).await?;
        Ok(())
    }

    /// `ours`: the ids of our app, as far as they are known.
    async fn state(&self, graph: &Graph<'_>, id: &str, ours: &[&str]) -> Result<State, Failure> {
        let apps = graph.list(&[id, "subscribed_apps"], &[]).await?;
        let is_ours = |one: &&Value| {
            let named = one.get("id").and_then(read::id);
            ours.is_empty() || named.is_none_or(|named| ours.contains(&named.as_str()))
        };
        let Some(ours) = apps.iter().find(is_ours) else { return Ok(State::None) };
        let fields = read::list(ours, "subscribed_fields");
        let has = |name: &&&str| fields.iter().any(|field| field.as_str() == Some(**name));
        if fields.is_empty() || self.needed.iter().filter(has).count() < self.needed.len() {
            return Ok(State::None);
        }
        let all = self.fields.iter().filter(has).count() == self.fields.len();
        Ok(if all { State::Whole } else { State::Partial })
    }

    pub(crate) async fn health(
        &self,
        graph: &Graph<'_>,
        id: &str,
        ours: &[&str],
    ) -> Result<Health, SendError> {
        Ok(match self.state(graph, id, ours).await {
            Ok(State::Whole) => Health::new(HealthState::Up, "messages are delivered".into()),
            Ok(State::Partial) => Health::new(
                HealthState::Up,
                "messages are delivered, without all of what is told of them".into(),
            ),
            Ok(State::None) => Health::new(
                HealthState::Down,
                "the account does not deliver messages to the app any more".into(),
            ),
            Err(failure) if failure.code == TOKEN => Health::new(HealthState::NeedsPerson, failure.reason),
            Err(failure) if matches!(failure.verdict, Verdict::ChannelDown | Verdict::Rejected) => {
                Health::new(HealthState::Down, failure.reason)
            }
            Err(failure) => return Err(failure.into()),
        })
    }
}

async fn subscribe(graph: &Graph<'_>, id: &str, fields: &[&str]) -> Result<(), Failure> {
    let answer =
        graph.post(&[id, "subscribed_apps"], &json!({ "subscribed_fields": fields.join(",") })).await?;
    if read::flag(&answer, "success") == Some(false) {
        return Err(Failure::new(
            Verdict::Rejected,
            "not_subscribed",
            "Meta did not take the subscription to the account's messages",
        ));
    }
    Ok(())
}
