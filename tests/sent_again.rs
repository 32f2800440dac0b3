//! What people do with messages that are stored: send failed ones again, react, offer buttons.

use std::sync::Arc;
use std::time::Duration;

use adapters::Status;
use adapters::event::{Author, Event, NewMessage};
use emulators::waha;
use hubbub::channels::apps::CreateApp;
use hubbub::channels::settings::CreateChannel;
use hubbub::error::Error;
use hubbub::model::{MessageStatus, ProviderAppState};
use hubbub::store::deliveries::{self, Delivery};
use hubbub::store::{Tx, Verb};
use serde_json::{Value, json};

use crate::kit::{SESSION, World, quick};
use crate::on_both;
use crate::sending::{Hold, conversation, now, parts, receipt, said, send, status, tell};

on_both!(what_a_person_tries_again_really_leaves_once_more, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let conversation = conversation(&world, &mut manager).await;
    let message = send(&mut manager, &conversation, "Here it is").await;
    status(&mut manager, &message, "sent").await;
    let first = parts(&world, &message).await.remove(0);
    let key = first.external_key.clone().expect("its key");
    let again = json!({ "conversation": conversation, "message": message["id"] });
    assert_eq!(manager.rpc("message.try_again", again.clone()).await, Err(409), "it has not failed");
    tell(&world, &world.bot, vec![receipt(&key, Status::Failed, Some(first.id))]).await;
    status(&mut manager, &message, "failed").await;
    // The list says so, until it has left.
    assert_eq!(listed(&world, &conversation).await["problem"], "failed");
    manager.rpc("message.try_again", again).await.expect("it is queued");
    assert_eq!(world.telegram.sent_reaches(2).await.len(), 2, "a second call");
    status(&mut manager, &message, "sent").await;
    assert_eq!(listed(&world, &conversation).await["problem"], Value::Null);
    // The first id's failure is told once more, by the id alone and with our reference.
    let late = || vec![receipt(&key, Status::Failed, None), receipt(&key, Status::Failed, Some(first.id))];
    tell(&world, &world.bot, late()).await;
    assert_eq!(now(&world, &conversation, &message).await["status"], "sent");
    let second = parts(&world, &message).await.remove(0).external_key.expect("its key");
    assert_ne!(second, key);
    tell(&world, &world.bot, vec![receipt(&second, Status::Delivered, Some(first.id))]).await;
    status(&mut manager, &message, "delivered").await;
    tell(&world, &world.bot, late()).await;
    assert_eq!(now(&world, &conversation, &message).await["status"], "delivered");
    let api = world.api("agent@example.com").await;
    assert_eq!(api.messages(&conversation).await.len(), 2, "shown once");
    manager.close().await;
    world.finish().await;
});

/// The newest message, as a list has it.
async fn listed(world: &World, conversation: &str) -> Value {
    let api = world.api("agent@example.com").await;
    let (_, body) = api.get(&format!("/api/v1/conversations/{conversation}")).await;
    body["last_message"].clone()
}

on_both!(a_reaction_is_shown_at_once_and_taken_back_when_it_is_refused, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let conversation = conversation(&world, &mut manager).await;
    let api = world.api("agent@example.com").await;
    let heard = api.messages(&conversation).await.remove(0);
    let react =
        |emoji: Value| json!({ "conversation": conversation, "message": heard["id"], "emoji": emoji });
    let shown = manager.rpc("message.react", react("👍".into())).await.expect("it is shown");
    assert_eq!(shown["message"]["reactions"][0]["by"], "us");
    let call =
        tokio::time::timeout(Duration::from_secs(20), world.telegram.called("setMessageReaction")).await;
    assert_eq!(call.expect("a call").parameters["reaction"][0]["emoji"], "👍");
    assert_eq!(manager.rpc("message.react", react("no emoji".into())).await, Err(400));
    // The provider has no such reaction.
    manager.rpc("message.react", react("🥝".into())).await.expect("it is shown");
    let refused = manager.publication(|data| data["message"]["data"]["reaction_refused"].is_object()).await;
    assert_eq!(refused["message"]["data"]["reaction_refused"]["emoji"], "🥝");
    assert_eq!(refused["message"]["reactions"], json!([]));
    let (code, problem) = api
        .post(
            &format!("/api/v1/conversations/{conversation}/reaction"),
            &json!({ "message": heard["id"], "emoji": "🎉" }),
        )
        .await;
    assert_eq!(code, 200, "{problem}");
    assert_eq!(problem["message"]["data"]["reaction_refused"], Value::Null);
    manager.close().await;
    world.finish().await;
});

on_both!(whatsapp_has_the_reactions_of_people, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let id = world.waha.customer_says(SESSION, "12025550178@c.us", "Here it is");
    let event = manager.event("message.created").await;
    let (conversation, message) = (event["conversation"]["id"].clone(), event["message"]["id"].clone());
    for emoji in [json!("👍"), json!("❤"), Value::Null] {
        let react = json!({ "conversation": conversation, "message": message, "emoji": emoji });
        let shown = manager.rpc("message.react", react).await.expect("it is shown");
        assert_eq!(
            shown["message"]["reactions"].as_array().map(Vec::len),
            Some(usize::from(!emoji.is_null()))
        );
        let wanted = emoji.as_str().unwrap_or_default();
        let is_told = |call: &waha::Call| {
            call.path == "/api/reaction"
                && call.body["reaction"] == wanted
                && call.body["messageId"] == id.as_str()
        };
        world.waha.call(is_told).await;
    }
    // The engine tells its webhooks of each: nothing comes back by them.
    world.waha.idle().await;
    let api = world.api("agent@example.com").await;
    let messages = api.messages(conversation.as_str().expect("an id")).await;
    assert_eq!((&messages[0]["reactions"], messages.len()), (&json!([]), 1), "{messages:?}");
    manager.close().await;
    world.finish().await;
});

on_both!(buttons_leave_and_what_a_provider_has_not_is_refused, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let conversation = conversation(&world, &mut manager).await;
    let ask = |id: &str, more: Value| {
        let mut body = json!({ "conversation": conversation, "client_id": id, "text": "Which size?" });
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        body
    };
    let buttons = json!({ "buttons": [{ "id": "m", "title": "M" }, { "id": "l", "title": "L" }] });
    let sent = manager.rpc("message.send", ask("1", buttons)).await.expect("it is queued");
    assert_eq!(sent["message"]["data"]["buttons"][1]["title"], "L");
    world.telegram.sent_reaches(1).await;
    let calls = world.telegram.calls();
    let call = calls.iter().find(|call| call.method == "sendMessage").expect("a call");
    assert_eq!(call.parameters["reply_markup"]["inline_keyboard"][0][0]["callback_data"], "m");
    let refused = [
        json!({ "template": { "name": "ready", "language": "en" } }),
        json!({ "text": null, "template": { "name": "ready", "language": "en" } }),
        json!({ "human_agent": true }),
        json!({ "buttons": [{ "id": "x".repeat(65), "title": "M" }] }),
    ];
    for more in refused {
        assert_eq!(manager.rpc("message.send", ask("2", more.clone())).await, Err(400), "{more}");
    }
    manager.close().await;
    world.finish().await;
});

/// Writes how far the parts of a message are, as if the provider had answered.
struct Answered {
    parts: Vec<Delivery>,
}

impl Verb for Answered {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        for part in &self.parts {
            deliveries::update(tx, part).await?;
        }
        Ok(())
    }
}

on_both!(a_text_beside_a_picture_is_two_parts_of_one_message, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let settings = [("app_id", "555000111222333"), ("app_secret", "made-up"), ("verify_token", "made-up")];
    let app = CreateApp {
        vault: Arc::clone(&world.app.vault),
        family: "meta".into(),
        name: "Shop app".into(),
        state: ProviderAppState::Approved,
        assigned_to: None,
        settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    };
    world.app.store.write(app).await.expect("an app");
    let credentials = [("account_id", "17841400000000001"), ("access_token", "made-up")];
    let create = CreateChannel {
        scope: world.scope(),
        vault: Arc::clone(&world.app.vault),
        company: world.bot.company,
        kind: "instagram".into(),
        name: "Instagram".into(),
        credentials: credentials
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        settings: quick(),
    };
    let channel = world.app.store.write(create).await.expect("a channel").value;
    // Nothing leaves: what the provider would answer is written by the test.
    let verb = Hold { tenant: world.tenant, channel: channel.id, on: true };
    world.app.store.write(verb).await.expect("held");
    tell(&world, &channel, vec![said("m-0", "which size is that?")]).await;
    let event = manager.publication(|data| data["message"]["text"] == "which size is that?").await;
    let conversation = event["conversation"]["id"].as_str().expect("an id").to_owned();
    let send = json!({ "conversation": conversation, "client_id": "1", "text": "This is size M",
        "attachments": [{ "kind": "image", "url": "https://cdn.example.com/size-m.jpg" }] });
    let message = manager.rpc("message.send", send).await.expect("it is queued")["message"].clone();
    let mut both = parts(&world, &message).await;
    assert!(
        both.len() == 2
            && both[0].payload.contains("size-m.jpg")
            && both[1].payload.contains("This is size M")
    );
    for (part, key) in both.iter_mut().zip(["m-1", "m-2"]) {
        part.state = MessageStatus::Sent;
        (part.external_key, part.external_id) = (Some(key.to_owned()), Some(key.to_owned()));
    }
    world.app.store.write(Answered { parts: both.clone() }).await.expect("answered");
    // Both echoes, in whatever order, are the one message's.
    let echo = |key: &str, text: &str| {
        Event::Message(Box::new(NewMessage { author: Author::Us, ..crate::sending::message(key, text) }))
    };
    tell(&world, &channel, vec![echo("m-2", "This is size M"), echo("m-1", "")]).await;
    tell(&world, &channel, vec![receipt("m-2", Status::Read, None)]).await;
    status(&mut manager, &message, "read").await;
    let api = world.api("agent@example.com").await;
    let all = api.messages(&conversation).await;
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(event["conversation"]["owner"], "ai");

    // The first part leaves and the second is refused.
    let send = json!({ "conversation": conversation, "client_id": "2", "text": "And this is L",
        "attachments": [{ "kind": "image", "url": "https://cdn.example.com/size-l.jpg" }] });
    let message = manager.rpc("message.send", send).await.expect("it is queued")["message"].clone();
    let mut both = parts(&world, &message).await;
    for (part, key) in both.iter_mut().zip(["m-3", "m-4"]) {
        part.state = MessageStatus::Sent;
        (part.external_key, part.external_id) = (Some(key.to_owned()), Some(key.to_owned()));
    }
    world.app.store.write(Answered { parts: both }).await.expect("answered");
    tell(&world, &channel, vec![receipt("m-4", Status::Failed, None)]).await;
    let failed = status(&mut manager, &message, "failed").await;
    assert_eq!(failed["error"]["code"], "partly_sent:provider_failed");
    assert!(failed["error"]["reason"].as_str().is_some_and(|reason| reason.starts_with("1 of 2 parts")));
    let again = json!({ "conversation": conversation, "message": message["id"] });
    manager.rpc("message.try_again", again).await.expect("it is queued");
    let states: Vec<_> = parts(&world, &message).await.iter().map(|part| part.state).collect();
    assert_eq!(states, [MessageStatus::Sent, MessageStatus::Queued], "only the refused part");
    manager.close().await;
    world.finish().await;
});
