//! What is sent, and what the provider tells of it, for all providers alike: the events are given to the hub as an adapter
//! would give them.

use std::sync::Arc;

use adapters::Status;
use adapters::event::{
    Author, Chat, Content, ContentKind, Event, NewMessage, NoAnswer, Person, Receipt, Told, Watermark,
};
use bytes::Bytes;
use hubbub::error::Error;
use hubbub::inbox::receive::receive;
use hubbub::model::{Channel, ChannelSettings};
use hubbub::store::deliveries::{self, Delivery};
use hubbub::store::jobs::Class;
use hubbub::store::queues::{self, QueueKey};
use hubbub::store::{Tx, Verb};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::kit::{Client, World, quick};
use crate::on_both;

const CHAT: &str = "5550801";

pub async fn tell(world: &World, channel: &Channel, events: Vec<Event>) {
    let body = Bytes::from_static(b"{}");
    let received = receive(&world.app.store, Arc::new(channel.clone()), body, Ok(events)).await;
    assert_ne!(received.expect("it is stored").outcome, "failed");
}

pub fn message(key: &str, text: &str) -> NewMessage {
    NewMessage {
        key: key.to_owned(),
        id: Some(key.to_owned()),
        chat: Chat { id: CHAT.to_owned(), ..Chat::default() },
        sender: Person { id: Some(CHAT.to_owned()), name: Some("Mira".to_owned()), ..Person::default() },
        author: Author::Customer,
        told: Told::default(),
        content: Content { kind: ContentKind::Text, text: Some(text.to_owned()), ..Content::default() },
        reply_key: None,
        is_where_reply_is: false,
        awaits_answer: false,
        connection: None,
        no_answer: None,
        our_reference: None,
    }
}

pub fn said(key: &str, text: &str) -> Event {
    Event::Message(Box::new(message(key, text)))
}

fn unanswered(key: &str, text: &str, why: NoAnswer) -> Event {
    Event::Message(Box::new(NewMessage { no_answer: Some(why), ..message(key, text) }))
}

pub fn receipt(key: &str, status: Status, reference: Option<Uuid>) -> Event {
    Event::Receipt(Box::new(Receipt {
        target_key: key.to_owned(),
        status,
        partial: false,
        code: None,
        reason: (status == Status::Failed).then(|| "131053: the file could not be fetched".to_owned()),
        our_reference: reference.map(|id| id.to_string()),
        told: Told::default(),
    }))
}

struct Parts {
    tenant: Uuid,
    message: Uuid,
}

impl Verb for Parts {
    type Out = Vec<Delivery>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(deliveries::of_message(tx, self.tenant, self.message).await?)
    }
}

pub async fn parts(world: &World, message: &Value) -> Vec<Delivery> {
    let message = message["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    world.app.store.read(Parts { tenant: world.tenant, message }).await.expect("its parts")
}

/// Sets when the parts of a message left.
struct Left {
    part: Delivery,
    at: i64,
}

impl Verb for Left {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let part = Delivery { sent_at: Some(self.at), ..self.part.clone() };
        Ok(deliveries::update(tx, &part).await?)
    }
}

pub struct Hold {
    pub tenant: Uuid,
    pub channel: Uuid,
    pub on: bool,
}

impl Verb for Hold {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let key = QueueKey { tenant: self.tenant, id: self.channel, class: Class::Send };
        if self.on {
            queues::pause(tx, key, "held by a test").await?;
        } else {
            queues::resume(tx, key).await?;
        }
        Ok(())
    }
}

pub async fn hold(world: &World, on: bool) {
    let verb = Hold { tenant: world.tenant, channel: world.bot.id, on };
    world.app.store.write(verb).await.expect("held or not");
}

/// The customer has written; gives the conversation.
pub async fn conversation(world: &World, manager: &mut Client) -> String {
    world.telegram.customer_says(CHAT.parse().expect("a number"), "Hello");
    let event = manager.publication(|data| data["message"]["text"] == "Hello").await;
    event["conversation"]["id"].as_str().expect("an id").to_owned()
}

pub async fn send(manager: &mut Client, conversation: &str, text: &str) -> Value {
    let send = json!({ "conversation": conversation, "client_id": text, "text": text });
    manager.rpc("message.send", send).await.expect("it is queued")["message"].clone()
}

pub async fn status(manager: &mut Client, message: &Value, status: &str) -> Value {
    let id = message["id"].clone();
    let event =
        manager.publication(|data| data["message"]["id"] == id && data["message"]["status"] == status).await;
    event["message"].clone()
}

pub async fn now(world: &World, conversation: &str, message: &Value) -> Value {
    let api = world.api("agent@example.com").await;
    let all = api.messages(conversation).await;
    all.into_iter().find(|one| one["id"] == message["id"]).expect("it is there")
}

on_both!(a_status_finds_its_message_by_our_reference_before_the_answer_comes, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let conversation = conversation(&world, &mut manager).await;
    hold(&world, true).await;
    let message = send(&mut manager, &conversation, "Ready").await;
    let reference = parts(&world, &message).await[0].id;
    tell(&world, &world.phone, vec![receipt("k-1", Status::Delivered, Some(reference))]).await;
    assert_eq!(now(&world, &conversation, &message).await["status"], "queued", "another channel's");
    tell(&world, &world.bot, vec![receipt("k-1", Status::Sent, Some(reference))]).await;
    status(&mut manager, &message, "sent").await;
    // The next one names the same id, and no reference is needed any more.
    tell(&world, &world.bot, vec![receipt("k-1", Status::Read, None)]).await;
    status(&mut manager, &message, "read").await;
    hold(&world, false).await;
    send(&mut manager, &conversation, "Next").await;
    let sent = world.telegram.sent_reaches(1).await;
    assert_eq!(sent[0].text.as_deref(), Some("Next"), "what has left is not sent again");
    manager.close().await;
    world.finish().await;
});

on_both!(an_echo_finds_its_message_by_our_reference_whatever_it_says, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let conversation = conversation(&world, &mut manager).await;
    hold(&world, true).await;
    let message = send(&mut manager, &conversation, "Ready").await;
    let our_reference = Some(parts(&world, &message).await[0].id.to_string());
    let echo =
        NewMessage { author: Author::Business, our_reference, ..self::message("m-1", "> Hello\n\nReady") };
    tell(&world, &world.bot, vec![Event::Message(Box::new(echo))]).await;
    status(&mut manager, &message, "sent").await;
    hold(&world, false).await;
    let api = world.api("agent@example.com").await;
    assert_eq!(api.messages(&conversation).await.len(), 2, "shown once");
    manager.close().await;
    world.finish().await;
});

on_both!(a_late_sent_changes_no_failure_and_a_delivery_lifts_it, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let conversation = conversation(&world, &mut manager).await;
    let message = send(&mut manager, &conversation, "Ready").await;
    status(&mut manager, &message, "sent").await;
    let part = parts(&world, &message).await.remove(0);
    let key = part.external_key.clone().expect("its key");
    tell(&world, &world.bot, vec![receipt(&key, Status::Failed, Some(part.id))]).await;
    status(&mut manager, &message, "failed").await;
    tell(&world, &world.bot, vec![receipt(&key, Status::Sent, Some(part.id))]).await;
    let shown = now(&world, &conversation, &message).await;
    assert_eq!(shown["status"], "failed");
    assert_eq!(shown["error"]["reason"], "131053: the file could not be fetched");
    tell(&world, &world.bot, vec![receipt(&key, Status::Delivered, Some(part.id))]).await;
    let lifted = status(&mut manager, &message, "delivered").await;
    assert_eq!(lifted["error"], Value::Null);
    manager.close().await;
    world.finish().await;
});

on_both!(a_watermark_moves_what_left_until_then_and_nothing_back, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let conversation = conversation(&world, &mut manager).await;
    let mut sent = Vec::new();
    for (text, at) in [("One", 1_000_000), ("Two", 2_000_000), ("Three", 3_000_000)] {
        let message = send(&mut manager, &conversation, text).await;
        status(&mut manager, &message, "sent").await;
        let part = parts(&world, &message).await.remove(0);
        world.app.store.write(Left { part, at }).await.expect("its time");
        sent.push(message);
    }
    let mark = |chat: &str, status, until_ms| {
        Event::Watermark(Watermark {
            chat: chat.to_owned(),
            status,
            until_ms,
            named: Vec::new(),
            told: Told::default(),
        })
    };
    tell(&world, &world.bot, vec![mark("5550802", Status::Read, 9_000_000)]).await;
    tell(&world, &world.phone, vec![mark(CHAT, Status::Read, 9_000_000)]).await;
    tell(&world, &world.bot, vec![mark(CHAT, Status::Read, 2_000_000)]).await;
    tell(&world, &world.bot, vec![mark(CHAT, Status::Delivered, 9_000_000)]).await;
    let mut states = Vec::new();
    for message in &sent {
        states.push(now(&world, &conversation, message).await["status"].clone());
    }
    assert_eq!(states, ["read", "read", "delivered"]);
    manager.close().await;
    world.finish().await;
});

on_both!(what_no_machine_answers_is_shown_and_opens_no_turn, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    let old = Event::Message(Box::new(NewMessage {
        told: Told { at_ms: Some(1_700_000_000_000), ..Told::default() },
        no_answer: Some(NoAnswer::History),
        ..message("h-1", "Long ago")
    }));
    tell(&world, &world.bot, vec![old, unanswered("a-1", "I am away", NoAnswer::Automatic)]).await;
    let history = manager.publication(|data| data["message"]["text"] == "Long ago").await;
    assert_eq!(history["conversation"]["inbound_count"], 0, "nothing unread");
    assert_eq!(history["conversation"]["updated_at"], 1_700_000_000_000_i64);
    assert_eq!(history["message"]["data"]["history"], true);
    let away = manager.publication(|data| data["message"]["text"] == "I am away").await;
    assert_eq!(away["message"]["data"]["automatic"], true);
    assert_eq!(away["conversation"]["turn"], Value::Null);
    let epoch = away["conversation"]["epoch"].clone();
    tell(
        &world,
        &world.bot,
        vec![said("m-1", "A question"), unanswered("a-2", "Still away", NoAnswer::Automatic)],
    )
    .await;
    let turn = worker.offered().await;
    let texts: Vec<_> =
        turn["messages"].as_array().expect("messages").iter().map(|one| &one["text"]).collect();
    assert_eq!(texts, ["A question"]);
    let last = manager.publication(|data| data["message"]["text"] == "Still away").await;
    assert_eq!(last["conversation"]["epoch"], epoch);
    // A person may answer, and what is handed back holds no automatic mail.
    let id = turn["conversation"].clone();
    manager.rpc("conversation.take_over", json!({ "conversation": id })).await.expect("it is taken over");
    manager.rpc("conversation.hand_back", json!({ "conversation": id })).await.expect("it is handed back");
    let again = worker.offered().await;
    let texts: Vec<_> =
        again["messages"].as_array().expect("messages").iter().map(|one| &one["text"]).collect();
    assert_eq!(texts, ["A question"]);
    let send = json!({ "conversation": id, "client_id": "p", "text": "We write soon" });
    manager.rpc("message.send", send).await.expect("a person may");
    manager.close().await;
    worker.close().await;
    world.finish().await;
});

on_both!(two_machines_do_not_answer_each_other_for_ever, |engine| async move {
    let world = World::with(engine, ChannelSettings { answers_per_hour: 2, ..quick() }).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    for number in 0..2 {
        world.telegram.customer_says(5550801, &format!("We have your request {number}"));
        let turn = worker.offered().await;
        let reply =
            json!({ "turn": turn["id"], "lease": turn["lease"], "text": format!("Thank you {number}") });
        worker.rpc("turn.reply", reply).await.expect("it is answered");
    }
    world.telegram.customer_says(5550801, "We have your request 2");
    let third = manager.publication(|data| data["message"]["text"] == "We have your request 2").await;
    assert_eq!(third["conversation"]["owner"], "nobody");
    assert_eq!(third["conversation"]["handoff_reason"], "answer_limit");
    assert_eq!(third["conversation"]["turn"], Value::Null);
    manager.close().await;
    worker.close().await;
    world.finish().await;
});

on_both!(the_parts_of_an_album_are_one_turn, |engine| async move {
    let world = World::with(engine, ChannelSettings { quiet_ms: 0, max_wait_ms: 5_000, ..quick() }).await;
    let mut worker = world.worker(4).await;
    for key in ["p-1", "p-2", "p-3"] {
        let mut part = message(key, "");
        part.content.kind = ContentKind::Image;
        part.content.text = None;
        part.content.data.insert("media_group_id".into(), "g-1".into());
        tell(&world, &world.bot, vec![Event::Message(Box::new(part))]).await;
    }
    let turn = worker.offered().await;
    assert_eq!(turn["messages"].as_array().expect("messages").len(), 3, "{turn}");
    worker.close().await;
    world.finish().await;
});
