//! Facebook Messenger (Graph API v25.0): the conversations of a page. Deliveries come to the app's address; what leaves the
//! page comes back as an echo that names the app; receipts are watermarks.

mod connect;

use async_trait::async_trait;
use tokio::io::AsyncWrite;

use crate::{
    Abilities, Account, AccountInfo, Acknowledge, Address, App, Binds, ButtonLimits, Client, ConnectFailure,
    Context, CredentialField, Expiry, FetchError, Fetched, Fields, Headers, Health, Hook, Invalid, MediaRef,
    NotJson, Outgoing, Profile, Provider, ProviderLimits, Rates, Scheme, SendError, SendOutcome, SignIn,
    Unit, Window,
    call::Failure,
    meta::{
        MetaApp,
        graph::Graph,
        messaging::{self, Network, table},
        token,
    },
    verify::verify,
};

const NETWORK: Network = Network::Messenger;

const CREDENTIALS: &[CredentialField] = &[
    CredentialField {
        name: "page_id",
        secret: false,
        required: true,
        binds: Binds::Account,
        default: None,
        help: "The page's number.",
    },
    CredentialField {
        name: "access_token",
        secret: true,
        required: true,
        binds: Binds::Nothing,
        default: None,
        help: "The page's access token.",
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

pub(crate) struct Messenger;

/// The page and the right to call it.
fn page<'a>(http: &'a Client, account: &'a Account) -> Result<(Graph<'a>, &'a str), Failure> {
    let page = account.get("page_id").ok_or_else(|| Failure::setting("page_id", "is missing"))?;
    Ok((Graph::of(http, account, table)?, page))
}

#[async_trait]
impl Provider for Messenger {
    fn name(&self) -> &'static str {
        "messenger"
    }

    fn limits(&self) -> ProviderLimits {
        ProviderLimits {
            unit: Unit::Chars,
            max_text: 2_000,
            // No text goes beside a file.
            max_caption: 0,
            max_upload_bytes: 25 << 20,
            max_download_bytes: 100 << 20,
            rates: Rates { per_second: 300, chat_gap_ms: 100, chat_burst: 5 },
        }
    }

    fn credentials(&self) -> &'static [CredentialField] {
        CREDENTIALS
    }

    fn claims(&self, account: &Account) -> Vec<String> {
        account.get("page_id").map(connect::claim).into_iter().collect()
    }

    fn subscription(&self, account: &Account) -> Option<String> {
        account.get("page_id").map(messaging::of_page)
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
        ButtonLimits { most: 13, max_title: 20, max_id_bytes: 1_000, max_text: 2_000 }
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
        Some(&connect::Login)
    }

    fn verify(&self, secret: &str, headers: &Headers, body: &[u8]) -> Result<(), Invalid> {
        verify(Scheme::MetaSha256, secret, headers, body, None)
    }

    fn read(&self, body: &[u8], context: &Context) -> Result<Vec<Fields>, NotJson> {
        messaging::parse(NETWORK, body, context)
    }

    async fn send(&self, http: &Client, account: &Account, out: &Outgoing<'_>) -> SendOutcome {
        match page(http, account) {
            Ok((graph, page)) => messaging::send(&graph, NETWORK, page, out).await,
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
        let (graph, page) = page(http, account)?;
        messaging::react(&graph, NETWORK, page, to, (message, emoji)).await
    }

    async fn acknowledge(
        &self,
        http: &Client,
        account: &Account,
        what: &Acknowledge<'_>,
    ) -> Result<(), SendError> {
        let (graph, page) = page(http, account)?;
        messaging::seen(&graph, page, what).await
    }

    async fn typing(
        &self,
        http: &Client,
        account: &Account,
        to: Address<'_>,
        on: bool,
    ) -> Result<(), SendError> {
        let (graph, page) = page(http, account)?;
        messaging::typing(&graph, page, to, on).await
    }

    async fn profile(
        &self,
        http: &Client,
        account: &Account,
        contact: &str,
    ) -> Result<Option<Profile>, SendError> {
        let (graph, _) = page(http, account)?;
        messaging::profile(&graph, NETWORK, contact).await
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
        let (graph, page) = page(http, account)?;
        connect::connect(&graph.hiding(hook.secret), page).await
    }

    async fn disconnect(&self, http: &Client, account: &Account, _hook_url: &str) -> Result<(), SendError> {
        let (graph, page) = page(http, account)?;
        messaging::PAGE.end(&graph, page).await
    }

    async fn health(&self, http: &Client, account: &Account) -> Result<Health, SendError> {
        let (graph, page) = page(http, account)?;
        messaging::PAGE.health(&graph, page, account.get("app_id").as_slice()).await
    }

    fn expiry(&self, account: &Account) -> Option<Expiry> {
        connect::expiry(account)
    }
}
