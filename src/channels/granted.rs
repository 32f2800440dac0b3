//! Rights that a person gave by signing in at a provider, and took back there. The channels that live by them lose their
//! tokens and say that somebody has to sign in again.

use std::sync::Arc;

use adapters::Remedy;
use uuid::Uuid;

use super::ChannelSecrets;
use super::health::{self, Finding};
use crate::error::Error;
use crate::model::{HealthCause, HealthLevel};
use crate::store::{Store, Tx, Verb, apps, channels};
use crate::vault::Vault;

/// The credential that names the person who signed in, by the id that the app knows.
pub const BY: &str = "granted_by";
/// The credentials that are forgotten.
const TOKENS: [&str; 3] = ["access_token", "refresh_token", "access_expires_at_ms"];
const PAGE: i64 = 100;

/// Forgets the tokens that the person gave to channels of the app until the provider signed this, Unix seconds; returns these
/// channels. Tokens that were given later stay: a provider repeats what was not answered, and others can.
pub async fn take_back(
    store: &Store,
    vault: &Arc<Vault>,
    app: Uuid,
    (person, issued_at_s): (&str, i64),
) -> Result<Vec<Uuid>, Error> {
    let (mut after, mut done) = ((Uuid::nil(), Uuid::nil()), Vec::new());
    loop {
        let page = store.read(Page { app, after }).await?;
        let Some(last) = page.last() else { return Ok(done) };
        after = *last;
        for (tenant, channel) in page {
            let person = person.to_owned();
            let forget = Forget { vault: Arc::clone(vault), tenant, channel, person, issued_at_s };
            if store.write(forget).await?.value {
                done.push(channel);
            }
        }
    }
}

struct Page {
    app: Uuid,
    after: (Uuid, Uuid),
}

impl Verb for Page {
    type Out = Vec<(Uuid, Uuid)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(apps::channels(tx, self.app, self.after, PAGE).await?)
    }
}

struct Forget {
    vault: Arc<Vault>,
    tenant: Uuid,
    channel: Uuid,
    person: String,
    issued_at_s: i64,
}

impl Verb for Forget {
    type Out = bool;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let Some(mut channel) = channels::by_id(tx, self.tenant, self.channel).await? else {
            return Ok(false);
        };
        let mut secrets = ChannelSecrets::open(&self.vault, &channel)?;
        if secrets.credentials.get(BY) != Some(&self.person) {
            return Ok(false);
        }
        // The provider's second may have begun before the tokens of the same second were given.
        if secrets.granted_at.is_some_and(|at| at >= self.issued_at_s.saturating_add(1).saturating_mul(1000))
        {
            return Ok(false);
        }
        for name in TOKENS {
            secrets.credentials.remove(name);
        }
        channel.sealed = secrets.seal(&self.vault, channel.id)?;
        channels::update(tx, &channel).await?;
        let why = "the person who connected it took its rights back at the provider";
        let now = tx.now();
        let found = Finding::new(HealthLevel::NeedsAttention, HealthCause::NeedsPerson, Some(why.to_owned()));
        health::note(tx, &mut channel, found.remedy(Remedy::SignIn), now).await?;
        Ok(true)
    }
}
