//! The port: what the hub asks of a provider, and the values that go in and out. No provider's own knowledge is here.
//!
//! # Adding the next provider
//!
//! 1. Copy its fixture bodies and the matching cases into `fixtures/`; the tests run every case of every built one.
//! 2. `src/<name>.rs` with a unit struct, `src/<name>/wire.rs` with the foreign JSON and nothing else beside it,
//!    `parse.rs` (pure, lenient element by element), `send.rs`, `errors.rs` (pure: status and body to an outcome).
//! 3. Implement [`Provider`]. Leave the defaults of what the provider cannot do. Say of each credential what it
//!    [binds](CredentialField::binds), and in [`Provider::claims`] which account is meant.
//! 4. Give `Fields::message_key` and `SendOutcome::Sent::dedupe_key` the same form, so that echoes find their send.
//! 5. Add it to `BUILT` in `lib.rs` and write the emulator that refuses what the provider refuses.

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWrite;

use crate::{
    Client, Context, Event, Fields, Headers, Invalid, MediaKind, MediaRef, NotJson, Words, bounds,
    outward::{self, NotPublic},
    split::Unit,
};

/// How fast a provider takes messages. The hub keeps to it; what waits stays in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Calls of one channel in a second.
    pub per_second: u32,
    /// Between two messages to one chat, in milliseconds.
    pub chat_gap_ms: u64,
    /// Messages to one chat that may follow each other without the gap.
    pub chat_burst: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self { per_second: 20, chat_gap_ms: 0, chat_burst: 1 }
    }
}

/// What a provider takes. Longer texts are cut with [`split`](crate::split()).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderLimits {
    pub unit: Unit,
    pub max_text: usize,
    pub max_caption: usize,
    /// Largest file that can be sent by its address.
    pub max_upload_bytes: u64,
    /// Largest file that can be fetched.
    pub max_download_bytes: u64,
    pub rates: Rates,
}

/// What a provider takes of reply buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ButtonLimits {
    /// Under one text.
    pub most: usize,
    /// Characters of a button's title.
    pub max_title: usize,
    /// Bytes of what comes back when it is pressed.
    pub max_id_bytes: usize,
    /// Of a text with buttons, in the unit of [`ProviderLimits`].
    pub max_text: usize,
}

impl Default for ButtonLimits {
    fn default() -> Self {
        Self { most: 3, max_title: 20, max_id_bytes: 64, max_text: 1_000 }
    }
}

/// How a provider gathers what a customer writes: the settings that a new channel begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gathering {
    pub quiet_ms: i64,
    pub max_wait_ms: i64,
}

impl Gathering {
    /// People in a chat write one thought in several messages.
    pub const CHAT: Self = Self { quiet_ms: 4_000, max_wait_ms: 20_000 };
    /// A mail is whole; a second one may correct it.
    pub const MAIL: Self = Self { quiet_ms: 60_000, max_wait_ms: 300_000 };
}

/// What a provider can do beside texts and files, so that nobody is offered what it would refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing that a provider has or has not")]
pub struct Abilities {
    pub reply: bool,
    pub reactions: bool,
    /// Reply buttons under a text.
    pub buttons: bool,
    /// Texts that the provider approved beforehand.
    pub templates: bool,
    pub typing: bool,
    /// It tells what the business's own people write elsewhere.
    pub echoes: bool,
    pub receipts: bool,
    /// Messages that were not delivered to us can be asked for.
    pub history: bool,
}

/// What a value decides about the account that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Binds {
    /// Nothing: a key, a preference.
    Nothing,
    /// Where the provider is called: a [base address](crate::outward::base).
    Address,
    /// Which account of the server is meant.
    Account,
}

impl Binds {
    /// The value in one form for all its spellings.
    pub fn canonical(self, value: &str) -> String {
        match self {
            Self::Address => outward::canonical(value),
            Self::Nothing | Self::Account => value.trim().to_owned(),
        }
    }
}

/// One value that a channel of this provider needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CredentialField {
    pub name: &'static str,
    /// Encrypted at rest, never shown again.
    pub secret: bool,
    pub required: bool,
    /// Secrets belong to the address and the account that they were given for: whoever changes such a value gives every
    /// secret of the channel again.
    pub binds: Binds,
    pub default: Option<&'static str>,
    pub help: &'static str,
}

/// A connected account: the decrypted settings of a channel.
#[derive(Clone, Default)]
pub struct Account {
    pub external_id: Option<String>,
    pub settings: BTreeMap<String, String>,
}

impl Account {
    /// A setting that is there and not blank.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.settings.keys().collect();
        f.debug_struct("Account").field("external_id", &self.external_id).field("settings", &names).finish()
    }
}

/// A file to be sent; the provider downloads it from `url`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutMedia<'a> {
    pub kind: MediaKind,
    pub url: &'a str,
    pub name: Option<&'a str>,
    pub mime: Option<&'a str>,
    pub caption: Option<&'a str>,
}

/// Where a message goes, or where one came from: the chat, and the place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    /// `external_conversation_id`.
    pub chat: &'a str,
    /// [`Fields::thread`].
    pub thread: Option<&'a str>,
}

impl<'a> Address<'a> {
    /// A chat without further places.
    pub const fn chat(chat: &'a str) -> Self {
        Self { chat, thread: None }
    }
}

/// A reply button under a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What comes back when it is pressed.
    pub id: String,
    pub title: String,
}

/// A text that the provider approved beforehand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Template {
    pub name: String,
    pub language: String,
    /// What fills it, in the provider's own form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<serde_json::Value>,
}

/// One message to be sent. With both `media` and `text`, the text is the caption unless there is one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outgoing<'a> {
    pub to: Address<'a>,
    pub text: Option<&'a str>,
    pub media: Option<OutMedia<'a>>,
    /// The quoted message: the provider's id or its `message_key`.
    pub reply_to: Option<&'a str>,
    /// From [`Provider::reserve_id`].
    pub reserved_id: Option<&'a str>,
    /// Under the text; empty: none.
    pub buttons: &'a [Button],
    /// Instead of a text and a file.
    pub template: Option<&'a Template>,
    /// Our own name for this send, at most 64 ASCII letters, digits and dashes. A provider that echoes such a name tells it in
    /// [`Fields::our_reference`].
    pub our_reference: &'a str,
    /// A person answers outside of the provider's window for machines, and asked for that.
    pub human_agent: bool,
    /// The [data](crate::event::Content::data) of the customer's newest message of the chat, or of the quoted one: a mail
    /// is answered with its subject and its message ids.
    pub answers: Option<&'a serde_json::Map<String, serde_json::Value>>,
    /// The customer's id at the provider, where it is not the chat's.
    pub contact: Option<&'a str>,
    /// A machine wrote it.
    pub is_automatic: bool,
}

impl<'a> Outgoing<'a> {
    /// Nothing yet, for a chat.
    pub const fn to(to: Address<'a>) -> Self {
        Self {
            to,
            text: None,
            media: None,
            reply_to: None,
            reserved_id: None,
            buttons: &[],
            template: None,
            our_reference: "",
            human_agent: false,
            answers: None,
            contact: None,
            is_automatic: false,
        }
    }

    pub const fn text(to: Address<'a>, text: &'a str) -> Self {
        Self { text: Some(text), ..Self::to(to) }
    }
}

/// What became of a send. Only `Retry` may be repeated by a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    Sent {
        /// The provider's id.
        external_id: String,
        /// As an echo or a receipt will name it: [`Event::message_key`].
        dedupe_key: String,
    },
    /// Nothing was sent; the same message may be tried again.
    Retry { after_ms: Option<u64>, code: String, reason: Words },
    /// The provider refused it. The reason is for people.
    Rejected {
        code: String,
        reason: Words,
        /// Not this message but the whole channel cannot send: hold its queue and tell the owner.
        channel_down: bool,
    },
    /// It may have been sent: the request left and no usable answer came. Wait for an echo or a receipt.
    Unknown {
        reason: Words,
        /// Nothing else of the channel can be sent either: hold its queue, and do not lose more in the same way.
        channel_down: bool,
    },
}

/// A call beside sending that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({code})")]
pub struct SendError {
    pub code: String,
    pub reason: Words,
    pub retryable: bool,
    pub channel_down: bool,
}

/// Why a file could not be fetched. What was written to the sink until then is worthless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("the file is larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
    #[error("the provider no longer has the file")]
    Gone,
    /// Neither is it asked again.
    #[error(transparent)]
    NotPublic(NotPublic),
    #[error("the provider refused the file: {0}")]
    Refused(Words),
    /// Try again later.
    #[error("the file could not be fetched now: {0}")]
    Unavailable(Words),
}

impl FetchError {
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// A fetched file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// From the bytes; what the sender claimed only where the bytes do not tell and the claim is harmless.
    pub mime: String,
    pub size: u64,
    pub name: Option<String>,
}

/// Where the provider shall deliver, and the secret by which its deliveries are known.
#[derive(Clone, Copy)]
pub struct Hook<'a> {
    pub url: &'a str,
    pub secret: &'a str,
}

impl fmt::Debug for Hook<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}

/// The account behind the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountInfo {
    pub external_id: String,
    pub name: Option<Words>,
    /// The account's own id, as [`Provider::claims`] would name it, where the provider told it.
    pub claim: Option<String>,
    pub health: Health,
}

/// The account could not be connected. The reason is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({code})")]
pub struct ConnectFailure {
    pub code: String,
    pub reason: Words,
    pub retryable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    Up,
    Starting,
    /// A person has to do something: scan a code, confirm on the phone.
    NeedsPerson,
    Down,
}

/// The one thing that a person does so that an account works (again).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Link the account on the phone, with the code that is shown.
    ScanCode,
    /// Confirm the linking with a passkey, on the phone.
    ConfirmPasskey,
    /// Sign in at the provider again.
    SignIn,
    CheckCredentials,
    /// Connect the channel again.
    Connect,
}

impl Remedy {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScanCode => "scan_code",
            Self::ConfirmPasskey => "confirm_passkey",
            Self::SignIn => "sign_in",
            Self::CheckCredentials => "check_credentials",
            Self::Connect => "connect",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    pub state: HealthState,
    /// The provider's own word for the state.
    pub detail: Words,
    /// Deliveries that wait on the provider's side.
    pub pending: Option<u64>,
    /// The last delivery failure that the provider saw.
    pub last_error: Option<Words>,
}

/// What a provider tells of a person when it is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    pub name: Option<String>,
    /// The public name, without `@`.
    pub handle: Option<String>,
}

/// A code by which a person links the account on the phone.
#[derive(Clone, PartialEq, Eq)]
pub struct Pairing {
    pub mime: String,
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pairing").field("mime", &self.mime).finish_non_exhaustive()
    }
}

/// Something of the customer's that we have seen or taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledge<'a> {
    pub to: Address<'a>,
    /// The newest message that was seen: the provider's id.
    pub message: Option<&'a str>,
    /// Who wrote it, in a group.
    pub participant: Option<&'a str>,
    /// A button press that waits for its answer: what [`Provider::press`] gave.
    pub callback: Option<&'a str>,
}

/// What a provider holds that may not have been delivered to us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// Oldest first.
    pub items: Vec<NewsItem>,
    /// Ask again with it for the rest.
    pub page: Option<String>,
    /// Of the last page only: where the next asking begins, to be stored with the items.
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewsItem {
    /// [`Fields::message_key`] of the message.
    pub key: String,
    /// For [`Provider::parse`]; nothing: it is asked for with [`Provider::item`].
    pub body: Option<Vec<u8>>,
}

/// From where on news are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Since<'a> {
    /// From the last [`News`]; nothing: everything since `at_ms`.
    pub cursor: Option<&'a str>,
    pub page: Option<&'a str>,
    /// The time of the newest message that we have, or of the connecting, Unix milliseconds.
    pub at_ms: i64,
}

/// The code of a [`SendError`] of [`Provider::news`]: ask again without a cursor.
pub const CURSOR_EXPIRED: &str = "cursor_expired";

/// Credentials that took the place of others.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Renewed {
    pub settings: BTreeMap<String, String>,
}

impl fmt::Debug for Renewed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewed").field("settings", &self.settings.keys().collect::<Vec<_>>()).finish()
    }
}

/// When credentials run out, Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// From then on [`Provider::renew`] is called, before anything else is.
    pub renew_at_ms: i64,
    pub ends_at_ms: i64,
    /// A machine cannot renew them: a person has to sign in again.
    pub needs_person: bool,
}

/// An account that somebody who signed in at the provider may connect.
#[derive(Clone, PartialEq, Eq)]
pub struct Choice {
    pub external_id: String,
    pub name: Words,
    /// By the names of the provider's [credential fields](Provider::credentials).
    pub credentials: BTreeMap<String, String>,
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choice").field("external_id", &self.external_id).finish_non_exhaustive()
    }
}

/// Signing in at a provider (OAuth 2.0, authorization code). `app` holds the settings of the installation's
/// [app](Provider::app).
#[async_trait]
pub trait SignIn: Send + Sync {
    /// Where the browser goes. `redirect` and `state` come back from there.
    fn authorize_url(&self, app: &Account, redirect: &str, state: &str) -> Result<String, ConnectFailure>;

    /// The accounts that the code opens.
    async fn exchange(
        &self,
        http: &Client,
        app: &Account,
        code: &str,
        redirect: &str,
        now_ms: i64,
    ) -> Result<Vec<Choice>, ConnectFailure>;
}

/// A kind of app of a provider (a Meta app, a Google client), through which the channels of several tenants are connected.
/// Its settings stand beside those of the channel in every [`Account`] that a [`Provider`] with such an
/// [app](Provider::app) is given, and its deliveries come to one address.
#[async_trait]
pub trait App: Send + Sync {
    /// `meta` or `google`.
    fn name(&self) -> &'static str;

    fn fields(&self) -> &'static [CredentialField];

    /// Each tenant has an app of its own, out of a pool; otherwise one app serves all.
    fn is_for_one_tenant(&self) -> bool {
        false
    }

    /// The app's own id, which no two apps of the installation share.
    fn external_id(&self, app: &Account) -> Option<String>;

    /// The answer to a request that proves the address, by its query; nothing: it is not ours.
    fn challenge(&self, app: &Account, query: &[(String, String)]) -> Option<String> {
        let _ = (app, query);
        None
    }

    /// Whether a delivery comes from the provider. An empty secret never passes. Keys of the provider are fetched, and kept as
    /// long as it allows: [`AppInvalid::Unavailable`] when they cannot be had now.
    async fn verify(
        &self,
        http: &Client,
        app: &Account,
        headers: &Headers,
        body: &[u8],
        now_s: i64,
    ) -> Result<(), AppInvalid>;

    /// The accounts that a delivery concerns, each with its own part of the body, in the body's order.
    fn route(&self, body: &[u8]) -> Result<Vec<Routed>, NotJson>;

    /// What a person asked the provider to tell the app: that it loses its rights, or that data have to be deleted. Nothing:
    /// it does not verify, or it is nothing of the kind. `form` is the body's decoded form.
    fn notice(&self, app: &Account, form: &[(String, String)]) -> Option<Notice> {
        let _ = (app, form);
        None
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppInvalid {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("the provider's keys cannot be had now: {0}")]
    Unavailable(Words),
}

/// A signed request of a person of the provider's, about the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The person's id, as this app knows it.
    pub user: String,
    pub issued_at_s: Option<i64>,
}

/// One account's part of a body that came to an app's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    /// The [provider](Provider::name).
    pub provider: &'static str,
    /// As [`Provider::claims`] or [`Provider::shared`] names the account; nothing: the body does not say.
    pub claim: Option<String>,
    /// What concerns this account only, for [`Provider::parse`].
    pub body: Bytes,
}

/// A messaging provider. The first half is pure; the rest speaks HTTP with a client of [`http_client`](crate::http_client) and puts
/// neither secrets nor addresses that carry them into what it returns.
#[async_trait]
pub trait Provider: Send + Sync {
    fn name(&self) -> &'static str;

    fn limits(&self) -> ProviderLimits;

    /// What a channel needs to be connected.
    fn credentials(&self) -> &'static [CredentialField];

    /// What no two channels may have at once, as far as the settings tell: the account, named alike however the address
    /// is spelled. Never a secret: it is stored as it is.
    fn claims(&self, account: &Account) -> Vec<String>;

    /// What several channels may have in common, such as the business account of several numbers: what is
    /// [routed](Routed::claim) to it is for each of them.
    fn shared(&self, account: &Account) -> Vec<String> {
        let _ = account;
        Vec::new()
    }

    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn button_limits(&self) -> ButtonLimits {
        ButtonLimits::default()
    }

    /// Whether it lets a person answer outside of the window for machines: [`Outgoing::human_agent`].
    fn has_human_agent(&self) -> bool {
        false
    }

    /// Whether it can be asked for [profiles](Provider::profile).
    fn has_profiles(&self) -> bool {
        false
    }

    fn gathering(&self) -> Gathering {
        Gathering::CHAT
    }

    /// The app through which channels are connected, if there is one.
    fn app(&self) -> Option<&'static dyn App> {
        None
    }

    /// How a person connects an account by signing in at the provider.
    fn sign_in(&self) -> Option<&dyn SignIn> {
        None
    }

    /// Whether the bytes come from the provider. An empty secret never passes.
    fn verify(&self, secret: &str, headers: &Headers, body: &[u8]) -> Result<(), Invalid>;

    /// What a body tells, before the [bounds](crate::bounds) are looked at.
    fn read(&self, body: &[u8], context: &Context) -> Result<Vec<Fields>, NotJson>;

    /// What a body tells in its flat form, in its order. Any bytes survive; one bad element never drops its neighbours.
    /// Nothing has a key that is longer than [`MAX_KEY_BYTES`](crate::bounds::MAX_KEY_BYTES).
    fn fields(&self, body: &[u8], context: &Context) -> Result<Vec<Fields>, NotJson> {
        self.read(body, context).map(bounds::kept)
    }

    /// The events of a body, one for each of its [`fields`](Provider::fields).
    fn parse(&self, body: &[u8], context: &Context) -> Result<Vec<Event>, NotJson> {
        Ok(self.fields(body, context)?.into_iter().map(Event::from).collect())
    }

    /// An id for the next message, to be stored before it is sent, so that the echo of a send whose answer was lost
    /// is recognised. `None` where the provider has no such thing.
    async fn reserve_id(&self, http: &Client, account: &Account) -> Result<Option<String>, SendError> {
        let _ = (http, account);
        Ok(None)
    }

    async fn send(&self, http: &Client, account: &Account, out: &Outgoing<'_>) -> SendOutcome;

    /// Sets or removes (`None`) the business's reaction to a message: the provider's id or its `message_key`.
    async fn react(
        &self,
        http: &Client,
        account: &Account,
        to: Address<'_>,
        message: &str,
        emoji: Option<&str>,
    ) -> Result<(), SendError> {
        let _ = (http, account, to, message, emoji);
        Err(SendError {
            code: "not_supported".to_owned(),
            reason: "the provider has no reactions".into(),
            retryable: false,
            channel_down: false,
        })
    }

    /// The press that a message stands for, by the message's data, if it
    /// [awaits an answer](crate::event::NewMessage::awaits_answer).
    fn press<'a>(&self, data: &'a serde_json::Value) -> Option<&'a str> {
        let _ = data;
        None
    }

    /// Tells the customer that it was seen, or answers a button press.
    async fn acknowledge(
        &self,
        http: &Client,
        account: &Account,
        what: &Acknowledge<'_>,
    ) -> Result<(), SendError> {
        let _ = (http, account, what);
        Ok(())
    }

    /// Shows or hides "is typing" in a conversation.
    async fn typing(
        &self,
        http: &Client,
        account: &Account,
        to: Address<'_>,
        on: bool,
    ) -> Result<(), SendError> {
        let _ = (http, account, to, on);
        Ok(())
    }

    /// Whether it tells that a customer types only for chats for which it was [asked](Provider::hear_typing).
    fn tells_typing_when_asked(&self) -> bool {
        false
    }

    /// Asks to be told when the customer of a chat types. It ends by itself, so it is asked again.
    async fn hear_typing(&self, http: &Client, account: &Account, to: Address<'_>) -> Result<(), SendError> {
        let _ = (http, account, to);
        Ok(())
    }

    /// [`typing`](Provider::typing) for a provider that shows it only with a message of the customer's: the newest one,
    /// by the provider's id.
    async fn typing_under(
        &self,
        http: &Client,
        account: &Account,
        to: Address<'_>,
        on: bool,
        message: Option<&str>,
    ) -> Result<(), SendError> {
        let _ = message;
        self.typing(http, account, to, on).await
    }

    /// What a group is called, for a provider whose messages do not say it. Nothing: it has no title that can be had.
    async fn title(&self, http: &Client, account: &Account, chat: &str) -> Result<Option<String>, SendError> {
        let _ = (http, account, chat);
        Ok(None)
    }

    /// Who a customer is (`external_contact_id`), for a provider whose messages do not say it. Nothing: it does not tell, and
    /// may later. An error is never about the channel.
    async fn profile(
        &self,
        http: &Client,
        account: &Account,
        contact: &str,
    ) -> Result<Option<Profile>, SendError> {
        let _ = (http, account, contact);
        Ok(None)
    }

    /// Downloads a file into the sink, at most `limit_bytes` of it, from the provider's own hosts only.
    async fn fetch(
        &self,
        http: &Client,
        account: &Account,
        media: &MediaRef,
        limit_bytes: u64,
        sink: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<Fetched, FetchError>;

    /// Proves the credentials and makes the provider deliver to the hook. May be called again at any time.
    async fn connect(
        &self,
        http: &Client,
        account: &Account,
        hook: &Hook<'_>,
    ) -> Result<AccountInfo, ConnectFailure>;

    /// Stops the deliveries to the hook.
    async fn disconnect(&self, http: &Client, account: &Account, hook_url: &str) -> Result<(), SendError>;

    async fn health(&self, http: &Client, account: &Account) -> Result<Health, SendError>;

    /// What helps an account in this state; `detail` is the provider's own word for it.
    fn remedy(&self, state: HealthState, detail: &str) -> Option<Remedy> {
        let _ = detail;
        match state {
            HealthState::Up | HealthState::Starting => None,
            HealthState::NeedsPerson => Some(Remedy::SignIn),
            HealthState::Down => Some(Remedy::Connect),
        }
    }

    /// What may not have been delivered to us. Nothing: the provider cannot be asked.
    async fn news(
        &self,
        http: &Client,
        account: &Account,
        since: &Since<'_>,
    ) -> Result<Option<News>, SendError> {
        let _ = (http, account, since);
        Ok(None)
    }

    /// The body of one of the news; nothing: it is gone.
    async fn item(&self, http: &Client, account: &Account, key: &str) -> Result<Option<Vec<u8>>, SendError> {
        let _ = (http, account, key);
        Ok(None)
    }

    /// When the account's credentials run out, as far as its settings tell.
    fn expiry(&self, account: &Account) -> Option<Expiry> {
        let _ = account;
        None
    }

    /// Credentials in place of those that run out. `retryable: false` means that a person has to sign in again.
    async fn renew(&self, http: &Client, account: &Account, now_ms: i64) -> Result<Renewed, SendError> {
        let _ = (http, account, now_ms);
        Ok(Renewed::default())
    }

    /// The server on which one account at a time can be paired; nothing: accounts are not paired.
    fn pairs_at(&self, account: &Account) -> Option<String> {
        let _ = account;
        None
    }

    /// Begins the pairing anew, so that [`pairing`](Provider::pairing) has a code. `forget`: what is known of the account is
    /// forgotten first, for one that fails again and again.
    async fn pair_again(&self, http: &Client, account: &Account, forget: bool) -> Result<(), SendError> {
        let _ = (http, account, forget);
        Ok(())
    }

    /// A code to be typed on the phone of that number, beside the one to be scanned. Nothing: there is none.
    async fn pairing_code(
        &self,
        http: &Client,
        account: &Account,
        phone: &str,
    ) -> Result<Option<String>, SendError> {
        let _ = (http, account, phone);
        Ok(None)
    }

    /// The code to be scanned while the account [needs a person](HealthState::NeedsPerson).
    async fn pairing(&self, http: &Client, account: &Account) -> Result<Option<Pairing>, SendError> {
        let _ = (http, account);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_printed() {
        let account = Account {
            external_id: Some("7".into()),
            settings: [("token".to_owned(), "77:very-secret".to_owned())].into(),
        };
        assert!(!format!("{account:?}").contains("very-secret"));
        assert_eq!(account.get("token"), Some("77:very-secret"));
        let hook = Hook { url: "https://hub.example.com/hooks/x", secret: "hush" };
        assert!(!format!("{hook:?}").contains("hush"));
    }
}
