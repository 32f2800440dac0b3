//! WhatsApp through a WAHA server (2026.x) with any of its engines. Deliveries are signed only because we configure a
//! key; they come in any order, and the same message may come under two ids, so the bare id is its identity.

mod api;
mod connect;
mod content;
mod engine;
mod errors;
mod files;
mod id;
mod media;
mod news;
mod pair;
mod parse;
mod quoted;
mod send;
mod server;
mod title;
mod wire;

use async_trait::async_trait;
use tokio::io::AsyncWrite;

use crate::{
    Abilities, Account, AccountInfo, Acknowledge, Address, App, Binds, Client, ConnectFailure, Context,
    CredentialField, FetchError, Fetched, Fields, FileLimits, Headers, Health, HealthState, Hook, Invalid,
    KindLimit, MediaRef, News, NotJson, Outgoing, Pairing, Provider, ProviderLimits, Rates, Remedy, Scheme,
    SendError, SendOutcome, Since, Unit, verify::verify,
};

const BASE_URL: CredentialField = CredentialField {
    name: "base_url",
    secret: false,
    required: true,
    binds: Binds::Address,
    default: None,
    help: "Address of the WAHA server, for example http://waha:3000.",
};
const API_KEY: CredentialField = CredentialField {
    name: "api_key",
    secret: true,
    required: true,
    binds: Binds::Nothing,
    default: None,
    help: "The server's API key, sent as X-Api-Key.",
};
const MEDIA_HOST: CredentialField = CredentialField {
    name: "media_host",
    secret: false,
    required: false,
    binds: Binds::Nothing,
    default: None,
    help: "Host of the store (S3 or alike) into which the server puts files, such as s3.example.com or minio:9000; \
           several are separated by commas. Only for a server that does not give files out itself.",
};

const CREDENTIALS: &[CredentialField] = &[
    BASE_URL,
    API_KEY,
    CredentialField {
        name: "session",
        secret: false,
        required: true,
        binds: Binds::Account,
        default: Some("default"),
        help: "Name of the session, one for each phone number.",
    },
    MEDIA_HOST,
];

pub(crate) struct Waha;

#[async_trait]
impl Provider for Waha {
    fn name(&self) -> &'static str {
        "waha"
    }

    fn limits(&self) -> ProviderLimits {
        ProviderLimits {
            unit: Unit::Chars,
            // WhatsApp takes far more, and nobody reads it.
            max_text: 4096,
            max_caption: 1024,
            max_upload_bytes: 64 << 20,
            max_download_bytes: 100 << 20,
            rates: Rates { per_second: 5, chat_gap_ms: 1_000, chat_burst: 3 },
        }
    }

    fn files(&self) -> FileLimits {
        let any = KindLimit { max_bytes: 64 << 20, types: &[] };
        FileLimits {
            image: KindLimit { max_bytes: 16 << 20, types: &["image/jpeg", "image/png", "image/webp"] },
            audio: any,
            // Anything else the server would have to convert.
            voice: KindLimit { max_bytes: 16 << 20, types: &["audio/ogg"] },
            video: KindLimit { max_bytes: 64 << 20, types: &["video/mp4"] },
            document: any,
            by_address_only: false,
        }
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            reply: true,
            reactions: true,
            typing: true,
            echoes: true,
            receipts: true,
            history: true,
            ..Abilities::default()
        }
    }

    fn wants_human_pace(&self) -> bool {
        true
    }

    fn credentials(&self) -> &'static [CredentialField] {
        CREDENTIALS
    }

    fn app(&self) -> Option<&'static dyn App> {
        Some(&server::Server)
    }

    fn claims(&self, account: &Account) -> Vec<String> {
        connect::claims(account)
    }

    fn verify(&self, secret: &str, headers: &Headers, body: &[u8]) -> Result<(), Invalid> {
        verify(Scheme::WahaSha512, secret, headers, body, None)
    }

    fn read(&self, body: &[u8], _context: &Context) -> Result<Vec<Fields>, NotJson> {
        parse::parse(body)
    }

    async fn reserve_id(&self, http: &Client, account: &Account) -> Result<Option<String>, SendError> {
        send::reserve_id(http, account).await
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
        send::seen(http, account, what).await
    }

    async fn react(
        &self,
        http: &Client,
        account: &Account,
        _to: Address<'_>,
        message: &str,
        emoji: Option<&str>,
    ) -> Result<(), SendError> {
        send::react(http, account, message, emoji).await
    }

    async fn typing(
        &self,
        http: &Client,
        account: &Account,
        to: Address<'_>,
        on: bool,
    ) -> Result<(), SendError> {
        send::typing(http, account, to, on).await
    }

    fn tells_typing_when_asked(&self) -> bool {
        true
    }

    async fn hear_typing(&self, http: &Client, account: &Account, to: Address<'_>) -> Result<(), SendError> {
        send::hear_typing(http, account, to).await
    }

    async fn title(&self, http: &Client, account: &Account, chat: &str) -> Result<Option<String>, SendError> {
        title::ask(http, account, chat).await
    }

    async fn fetch(
        &self,
        http: &Client,
        account: &Account,
        media: &MediaRef,
        limit_bytes: u64,
        sink: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<Fetched, FetchError> {
        media::fetch(http, account, media, limit_bytes, sink).await
    }

    async fn connect(
        &self,
        http: &Client,
        account: &Account,
        hook: &Hook<'_>,
    ) -> Result<AccountInfo, ConnectFailure> {
        connect::connect(http, account, hook).await
    }

    async fn disconnect(&self, http: &Client, account: &Account, hook_url: &str) -> Result<(), SendError> {
        connect::disconnect(http, account, hook_url).await
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
        news::news(http, account, since).await
    }

    fn remedy(&self, state: HealthState, detail: &str) -> Option<Remedy> {
        connect::remedy(state, detail)
    }

    fn pairs_at(&self, account: &Account) -> Option<String> {
        connect::server(account)
    }

    async fn pair_again(&self, http: &Client, account: &Account, forget: bool) -> Result<(), SendError> {
        pair::again(http, account, forget).await
    }

    async fn pairing_code(
        &self,
        http: &Client,
        account: &Account,
        phone: &str,
    ) -> Result<Option<String>, SendError> {
        pair::code(http, account, phone).await
    }

    async fn pairing(&self, http: &Client, account: &Account) -> Result<Option<Pairing>, SendError> {
        pair::picture(http, account).await
    }
}
