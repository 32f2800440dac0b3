//! Telegram Bot API (10.0). Deliveries prove themselves by a secret header; our own sends are not echoed, except in
//! business chats; there are no receipts. No markup is sent, so no text can break it.

mod api;
mod connect;
mod content;
mod errors;
mod media;
mod parse;
mod place;
mod quoted;
mod send;
mod wire;

use async_trait::async_trait;
use tokio::io::AsyncWrite;

use crate::{
    Abilities, Account, AccountInfo, Acknowledge, Address, Binds, ButtonLimits, Client, ConnectFailure,
    Context, CredentialField, FetchError, Fetched, Fields, FileLimits, Headers, Health, HealthState, Hook,
    Invalid, KindLimit, MediaRef, NotJson, Outgoing, Provider, ProviderLimits, Rates, Remedy, Scheme,
    SendError, SendOutcome, Unit, Window, verify::verify,
};

/// What `getFile` and uploads by address allow.
const MAX_FILE_BYTES: u64 = 20 << 20;

const CREDENTIALS: &[CredentialField] = &[
    CredentialField {
        name: "token",
        secret: true,
        required: true,
        binds: Binds::Nothing,
        default: None,
        help: "The bot's token, as @BotFather gives it: digits, a colon, letters.",
    },
    CredentialField {
        name: "api_base",
        secret: false,
        required: false,
        binds: Binds::Address,
        default: Some(api::DEFAULT_BASE),
        help: "Address of the Bot API; another one only for a Bot API server of your own.",
    },
    CredentialField {
        name: "files_base",
        secret: false,
        required: false,
        binds: Binds::Nothing,
        default: None,
        help: "Only for a Bot API server of your own that runs with --local: the address under which the bot's folder \
               of its working directory is served. Without it, files are asked for below api_base as at the real API.",
    },
];

pub(crate) struct Telegram;

#[async_trait]
impl Provider for Telegram {
    fn name(&self) -> &'static str {
        "telegram"
    }

    fn limits(&self) -> ProviderLimits {
        ProviderLimits {
            unit: Unit::Utf16,
            max_text: 4096,
            max_caption: 1024,
            max_upload_bytes: MAX_FILE_BYTES,
            max_download_bytes: MAX_FILE_BYTES,
            // Once a second to a chat; bursts are forgiven.
            rates: Rates { per_second: 25, chat_gap_ms: 1_000, chat_burst: 5 },
        }
    }

    fn files(&self) -> FileLimits {
        let any = KindLimit { max_bytes: 50 << 20, types: &[] };
        FileLimits {
            image: KindLimit { max_bytes: 10 << 20, types: &["image/jpeg", "image/png", "image/webp"] },
            audio: KindLimit { types: &["audio/mpeg", "audio/mp4"], ..any },
            voice: KindLimit { types: &["audio/ogg", "audio/mpeg", "audio/mp4"], ..any },
            video: KindLimit { types: &["video/mp4"], ..any },
            document: any,
            by_address_only: false,
        }
    }

    fn abilities(&self) -> Abilities {
        Abilities { reply: true, reactions: true, buttons: true, typing: true, ..Abilities::default() }
    }

    fn button_limits(&self) -> ButtonLimits {
        ButtonLimits { most: 12, max_title: 64, max_id_bytes: 64, max_text: 4096 }
    }

    fn window(&self, thread: Option<&str>) -> Option<Window> {
        thread.filter(|thread| place::is_business(thread)).map(|_| Window::BUSINESS)
    }

    fn credentials(&self) -> &'static [CredentialField] {
        CREDENTIALS
    }

    fn claims(&self, account: &Account) -> Vec<String> {
        connect::claims(account)
    }

    fn verify(&self, secret: &str, headers: &Headers, body: &[u8]) -> Result<(), Invalid> {
        verify(Scheme::TelegramSecretToken, secret, headers, body, None)
    }

    fn read(&self, body: &[u8], context: &Context) -> Result<Vec<Fields>, NotJson> {
        parse::parse(body, context)
    }

    async fn send(&self, http: &Client, account: &Account, out: &Outgoing<'_>) -> SendOutcome {
        send::send(http, account, out).await
    }

    async fn react(
        &self,
        http: &Client,
        account: &Account,
        to: Address<'_>,
        message: &str,
        emoji: Option<&str>,
    ) -> Result<(), SendError> {
        send::react(http, account, to, message, emoji).await
    }

    fn press<'a>(&self, data: &'a serde_json::Value) -> Option<&'a str> {
        data.get("callback_query_id")?.as_str()
    }

    async fn acknowledge(
        &self,
        http: &Client,
        account: &Account,
        what: &Acknowledge<'_>,
    ) -> Result<(), SendError> {
        send::answer_callback(http, account, what).await
    }

    async fn typing(
        &self,
        http: &Client,
        account: &Account,
        to: Address<'_>,
        on: bool,
    ) -> Result<(), SendError> {
        // It ends by itself after five seconds or with the message.
        if on { send::typing(http, account, to).await } else { Ok(()) }
    }

    async fn fetch(
        &self,
        http: &Client,
        account: &Account,
        media: &MediaRef,
        limit_bytes: u64,
        sink: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<Fetched, FetchError> {
        media::fetch(http, account, media, limit_bytes.min(MAX_FILE_BYTES), sink).await
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

    fn remedy(&self, state: HealthState, detail: &str) -> Option<Remedy> {
        match state {
            HealthState::Down if detail != connect::NO_WEBHOOK => Some(Remedy::CheckCredentials),
            HealthState::Down | HealthState::NeedsPerson => Some(Remedy::Connect),
            HealthState::Up | HealthState::Starting => None,
        }
    }
}
