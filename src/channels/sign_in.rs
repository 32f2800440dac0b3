//! Connecting an account by signing in at its provider (OAuth 2.0). The state that goes with the browser is a secret of the
//! person who began: whoever comes back with it has to be signed in here as that person, so that nobody can have an
//! account of somebody else's connected to their own tenant. Tokens are kept encrypted until an account is chosen.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapters::{Binds, Choice, Client, CredentialField, Provider};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::connect::{change, connect, refusal};
use super::settings::{ChannelChanges, CreateChannel, default_settings, load};
use super::{ChannelSecrets, apps, claims, pool};
use crate::accounts::Scope;
use crate::error::Error;
use crate::model::{Channel, ChannelState, ProviderApp};
use crate::store::sign_ins::{self, SignIn};
use crate::store::{Store, Tx, Verb, channels, places};
use crate::vault::{Vault, random_token, token_digest};

/// How long a person may take.
const VALID_MS: i64 = 20 * 60_000;
/// Accounts that one person may choose among.
const MAX_CHOICES: usize = 200;

/// Where a provider sends the browser back to.
pub fn redirect(public_url: &str, provider: &str) -> String {
    format!("{}/connect/{provider}", public_url.trim_end_matches('/'))
}

fn owner(digest: &str) -> String {
    format!("sign_in:{digest}")
}

fn provider_of(kind: &str) -> Result<(&'static dyn Provider, &'static dyn adapters::SignIn), Error> {
    let provider =
        adapters::provider(kind).ok_or_else(|| Error::invalid("kind", "there is no such provider"))?;
    let sign_in = provider.sign_in().ok_or_else(|| {
        Error::invalid("kind", format!("{kind} is connected by its credentials, not by signing in"))
    })?;
    Ok((provider, sign_in))
}

/// Begins a sign-in.
pub struct Begin {
    pub scope: Scope,
    pub user: Uuid,
    pub vault: Arc<Vault>,
    pub public_url: String,
    pub company: Uuid,
    pub kind: String,
    /// Connects this channel anew.
    pub channel: Option<Uuid>,
}

/// Where the browser goes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Begun {
    pub url: String,
    /// Unix milliseconds.
    pub expires_at: i64,
}

impl Verb for Begin {
    type Out = Begun;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Begun, Error> {
        let (_, sign_in) = provider_of(&self.kind)?;
        let tenant = self.scope.tenant();
        let app = if let Some(channel) = self.channel {
            let channel = load(tx, &self.scope, channel).await?;
            if channel.kind != self.kind {
                return Err(Error::invalid("kind", "is not the kind of this channel"));
            }
            crate::store::apps::by_id(tx, channel.app.unwrap_or_default()).await?
        } else {
            let here = places::COMPANY.within(tx, &[tenant], self.company).await?;
            if here.is_none() || !self.scope.sees_company(self.company) {
                return Err(Error::invalid("company", "is not a company of this tenant"));
            }
            pool::of_new_channel(tx, &self.vault, (tenant, &self.kind), &BTreeMap::new()).await?
        };
        let app = app.ok_or(Error::NotFound("app"))?;
        let state = random_token("")?;
        let account = apps::account(&self.vault, &app)?;
        let redirect = redirect(&self.public_url, &self.kind);
        let url = sign_in
            .authorize_url(&account, &redirect, &state)
            .map_err(|failure| Error::conflict("connect_failed", failure.reason.to_string()))?;
        let expires_at = tx.now() + VALID_MS;
        let one = SignIn {
            digest: token_digest(&state),
            tenant,
            company: self.company,
            by_user: self.user,
            channel: self.channel,
            provider: self.kind.clone(),
            app: app.id,
            sealed: None,
        };
        sign_ins::insert(tx, &one, expires_at).await?;
        Ok(Begun { url, expires_at })
    }
}

/// An account that may be connected.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountChoice {
    pub external_id: String,
    pub name: String,
}

/// What somebody who came back may choose among.
#[derive(Debug, Serialize, ToSchema)]
pub struct Choices {
    pub tenant: Uuid,
    pub company: Uuid,
    pub kind: String,
    /// The channel that is connected anew.
    pub channel: Option<Uuid>,
    /// The `external_id` of the account that this channel has had: only it can be chosen for the channel.
    pub own: Option<String>,
    pub accounts: Vec<AccountChoice>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    external_id: String,
    name: String,
    credentials: BTreeMap<String, String>,
}

/// What every step needs.
#[derive(Clone)]
pub struct With {
    pub store: Store,
    pub vault: Arc<Vault>,
    pub http: Client,
    pub public_url: String,
}

/// The sign-in of a state, if this person began it.
pub async fn find(with: &With, user: Uuid, state: &str) -> Result<SignIn, Error> {
    let one = with.store.read(Get { digest: token_digest(state) }).await?.ok_or_else(gone)?;
    if one.by_user == user {
        return Ok(one);
    }
    // Whoever has the state came with the browser that began: nothing is told that it does not know.
    Err(Error::conflict(
        "sign_in_of_another",
        "somebody else began this sign-in: sign in here as that person, or begin again",
    ))
}

fn gone() -> Error {
    Error::conflict("sign_in_over", "this sign-in is over: begin again")
}

/// Exchanges the code for the accounts that it opens. Asked again, it gives the same ones: a page that was loaded again, or
/// whose person had to sign in here meanwhile, goes on where it was.
pub async fn exchange(with: &With, one: &SignIn, code: &str, now_ms: i64) -> Result<Choices, Error> {
    if let Some(sealed) = &one.sealed {
        return choices(with, one, opened(with, one, sealed)?).await;
    }
    let (_, sign_in) = provider_of(&one.provider)?;
    let found = with.store.write(Take { digest: one.digest.clone() }).await?.value;
    let app = found.ok_or_else(gone)?;
    let account = apps::account(&with.vault, &app)?;
    let redirect = redirect(&with.public_url, &one.provider);
    let shared = match sign_in.exchange(&with.http, &account, code, &redirect, now_ms).await {
        Ok(shared) => shared,
        Err(failure) => {
            if failure.is_unreached() {
                // A later call of the exchange may be the one that failed: the provider then refuses the code.
                with.store.write(GiveBack { digest: one.digest.clone() }).await?;
            }
            return Err(refusal(&failure));
        }
    };
    if shared.is_empty() {
        return Err(Error::conflict(
            "no_accounts",
            "no account was shared: sign in again and choose at least one page, number or account",
        ));
    }
    let stored: Vec<Stored> = shared.into_iter().take(MAX_CHOICES).map(stored).collect();
    let plain = serde_json::to_vec(&stored).map_err(|error| anyhow::anyhow!(error))?;
    let sealed = with.vault.seal(&owner(&one.digest), &plain)?;
    with.store.write(SetChoices { digest: one.digest.clone(), sealed }).await?;
    choices(with, one, stored).await
}

async fn choices(with: &With, one: &SignIn, stored: Vec<Stored>) -> Result<Choices, Error> {
    let (provider, _) = provider_of(&one.provider)?;
    let own = own(with, one).await?.map(|own| {
        let shared = stored.iter().find(|choice| own.is(provider, choice));
        shared.map_or(own.external_id.clone(), |choice| choice.external_id.clone())
    });
    let account = |one: Stored| AccountChoice { external_id: one.external_id, name: one.name };
    Ok(Choices {
        tenant: one.tenant,
        company: one.company,
        kind: one.provider.clone(),
        channel: one.channel,
        own,
        accounts: stored.into_iter().map(account).collect(),
    })
}

/// The account that a channel has had. Its conversations are with people who wrote to this account.
struct Own {
    external_id: String,
    claims: Vec<String>,
}

impl Own {
    fn is(&self, provider: &dyn Provider, choice: &Stored) -> bool {
        let account = adapters::Account {
            external_id: None,
            settings: choice.credentials.clone(),
            ..Default::default()
        };
        provider.claims(&account).iter().any(|claim| self.claims.contains(claim))
    }
}

/// Of the channel that is connected anew, unless it never was connected.
async fn own(with: &With, one: &SignIn) -> Result<Option<Own>, Error> {
    let Some(id) = one.channel else { return Ok(None) };
    let (provider, _) = provider_of(&one.provider)?;
    let Some(channel) = with.store.read(GetChannel { tenant: one.tenant, id }).await? else {
        return Ok(None);
    };
    let secrets = ChannelSecrets::open(&with.vault, &channel)?;
    // Disconnecting forgets the id, and leaves which account it was.
    if secrets.external_id.is_none() && channel.state != ChannelState::Disconnected {
        return Ok(None);
    }
    let claims = claims::of(provider, &secrets);
    let names = |field: &&CredentialField| field.binds == Binds::Account;
    let bound =
        provider.credentials().iter().find(names).and_then(|field| secrets.credentials.get(field.name));
    let external_id = secrets.external_id.as_ref().or(bound).cloned();
    Ok(external_id.filter(|_| !claims.is_empty()).map(|external_id| Own { external_id, claims }))
}

fn opened(with: &With, one: &SignIn, sealed: &str) -> Result<Vec<Stored>, Error> {
    let plain = with.vault.open(&owner(&one.digest), sealed)?;
    // The parser's message is left out: it may quote a secret.
    let damaged = |_| anyhow::anyhow!("the choices of a sign-in are damaged");
    Ok(serde_json::from_slice(&plain).map_err(damaged)?)
}

fn stored(choice: Choice) -> Stored {
    let Choice { external_id, name, credentials } = choice;
    Stored { external_id, name: name.into(), credentials }
}

/// Connects the chosen account: as a new channel, or as the channel that is connected anew.
pub async fn choose(
    with: &With,
    scope: Scope,
    one: &SignIn,
    external_id: &str,
    name: Option<&str>,
) -> Result<Channel, Error> {
    let sealed = one.sealed.as_deref().ok_or_else(gone)?;
    let chosen = opened(with, one, sealed)?
        .into_iter()
        .find(|choice| choice.external_id == external_id)
        .ok_or_else(|| Error::invalid("account", "is none of those that were shared"))?;
    let (provider, _) = provider_of(&one.provider)?;
    if own(with, one).await?.is_some_and(|own| !own.is(provider, &chosen)) {
        return Err(Error::conflict(
            "other_account",
            "this channel and its conversations are of another account: add a new channel for this one",
        ));
    }
    let vault = Arc::clone(&with.vault);
    let id = if let Some(id) = one.channel {
        // Whose it is was judged above.
        let credentials = Some(chosen.credentials);
        let changes = ChannelChanges { credentials, other_account: true, ..ChannelChanges::default() };
        let verb = super::settings::UpdateChannel { scope: scope.clone(), vault, id, changes };
        change(&with.store, &with.http, &with.public_url, verb).await?.id
    } else {
        let verb = CreateChannel {
            scope: scope.clone(),
            vault,
            company: one.company,
            kind: one.provider.clone(),
            name: name.map_or(chosen.name, str::to_owned),
            credentials: chosen.credentials,
            settings: default_settings(&one.provider),
        };
        let id = with.store.write(verb).await?.value.id;
        // If the provider refuses now, another attempt is for this channel, and does not find its account taken by it.
        with.store.write(SetChannel { digest: one.digest.clone(), channel: id }).await?;
        id
    };
    let connected = connect(&with.store, &with.vault, &with.http, &with.public_url, &scope, id).await?;
    with.store.write(Remove { digest: one.digest.clone() }).await?;
    Ok(connected)
}

struct Get {
    digest: String,
}

impl Verb for Get {
    type Out = Option<SignIn>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(sign_ins::get(tx, &self.digest).await?)
    }
}

struct GetChannel {
    tenant: Uuid,
    id: Uuid,
}

impl Verb for GetChannel {
    type Out = Option<Channel>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(channels::by_id(tx, self.tenant, self.id).await?)
    }
}

/// The app with which the code is exchanged; nothing if it was exchanged already.
struct Take {
    digest: String,
}

impl Verb for Take {
    type Out = Option<ProviderApp>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let Some(one) = sign_ins::get(tx, &self.digest).await? else { return Ok(None) };
        if !sign_ins::take(tx, &self.digest).await? {
            return Ok(None);
        }
        Ok(crate::store::apps::by_id(tx, one.app).await?)
    }
}

struct GiveBack {
    digest: String,
}

impl Verb for GiveBack {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        Ok(sign_ins::give_back(tx, &self.digest).await?)
    }
}

struct SetChoices {
    digest: String,
    sealed: String,
}

impl Verb for SetChoices {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        Ok(sign_ins::set_choices(tx, &self.digest, &self.sealed).await?)
    }
}

struct SetChannel {
    digest: String,
    channel: Uuid,
}

impl Verb for SetChannel {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        Ok(sign_ins::set_channel(tx, &self.digest, self.channel).await?)
    }
}

struct Remove {
    digest: String,
}

impl Verb for Remove {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        Ok(sign_ins::remove(tx, &self.digest).await?)
    }
}
