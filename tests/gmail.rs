//! Gmail, end to end: a mailbox of an emulated Google, whose pushes come to the app's address.

mod cases;
mod conversation;
mod cursor;
mod outcomes;
mod stranger;
mod tokens;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use emulators::gmail::{EmulatorConfig, GmailEmulator};
use hubbub::channels::apps::CreateApp;
use hubbub::error::Error;
use hubbub::model::{Channel, ChannelSettings, ProviderAppState};
use hubbub::store::{Arg, Engine, Tx, Verb};
use serde_json::Value;
use uuid::Uuid;

use crate::kit::{Api, PATIENCE, World, channel, quick};

const MAILBOX: &str = "support@shop.example.com";
const AUDIENCE: &str = "https://hub.example.com/hooks/gmail";

/// A burst of mails takes longer than one of chat messages: each is fetched.
fn settings() -> ChannelSettings {
    ChannelSettings { quiet_ms: 1_000, max_wait_ms: 15_000, ..quick() }
}

/// A server with a mailbox beside the other channels.
struct Shop {
    world: World,
    google: GmailEmulator,
    mailbox: Channel,
    api: Api,
}

impl Shop {
    async fn start(engine: Engine) -> Self {
        Self::with(engine, settings(), EmulatorConfig::default()).await
    }

    async fn with(engine: Engine, settings: ChannelSettings, config: EmulatorConfig) -> Self {
        Self::connected(Self::opened(engine, config).await, settings).await
    }

    async fn connected((world, google): (World, GmailEmulator), settings: ChannelSettings) -> Self {
        let tokens = google.grant(MAILBOX);
        let credentials = [
            ("mailbox", MAILBOX.to_owned()),
            ("refresh_token", tokens.refresh_token),
            ("access_token", tokens.access_token),
            ("access_expires_at_ms", tokens.access_expires_at_ms.to_string()),
        ];
        let company = world.bot.company;
        let mailbox =
            channel(&world.app, &world.scope(), company, "gmail", &credentials, settings, world.address)
                .await;
        let shop = Self { api: world.api("owner@example.com").await, world, google, mailbox };
        shop.until("the first reading", async |shop| !shop.cursor().await.is_empty()).await;
        shop
    }

    /// With an app, and no mailbox yet.
    async fn opened(engine: Engine, config: EmulatorConfig) -> (World, GmailEmulator) {
        Self::opened_among(engine, config, 0).await
    }

    /// As before, after so many other clients of the installation.
    async fn opened_among(engine: Engine, config: EmulatorConfig, others: usize) -> (World, GmailEmulator) {
        let world = World::start(engine).await;
        let config = EmulatorConfig {
            audience: Some(AUDIENCE.to_owned()),
            drops_surplus: false,
            retry_pause: Duration::from_millis(50),
            ..config
        };
        let google = GmailEmulator::start(config).await.expect("the emulated Google");
        google.subscribes(&world.url("/hooks/gmail"));
        let (base, config) = (google.base(), google.config());
        let settings = [
            ("client_id", config.client_id.clone()),
            ("client_secret", config.client_secret.clone()),
            ("topic", config.topic.clone()),
            ("subscription", config.subscription.clone()),
            ("audience", AUDIENCE.to_owned()),
            ("push_service_account", config.service_account.clone()),
            ("auth_base", base.clone()),
            ("token_base", base.clone()),
            ("api_base", base),
            ("certs_url", google.certs_url()),
        ];
        let own: BTreeMap<_, _> = settings.map(|(name, value)| (name.to_owned(), value)).into();
        let app = |settings, state| CreateApp {
            vault: Arc::clone(&world.app.vault),
            family: "google".into(),
            name: "Google".into(),
            state,
            assigned_to: None,
            settings,
        };
        for other in 0..others {
            let mut settings = own.clone();
            settings.insert("client_id".into(), format!("{other}.apps.googleusercontent.com"));
            settings.insert("subscription".into(), format!("projects/other/subscriptions/s{other}"));
            // New channels take the oldest approved one.
            let verb = app(settings, ProviderAppState::InReview);
            world.app.store.write(verb).await.expect("another app");
        }
        world.app.store.write(app(own, ProviderAppState::Approved)).await.expect("an app");
        (world, google)
    }

    /// Stops the server and starts another on the same data.
    async fn restart(self) -> Self {
        let world = self.world.restart().await;
        self.google.subscribes(&world.url("/hooks/gmail"));
        Self { api: world.api("owner@example.com").await, world, ..self }
    }

    /// Waits until it is so.
    async fn until(&self, what: &str, is_so: impl AsyncFn(&Self) -> bool) {
        let begin = Instant::now();
        while !is_so(self).await {
            assert!(begin.elapsed() < PATIENCE, "{what}: {:#?}", self.subjects().await);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// The conversation of a thread.
    async fn conversation(&self, thread: &str) -> Option<String> {
        let found = self.world.app.store.read(ConversationOf(thread.to_owned())).await.expect("it is read");
        found.map(|id| id.to_string())
    }

    /// The messages of a thread.
    async fn messages(&self, thread: &str) -> Vec<Value> {
        match self.conversation(thread).await {
            Some(id) => self.api.messages(&id).await,
            None => Vec::new(),
        }
    }

    /// Waits until a thread has so many messages.
    async fn holds(&self, thread: &str, count: usize) -> Vec<Value> {
        self.until("messages", async |shop| shop.messages(thread).await.len() >= count).await;
        self.messages(thread).await
    }

    /// The texts of all messages of the channel, as they were stored.
    async fn subjects(&self) -> Vec<String> {
        self.world.app.store.read(TextsOf(self.mailbox.id)).await.expect("they are read")
    }

    /// Where the reading stopped.
    async fn cursor(&self) -> String {
        self.world.app.store.read(CursorOf(self.mailbox.id)).await.expect("it is read").unwrap_or_default()
    }

    /// Waits until all that the mailbox holds is read.
    async fn is_read(&self) {
        self.google.idle().await;
        let until =
            |shop: &Self| shop.google.state_of(MAILBOX).map_or(String::new(), |(id, _)| id.to_string());
        self.until("the cursor", async |shop| shop.cursor().await == until(shop)).await;
    }

    /// Waits until nothing calls Gmail: a push that came while another was read has it read once more.
    async fn is_quiet(&self) {
        self.is_read().await;
        let channel = self.mailbox.id;
        let calls = async |shop: &Self| shop.world.app.store.read(Calling(channel)).await.expect("jobs");
        self.until("no job", async |shop| calls(shop).await == 0).await;
    }

    /// The calls of the Gmail API with this in their path.
    fn calls(&self, path: &str) -> Vec<emulators::gmail::Call> {
        self.google.calls().into_iter().filter(|call| call.path.contains(path)).collect()
    }

    async fn health(&self) -> Value {
        let (status, page) = self.api.get(&format!("/api/v1/channels/{}/health", self.mailbox.id)).await;
        assert_eq!(status, 200, "{page}");
        page["health"].clone()
    }

    async fn file(&self, attachment: &Value) -> Vec<u8> {
        let path = format!("/api/v1/media/{}", attachment["id"].as_str().expect("an id"));
        let request = crate::kit::http().get(self.world.url(&path)).bearer_auth(&self.api.token);
        request.send().await.expect("an answer").bytes().await.expect("bytes").to_vec()
    }

    async fn finish(self) {
        self.world.finish().await;
    }
}

struct ConversationOf(String);

impl Verb for ConversationOf {
    type Out = Option<Uuid>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let sql = "select id from conversations where external_id = $1 and state = 'open' limit 1";
        Ok(tx.one::<(Uuid,)>(sql, &[Arg::from(self.0.as_str())]).await?.map(|(id,)| id))
    }
}

struct CursorOf(Uuid);

impl Verb for CursorOf {
    type Out = Option<String>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let sql = "select cursor from channel_cursors where channel = $1";
        Ok(tx.one::<(String,)>(sql, &[Arg::from(self.0)]).await?.map(|(cursor,)| cursor))
    }
}

/// The jobs of a channel.
struct Calling(Uuid);

impl Verb for Calling {
    type Out = i64;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, Error> {
        let sql = "select count(*) from jobs where queue = $1 and state <> 'dead'";
        Ok(tx.one::<(i64,)>(sql, &[Arg::from(self.0)]).await?.map_or(0, |(count,)| count))
    }
}

struct TextsOf(Uuid);

impl Verb for TextsOf {
    type Out = Vec<String>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let sql = "select m.text from messages m join conversations c on c.id = m.conversation \
                   where c.channel = $1 and m.text is not null order by m.id";
        let found = tx.all::<(String,)>(sql, &[Arg::from(self.0)]).await?;
        Ok(found.into_iter().map(|(text,)| text).collect())
    }
}
