//! The outside world, one folder per provider. `verify` and `parse` are pure functions over the bytes that came in;
//! `send` and its neighbours speak HTTP. Foreign JSON stays in each provider's `wire.rs`.
//! This crate knows no SQL, no web framework, no tenant and no clock.

pub mod bounds;
mod call;
pub mod event;
pub mod fields;
mod gmail;
mod google;
pub mod headers;
pub mod inspect;
mod instagram;
mod json;
mod media;
mod messenger;
mod meta;
pub mod outward;
pub mod provider;
mod sniff;
pub mod split;
mod stripe;
mod telegram;
mod tree;
mod upload;
pub mod verify;
mod waha;
mod whatsapp_cloud;
mod words;

pub use bounds::plain_file_name;
pub use event::{
    ContentKind, Context, Direction, Event, MediaKind, MediaRef, MediaState, NoAnswer, NotJson, Origin,
    REACTION_STAND_IN, Status,
};
pub use fields::{Fields, Kind};
pub use headers::Headers;
pub use inspect::{InspectError, inspect, inspect_verify};
pub use outward::{Client, NotPublic, Outward, http_client};
pub use provider::{
    Abilities, Account, AccountInfo, Acknowledge, Address, App, AppInvalid, Binds, Button, ButtonLimits,
    CURSOR_EXPIRED, Choice, ConnectFailure, CredentialField, Expiry, FetchError, Fetched, FileLimits,
    Gathering, Health, HealthState, Hook, KeepRenewed, KindLimit, News, NewsItem, NotTaken, Notice, OutMedia,
    Outgoing, Pairing, Profile, Provider, ProviderLimits, Rates, Reader, Remedy, Renewed, Routed, SendError,
    SendOutcome, SignIn, Since, Source, Template, TemplateInfo, Upload, Window,
};
pub use sniff::{HEAD_BYTES, settle as settle_type};
pub use split::{Unit, measure, split};
pub use upload::LONGEST_UPLOAD;
pub use verify::{Invalid, Scheme};
pub use words::Words;

/// Every provider that the hub has a name for, built or not.
pub const KNOWN: &[&str] =
    &["telegram", "waha", "whatsapp-cloud", "messenger", "instagram", "gmail", "stripe"];

/// The built providers. A new one is added here, and nowhere else outside its folder.
static BUILT: &[&dyn Provider] = &[
    &telegram::Telegram,
    &waha::Waha,
    &whatsapp_cloud::WhatsAppCloud,
    &messenger::Messenger,
    &instagram::Instagram,
    &gmail::Gmail,
];

/// The provider of that name, if it is built.
pub fn provider(name: &str) -> Option<&'static dyn Provider> {
    BUILT.iter().copied().find(|provider| provider.name() == name)
}

/// The built providers, in the order in which a person chooses among them.
pub fn providers() -> impl Iterator<Item = &'static dyn Provider> {
    BUILT.iter().copied()
}

/// The kinds of apps of the built providers, each once.
pub fn apps() -> impl Iterator<Item = &'static dyn App> {
    let mut seen = Vec::new();
    providers().filter_map(Provider::app).filter(move |app| {
        let is_new = !seen.contains(&app.name());
        seen.push(app.name());
        is_new
    })
}

/// The kind of app of that name.
pub fn app(name: &str) -> Option<&'static dyn App> {
    apps().find(|app| app.name() == name)
}
