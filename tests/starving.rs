//! Invariant 12: a provider that takes calls and never answers costs its own channel, not the other channels of its
//! tenant, and not other tenants.

use std::sync::Arc;

use emulators::telegram::{EmulatorConfig, TelegramEmulator};
use hubbub::accounts::tenants::{CompanyKind, CreateCompany, CreateTenant};
use hubbub::accounts::{Role, Scope};
use hubbub::channels::settings::CreateChannel;
use hubbub::model::Channel;
use hubbub::store::jobs::Class;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::kit::{self, Client, World, user};
use crate::on_both;

const CUSTOMERS: usize = 16;

/// Accepts calls and holds them open.
struct DeafProvider {
    address: std::net::SocketAddr,
    asked: watch::Receiver<usize>,
    listening: tokio::task::JoinHandle<()>,
}

impl DeafProvider {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (tell, asked) = watch::channel(0);
        let listening = tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((socket, _)) = listener.accept().await {
                open.push(socket);
                tell.send_replace(open.len());
            }
        });
        Self { address, asked, listening }
    }

    async fn channel(&self, world: &World) -> Channel {
        let credentials = [
            ("base_url", format!("http://{}", self.address)),
            ("api_key", "k".into()),
            ("session", "deaf".into()),
        ];
        let verb = CreateChannel {
            scope: world.scope(),
            vault: Arc::clone(&world.app.vault),
            company: world.bot.company,
            kind: "waha".into(),
            name: "Deaf".into(),
            credentials: credentials.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            settings: kit::quick(),
        };
        world.app.store.write(verb).await.expect("a channel").value
    }

    /// A message with a file that lies at the provider.
    fn message(&self, number: usize) -> Value {
        let id = format!("3EB0FF{number:02}");
        let file =
            json!({ "url": format!("http://{}/api/files/{id}.jpg", self.address), "mimetype": "image/jpeg" });
        let from = format!("120255502{number:02}@c.us");
        json!({
            "id": format!("evt_{id}"), "timestamp": 1_794_312_000_000_i64, "event": "message.any", "session": "deaf",
            "me": { "id": "12025550100@c.us", "pushName": "Shop" }, "engine": "GOWS", "environment": {},
            "payload": { "id": format!("false_{from}_{id}"), "timestamp": 1_794_312_000,
                "from": from, "fromMe": false, "source": "app", "to": "12025550100@c.us", "body": "",
                "hasMedia": true, "media": file, "ack": 1, "replyTo": null },
        })
    }
}

/// A customer writes to the bot, a person answers, and the answer arrives.
async fn converse(telegram: &TelegramEmulator, manager: &mut Client, customer: i64) {
    telegram.customer_says(customer, "Hello");
    let arrived = manager.publication(|data| data["message"]["text"] == "Hello").await;
    let conversation = arrived["conversation"]["id"].clone();
    let send = json!({ "conversation": conversation, "client_id": "answer", "text": "Here" });
    manager.rpc("message.send", send).await.expect("it is queued");
    telegram.sent_reaches(1).await;
}

/// Another tenant, with a bot of its own.
async fn other_tenant(world: &World) -> TelegramEmulator {
    let app = &world.app;
    let tenant = app.store.write(CreateTenant { name: "Rival".into() }).await.expect("a tenant").value.id;
    let scope = Scope::system(tenant);
    let company = CreateCompany { scope: scope.clone(), name: "Rival".into(), kind: CompanyKind::Product };
    let company = app.store.write(company).await.expect("a company").value.id;
    user(app, "rival@example.com", None, Some((tenant, Role::Owner))).await;
    let config = EmulatorConfig { token: "7000000002:another-emulated_token".into(), ..Default::default() };
    let telegram = TelegramEmulator::start(config).await.expect("the emulator");
    let bot = [("token", telegram.token().to_owned()), ("api_base", telegram.api_base())];
    kit::channel(app, &scope, company, "telegram", &bot, kit::quick(), world.address).await;
    telegram
}

on_both!(lanes_do_not_starve_each_other, |engine| async move {
    let world = World::start(engine).await;
    let mut deaf = DeafProvider::start().await;
    let channel = deaf.channel(&world).await;
    let mut manager = world.person("agent@example.com").await;
    let mut waiting = Vec::new();
    for number in 0..CUSTOMERS {
        assert_eq!(world.hook(&channel, &deaf.message(number)).await, 200);
        waiting.push(manager.event("message.created").await["conversation"]["id"].clone());
    }
    let at_once = |class: Class| usize::try_from(class.per_queue()).expect("a few");
    let files = at_once(Class::Media);
    deaf.asked
        .wait_for(|asked| *asked >= files)
        .await
        .expect("as many files as the channel may fetch at once");
    // Answers to all of them: as many sends as the channel may have under way are at it, the others wait.
    for conversation in &waiting {
        let send = json!({ "conversation": conversation, "client_id": "answer", "text": "Here" });
        manager.rpc("message.send", send).await.expect("it is queued");
    }
    deaf.asked.wait_for(|asked| *asked >= files + at_once(Class::Send)).await.expect("and as many sends");

    // Another channel of the tenant, and another tenant.
    converse(&world.telegram, &mut manager, 5550195).await;
    let rival = other_tenant(&world).await;
    let mut rivals_manager = world.person("rival@example.com").await;
    converse(&rival, &mut rivals_manager, 5550196).await;

    let api = world.api("owner@example.com").await;
    let mut queued = 0;
    for conversation in &waiting {
        let messages = api.messages(conversation.as_str().expect("an id")).await;
        queued += messages.iter().filter(|message| message["status"] == "queued").count();
    }
    assert!(queued > 0, "the silent channel's sends still wait");
    deaf.listening.abort();
    manager.close().await;
    rivals_manager.close().await;
    world.finish().await;
});
