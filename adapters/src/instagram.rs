//! Instagram messaging (Graph API v25.0): the conversations of a professional account, which its owner signed in either at
//! Instagram itself or at Facebook, by the page that is linked to it. Echoes come among the messages and do not name the
//! app; a receipt names one message.

mod connect;
mod door;
mod login;
mod sign_in;

use async_trait::async_trait;
use tokio::io::AsyncWrite;

use crate::{
    Abilities, Account, AccountInfo, Acknowledge, Address, App, Binds, ButtonLimits, Client, ConnectFailure,
    Context, CredentialField, Expiry, FetchError, Fetched, Fields, FileLimits, Headers, Health, Hook,
    Invalid, KindLimit, MediaRef, NotJson, Outgoing, Profile, Provider, ProviderLimits, Rates, Renewed,
    Scheme, SendError, SendOutcome, SignIn, Unit, Window,
    meta::{
        MetaApp,
        messaging::{self, Network},
        token,
    },
    verify::verify,
};
use door::Door;

const NETWORK: Network = Network::Instagram;

const CREDENTIALS: &[CredentialField] = &[
    CredentialField {
        name: "account_id",
        secret: false,
        required: true,
        binds: Binds::Account,
        default: None,
        help: "The number of the professional account.",
    },
    CredentialField {
        name: "login",
        secret: false,
        required: false,
        binds: Binds::Account,
        default: Some("instagram"),
        help: "Where the account was signed in: instagram, or page for the Facebook page that is linked to it.",
    },
    CredentialField {
        name: "page_id",
        secret: false,
        required: false,
        binds: Binds::Account,
        default: None,
        help: "The number of the linked page, where the account was signed in by it.",
    },
    CredentialField {
        name: "access_token",
        secret: true,
        required: true,
        binds: Binds::Nothing,
        default: None,
        help: "The account's access token, or the page's.",
    },
    CredentialField {
        name: "access_expires_at_ms",
        secret: false,
        required: false,
        binds: Binds::Nothing,
        default: None,
        help: "When the token ends, Unix milliseconds. Empty: it does not.",
    },
    token::GRANTED_BY,
];

pub(crate) struct Instagram;

#[async_trait]
impl Provider for Instagram {
    fn name(&self) -> &'static str {
        "instagram"
    }

    fn limits(&self) -> ProviderLimits {
        ProviderLimits {
            unit: Unit::Bytes,
            max_text: 1_000,
            // No text goes beside a file.
            max_caption: 0,
            // Of pictures 8 MB are taken, of everything else these.
            max_upload_bytes: 25 << 20,
            max_download_bytes: 100 << 20,
            rates: Rates { per_second: 300, chat_gap_ms: 100, chat_burst: 5 },
        }
    }

    fn files(&self) -> FileLimits {
        let any = KindLimit { max_bytes: 25 << 20, types: &[] };
        FileLimits {
            image: KindLimit { max_bytes: 8 << 20, types: &["image/jpeg", "image/png"] },
            audio: any,
            voice: any,
            video: any,
            document: KindLimit { types: &["application/pdf"], ..any },
            by_address_only: true,
        }
    }

    fn credentials(&self) -> &'static [CredentialField] {
        CREDENTIALS
    }

    fn claims(&self, account: &Account) -> Vec<String> {
        account.get("account_id").map(connect::claim).into_iter().collect()
    }

    fn subscription(&self, account: &Account) -> Option<String> {
        let page = account.get("page_id").filter(|_| door::Kind::of(account) == Ok(door::Kind::Page));
        page.map(messaging::of_page)
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            reply: true,
            reactions: true,
            buttons: true,
            templates: false,
            typing: true,
            echoes: true,
            receipts: true,
            history: false,
        }
    }

    fn button_limits(&self) -> ButtonLimits {
        ButtonLimits { most: 13, max_title: 20, max_id_bytes: 1_000, max_text: 1_000 }
    }

    fn window(&self, _: Option<&str>) -> Option<Window> {
        Some(Window::MESSAGING)
    }

    fn has_profiles(&self) -> bool {
        true
    }

    fn app(&self) -> Option<&'static dyn App> {
        Some(&MetaApp)
    }

    fn sign_in(&self) -> Option<&dyn SignIn> {
        Some(&sign_in::Login)
    }

    fn verify(&self, secret: &str, headers: &Headers, body: &[u8]) -> Result<(), Invalid> {
        verify(Scheme::MetaSha256, secret, headers, body, None)
    }

    fn read(&self, body: &[u8], context: &Context) -> Result<Vec<Fields>, NotJson> {
        messaging::parse(NETWORK, body, context)
    }

    async fn send(&self, http: &Client, account: &Account, out: &Outgoing<'_>) -> SendOutcome {
        match Door::of(http, account) {
            Ok(door) => messaging::send(&door.graph, NETWORK, door.sender, out).await,
            Err(failure) => failure.into(),
        }
    }

    async fn react(
        &self,
        http: &Client,
        account: &Account,
        to: Address<'_>,
        message: &str,
        emoji: Option<&str>,
    ) -> Result<(), SendError> {
        let door = Door::of(http, account)?;
        messaging::react(&door.graph, NETWORK, door.sender, to, (message, emoji)).await
    }

    async fn acknowledge(
        &self,
        http: &Client,
        account: &Account,
        what: &Acknowledge<'_>,
    ) -> Result<(), SendError> {
        let door = Door::of(http, account)?;
        messaging::seen(&door.graph, door.sender, what).await
    }

    async fn typing(
        &self,
        http: &Client,
        account: &Account,
        to: Address<'_>,
        on: bool,
    ) -> Result<(), SendError> {
        let door = Door::of(http, account)?;
        messaging::typing(&door.graph, door.sender, to, on).await
    }

    async fn profile(
        &self,
        http: &Client,
        account: &Account,
        contact: &str,
    ) -> Result<Option<Profile>, SendError> {
        messaging::profile(&Door::of(http, account)?.graph, NETWORK, contact).await
    }

    async fn fetch(
        &self,
        http: &Client,
        account: &Account,
        media: &MediaRef,
        limit_bytes: u64,
        sink: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<Fetched, FetchError> {
        messaging::fetch(http, account, media, limit_bytes, sink).await
    }

    async fn connect(
        &self,
        http: &Client,
        account: &Account,
        hook: &Hook<'_>,
    ) -> Result<AccountInfo, ConnectFailure> {
        let mut door = Door::of(http, account)?;
        door.graph = door.graph.hiding(hook.secret);
        connect::connect(&door).await
    }

    async fn disconnect(&self, http: &Client, account: &Account, _hook_url: &str) -> Result<(), SendError> {
        connect::disconnect(&Door::of(http, account)?).await
    }

    async fn health(&self, http: &Client, account: &Account) -> Result<Health, SendError> {
        connect::health(&Door::of(http, account)?, account).await
    }

    fn expiry(&self, account: &Account) -> Option<Expiry> {
        login::expiry(account)
    }

    async fn renew(&self, http: &Client, account: &Account, now_ms: i64) -> Result<Renewed, SendError> {
        login::renew(http, account, now_ms).await
    }
}
