//! A server with nine channels of six kinds, to which deliveries are posted, and what people see of it afterwards.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_lc_rs::hmac;
use bytes::Bytes;
use emulators::gmail::{self, GmailEmulator};
use emulators::meta::{self, MetaEmulator};
use hubbub::channels::apps::CreateApp;
use hubbub::inbox::receive;
use hubbub::model::{Channel, ChannelSettings, ProviderAppState};
use hubbub::store::Engine;
use serde_json::{Value, json};
use uuid::Uuid;

use super::deliveries::{Delivery, WAYS, Way};
use super::words::{ACCOUNTS, MAILBOX, NUMBERS, PAGES, WABAS};
use crate::kit::{Api, World, channel, quick};

/// By the conversation's place: its lines.
pub type Timelines = BTreeMap<String, Vec<String>>;

pub struct Rig {
    world: World,
    meta: MetaEmulator,
    _google: GmailEmulator,
    meta_app: Uuid,
    mail: Channel,
    http: reqwest::Client,
}

impl Rig {
    pub async fn start(engine: Engine) -> Self {
        // Nobody answers: what customers and providers do is compared.
        let settings = ChannelSettings { backlog_ms: 0, greeting_grace_ms: 0, ..quick() };
        let world = World::with(engine, settings.clone()).await;
        let meta = MetaEmulator::start(meta::EmulatorConfig::default()).await.expect("the Meta emulator");
        let google =
            gmail::EmulatorConfig { mailboxes: vec![MAILBOX.into()], ..gmail::EmulatorConfig::default() };
        let google = GmailEmulator::start(google).await.expect("the Gmail emulator");
        let at_meta = meta.app_settings();
        let meta_app = app(&world, "meta", Some(world.tenant), &at_meta).await;
        meta.register(&world.url(&format!("/hooks/meta/{meta_app}"))).await.expect("the callback is proven");
        let (config, base) = (google.config(), google.base());
        let at_google = [
            ("client_id", config.client_id.clone()),
            ("client_secret", config.client_secret.clone()),
            ("topic", config.topic.clone()),
            ("subscription", config.subscription.clone()),
            ("audience", world.url("/hooks/gmail")),
            ("push_service_account", config.service_account.clone()),
            ("auth_base", base.clone()),
            ("token_base", base.clone()),
            ("api_base", base),
            ("certs_url", google.certs_url()),
        ];
        app(&world, "google", None, &at_google).await;
        let connect = async |kind: &str, credentials: &[(&str, String)]| {
            let (scope, company) = (world.scope(), world.bot.company);
            channel(&world.app, &scope, company, kind, credentials, settings.clone(), world.address).await
        };
        for (number, waba) in NUMBERS.into_iter().zip(WABAS) {
            let token = meta.number_token(number);
            let account =
                [("phone_number_id", number.into()), ("waba_id", waba.into()), ("access_token", token)];
            connect("whatsapp-cloud", &account).await;
        }
        for page in PAGES {
            connect("messenger", &[("page_id", page.into()), ("access_token", meta.page_token(page))]).await;
        }
        for account in ACCOUNTS {
            let token = meta.instagram_token(account);
            connect("instagram", &[("account_id", account.into()), ("access_token", token)]).await;
        }
        let tokens = google.grant(MAILBOX);
        let account = [
            ("mailbox", MAILBOX.into()),
            ("refresh_token", tokens.refresh_token),
            ("access_token", tokens.access_token),
            ("access_expires_at_ms", tokens.access_expires_at_ms.to_string()),
        ];
        let mail = connect("gmail", &account).await;
        Self { world, meta, _google: google, meta_app, mail, http: crate::kit::http() }
    }

    /// Posts everything, the ways beside each other; gives what is seen then.
    pub async fn timelines_after(&self, deliveries: Vec<Delivery>) -> Timelines {
        let ways = WAYS.map(|way| {
            let mine: Vec<_> = deliveries.iter().filter(|one| one.way == way).collect();
            async move {
                for one in mine {
                    self.post(one).await;
                }
            }
        });
        futures_util::future::join_all(ways).await;
        self.timelines().await
    }

    async fn post(&self, delivery: &Delivery) {
        let body = delivery.body.to_string();
        let of = |channel: &Channel| {
            let hook = self.world.url(&format!("/hooks/{}", channel.hook_token));
            (self.http.post(hook), self.world.secret(channel))
        };
        let request = match delivery.way {
            Way::Telegram => {
                let (request, secret) = of(&self.world.bot);
                request.header("X-Telegram-Bot-Api-Secret-Token", secret)
            }
            Way::Waha => {
                let (request, secret) = of(&self.world.phone);
                let signature = signed(hmac::HMAC_SHA512, &secret, &body);
                request.header("X-Webhook-Hmac", signature).header("X-Webhook-Hmac-Algorithm", "sha512")
            }
            Way::WhatsApp | Way::Messenger | Way::Instagram => {
                let config = self.meta.config();
                let is_instagram = delivery.way == Way::Instagram;
                let secret = if is_instagram { &config.instagram_app_secret } else { &config.app_secret };
                let signature = signed(hmac::HMAC_SHA256, secret, &body);
                let hook = self.world.url(&format!("/hooks/meta/{}", self.meta_app));
                self.http.post(hook).header("X-Hub-Signature-256", format!("sha256={signature}"))
            }
            Way::Gmail => return self.read_mail(body.into_bytes()).await,
        };
        let status = request.body(body).send().await.expect("an answer").status();
        assert_eq!(status, 200, "{}", delivery.body);
    }

    /// A mail is not delivered but asked for; what the reader does with the answer.
    async fn read_mail(&self, body: Vec<u8>) {
        let app = &self.world.app;
        let found = app.channels.by_id(self.mail.tenant, self.mail.id).await.expect("the store");
        let connected = found.expect("the channel");
        let provider = adapters::provider("gmail").expect("built");
        let parsed = provider.parse(&body, &connected.context()).map_err(|error| error.to_string());
        let channel = Arc::clone(&connected.channel);
        receive::receive(&app.store, channel, Bytes::from(body), parsed).await.expect("it is stored");
    }

    async fn timelines(&self) -> Timelines {
        let api = self.world.api("agent@example.com").await;
        let mut found = Timelines::new();
        for conversation in conversations(&api).await {
            let messages = api.messages(conversation["id"].as_str().expect("an id")).await;
            let texts: HashMap<&str, String> =
                messages.iter().map(|one| (one["id"].as_str().expect("an id"), name_of(one))).collect();
            let mut lines: Vec<_> =
                messages.iter().map(|one| (one["provider_at"].as_i64(), line(one, &texts))).collect();
            lines.sort();
            let label = messages.iter().find_map(|one| one["text"].as_str()?.split(' ').next());
            let kind = conversation["channel_kind"].as_str().expect("a kind");
            let key = format!("{kind} {}", label.expect("every text begins with its chat"));
            let mut seen = vec![format!(
                "contact {} {}, thread {}, inbound {}",
                conversation["contact"]["name"],
                conversation["contact"]["handle"],
                conversation["thread_title"],
                conversation["inbound_count"],
            )];
            seen.extend(lines.into_iter().map(|(_, line)| line));
            assert!(found.insert(key.clone(), seen).is_none(), "two conversations are {key}");
        }
        found
    }

    pub async fn finish(self) {
        self.world.finish().await;
    }
}

fn signed(algorithm: hmac::Algorithm, secret: &str, body: &str) -> String {
    hex::encode(hmac::sign(&hmac::Key::new(algorithm, secret.as_bytes()), body.as_bytes()))
}

async fn app(world: &World, family: &str, assigned_to: Option<Uuid>, settings: &[(&str, String)]) -> Uuid {
    let create = CreateApp {
        vault: Arc::clone(&world.app.vault),
        family: family.into(),
        name: "Lantern Shop".into(),
        state: ProviderAppState::Approved,
        assigned_to,
        settings: settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
    };
    world.app.store.write(create).await.expect("an app").value.id
}

async fn conversations(api: &Api) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let (status, page) = api.get(&format!("/api/v1/inbox?limit=200{after}")).await;
        assert_eq!(status, 200, "{page}");
        all.extend_from_slice(page["conversations"].as_array().expect("conversations"));
        match page["next"].as_str() {
            Some(next) => after = format!("&before={next}"),
            None => return all,
        }
    }
}

/// What a reader recognises a message by.
fn name_of(message: &Value) -> String {
    let place = message["data"]["latitude"].as_f64().map(|place| place.to_string()).unwrap_or_default();
    format!("{}{place} at {}", message["text"].as_str().unwrap_or("-"), message["provider_at"])
}

fn line(message: &Value, names: &HashMap<&str, String>) -> String {
    let head = format!("{} {} {}", message["direction"], message["author"], message["status"]);
    if !message["deleted_at"].is_null() {
        return format!("{} {head} deleted at {}", message["provider_at"], message["deleted_at"]);
    }
    let mut reactions: Vec<_> =
        message["reactions"].as_array().into_iter().flatten().map(Value::to_string).collect();
    reactions.sort();
    let files: Vec<_> = message["attachments"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|file| format!("{} {} {}", file["kind"], file["name"], file["mime"]))
        .collect();
    let quoted =
        message["reply_to"].as_str().map(|id| names.get(id).cloned().unwrap_or_else(|| "elsewhere".into()));
    json!([
        message["provider_at"],
        head,
        message["kind"],
        message["text"],
        quoted,
        reactions,
        message["edited_at"],
        message["error"],
        message["data"],
        files
    ])
    .to_string()
}

pub fn differences(expected: &Timelines, seen: &Timelines) -> Vec<String> {
    let mut found = Vec::new();
    for (key, lines) in expected {
        let Some(others) = seen.get(key) else {
            found.push(format!("no conversation {key}"));
            continue;
        };
        found.extend(
            lines.iter().filter(|line| !others.contains(line)).map(|line| format!("{key}\n  missing {line}")),
        );
        found.extend(
            others.iter().filter(|line| !lines.contains(line)).map(|line| format!("{key}\n  instead {line}")),
        );
        if lines.len() != others.len() {
            found.push(format!("{key}: {} lines, not {}", others.len(), lines.len()));
        }
    }
    found.extend(seen.keys().filter(|key| !expected.contains_key(*key)).map(|key| format!("more: {key}")));
    found
}
