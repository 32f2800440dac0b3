//! Gmail: a mailbox through Google's API. Pushes of its app say only that something changed; what did is asked for by the
//! mailbox's history. Answers are sent into their thread. What is quoted below a customer's answer stays in its text.

mod api;
mod app;
mod automatic;
mod base64;
mod bounce;
mod compose;
mod connect;
mod encoded_word;
mod errors;
mod header;
mod html;
mod mail;
mod media;
mod news;
mod parse;
mod part;
mod reference;
mod send;
mod sign_in;
mod wire;

use async_trait::async_trait;
use tokio::io::AsyncWrite;

use crate::{
    Abilities, Account, AccountInfo, Acknowledge, App, Binds, Client, ConnectFailure, Context,
    CredentialField, Expiry, FetchError, Fetched, Fields, Gathering, Headers, Health, Hook, Invalid,
    MediaRef, News, NotJson, Outgoing, Provider, ProviderLimits, Rates, Renewed, SendError, SendOutcome,
    SignIn, Since, Unit,
};

const NAME: &str = "gmail";

/// What Gmail delivers at most, files and all.
const MAX_DOWNLOAD_BYTES: u64 = 50 << 20;

const CREDENTIALS: &[CredentialField] = &[
    CredentialField {
        name: "mailbox",
        secret: false,
        required: true,
        binds: Binds::Account,
        default: None,
        help: "The mailbox's address.",
    },
    CredentialField {
        name: "refresh_token",
        secret: true,
        required: true,
        binds: Binds::Nothing,
        default: None,
        help: "The lasting permission, which signing in with Google gives.",
    },
    CredentialField {
        name: "access_token",
        secret: true,
        required: false,
        binds: Binds::Nothing,
        default: None,
        help: "Renewed by itself.",
    },
    CredentialField {
        name: "access_expires_at_ms",
        secret: false,
        required: false,
        binds: Binds::Nothing,
        default: None,
        help: "When the access token ends, Unix milliseconds. Set by itself.",
    },
    CredentialField {
        name: connect::WATCH_DUE,
        secret: false,
        required: false,
        binds: Binds::Nothing,
        default: None,
        help: "When the mailbox's watch is renewed next, Unix milliseconds. Set by itself.",
    },
    CredentialField {
        name: connect::WATCH_ERROR,
        secret: false,
        required: false,
        binds: Binds::Nothing,
        default: None,
        help: "Why the watch could not be renewed. Set by itself.",
    },
];

pub(crate) struct Gmail;

#[async_trait]
impl Provider for Gmail {
    fn name(&self) -> &'static str {
        NAME
    }

    fn limits(&self) -> ProviderLimits {
        ProviderLimits {
            unit: Unit::Chars,
            max_text: 65_536,
            max_caption: 65_536,
            max_upload_bytes: send::MAX_FILE_BYTES,
            max_download_bytes: MAX_DOWNLOAD_BYTES,
            // 6,000 units a minute for a user, of which a mail that is read takes 20 and one that is sent 100.
            rates: Rates { per_second: 4, chat_gap_ms: 1_000, chat_burst: 2 },
        }
    }

    fn credentials(&self) -> &'static [CredentialField] {
        CREDENTIALS
    }

    fn claims(&self, account: &Account) -> Vec<String> {
        account.get("mailbox").map(connect::claim).into_iter().collect()
    }

    fn abilities(&self) -> Abilities {
        Abilities { reply: true, echoes: true, history: true, ..Abilities::default() }
    }

    fn is_open_to_strangers(&self) -> bool {
        true
    }

    fn gathering(&self) -> Gathering {
        Gathering::MAIL
    }

    fn app(&self) -> Option<&'static dyn App> {
        Some(&app::Google)
    }

    fn sign_in(&self) -> Option<&dyn SignIn> {
        Some(&sign_in::Google)
    }

    /// Deliveries come to the app's address, and prove themselves there.
    fn verify(&self, _: &str, _: &Headers, _: &[u8]) -> Result<(), Invalid> {
        Err(Invalid::WrongKey)
    }

    fn read(&self, body: &[u8], context: &Context) -> Result<Vec<Fields>, NotJson> {
        parse::parse(body, context)
    }

    async fn send(&self, http: &Client, account: &Account, out: &Outgoing<'_>) -> SendOutcome {
        send::send(http, account, out).await
    }

    async fn acknowledge(
        &self,
        http: &Client,
        account: &Account,
        what: &Acknowledge<'_>,
    ) -> Result<(), SendError> {
        send::acknowledge(http, account, what).await
    }

    async fn fetch(
        &self,
        http: &Client,
        account: &Account,
        media: &MediaRef,
        limit_bytes: u64,
        sink: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<Fetched, FetchError> {
        media::fetch(http, account, media, limit_bytes.min(MAX_DOWNLOAD_BYTES), sink).await
    }

    async fn connect(
        &self,
        http: &Client,
        account: &Account,
        _: &Hook<'_>,
    ) -> Result<AccountInfo, ConnectFailure> {
        connect::connect(http, account).await
    }

    async fn disconnect(&self, http: &Client, account: &Account, _: &str) -> Result<(), SendError> {
        connect::disconnect(http, account).await
    }

    async fn health(&self, http: &Client, account: &Account) -> Result<Health, SendError> {
        connect::health(http, account).await
    }

    async fn news(
        &self,
        http: &Client,
        account: &Account,
        since: &Since<'_>,
    ) -> Result<Option<News>, SendError> {
        news::news(http, account, since).await.map(Some)
    }

    async fn item(&self, http: &Client, account: &Account, key: &str) -> Result<Option<Vec<u8>>, SendError> {
        news::item(http, account, key).await
    }

    fn expiry(&self, account: &Account) -> Option<Expiry> {
        connect::expiry(account)
    }

    async fn renew(&self, http: &Client, account: &Account, now_ms: i64) -> Result<Renewed, SendError> {
        connect::renew(http, account, now_ms).await
    }
}
