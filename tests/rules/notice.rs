//! The privacy notice: once to each contact on each channel, before the first answer.

use serde_json::{Value, json};

use crate::kit::World;
use crate::kit::meta::{MetaWorld, send};
use crate::on_both;

const ENGLISH: &str = "We keep what you write for a year.";
const RUSSIAN: &str = "Мы храним переписку год.";

async fn write(world: &World, texts: &Value) -> Value {
    let api = world.api("owner@example.com").await;
    let path = format!("/api/v1/companies/{}/privacy-notice", world.bot.company);
    let (status, notice) = api.post(&path, &json!({ "language": "en", "texts": texts })).await;
    assert_eq!(status, 200, "{notice}");
    notice
}

on_both!(every_contact_is_told_once_before_the_first_answer, |engine| async move {
    let all = MetaWorld::start(engine).await;
    let texts = json!({ "en": ENGLISH, "ru": RUSSIAN });
    assert_eq!(write(&all.world, &texts).await["version"], 1);
    assert_eq!(write(&all.world, &texts).await["version"], 1, "the same is no new version");
    let [whatsapp, messenger, instagram, _] = all.all().await;
    let mut manager = all.world.person("agent@example.com").await;
    let mut worker = all.world.worker(1).await;
    for line in [&whatsapp, &messenger, &instagram] {
        // The AI answers first.
        all.meta.customer_says(line.account, line.person, "Когда привезут?");
        let turn = worker.offered().await;
        let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "Завтра" });
        worker.rpc("turn.reply", reply).await.expect("the answer");
        let texts: Vec<_> = all.sent_reaches(line, 2).await.into_iter().filter_map(|one| one.text).collect();
        assert_eq!(texts, [RUSSIAN, "Завтра"], "{}", line.channel.kind);
        // A person does not tell it again.
        let chat = turn["conversation"].clone();
        send(&mut manager, &chat, "Или сегодня").await;
        assert_eq!(all.sent_reaches(line, 3).await[2].text.as_deref(), Some("Или сегодня"));
        let api = all.world.api("agent@example.com").await;
        let messages = api.messages(chat.as_str().expect("an id")).await;
        let authors: Vec<_> = messages.iter().map(|one| one["author"]["kind"].clone()).collect();
        assert_eq!(authors, ["customer", "system", "responder", "manager"]);
        worker.rpc("turn.fail", json!({ "turn": turn["id"], "lease": turn["lease"] })).await.ok();
    }
    // Another text is told again, by the script of the writer.
    write(&all.world, &json!({ "en": "We keep it for two years." })).await;
    all.meta.customer_says(messenger.account, messenger.person, "Thank you");
    manager.publication(|data| data["message"]["text"] == "Thank you").await;
    let chat = all.world.api("agent@example.com").await.inbox().await;
    let chat = chat.iter().find(|one| one["channel_kind"] == "messenger").expect("it is there")["id"].clone();
    send(&mut manager, &chat, "You are welcome").await;
    let sent = all.sent_reaches(&messenger, 5).await;
    assert_eq!(sent[3].text.as_deref(), Some("We keep it for two years."));
    assert_eq!(sent[4].text.as_deref(), Some("You are welcome"));
    // None at all is told to nobody.
    write(&all.world, &json!({})).await;
    all.meta.customer_says(whatsapp.account, "12025550144", "Hi");
    let turn = worker.offered().await;
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "Hello" });
    worker.rpc("turn.reply", reply).await.expect("the answer");
    let told = async {
        loop {
            let sent = all.meta.sent();
            let to: Vec<_> = sent.iter().filter(|one| one.to == "12025550144").collect();
            if let [only, ..] = to.as_slice() {
                break only.text.clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let told = tokio::time::timeout(crate::kit::PATIENCE, told).await.expect("it is sent");
    assert_eq!(told.as_deref(), Some("Hello"));
    manager.close().await;
    worker.close().await;
    all.finish().await;
});

on_both!(a_notice_is_checked, |engine| async move {
    let world = World::start(engine).await;
    let path = format!("/api/v1/companies/{}/privacy-notice", world.bot.company);
    let owner = world.api("owner@example.com").await;
    for (body, field) in [
        (json!({ "language": "en", "texts": { "ru": "x" } }), "language"),
        (json!({ "language": "en", "texts": { "en": "  " } }), "texts"),
        (json!({ "language": "EN", "texts": { "EN": "x" } }), "texts"),
        (json!({ "language": "en", "texts": { "en": "x".repeat(4_001) } }), "texts"),
    ] {
        let (status, refused) = owner.post(&path, &body).await;
        assert_eq!((status, &refused["field"]), (400, &json!(field)), "{refused}");
    }
    let (status, none) = owner.get(&path).await;
    assert_eq!((status, &none["version"]), (200, &json!(0)), "{none}");
    let agent = world.api("agent@example.com").await;
    let (status, _) = agent.post(&path, &json!({ "language": "en", "texts": {} })).await;
    assert_eq!(status, 403);
    world.finish().await;
});

on_both!(who_wants_no_messages_is_told_before_a_person_answers, |engine| async move {
    let world = World::start(engine).await;
    write(&world, &json!({ "en": ENGLISH })).await;
    let mut manager = world.person("agent@example.com").await;
    world.telegram.customer_says(5550190, "Stop");
    let event = manager.event("message.created").await;
    assert!(event["conversation"]["contact"]["opted_out_at"].is_i64(), "{event}");
    // Bots' times are in seconds.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    world.telegram.customer_says(5550190, "Where is my order?");
    let event = manager.publication(|data| data["message"]["text"] == "Where is my order?").await;
    send(&mut manager, &event["conversation"]["id"], "On its way").await;
    let sent = world.telegram.sent_reaches(2).await;
    let texts: Vec<_> = sent.into_iter().filter_map(|one| one.text).collect();
    assert_eq!(texts, [ENGLISH, "On its way"]);
    manager.close().await;
    world.finish().await;
});
