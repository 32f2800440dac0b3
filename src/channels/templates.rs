//! The templates of a channel: asked of its provider when somebody wants to choose one, and kept to check what is sent.

use std::time::Duration;

use uuid::Uuid;

use super::cache::ChannelCache;
use crate::error::Error;
use crate::model::{OutTemplate, TemplateView};
use crate::store::{Store, Tx, Verb, templates};

/// A list so new is not asked for again.
const FRESH_MS: i64 = 60_000;
const CALL_LIMIT: Duration = Duration::from_secs(15);

/// The templates as they are now. If the provider does not answer, those that it told last; `Err` where there are none.
pub async fn list(
    store: &Store,
    (channels, http): (&ChannelCache, &adapters::Client),
    (tenant, channel): (Uuid, Uuid),
) -> Result<Vec<TemplateView>, Error> {
    let known = store.read(Load { tenant, channel }).await?;
    let now = store.clock().now_ms();
    if known.first().is_some_and(|first| (0..FRESH_MS).contains(&(now - first.fetched_at))) {
        return Ok(known);
    }
    let connected = channels.ready(tenant, channel).await?.ok_or(Error::NotFound("channel"))?;
    let provider = adapters::provider(&connected.channel.kind).ok_or(Error::NotFound("provider"))?;
    if !provider.abilities().templates {
        let why = format!("{} has no templates", connected.channel.kind);
        return Err(Error::conflict("not_supported", why));
    }
    let account = connected.secrets.account();
    let found = match tokio::time::timeout(CALL_LIMIT, provider.templates(http, &account)).await {
        Ok(Ok(found)) => found,
        _ if !known.is_empty() => return Ok(known),
        Ok(Err(error)) => {
            return Err(Error::conflict("provider_refused", format!("the provider says: {}", error.reason)));
        }
        Err(_) => {
            return Err(Error::conflict(
                "unreachable",
                "the provider does not answer: try again in a minute",
            ));
        }
    };
    let all = found
        .into_iter()
        .map(|one| TemplateView {
            name: one.name,
            language: one.language,
            category: one.category,
            state: one.state,
            components: one.components,
            fetched_at: now,
        })
        .collect();
    Ok(store.write(Keep { tenant, channel, all }).await?.value)
}

/// Checks a template that is to be sent against what the provider told, and gives its text. Nothing if the provider was
/// never asked: then it decides itself.
pub async fn text_of(
    tx: &mut Tx<'_>,
    place: (Uuid, Uuid),
    template: &OutTemplate,
) -> Result<Option<String>, Error> {
    let of_name = templates::of_name(tx, place, &template.name).await?;
    if of_name.is_empty() {
        if templates::are_known(tx, place).await? {
            let problem = format!("the account has no template {}: choose one of its own", template.name);
            return Err(Error::invalid("template.name", problem));
        }
        return Ok(None);
    }
    let Some(found) = of_name.iter().find(|one| one.language == template.language) else {
        let languages: Vec<_> = of_name.iter().map(|one| one.language.as_str()).collect();
        let problem = format!("{} is there in {}", template.name, languages.join(", "));
        return Err(Error::invalid("template.language", problem));
    };
    if !found.is_approved() {
        let state = found.state.to_lowercase();
        let problem = format!("{} is {state}: choose one that is approved", template.name);
        return Err(Error::invalid("template.name", problem));
    }
    match found.filled(template) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(problem) => Err(Error::invalid("template.components", problem)),
    }
}

struct Load {
    tenant: Uuid,
    channel: Uuid,
}

impl Verb for Load {
    type Out = Vec<TemplateView>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(templates::list(tx, (self.tenant, self.channel)).await?)
    }
}

struct Keep {
    tenant: Uuid,
    channel: Uuid,
    all: Vec<TemplateView>,
}

impl Verb for Keep {
    type Out = Vec<TemplateView>;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let place = (self.tenant, self.channel);
        templates::replace(tx, place, &self.all).await?;
        Ok(templates::list(tx, place).await?)
    }
}
