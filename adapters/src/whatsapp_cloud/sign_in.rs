//! Signing in at Facebook (Login for Business, the embedded sign-up): which numbers the person lets the app use.

use async_trait::async_trait;
use serde_json::Value;

use super::connect::{name, signed_in};
use crate::{
    Account, Choice, Client, ConnectFailure, SignIn, Words,
    call::{Failure, Verdict},
    json as read,
    meta::{
        graph::Graph,
        token::{self, EXPIRES_SETTING, GRANTED_BY, TOKEN_SETTING, Token},
    },
};

const MANAGE: &str = "whatsapp_business_management";
const SCOPES: &[&str] = &[MANAGE, "whatsapp_business_messaging", "business_management"];

const NUMBERS: &str = "id,display_phone_number,verified_name,quality_rating";

/// Accounts that are looked into, and numbers that are offered.
const MAX_ACCOUNTS: usize = 50;
const MAX_CHOICES: usize = 200;

pub(super) struct FacebookLogin;

#[async_trait]
impl SignIn for FacebookLogin {
    fn authorize_url(&self, app: &Account, redirect: &str, state: &str) -> Result<String, ConnectFailure> {
        token::dialog(app, SCOPES, redirect, state)
    }

    async fn exchange(
        &self,
        http: &Client,
        app: &Account,
        code: &str,
        redirect: &str,
        now_ms: i64,
    ) -> Result<Vec<Choice>, ConnectFailure> {
        let token = token::exchange(http, app, code, redirect, now_ms).await?;
        let about = token::look(http, app, &token.text).await?;
        let user = token::user(&about);
        let graph = signed_in(http, app, &token.text)?;
        let accounts = match token::targets(&about, MANAGE) {
            Some(accounts) => accounts,
            None => owned(&graph).await?,
        };
        let mut choices = Vec::new();
        for account in accounts.iter().take(MAX_ACCOUNTS) {
            let numbers = match graph.list(&[account, "phone_numbers"], &[("fields", NUMBERS)]).await {
                Ok(numbers) => numbers,
                // One account that cannot be looked into keeps nobody from the others.
                Err(failure) if failure.verdict == Verdict::Rejected => continue,
                Err(failure) => return Err(failure.into()),
            };
            choices.extend(
                numbers.iter().filter_map(|number| choice(number, account, (&token, user.as_deref()))),
            );
        }
        choices.truncate(MAX_CHOICES);
        if choices.is_empty() {
            let none = "the person who signed in let the app use no WhatsApp number";
            return Err(Failure::new(Verdict::Rejected, "nothing_to_choose", none).into());
        }
        Ok(choices)
    }
}

/// The accounts of the person's businesses, where the token names none.
async fn owned(graph: &Graph<'_>) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for business in graph.list(&["me", "businesses"], &[("fields", "id")]).await? {
        let Some(business) = business.get("id").and_then(read::id) else { continue };
        for kind in ["owned_whatsapp_business_accounts", "client_whatsapp_business_accounts"] {
            match graph.list(&[&business, kind], &[("fields", "id")]).await {
                Ok(accounts) => {
                    found.extend(accounts.iter().filter_map(|account| account.get("id").and_then(read::id)));
                }
                Err(failure) if matches!(failure.verdict, Verdict::Rejected | Verdict::ChannelDown) => {}
                Err(failure) => return Err(failure),
            }
        }
        if found.len() >= MAX_ACCOUNTS {
            break;
        }
    }
    found.dedup();
    Ok(found)
}

fn choice(number: &Value, account: &str, (token, user): (&Token, Option<&str>)) -> Option<Choice> {
    let id = number.get("id").and_then(read::id)?;
    let mut credentials: std::collections::BTreeMap<_, _> = [
        ("phone_number_id", id.clone()),
        ("waba_id", account.to_owned()),
        (TOKEN_SETTING, token.text.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if let Some(end) = token.ends_at_ms {
        credentials.insert(EXPIRES_SETTING.to_owned(), end.to_string());
    }
    if let Some(user) = user {
        credentials.insert(GRANTED_BY.name.to_owned(), user.to_owned());
    }
    Some(Choice { name: name(number).unwrap_or_else(|| Words::from(&id)), external_id: id, credentials })
}
