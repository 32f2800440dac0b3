//! The emulated providers of the demo, the apps through which channels are connected to them, and the accounts that the
//! made-up shop has there.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use emulators::gmail::{self, GmailEmulator};
use emulators::meta::{self, MetaEmulator};
use emulators::telegram::{self, TelegramEmulator};
use emulators::waha::{self, WahaEmulator};
use uuid::Uuid;

use crate::app::App;
use crate::channels::apps::CreateApp;
use crate::model::ProviderAppState;

/// The name of the WAHA session.
pub const SESSION: &str = "lighthouse-phone";
/// With WAHA's name for a session that nobody named.
pub const SESSIONS: [&str; 2] = [SESSION, "default"];
const SCANNED_AFTER_MS: i64 = 8_000;
/// The mailboxes: the first is the shop's, the second is nobody's yet.
pub const MAILBOXES: [&str; 2] = ["hello@lantern.example.com", "orders@lantern.example.com"];
pub const NUMBERS: [&str; 2] = ["106500000000001", "106500000000002"];
pub const PAGES: [&str; 2] = ["1020000000000001", "1020000000000002"];
pub const INSTAGRAMS: [&str; 2] = ["17841400000000001", "17841400000000002"];
const WABAS: [&str; 2] = ["102200000000001", "102200000000002"];

pub struct Providers {
    pub telegram: TelegramEmulator,
    pub waha: WahaEmulator,
    pub meta: MetaEmulator,
    pub google: GmailEmulator,
}

/// An account at a provider, which customers write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    Bot,
    /// By its session.
    Phone(&'static str),
    Number(&'static str),
    Page(&'static str),
    Instagram(&'static str),
    Mailbox(&'static str),
}

impl Account {
    /// The channel's.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Bot => "telegram",
            Self::Phone(_) => "waha",
            Self::Number(_) => "whatsapp-cloud",
            Self::Page(_) => "messenger",
            Self::Instagram(_) => "instagram",
            Self::Mailbox(_) => "gmail",
        }
    }
}

/// A channel's kind, name and credentials.
pub type Wanted = (&'static str, &'static str, Vec<(&'static str, String)>);

impl Providers {
    /// `url` is the server's. `links_itself`: a phone is linked as soon as its session starts.
    pub async fn start(clock: emulators::Clock, url: &str, links_itself: bool) -> anyhow::Result<Self> {
        let telegram = telegram::EmulatorConfig { clock: clock.clone(), ..Default::default() };
        let waha = waha::EmulatorConfig { clock: clock.clone(), links_itself, ..Default::default() };
        // As Meta does with an address that it is given.
        let meta = meta::EmulatorConfig { clock: clock.clone(), fetch_media: true, ..Default::default() };
        let google = gmail::EmulatorConfig {
            clock,
            consent_page: true,
            mailboxes: MAILBOXES.map(str::to_owned).to_vec(),
            audience: Some(push_endpoint(url)),
            ..Default::default()
        };
        let (telegram, waha, meta, google) = tokio::try_join!(
            async { TelegramEmulator::start(telegram).await.context("the emulated Telegram") },
            async { WahaEmulator::start(waha).await.context("the emulated WAHA") },
            async { MetaEmulator::start(meta).await.context("the emulated Meta") },
            async { GmailEmulator::start(google).await.context("the emulated Google") },
        )?;
        // Who signs in shares everything; of Instagram's accounts the one that nobody has connected yet.
        let granted = WABAS.iter().chain(&PAGES).chain(INSTAGRAMS.iter().rev());
        meta.signs_in(meta::SignIn {
            granted: granted.map(|id| (*id).to_owned()).collect(),
            ..meta::SignIn::default()
        });
        Ok(Self { telegram, waha, meta, google })
    }

    /// Tells the server of the apps, and the providers of the server. Meta proves its address, so the server has to listen.
    pub async fn introduce(&self, app: &App, tenant: Uuid, url: &str) -> anyhow::Result<()> {
        let at_meta = self.meta.app_settings();
        let meta = make_app(app, "meta", "Lighthouse at Meta", Some(tenant), at_meta).await?;
        let google = self.google.config();
        let base = self.google.base();
        let at_google = vec![
            ("client_id", google.client_id.clone()),
            ("client_secret", google.client_secret.clone()),
            ("topic", google.topic.clone()),
            ("subscription", google.subscription.clone()),
            ("audience", push_endpoint(url)),
            ("push_service_account", google.service_account.clone()),
            ("auth_base", base.clone()),
            ("token_base", base.clone()),
            ("api_base", base),
            ("certs_url", self.google.certs_url()),
        ];
        make_app(app, "google", "Lighthouse at Google", None, at_google).await?;
        self.google.subscribes(&push_endpoint(url));
        let hook = format!("{url}/hooks/meta/{meta}");
        self.meta.register(&hook).await.map_err(|why| anyhow::anyhow!("the address for Meta: {why}"))
    }

    /// The channels of the shop and of its workshop.
    pub fn channels(&self) -> [Vec<Wanted>; 2] {
        let mailbox = self.google.grant(MAILBOXES[0]);
        let bot = [("token", self.telegram.token().to_owned()), ("api_base", self.telegram.api_base())];
        let phone = [
            ("base_url", self.waha.base_url()),
            ("api_key", self.waha.api_key().to_owned()),
            ("session", SESSION.to_owned()),
        ];
        let number = [
            ("phone_number_id", NUMBERS[0].to_owned()),
            ("waba_id", WABAS[0].to_owned()),
            ("access_token", self.meta.number_token(NUMBERS[0])),
        ];
        let page = [("page_id", PAGES[0].to_owned()), ("access_token", self.meta.page_token(PAGES[0]))];
        let instagram = [
            ("account_id", INSTAGRAMS[0].to_owned()),
            ("access_token", self.meta.instagram_token(INSTAGRAMS[0])),
        ];
        let mail = [
            ("mailbox", MAILBOXES[0].to_owned()),
            ("refresh_token", mailbox.refresh_token),
            ("access_token", mailbox.access_token),
            ("access_expires_at_ms", mailbox.access_expires_at_ms.to_string()),
        ];
        [
            vec![
                ("telegram", "Shop bot", bot.into()),
                ("messenger", "Shop page", page.into()),
                ("instagram", "Shop on Instagram", instagram.into()),
                ("gmail", "Shop mail", mail.into()),
            ],
            vec![
                ("waha", "Workshop phone", phone.into()),
                ("whatsapp-cloud", "Workshop number", number.into()),
            ],
        ]
    }

    /// The owner of the phone scans a code that somebody looks at, after a while.
    pub fn scans(&self, now_ms: i64) {
        for session in SESSIONS {
            let waits = self.waha.status(session).as_deref() == Some("SCAN_QR_CODE");
            let is_shown = |call: &waha::Call| {
                call.path.ends_with(&format!("{session}/auth/qr")) && call.at_ms + SCANNED_AFTER_MS < now_ms
            };
            if waits && self.waha.calls().iter().any(is_shown) {
                self.waha.scan(session);
            }
        }
    }

    /// The accounts that deliver to the server now.
    pub fn connected(&self) -> Vec<Account> {
        let mut all = Vec::new();
        all.extend(self.telegram.webhook().is_some().then_some(Account::Bot));
        let works = |session: &&str| self.waha.status(session).as_deref() == Some("WORKING");
        all.extend(SESSIONS.into_iter().filter(works).map(Account::Phone));
        let is_there = |account: &str| self.meta.subscribed(account).is_some();
        let numbers = NUMBERS.into_iter().zip(WABAS).filter(|(_, waba)| is_there(waba));
        all.extend(numbers.map(|(number, _)| Account::Number(number)));
        all.extend(PAGES.into_iter().filter(|page| is_there(page)).map(Account::Page));
        all.extend(INSTAGRAMS.into_iter().filter(|one| is_there(one)).map(Account::Instagram));
        let is_watched =
            |mailbox: &&str| self.google.state_of(mailbox).is_some_and(|(_, watch)| watch.is_some());
        all.extend(MAILBOXES.into_iter().filter(is_watched).map(Account::Mailbox));
        all
    }
}

fn push_endpoint(url: &str) -> String {
    format!("{url}/hooks/gmail")
}

async fn make_app(
    app: &App,
    family: &str,
    name: &str,
    assigned_to: Option<Uuid>,
    settings: Vec<(&'static str, String)>,
) -> anyhow::Result<Uuid> {
    let settings: BTreeMap<String, String> =
        settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let new = CreateApp {
        vault: Arc::clone(&app.vault),
        family: family.to_owned(),
        name: name.to_owned(),
        state: ProviderAppState::Approved,
        assigned_to,
        settings,
    };
    Ok(app.store.write(new).await?.value.id)
}
