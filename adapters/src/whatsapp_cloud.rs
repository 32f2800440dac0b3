//! WhatsApp Cloud API of Meta. What a send answers is only that it was accepted: receipts tell the rest, with our own
//! reference in them. A person may have no phone but an id that hides it.

mod account;
mod connect;
mod content;
mod errors;
mod media;
mod message;
mod parse;
mod request;
mod send;
mod sign_in;
mod status;
mod templates;
mod wire;

use async_trait::async_trait;
use tokio::io::AsyncWrite;

use crate::{
    Abilities, Account, AccountInfo, Acknowledge, Address, App, Binds, ButtonLimits, Client, ConnectFailure,
    Context, CredentialField, Expiry, FetchError, Fetched, Fields, FileLimits, Headers, Health, Hook,
    Invalid, KindLimit, MediaRef, NotJson, Outgoing, Provider, ProviderLimits, Rates, Renewed, Scheme,
    SendError, SendOutcome, SignIn, TemplateInfo, Unit, Window,
    meta::{MetaApp, token},
    verify::verify,
};

/// Of a document; other kinds are smaller, and refused by WhatsApp when they are not.
const MAX_FILE_BYTES: u64 = 100 << 20;

const CREDENTIALS: &[CredentialField] = &[
    CredentialField {
        name: "phone_number_id",
        secret: false,
        required: true,
        binds: Binds::Account,
        default: None,
        help: "The number's id at Meta, which is not the number.",
    },
    CredentialField {
        name: "waba_id",
        secret: false,
        required: false,
        binds: Binds::Account,
        default: None,
        help: "Id of the WhatsApp Business account that the number belongs to.",
    },
    CredentialField {
        name: "access_token",
        secret: true,
        required: true,
        binds: Binds::Nothing,
        default: None,
        help: "A token that may manage the account and send through the number; a system user's does not expire.",
    },
    CredentialField {
        name: "access_expires_at_ms",
        secret: false,
        required: false,
        binds: Binds::Nothing,
        default: None,
        help: "When the token ends, Unix milliseconds; empty or 0: never.",
    },
    token::GRANTED_BY,
];

pub(crate) struct WhatsAppCloud;

#[async_trait]
impl Provider for WhatsAppCloud {
    fn name(&self) -> &'static str {
        "whatsapp-cloud"
    }

    fn limits(&self) -> ProviderLimits {
        ProviderLimits {
            unit: Unit::Chars,
            max_text: request::MAX_TEXT,
            max_caption: request::MAX_CAPTION,
            max_upload_bytes: MAX_FILE_BYTES,
            max_download_bytes: MAX_FILE_BYTES,
            // A burst to one person is lent by the time after it.
            rates: Rates { per_second: 80, chat_gap_ms: errors::PAIR_MS, chat_burst: 10 },
        }
    }

    fn window(&self, _: Option<&str>) -> Option<Window> {
        Some(Window::SERVICE)
    }

    fn files(&self) -> FileLimits {
        let sound = &["audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"];
        FileLimits {
            image: KindLimit { max_bytes: 5 << 20, types: &["image/jpeg", "image/png"] },
            audio: KindLimit { max_bytes: 16 << 20, types: sound },
            voice: KindLimit { max_bytes: 16 << 20, types: &["audio/ogg"] },
            video: KindLimit { max_bytes: 16 << 20, types: &["video/mp4", "video/3gpp"] },
            document: KindLimit { max_bytes: MAX_FILE_BYTES, types: &[] },
            by_address_only: false,
        }
    }

    fn credentials(&self) -> &'static [CredentialField] {
        CREDENTIALS
    }

    fn claims(&self, account: &Account) -> Vec<String> {
        connect::claims(account)
    }

    fn shared(&self, account: &Account) -> Vec<String> {
        connect::shared(account)
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            reply: true,
            reactions: true,
            buttons: true,
            templates: true,
            typing: true,
            echoes: true,
            receipts: true,
            history: false,
        }
    }

    fn button_limits(&self) -> ButtonLimits {
        // More than three, or longer ones, become a list.
        ButtonLimits { most: 10, max_title: 24, max_id_bytes: 200, max_text: 1_024 }
    }

    fn app(&self) -> Option<&'static dyn App> {
        Some(&MetaApp)
    }

    fn sign_in(&self) -> Option<&dyn SignIn> {
        Some(&sign_in::FacebookLogin)
    }

    fn verify(&self, secret: &str, headers: &Headers, body: &[u8]) -> Result<(), Invalid> {
        verify(Scheme::MetaSha256, secret, headers, body, None)
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

    async fn templates(&self, http: &Client, account: &Account) -> Result<Vec<TemplateInfo>, SendError> {
        templates::list(http, account).await
    }

    async fn acknowledge(
        &self,
        http: &Client,
        account: &Account,
        what: &Acknowledge<'_>,
    ) -> Result<(), SendError> {
        send::acknowledge(http, account, what).await
    }

    async fn typing_under(
        &self,
        http: &Client,
        account: &Account,
        _to: Address<'_>,
        on: bool,
        message: Option<&str>,
    ) -> Result<(), SendError> {
        match message.filter(|_| on) {
            Some(message) => send::typing(http, account, message).await,
            // It ends by itself.
            None => Ok(()),
        }
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

    async fn disconnect(&self, http: &Client, account: &Account, _hook_url: &str) -> Result<(), SendError> {
        connect::disconnect(http, account).await
    }

    async fn health(&self, http: &Client, account: &Account) -> Result<Health, SendError> {
        connect::health(http, account).await
    }

    fn expiry(&self, account: &Account) -> Option<Expiry> {
        token::expiry(account)
    }

    async fn renew(&self, http: &Client, account: &Account, now_ms: i64) -> Result<Renewed, SendError> {
        token::renew(http, account, now_ms).await
    }
}
