//! A shop with a channel of every kind, each provider behind a door, on a clock of the test's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use emulators::Answer;
use emulators::gmail::{self, Arrived, GmailEmulator, Mail};
use emulators::meta::{self, MetaEmulator, Mode};
use emulators::telegram::{self, TelegramEmulator};
use emulators::waha::{self, WahaEmulator};
use hubbub::channels::apps::CreateApp;
use hubbub::clock::Clock;
use hubbub::model::{Channel, ChannelSettings, ProviderAppState};
use hubbub::store::Engine;
use serde_json::{Value, json};
use uuid::Uuid;

use super::door::Door;
use crate::kit::meta::{INSTAGRAM, NUMBER, PAGE, WABA};
use crate::kit::{Client, SESSION, World, channel, quick};

const MAILBOX: &str = "support@shop.example.com";
pub const CUSTOMERS: usize = 3;

pub const KINDS: [&str; 6] = ["telegram", "waha", "whatsapp-cloud", "messenger", "instagram", "gmail"];

/// What is away together, and the kinds of channel that it serves.
pub const PROVIDERS: [&[&str]; 4] =
    [&["telegram"], &["waha"], &["whatsapp-cloud", "messenger", "instagram"], &["gmail"]];

pub struct Shop {
    pub world: World,
    pub hand: Arc<AtomicI64>,
    telegram: TelegramEmulator,
    waha: WahaEmulator,
    meta: MetaEmulator,
    google: GmailEmulator,
    doors: [Door; 4],
    pub channels: BTreeMap<&'static str, Channel>,
    /// The conversations of each kind, by customer.
    pub conversations: BTreeMap<&'static str, Vec<Value>>,
    threads: Vec<Arrived>,
    update: i64,
}

/// A clock that runs, and is put forward.
fn running() -> (Clock, Arc<AtomicI64>) {
    let (clock, hand) = Clock::manual(Clock::System.now_ms());
    let ticks = Arc::clone(&hand);
    tokio::spawn(async move {
        let mut last = Instant::now();
        loop {
            tokio::time::sleep(Duration::from_millis(2)).await;
            let passed = i64::try_from(last.elapsed().as_millis()).expect("short");
            last += Duration::from_millis(passed.unsigned_abs());
            ticks.fetch_add(passed, Ordering::Relaxed);
        }
    });
    (clock, hand)
}

impl Shop {
    pub async fn start(engine: Engine) -> Self {
        Self::with(engine, quick()).await
    }

    pub async fn with(engine: Engine, settings: ChannelSettings) -> Self {
        let (clock, hand) = running();
        let settings = ChannelSettings { greeting_grace_ms: 0, ..settings };
        let world = World::at(engine, settings.clone(), clock.clone()).await;
        let at = emulators::Clock::new(move || clock.now_ms());
        let pause = Duration::from_millis(20);
        let telegram = telegram::EmulatorConfig {
            token: "7000000009:token_of_the_bot_behind_a_door".into(),
            clock: at.clone(),
            retry_pause: pause,
            fetch_media: false,
            most_per_second: Some(30),
            ..telegram::EmulatorConfig::default()
        };
        let telegram = TelegramEmulator::start(telegram).await.expect("the Telegram emulator");
        let waha = waha::EmulatorConfig {
            me: "12025550188@c.us".into(),
            clock: at.clone(),
            second: pause,
            ..waha::EmulatorConfig::default()
        };
        let waha = WahaEmulator::start(waha).await.expect("the WAHA emulator");
        let meta =
            meta::EmulatorConfig { clock: at.clone(), second: pause, ..meta::EmulatorConfig::default() };
        let meta = MetaEmulator::start(meta).await.expect("the Meta emulator");
        let google = gmail::EmulatorConfig {
            clock: at,
            mailboxes: vec![MAILBOX.into()],
            audience: Some(world.url("/hooks/gmail")),
            drops_surplus: false,
            retry_pause: pause,
            ..gmail::EmulatorConfig::default()
        };
        let google = GmailEmulator::start(google).await.expect("the emulated Google");
        let doors = [
            Door::to(telegram.address).await,
            Door::to(waha.address).await,
            Door::to(meta.address).await,
            Door::to(google.address).await,
        ];
        let mut shop = Self {
            world,
            hand,
            telegram,
            waha,
            meta,
            google,
            doors,
            channels: BTreeMap::new(),
            conversations: BTreeMap::new(),
            threads: Vec::new(),
            update: 0,
        };
        shop.connect(settings).await;
        shop
    }

    async fn connect(&mut self, settings: ChannelSettings) {
        let [telegram, waha, meta, google] = self.doors.each_ref().map(Door::base);
        let is_base = |name: &str| name.ends_with("_base");
        let at_meta: Vec<_> = self.meta.app_settings();
        let at_meta = at_meta
            .into_iter()
            .map(|(name, value)| (name.to_owned(), if is_base(name) { meta.clone() } else { value }));
        let app = self.app("meta", at_meta.collect()).await;
        self.meta.register(&self.world.url(&format!("/hooks/meta/{app}"))).await.expect("it is proven");
        let config = self.google.config();
        let at_google = [
            ("client_id", config.client_id.clone()),
            ("client_secret", config.client_secret.clone()),
            ("topic", config.topic.clone()),
            ("subscription", config.subscription.clone()),
            ("audience", self.world.url("/hooks/gmail")),
            ("push_service_account", config.service_account.clone()),
            ("auth_base", google.clone()),
            ("token_base", google.clone()),
            ("api_base", google),
            ("certs_url", self.google.certs_url()),
        ];
        self.app("google", at_google.map(|(name, value)| (name.to_owned(), value)).into()).await;
        self.google.subscribes(&self.world.url("/hooks/gmail"));
        let tokens = self.google.grant(MAILBOX);
        let accounts: [Vec<(&str, String)>; 6] = [
            vec![("token", self.telegram.token().to_owned()), ("api_base", telegram)],
            vec![
                ("base_url", waha),
                ("api_key", self.waha.api_key().to_owned()),
                ("session", SESSION.to_owned()),
            ],
            vec![
                ("phone_number_id", NUMBER.to_owned()),
                ("waba_id", WABA.to_owned()),
                ("access_token", self.meta.number_token(NUMBER)),
            ],
            vec![("page_id", PAGE.to_owned()), ("access_token", self.meta.page_token(PAGE))],
            vec![
                ("account_id", INSTAGRAM.to_owned()),
                ("access_token", self.meta.instagram_token(INSTAGRAM)),
            ],
            vec![
                ("mailbox", MAILBOX.to_owned()),
                ("refresh_token", tokens.refresh_token),
                ("access_token", tokens.access_token),
                ("access_expires_at_ms", tokens.access_expires_at_ms.to_string()),
            ],
        ];
        for (kind, account) in KINDS.into_iter().zip(accounts) {
            let (world, settings) = (&self.world, settings.clone());
            let (scope, company) = (world.scope(), world.bot.company);
            let made = channel(&world.app, &scope, company, kind, &account, settings, world.address).await;
            self.channels.insert(kind, made);
        }
    }

    async fn app(&self, family: &str, settings: BTreeMap<String, String>) -> Uuid {
        let verb = CreateApp {
            vault: Arc::clone(&self.world.app.vault),
            family: family.into(),
            name: "Lantern Shop".into(),
            state: ProviderAppState::Approved,
            assigned_to: (family == "meta").then_some(self.world.tenant),
            settings,
        };
        self.world.app.store.write(verb).await.expect("an app").value.id
    }

    /// The door of the provider at this place of [`PROVIDERS`].
    pub fn door(&mut self, provider: usize) -> &mut Door {
        &mut self.doors[provider]
    }

    /// Every customer begins a conversation.
    pub async fn greet(&mut self, manager: &mut Client) {
        for kind in KINDS {
            for customer in 0..CUSTOMERS {
                let text = format!("Hello of {kind} {customer}");
                self.begins(kind, customer, &text);
                let event = created(manager, &text).await;
                self.conversations.entry(kind).or_default().push(event["conversation"]["id"].clone());
            }
        }
        // From now on providers deliver everything twice.
        self.meta.delivers(Mode { copies: 2, ..Mode::default() });
        self.google.repeats_pushes(true);
    }

    /// A customer writes for the first time: each kind's in the order of their numbers.
    pub fn begins(&mut self, kind: &str, customer: usize, text: &str) {
        if kind == "gmail" {
            assert_eq!(self.threads.len(), customer, "a thread for each");
            self.threads.push(self.google.arrives(MAILBOX, &mail(customer, text)));
        } else {
            self.says(kind, customer, text);
        }
    }

    /// A customer writes. The delivery comes twice.
    pub fn says(&mut self, kind: &str, customer: usize, text: &str) {
        match kind {
            "telegram" => {
                self.update += 1;
                let (chat, now_s) = (telegram_chat(customer), self.hand.load(Ordering::Relaxed) / 1_000);
                let person = json!({ "id": chat, "first_name": "Mira", "is_bot": false });
                let message = json!({ "message_id": 9_000 + self.update, "date": now_s, "text": text, "from": person,
                    "chat": { "id": chat, "type": "private", "first_name": "Mira" } });
                let update = self.telegram.update(chat, "message", &message);
                self.telegram.repeat(chat, update, "message", &message);
            }
            "waha" => {
                let (chat, now_s) = (waha_chat(customer), self.hand.load(Ordering::Relaxed) / 1_000);
                let id = format!("false_{chat}_{}", self.world.app.store.ids().next().simple());
                let message = json!({ "id": id, "timestamp": now_s, "from": chat, "to": "12025550188@c.us",
                    "fromMe": false, "body": text, "hasMedia": false, "media": null, "_data": {} });
                self.waha.event(SESSION, "message.any", &message);
                self.waha.event(SESSION, "message.any", &message);
            }
            "gmail" => {
                let thread = &self.threads[customer];
                let mail = mail(customer, text).answering(&thread.thread, &thread.message_id);
                self.google.arrives(MAILBOX, &mail);
            }
            _ => {
                let (account, person) = meta_line(kind, customer);
                self.meta.customer_says(account, &person, text);
            }
        }
    }

    /// The texts that have reached a customer, with their times.
    pub fn sent(&self, kind: &str, customer: usize) -> Vec<(String, i64)> {
        match kind {
            "telegram" => {
                let sent = self.telegram.sent().into_iter();
                sent.filter(|one| one.chat == telegram_chat(customer))
                    .map(|one| (one.text.unwrap_or_default(), one.at_ms))
                    .collect()
            }
            "waha" => {
                let sent = self.waha.sent().into_iter();
                sent.filter(|one| one.chat == waha_chat(customer))
                    .map(|one| (one.text.unwrap_or_default(), one.at_ms))
                    .collect()
            }
            "gmail" => {
                let sent = self.google.sent().into_iter();
                sent.filter(|one| one.thread == self.threads[customer].thread)
                    .map(|one| (one.text.unwrap_or_default().trim().to_owned(), one.at_ms))
                    .collect()
            }
            _ => {
                let (account, person) = meta_line(kind, customer);
                let sent = self.meta.sent().into_iter();
                sent.filter(|one| one.account == account && one.to == person)
                    .map(|one| (one.text.unwrap_or_default(), one.at_ms))
                    .collect()
            }
        }
    }

    /// How many messages have reached the providers.
    pub fn amount(&self) -> usize {
        self.telegram.sent().len()
            + self.waha.sent().len()
            + self.meta.sent().len()
            + self.google.sent().len()
    }

    /// The texts that have reached each of so many customers, in their order; as [`Self::sent`] for all of them.
    pub fn heard(&self, customers: usize) -> BTreeMap<(&'static str, usize), Vec<String>> {
        let mut heard: BTreeMap<_, Vec<String>> = BTreeMap::new();
        let mut to = BTreeMap::new();
        for customer in 0..customers {
            for kind in KINDS {
                heard.insert((kind, customer), Vec::new());
                let address = match kind {
                    "telegram" => (kind, telegram_chat(customer).to_string()),
                    "waha" => (kind, waha_chat(customer)),
                    "gmail" => (kind, self.threads[customer].thread.clone()),
                    _ => {
                        let (account, person) = meta_line(kind, customer);
                        (account, person)
                    }
                };
                to.insert(address, (kind, customer));
            }
        }
        let mut put = |at: &str, address: String, text: Option<String>| {
            if let Some(texts) = to.get(&(at, address)).and_then(|of| heard.get_mut(of)) {
                texts.push(text.unwrap_or_default().trim().to_owned());
            }
        };
        self.telegram.sent().into_iter().for_each(|one| put("telegram", one.chat.to_string(), one.text));
        self.waha.sent().into_iter().for_each(|one| put("waha", one.chat, one.text));
        self.meta.sent().into_iter().for_each(|one| put(&one.account, one.to, one.text));
        self.google.sent().into_iter().for_each(|one| put("gmail", one.thread, one.text));
        heard
    }

    /// Whether the bot's sends are taken; all its other calls are.
    pub fn takes_sends(&self, is_so: bool) {
        if is_so {
            self.telegram.answers_itself("sendMessage");
        } else {
            self.telegram.answers(Answer::of("sendMessage", 502, json!("<h1>Bad Gateway</h1>")));
        }
    }

    /// What Meta refused for haste. The other emulators' refusals are seen as messages that come late or not at all.
    pub fn refused_for_haste(&self) -> usize {
        self.meta.calls().iter().filter(|call| call.status == 429).count()
    }
}

pub async fn created(manager: &mut Client, text: &str) -> Value {
    let is = |data: &Value| {
        let message = &data["message"];
        data["kind"] == "message.created"
            && message["direction"] == "in"
            && message["text"].as_str().is_some_and(|found| found.contains(text))
    };
    manager.publication(is).await
}

const fn telegram_chat(customer: usize) -> i64 {
    5_550_700 + customer as i64
}

fn waha_chat(customer: usize) -> String {
    format!("1202555{:04}@c.us", 700 + customer)
}

fn meta_line(kind: &str, customer: usize) -> (&'static str, String) {
    match kind {
        "whatsapp-cloud" => (NUMBER, format!("1202555{:04}", 800 + customer)),
        "messenger" => (PAGE, format!("730000000000{:04}", 700 + customer)),
        _ => (INSTAGRAM, format!("930000000000{:04}", 700 + customer)),
    }
}

fn mail(customer: usize, text: &str) -> Mail {
    Mail::new(&format!("Ari Probe <ari{customer}@example.org>"), &format!("Order {customer}"), text)
}
