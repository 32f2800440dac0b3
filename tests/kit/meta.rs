//! An app of Meta at an emulated Graph API, beside the other channels of a world: one account of each kind, and what is
//! alike in talking to them.

use std::sync::Arc;

use emulators::meta::{EmulatorConfig, MetaEmulator, Sent};
use hubbub::channels::apps::CreateApp;
use hubbub::channels::connect::connect;
use hubbub::clock::Clock;
use hubbub::model::{Channel, ChannelSettings, ProviderAppState};
use hubbub::store::Engine;
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Client, PATIENCE, World, channel, quick};

/// A connected account and a customer of it.
#[derive(Clone)]
pub struct Line {
    pub account: &'static str,
    pub person: &'static str,
    pub channel: Channel,
}

impl Line {
    /// A text and a file are one message.
    pub fn has_captions(&self) -> bool {
        self.channel.kind == "whatsapp-cloud"
    }
}

pub struct MetaWorld {
    pub world: World,
    pub meta: MetaEmulator,
    pub app: Uuid,
}

pub const NUMBER: &str = "106500000000001";
pub const WABA: &str = "102200000000001";
pub const PAGE: &str = "1020000000000001";
pub const INSTAGRAM: &str = "17841400000000001";
pub const LINKED: &str = "17841400000000003";

impl MetaWorld {
    pub async fn start(engine: Engine) -> Self {
        Self::with(engine, EmulatorConfig::default()).await
    }

    pub async fn with(engine: Engine, config: EmulatorConfig) -> Self {
        Self::at(engine, config, Clock::System).await
    }

    /// With a clock of the test's; the emulator has the system's.
    pub async fn at(engine: Engine, config: EmulatorConfig, clock: Clock) -> Self {
        let second = std::time::Duration::from_millis(50);
        let meta = MetaEmulator::start(EmulatorConfig { second, ..config }).await.expect("the emulator");
        let world = World::at(engine, quick(), clock).await;
        let create = CreateApp {
            vault: Arc::clone(&world.app.vault),
            family: "meta".into(),
            name: "Lantern Shop".into(),
            state: ProviderAppState::Approved,
            assigned_to: Some(world.tenant),
            settings: settings(&meta),
        };
        let app = world.app.store.write(create).await.expect("an app").value.id;
        let this = Self { world, meta, app };
        this.meta.register(&this.callback()).await.expect("the callback is proven");
        this
    }

    /// Where the app's deliveries go.
    pub fn callback(&self) -> String {
        self.world.url(&format!("/hooks/meta/{}", self.app))
    }

    pub async fn connect(&self, kind: &str, credentials: &[(&str, &str)]) -> Channel {
        self.connect_with(kind, credentials, quick()).await
    }

    pub async fn connect_with(
        &self,
        kind: &str,
        credentials: &[(&str, &str)],
        settings: ChannelSettings,
    ) -> Channel {
        let credentials: Vec<_> =
            credentials.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let World { app, address, .. } = &self.world;
        let (scope, company) = (self.world.scope(), self.world.bot.company);
        channel(app, &scope, company, kind, &credentials, settings, *address).await
    }

    /// Connects a channel again.
    pub async fn connect_again(&self, channel: Uuid) -> Channel {
        let (app, scope, url) = (&self.world.app, self.world.scope(), self.world.url(""));
        connect(&app.store, &app.vault, &app.http, &url, &scope, channel).await.expect("it is connected")
    }

    pub async fn whatsapp(&self) -> Line {
        let token = self.meta.number_token(NUMBER);
        let credentials = [("phone_number_id", NUMBER), ("waba_id", WABA), ("access_token", token.as_str())];
        let channel = self.connect("whatsapp-cloud", &credentials).await;
        Line { account: NUMBER, person: "12025550143", channel }
    }

    pub async fn messenger(&self) -> Line {
        let token = self.meta.page_token(PAGE);
        let channel = self.connect("messenger", &[("page_id", PAGE), ("access_token", token.as_str())]).await;
        Line { account: PAGE, person: "7300000000000041", channel }
    }

    pub async fn instagram(&self) -> Line {
        let token = self.meta.instagram_token(INSTAGRAM);
        let credentials = [("account_id", INSTAGRAM), ("access_token", token.as_str())];
        let channel = self.connect("instagram", &credentials).await;
        Line { account: INSTAGRAM, person: "9300000000000041", channel }
    }

    /// Instagram by the page that it is linked with.
    pub async fn linked(&self) -> Line {
        let token = self.meta.page_token(PAGE);
        let credentials =
            [("account_id", LINKED), ("login", "page"), ("page_id", PAGE), ("access_token", token.as_str())];
        let channel = self.connect("instagram", &credentials).await;
        Line { account: LINKED, person: "9300000000000042", channel }
    }

    /// An account of every kind.
    pub async fn all(&self) -> [Line; 4] {
        [self.whatsapp().await, self.messenger().await, self.instagram().await, self.linked().await]
    }

    pub fn sent(&self, line: &Line) -> Vec<Sent> {
        let mut all = self.meta.sent();
        all.retain(|one| one.account == line.account && one.to == line.person && one.kind != "reaction");
        all
    }

    /// Waits until so many messages have reached the customer.
    pub async fn sent_reaches(&self, line: &Line, count: usize) -> Vec<Sent> {
        let enough = async {
            loop {
                let seen = self.meta.sent().len();
                let sent = self.sent(line);
                if sent.len() >= count {
                    return sent;
                }
                self.meta.sent_reaches(seen + 1).await;
            }
        };
        let found = timeout(PATIENCE, enough).await;
        let calls = || self.meta.calls().into_iter().rev().take(8).collect::<Vec<_>>();
        found.unwrap_or_else(|_| panic!("{} of {count} messages: {:#?}", self.sent(line).len(), calls()))
    }

    /// The customer writes; gives the conversation.
    pub async fn conversation(&self, line: &Line, manager: &mut Client) -> Value {
        let text = format!("Hello {}", line.account);
        self.meta.customer_says(line.account, line.person, &text);
        let event = manager.publication(|data| data["message"]["text"] == text.as_str()).await;
        event["conversation"]["id"].clone()
    }

    pub async fn finish(self) {
        self.world.finish().await;
    }
}

pub fn settings(meta: &MetaEmulator) -> std::collections::BTreeMap<String, String> {
    meta.app_settings().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A person sends a text.
pub async fn send(manager: &mut Client, conversation: &Value, text: &str) -> Value {
    let send = json!({ "conversation": conversation, "client_id": text, "text": text });
    manager.rpc("message.send", send).await.expect("it is queued")["message"].clone()
}

/// The next event that shows a message in this state.
pub async fn status(manager: &mut Client, message: &Value, status: &str) -> Value {
    let id = message["id"].clone();
    let shown = |data: &Value| data["message"]["id"] == id && data["message"]["status"] == status;
    manager.publication(shown).await["message"].clone()
}
