//! The kinds of channels and apps of this server, as their adapters describe them: what each needs, can do and takes. The
//! page draws its forms from this.

use serde::Serialize;
use utoipa::ToSchema;

use super::Caller;
use crate::channels::pool;
use crate::error::Error;

#[derive(Serialize, ToSchema)]
pub struct ChannelKinds {
    kinds: Vec<ChannelKind>,
}

#[derive(Serialize, ToSchema)]
pub struct ChannelKind {
    name: &'static str,
    /// People connect an account by signing in at the provider: `sign_in.begin`.
    sign_in: bool,
    /// Of the app through which all of its channels are connected: `meta` or `google`.
    family: Option<&'static str>,
    /// The credentials that a server of this installation has instead of a channel that gives none of them. Empty: there is
    /// no such server, and the channel gives all.
    given: &'static [&'static str],
    credentials: Vec<SettingField>,
    abilities: KindAbilities,
    limits: KindLimits,
}

/// A value that a channel or an app needs.
#[derive(Serialize, ToSchema)]
pub struct SettingField {
    name: &'static str,
    /// Encrypted at rest, never shown again.
    secret: bool,
    required: bool,
    /// What it decides: `nothing`, `address`, or which `account` is meant. Whoever changes one that decides something gives
    /// every secret again.
    binds: &'static str,
    default: Option<&'static str>,
    help: &'static str,
}

/// What a provider can do beside texts and files.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing that a provider has or has not")]
pub struct KindAbilities {
    reply: bool,
    reactions: bool,
    buttons: bool,
    templates: bool,
    typing: bool,
    /// It tells what the business's own people write elsewhere.
    echoes: bool,
    receipts: bool,
    /// Messages that were not delivered to us can be asked for.
    history: bool,
}

#[derive(Serialize, ToSchema)]
pub struct KindLimits {
    /// In the provider's own unit. Longer texts are split.
    max_text: usize,
    max_upload_bytes: u64,
    max_download_bytes: u64,
}

/// The fields of a kind of channel or app.
pub(super) fn fields(of: &'static [adapters::CredentialField]) -> Vec<SettingField> {
    let field = |field: &adapters::CredentialField| SettingField {
        name: field.name,
        secret: field.secret,
        required: field.required,
        binds: match field.binds {
            adapters::Binds::Nothing => "nothing",
            adapters::Binds::Address => "address",
            adapters::Binds::Account => "account",
        },
        default: field.default,
        help: field.help,
    };
    of.iter().map(field).collect()
}

pub async fn list(caller: Caller) -> Result<ChannelKinds, Error> {
    let families = caller.app.store.read(pool::Families).await?;
    Ok(ChannelKinds { kinds: adapters::providers().map(|provider| kind(provider, &families)).collect() })
}

/// `families`: of which this installation has servers.
fn kind(provider: &'static dyn adapters::Provider, families: &[&str]) -> ChannelKind {
    let (can, limits) = (provider.abilities(), provider.limits());
    let app = provider.app();
    ChannelKind {
        name: provider.name(),
        sign_in: provider.sign_in().is_some(),
        family: app.filter(|app| app.gives().is_empty()).map(adapters::App::name),
        given: app.filter(|app| families.contains(&app.name())).map_or(&[], adapters::App::gives),
        credentials: fields(provider.credentials()),
        abilities: KindAbilities {
            reply: can.reply,
            reactions: can.reactions,
            buttons: can.buttons,
            templates: can.templates,
            typing: can.typing,
            echoes: can.echoes,
            receipts: can.receipts,
            history: can.history,
        },
        limits: KindLimits {
            max_text: limits.max_text,
            max_upload_bytes: limits.max_upload_bytes,
            max_download_bytes: limits.max_download_bytes,
        },
    }
}
