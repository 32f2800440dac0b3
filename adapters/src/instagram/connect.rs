//! Connecting an account: proving that the token is its own, and making it deliver.

use super::door::{Door, Kind};
use crate::{
    Account, AccountInfo, ConnectFailure, Health, HealthState, SendError, Words,
    call::{Failure, Verdict},
    json,
    meta::messaging::{PAGE, Subscription},
};

const OWN: Subscription = Subscription {
    fields: &[
        "messages",
        "messaging_postbacks",
        "messaging_seen",
        "message_reactions",
        "message_edit",
        "messaging_referral",
        "messaging_handover",
        "standby",
    ],
    needed: &["messages", "messaging_postbacks", "messaging_seen"],
};

fn subscription(kind: Kind) -> &'static Subscription {
    match kind {
        Kind::Own => &OWN,
        Kind::Page => &PAGE,
    }
}

pub(super) fn claim(account: &str) -> String {
    format!("account:{account}")
}

pub(super) async fn connect(door: &Door<'_>) -> Result<AccountInfo, ConnectFailure> {
    let name = match door.kind {
        Kind::Own => of_itself(door).await?,
        Kind::Page => of_page(door).await?,
    };
    subscription(door.kind).begin(&door.graph, door.sender).await?;
    Ok(AccountInfo {
        external_id: door.account.to_owned(),
        name: name.map(Words::from),
        claim: Some(claim(door.account)),
        health: Health::new(HealthState::Up, "messages are delivered".into()),
    })
}

fn wrong_account(reason: &'static str) -> Failure {
    Failure::new(Verdict::Rejected, "wrong_account", reason)
}

/// `user_id` is the number that deliveries name; `id` is another one, of this app only.
async fn of_itself(door: &Door<'_>) -> Result<Option<String>, Failure> {
    let me = door.graph.get(&["me"], &[("fields", "user_id,username,name")]).await?;
    let ids = ["user_id", "id"].map(|name| me.get(name).and_then(json::id));
    if !ids.iter().flatten().any(|id| id == door.account) {
        return Err(wrong_account("the token belongs to another Instagram account"));
    }
    Ok(json::text(&me, "username").map(|name| format!("@{name}")).or_else(|| json::text(&me, "name")))
}

async fn of_page(door: &Door<'_>) -> Result<Option<String>, Failure> {
    let fields = "id,name,instagram_business_account{id,username,name}";
    let page = door.graph.get(&[door.sender], &[("fields", fields)]).await?;
    let linked = json::object(&page, "instagram_business_account")
        .filter(|linked| linked.get("id").and_then(json::id).as_deref() == Some(door.account));
    let linked = linked.ok_or_else(|| wrong_account("the account is not linked to this page any more"))?;
    let name = json::text(linked, "username").map(|name| format!("@{name}"));
    Ok(name.or_else(|| json::text(linked, "name")).or_else(|| json::text(&page, "name")))
}

pub(super) async fn disconnect(door: &Door<'_>) -> Result<(), SendError> {
    subscription(door.kind).end(&door.graph, door.sender).await
}

pub(super) async fn health(door: &Door<'_>, account: &Account) -> Result<Health, SendError> {
    // Instagram's own login has an app of its own, and its subscriptions may name either.
    let names: &[&str] = match door.kind {
        Kind::Own => &["instagram_app_id", "app_id"],
        Kind::Page => &["app_id"],
    };
    let ours: Vec<&str> = names.iter().filter_map(|name| account.get(name)).collect();
    subscription(door.kind).health(&door.graph, door.sender, &ours).await
}
