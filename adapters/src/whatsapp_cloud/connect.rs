//! Connecting a number: proving that the token reaches it, subscribing the app to its account, and asking how it fares.
//! Registering a number at WhatsApp is the owner's affair.

use serde_json::{Value, json};

use super::{errors::table, send::Number};
use crate::{
    Account, AccountInfo, Client, ConnectFailure, Health, HealthState, Hook, SendError, Words,
    call::{Failure, Verdict},
    json as read,
    meta::{
        fault::TOKEN,
        graph::Graph,
        token::{self, TOKEN_SETTING},
    },
};

const ABOUT: &str = "id,display_phone_number,verified_name,quality_rating,status,name_status";

pub(super) fn claims(account: &Account) -> Vec<String> {
    // Not the WhatsApp Business account: several numbers, each a channel of its own, share it.
    account.get("phone_number_id").map(|id| format!("number:{id}")).into_iter().collect()
}

/// Bans, reviews and the state of templates concern all numbers of the account.
pub(super) fn shared(account: &Account) -> Vec<String> {
    account.get("waba_id").map(|id| format!("waba:{id}")).into_iter().collect()
}

/// A channel with an app gets its deliveries from the app's address; one without has an address of its own.
fn has_own_hook(account: &Account, url: &str) -> bool {
    account.get("app_id").is_none() && !url.is_empty()
}

pub(super) async fn connect(
    http: &Client,
    account: &Account,
    hook: &Hook<'_>,
) -> Result<AccountInfo, ConnectFailure> {
    let mut number = Number::of(http, account)?;
    number.graph = number.graph.hiding(hook.secret);
    let about = number.graph.get(&[number.id], &[("fields", ABOUT)]).await?;
    let id = about.get("id").and_then(read::id).ok_or_else(|| {
        Failure::new(Verdict::Rejected, "unreadable_answer", "the address does not answer like the Graph API")
    })?;
    if let Some(waba) = account.get("waba_id") {
        let body = if has_own_hook(account, hook.url) {
            json!({ "override_callback_uri": hook.url, "verify_token": hook.secret })
        } else {
            json!({})
        };
        number.graph.post(&[waba, "subscribed_apps"], &body).await?;
    }
    Ok(AccountInfo {
        claim: Some(format!("number:{id}")),
        external_id: id,
        name: name(&about),
        health: state(&about),
    })
}

/// The name that customers see, and the number.
pub(super) fn name(about: &Value) -> Option<Words> {
    let texts = ["verified_name", "display_phone_number"].map(|name| read::text(about, name));
    let name = match texts {
        [Some(name), Some(number)] => format!("{name} ({number})"),
        [Some(one), None] | [None, Some(one)] => one,
        [None, None] => return None,
    };
    Some(name.into())
}

/// Ends the app's subscription to the account, unless other numbers of the account may be connected through it. What then
/// still comes for this number belongs to nobody. The number stays registered, and the token stays the owner's.
pub(super) async fn disconnect(http: &Client, account: &Account) -> Result<(), SendError> {
    let Some(waba) = account.get("waba_id") else { return Ok(()) };
    let number = Number::of(http, account)?;
    let numbers = match number.graph.list(&[waba, "phone_numbers"], &[("fields", "id")]).await {
        Ok(numbers) => numbers,
        // The account or the right to it is gone, and the subscription with it.
        Err(failure) if matches!(failure.code.as_str(), TOKEN | "permission" | "parameter") => return Ok(()),
        Err(failure) => return Err(failure.into()),
    };
    let is_other = |one: &Value| one.get("id").and_then(read::id).as_deref() != Some(number.id);
    if !numbers.iter().any(is_other) {
        number.graph.delete(&[waba, "subscribed_apps"], &[]).await?;
    }
    Ok(())
}

pub(super) async fn health(http: &Client, account: &Account) -> Result<Health, SendError> {
    let number = Number::of(http, account)?;
    let about = match number.graph.get(&[number.id], &[("fields", ABOUT)]).await {
        Ok(about) => about,
        Err(failure) if failure.verdict == Verdict::ChannelDown => {
            return Ok(Health::new(HealthState::Down, failure.reason));
        }
        Err(failure) => return Err(failure.into()),
    };
    let health = state(&about);
    if health.state != HealthState::Up {
        return Ok(health);
    }
    // What is missing here is told only when the app is known, and refuses nothing when Meta does not say.
    if account.get("app_id").is_some()
        && account.get("app_secret").is_some()
        && let Some(given) = account.get(TOKEN_SETTING)
        && let Ok(about) = token::look(http, account, given).await
    {
        if read::flag(&about, "is_valid") == Some(false) {
            return Ok(Health::new(
                HealthState::Down,
                "Meta does not accept the channel's access any more".into(),
            ));
        }
        let scopes = read::list(&about, "scopes");
        if !scopes.is_empty() && !scopes.iter().any(|scope| scope == "whatsapp_business_messaging") {
            let missing = "the access lacks the permission whatsapp_business_messaging";
            return Ok(Health::new(HealthState::NeedsPerson, missing.into()));
        }
    }
    if let Some(waba) = account.get("waba_id")
        && !is_subscribed(&number.graph, waba).await?
    {
        return Ok(Health::new(
            HealthState::Down,
            "the app is not subscribed to the WhatsApp account".into(),
        ));
    }
    Ok(health)
}

async fn is_subscribed(graph: &Graph<'_>, waba: &str) -> Result<bool, SendError> {
    match graph.list(&[waba, "subscribed_apps"], &[]).await {
        Ok(apps) => Ok(!apps.is_empty()),
        // Sending needs no right to look at this.
        Err(failure) if matches!(failure.verdict, Verdict::Rejected | Verdict::ChannelDown) => Ok(true),
        Err(failure) => Err(failure.into()),
    }
}

/// How Meta judges the number. `FLAGGED` and `RATE_LIMITED` numbers still send.
fn state(about: &Value) -> Health {
    let word = read::text(about, "status").unwrap_or_else(|| "CONNECTED".to_owned());
    let state = match word.as_str() {
        "PENDING" | "UNVERIFIED" | "MIGRATED" | "DISCONNECTED" => HealthState::NeedsPerson,
        "BANNED" | "DELETED" | "RESTRICTED" => HealthState::Down,
        _ => HealthState::Up,
    };
    let quality = read::text(about, "quality_rating").filter(|quality| quality != "UNKNOWN");
    let detail = quality.map_or_else(|| word.clone(), |quality| format!("{word}, quality {quality}"));
    Health::new(state, detail.into())
}

/// A client for what a signed-in person has.
pub(super) fn signed_in<'a>(
    http: &'a Client,
    app: &'a Account,
    token: &'a str,
) -> Result<Graph<'a>, Failure> {
    let graph = Graph::open(http, app, ("graph_base", crate::meta::graph::BASE), table)?;
    Ok(graph.with_token(token, app.get("app_secret")))
}
