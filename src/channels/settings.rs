//! Creating, changing and listing channels. Secrets are accepted here and never returned. The calls to the provider are
//! in `connect.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapters::Gathering;
use uuid::Uuid;

use super::{ChannelSecrets, address, apps, claims, fields, granted, pause, pool};
use crate::accounts::{Scope, check_name};
use crate::announce;
use crate::document;
use crate::error::Error;
use crate::model::{Channel, ChannelSettings, ChannelState, ChannelView};
use crate::store::{self, Tx, Verb, Wake, channels, places};
use crate::vault::Vault;
use crate::vault::random_token;

const OTHER_ACCOUNT: &str = "these credentials are of another account, to whose customers this channel's conversations do not \
    belong: add a new channel for it, or say with other_account that the channel is to be its";

/// Channels of the scopes' tenants and companies.
pub struct ListChannels {
    pub scopes: Vec<Scope>,
    /// Tenants in which the caller may manage channels: their webhooks' addresses are included.
    pub managed: Vec<Uuid>,
}

impl Verb for ListChannels {
    type Out = Vec<ChannelView>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let mut found = Vec::new();
        for scope in &self.scopes {
            let with_hook = self.managed.contains(&scope.tenant());
            let all = channels::of_tenant(tx, scope.tenant()).await?;
            found.extend(
                all.iter()
                    .filter(|one| scope.sees_company(one.company))
                    .map(|channel| channel.view(with_hook)),
            );
        }
        Ok(found)
    }
}

pub struct CreateChannel {
    pub scope: Scope,
    pub vault: Arc<Vault>,
    pub company: Uuid,
    pub kind: String,
    pub name: String,
    pub credentials: BTreeMap<String, String>,
    pub settings: ChannelSettings,
}

impl Verb for CreateChannel {
    type Out = Channel;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Channel, Error> {
        let name = check_name("name", &self.name)?;
        check_settings(&self.settings)?;
        let here = places::COMPANY.within(tx, &[self.scope.tenant()], self.company).await?;
        if here.is_none() || !self.scope.sees_company(self.company) {
            return Err(Error::invalid("company", "is not a company of this tenant"));
        }
        let id = tx.new_id();
        let to = (self.scope.tenant(), self.kind.as_str());
        let app = pool::of_new_channel(tx, &self.vault, to, &self.credentials).await?;
        let given_by_app = pool::given_by(&self.kind, app.is_some());
        let mut credentials = check_credentials(&self.kind, given_by_app, self.credentials.clone())?;
        if !given_by_app.is_empty() {
            credentials.extend(pool::named(&self.kind, id));
        }
        let mut secrets = ChannelSecrets::new(credentials)?;
        secrets.granted_at = Some(tx.now()).filter(|_| secrets.credentials.contains_key(granted::BY));
        if let Some(app) = &app {
            secrets.app = apps::open(&self.vault, app)?;
        }
        let app = app.map(|app| app.id);
        let channel = Channel {
            id,
            tenant: self.scope.tenant(),
            company: self.company,
            kind: self.kind.clone(),
            name,
            state: ChannelState::Active,
            hook_token: random_token("")?,
            sealed: secrets.seal(&self.vault, id)?,
            app,
            settings: self.settings.clone(),
            health: None,
            operated: self.scope.operates(),
        };
        channels::insert(tx, &channel).await?;
        claims::move_to(tx, &self.scope, &channel, &accounts_of(&channel, &secrets)).await?;
        announce::channel(tx, &channel)?;
        tx.wake(Wake::Channel(id));
        Ok(channel)
    }
}

/// The fields that change; `None` leaves a field as it is.
#[derive(Default)]
pub struct ChannelChanges {
    pub name: Option<String>,
    pub state: Option<ChannelState>,
    /// The settings that change, as a JSON object.
    pub settings: Option<serde_json::Map<String, serde_json::Value>>,
    /// The credentials that change.
    pub credentials: Option<BTreeMap<String, String>>,
    /// They may be of another account than the channel's.
    pub other_account: bool,
}

pub struct UpdateChannel {
    pub scope: Scope,
    pub vault: Arc<Vault>,
    pub id: Uuid,
    pub changes: ChannelChanges,
}

impl Verb for UpdateChannel {
    type Out = Channel;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Channel, Error> {
        let mut channel = load(tx, &self.scope, self.id).await?;
        let ChannelChanges { name, state, settings, credentials, other_account } = &self.changes;
        if let Some(name) = name {
            channel.name = check_name("name", name)?;
        }
        let goes_on = *state == Some(ChannelState::Active) && channel.state != ChannelState::Active;
        if let Some(state) = state
            && *state != channel.state
        {
            if [*state, channel.state].contains(&ChannelState::Disconnected) {
                let problem = "a channel is disconnected and connected by operations of their own";
                return Err(Error::invalid("state", problem));
            }
            channel.state = *state;
            pause::changed(tx, &channel).await?;
        }
        if let Some(changes) = settings {
            channel.settings = merge_settings(&channel.settings, changes)?;
        }
        if let Some(changes) = credentials {
            let given_by_app = pool::given_by(&channel.kind, channel.app.is_some());
            if let Some(name) = given_by_app.iter().find(|name| changes.contains_key(**name)) {
                let problem = "is decided by the server of this installation that the channel is on: connect a new channel \
                               for a server of your own";
                return Err(Error::invalid(format!("credentials.{name}"), problem));
            }
            let secrets = ChannelSecrets::load(tx, &self.vault, &channel).await?;
            // Before it was connected it has none of its own.
            let has_own = secrets.external_id.is_some() || channel.state == ChannelState::Disconnected;
            let mut wanted = secrets.credentials.clone();
            wanted.extend(changes.clone());
            let wanted = check_credentials(&channel.kind, given_by_app, wanted)?;
            let mut changed = address::change(&self.scope, &channel, secrets, wanted, changes)?;
            if changes.contains_key(granted::BY) {
                changed.secrets.granted_at = Some(tx.now());
            }
            if changed.is_other_account && has_own && !other_account {
                return Err(Error::conflict("other_account", OTHER_ACCOUNT));
            }
            channel.sealed = changed.secrets.seal(&self.vault, channel.id)?;
            if let Some(claims) = &changed.claims {
                claims::move_to(tx, &self.scope, &channel, claims).await?;
            }
            if changed.is_elsewhere {
                // What it has in common with others is known again when the provider confirms it.
                store::claims::share(tx, &channel, &[], None).await?;
            }
        }
        if goes_on {
            // Another channel may have claimed the account during the pause.
            let secrets = ChannelSecrets::load(tx, &self.vault, &channel).await?;
            let wanted = accounts_of(&channel, &secrets);
            if !claims::claim(tx, &self.scope, &channel, &wanted, false).await? {
                return Err(claims::taken());
            }
        }
        channels::update(tx, &channel).await?;
        announce::channel(tx, &channel)?;
        tx.wake(Wake::Channel(channel.id));
        Ok(channel)
    }
}

/// The accounts that a channel's secrets name.
fn accounts_of(channel: &Channel, secrets: &ChannelSecrets) -> Vec<String> {
    adapters::provider(&channel.kind).map(|provider| claims::of(provider, secrets)).unwrap_or_default()
}

/// A channel of the scope's tenant and companies.
pub(super) async fn load(tx: &mut Tx<'_>, scope: &Scope, id: Uuid) -> Result<Channel, Error> {
    let channel = channels::by_id(tx, scope.tenant(), id).await?;
    channel.filter(|channel| scope.sees_company(channel.company)).ok_or(Error::NotFound("channel"))
}

pub(super) fn check_settings(settings: &ChannelSettings) -> Result<(), Error> {
    settings.check().map_err(|(field, problem)| Error::invalid(field, problem))
}

/// Answers of the AI to one mail address within an hour: other machines answer mails too, not always with a mark.
const ANSWERS_PER_HOUR: i64 = 4;

/// The settings that a new channel of this provider begins with.
pub fn default_settings(kind: &str) -> ChannelSettings {
    let gathering = adapters::provider(kind).map_or(Gathering::CHAT, adapters::Provider::gathering);
    let answers_per_hour = if gathering == Gathering::MAIL { ANSWERS_PER_HOUR } else { 0 };
    let Gathering { quiet_ms, max_wait_ms } = gathering;
    ChannelSettings { quiet_ms, max_wait_ms, answers_per_hour, ..ChannelSettings::default() }
}

/// Merges changes into settings. Unknown settings are refused.
pub fn merge_settings(
    current: &ChannelSettings,
    changes: &serde_json::Map<String, serde_json::Value>,
) -> Result<ChannelSettings, Error> {
    let mut all = serde_json::to_value(current).map_err(|error| anyhow::anyhow!(error))?;
    if let Some(all) = all.as_object_mut() {
        all.extend(changes.clone());
    }
    let json = serde_json::to_vec(&all).map_err(|error| anyhow::anyhow!(error))?;
    let settings = document::read(&json).map_err(|refused| {
        let field = refused.field.map_or_else(|| "settings".to_owned(), |field| format!("settings.{field}"));
        Error::invalid(field, refused.problem)
    })?;
    check_settings(&settings)?;
    Ok(settings)
}

/// Checks credentials against the provider's fields, and fills in defaults.
fn check_credentials(
    kind: &str,
    given_by_app: &[&str],
    credentials: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Error> {
    let provider = adapters::provider(kind).ok_or_else(|| {
        let known: Vec<_> = adapters::providers().map(adapters::Provider::name).collect();
        Error::invalid("kind", format!("must be one of {}", known.join(", ")))
    })?;
    fields::check_beside(provider.credentials(), given_by_app, credentials, ("credentials", kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn credentials_are_what_the_provider_needs() {
        let whole = check_credentials(
            "waha",
            &[],
            given(&[("base_url", "http://waha.example.com"), ("api_key", "k")]),
        );
        assert_eq!(whole.expect("complete")["session"], "default");
        let missing =
            check_credentials("telegram", &[], given(&[("token", " ")])).expect_err("blank is missing");
        assert!(missing.to_string().contains("token"), "{missing}");
        let unknown = check_credentials("telegram", &[], given(&[("token", "1:a"), ("tokn", "x")]))
            .expect_err("unknown");
        assert!(unknown.to_string().contains("tokn") && !unknown.to_string().contains("1:a"), "{unknown}");
        assert!(check_credentials("pigeon", &[], given(&[])).is_err());
        let long = format!("1:{}", "a".repeat(fields::MAX_BYTES));
        let long =
            check_credentials("telegram", &[], given(&[("token", &long)])).expect_err("no token is so long");
        assert!(long.to_string().contains("at most 4096 bytes"), "{long}");
    }

    #[test]
    fn settings_change_one_by_one() {
        let changes = |text: &str| serde_json::from_str(text).expect("an object");
        let merged =
            merge_settings(&ChannelSettings::default(), &changes(r#"{"quiet_ms": 500, "ai": false}"#));
        let merged = merged.expect("merged");
        assert_eq!((merged.quiet_ms, merged.ai, merged.max_messages), (500, false, 10));
        let refused = [
            (r#"{"quiet": 1}"#, "settings.quiet"),
            (r#"{"lease_ms": 1}"#, "settings.lease_ms"),
            (r#"{"quiet_ms": "abc"}"#, "settings.quiet_ms"),
            (r#"{"flush_words": "done"}"#, "settings.flush_words"),
        ];
        for (text, named) in refused {
            match merge_settings(&merged, &changes(text)) {
                Err(Error::Invalid { field, .. }) => assert_eq!(field, named, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
