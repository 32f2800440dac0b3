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

mod account;
mod app;
mod files;
mod limits;
mod news;
mod outgoing;

use async_trait::async_trait;
use tokio::io::AsyncWrite;

pub use self::{
    account::{
        Account, AccountInfo, Binds, ConnectFailure, CredentialField, Expiry, Health, HealthState, Hook,
        KeepRenewed, Pairing, Remedy, Renewed,
    },
    app::{App, AppInvalid, Choice, Notice, Routed, SignIn},
    files::{FileLimits, KindLimit, NotTaken, Reader, Source, Upload},
    limits::{Abilities, ButtonLimits, Gathering, ProviderLimits, Rates, Window},
    news::{CURSOR_EXPIRED, News, NewsItem, Since},
    outgoing::{
        Acknowledge, Address, Button, FetchError, Fetched, OutMedia, Outgoing, Profile, SendError,
        SendOutcome, Template, TemplateInfo,
    },
};
use crate::{Client, Context, Event, Fields, Headers, Invalid, MediaRef, NotJson, bounds};

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

    /// What delivers to the channel and perhaps to others, even of another provider: it is ended with the last of them.
    fn subscription(&self, account: &Account) -> Option<String> {
        let _ = account;
        None
    }

    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    /// What it takes of files.
    fn files(&self) -> FileLimits {
        FileLimits::any(self.limits().max_upload_bytes)
    }

    fn button_limits(&self) -> ButtonLimits {
        ButtonLimits::default()
    }

    /// Until when it takes answers in a place of a chat; nothing: for ever.
    fn window(&self, thread: Option<&str>) -> Option<Window> {
        let _ = thread;
        None
    }

    /// Whether it lets a person answer outside of the window for machines: [`Outgoing::human_agent`].
    fn has_human_agent(&self) -> bool {
        self.window(None).is_some_and(|window| window.person_ms.is_some())
    }

    /// Whether its makers advise to send as a person would, with marks and pauses.
    fn wants_human_pace(&self) -> bool {
        false
    }

    /// Whether others than the customer can write into a chat that is no group: whoever knows the id of a mail answers it.
    fn is_open_to_strangers(&self) -> bool {
        false
    }

    /// Whether it can be asked for [profiles](Provider::profile).
    fn has_profiles(&self) -> bool {
        false
    }

    fn gathering(&self) -> Gathering {
        Gathering::CHAT
    }

    /// The app through which channels are connected, if there is one. Of a provider whose channels may also have a server
    /// of their own, [`App::gives`] says when.
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

    /// The templates of the account, whatever their state.
    async fn templates(&self, http: &Client, account: &Account) -> Result<Vec<TemplateInfo>, SendError> {
        let _ = (http, account);
        Err(SendError {
            code: "not_supported".to_owned(),
            reason: "the provider has no templates".into(),
            retryable: false,
            channel_down: false,
        })
    }

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
