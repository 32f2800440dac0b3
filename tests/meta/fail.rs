//! What is sent while the provider fails, refuses, or no longer takes the channel's access.

use std::time::Duration;

use emulators::meta::{Receipts, error};
use emulators::{Answer, Fail};
use hubbub::error::Error;
use hubbub::store::{Arg, Tx, Verb};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::kit::meta::{Line, MetaWorld, NUMBER, PAGE, send, status};
use crate::kit::{Api, Client};
use crate::on_both;

/// A refusal of the next message.
fn refusal(code: i64, subcode: Option<i64>) -> Answer {
    Answer { if_body: Value::Null, ..Answer::of("/messages", 400, error(code, subcode, "Refused")) }.times(1)
}

async fn shown(api: &Api, conversation: &Value) -> Vec<Value> {
    api.messages(conversation.as_str().expect("an id")).await
}

async fn begin(all: &MetaWorld, line: &Line) -> (Client, Value) {
    let mut manager = all.world.person("agent@example.com").await;
    let conversation = all.conversation(line, &mut manager).await;
    // The profile is asked for and told.
    all.meta.idle().await;
    (manager, conversation)
}

on_both!(a_send_whose_answer_is_lost_is_settled_by_what_the_provider_tells, |engine| async move {
    let all = MetaWorld::start(engine).await;
    let api = all.world.api("agent@example.com").await;
    for line in &all.all().await {
        let (mut manager, conversation) = begin(&all, line).await;
        let late = Answer::of("/messages", 500, error(2, None, "Service temporarily unavailable"));
        all.meta.answers(late.after_leaving(Duration::from_millis(600)).times(1));
        let message = send(&mut manager, &conversation, "Did it leave?").await;
        status(&mut manager, &message, "unknown").await;
        let settled = if line.channel.kind == "instagram" { "sent" } else { "delivered" };
        status(&mut manager, &message, settled).await;
        // It leaves, and no answer comes in time.
        all.meta.fail_next(1, Fail::Hang);
        let message = send(&mut manager, &conversation, "And this?").await;
        status(&mut manager, &message, settled).await;
        // The connection breaks, and nothing proves that it left.
        all.meta.fail_next(1, Fail::DropConnection);
        let message = send(&mut manager, &conversation, "Lost").await;
        status(&mut manager, &message, "unknown").await;
        let message = send(&mut manager, &conversation, "Here again").await;
        status(&mut manager, &message, settled).await;
        all.meta.idle().await;
        let texts: Vec<_> = all.sent(line).into_iter().filter_map(|sent| sent.text).collect();
        assert_eq!(texts, ["Did it leave?", "And this?", "Here again"]);
        assert_eq!(shown(&api, &conversation).await.len(), 5, "nothing is shown twice");
        manager.close().await;
    }
    all.finish().await;
});

on_both!(a_status_that_comes_before_the_answer_is_applied, |engine| async move {
    let all = MetaWorld::start(engine).await;
    for line in &all.all().await {
        let (mut manager, conversation) = begin(&all, line).await;
        all.meta.receipts(Receipts::Read);
        let early =
            Answer { hang_ms: Some(900), echo_first: true, ..Answer::of("/messages", 200, Value::Null) };
        all.meta.answers(Answer { status: None, ..early }.times(1));
        let message = send(&mut manager, &conversation, "Early").await;
        status(&mut manager, &message, "read").await;
        all.meta.idle().await;
        let api = all.world.api("agent@example.com").await;
        let messages = shown(&api, &conversation).await;
        assert_eq!((messages.len(), &messages[1]["status"]), (2, &json!("read")), "{messages:#?}");
        manager.close().await;
    }
    all.finish().await;
});

on_both!(what_is_read_while_its_send_call_is_open_is_shown_as_read, |engine| async move {
    let all = MetaWorld::start(engine).await;
    for line in &[all.messenger().await, all.instagram().await] {
        let (mut manager, conversation) = begin(&all, line).await;
        all.meta.receipts(Receipts::None);
        // Its echo comes long after the answer.
        let slow = Answer { hang_ms: Some(1_200), ..Answer::of("/messages", 200, Value::Null) };
        let slow = Answer { if_body: json!({ "sender_action": null }), ..slow };
        let slow = slow.after_leaving(Duration::from_secs(4));
        let id = if line.account == PAGE { "m_openCall0001" } else { "aWdfopenCall0001" };
        let told = json!({ "recipient_id": line.person, "message_id": id });
        all.meta.answers(Answer { body: told, ..slow }.times(1));
        let message = send(&mut manager, &conversation, "Quick reader").await;
        let sent = all.sent_reaches(line, 1).await;
        all.meta.customer_reads(&sent[0].id);
        let read = status(&mut manager, &message, "read").await;
        assert_eq!(read["text"], "Quick reader");
        all.meta.receipts(Receipts::Delivered);
        manager.close().await;
    }
    all.finish().await;
});

on_both!(haste_and_overload_are_tried_again_in_order, |engine| async move {
    let all = MetaWorld::start(engine).await;
    for line in &all.all().await {
        let (mut manager, conversation) = begin(&all, line).await;
        all.meta.fail_next(1, Fail::TooManyRequests { retry_after: 1 });
        for text in ["one", "two", "three"] {
            send(&mut manager, &conversation, text).await;
        }
        let sent = all.sent_reaches(line, 3).await;
        let texts: Vec<_> = sent.into_iter().filter_map(|sent| sent.text).collect();
        assert_eq!(texts, ["one", "two", "three"]);
        manager.close().await;
    }
    all.finish().await;
});

on_both!(a_closed_window_and_an_unreachable_person_are_the_messages_own_fate, |engine| async move {
    let all = MetaWorld::start(engine).await;
    let api = all.world.api("agent@example.com").await;
    for line in &all.all().await {
        let (mut manager, conversation) = begin(&all, line).await;
        let is_whatsapp = line.account == NUMBER;
        let closed = if is_whatsapp { refusal(131_047, None) } else { refusal(10, Some(2_018_278)) };
        all.meta.answers(closed);
        let message = send(&mut manager, &conversation, "Late answer").await;
        let failed = status(&mut manager, &message, "failed").await;
        assert_eq!(failed["error"]["code"], "window_closed", "{failed}");
        all.meta.customer_blocks(line.account, line.person, true);
        let message = send(&mut manager, &conversation, "Hello?").await;
        let failed = status(&mut manager, &message, "failed").await;
        assert_eq!(failed["error"]["code"], "person_unreachable", "{failed}");
        all.meta.customer_blocks(line.account, line.person, false);
        send(&mut manager, &conversation, "Now it goes").await;
        let reached = || all.sent(line).iter().any(|sent| sent.text.as_deref() == Some("Now it goes"));
        let until = async {
            while !reached() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(crate::kit::PATIENCE, until).await.expect("it goes on");
        if is_whatsapp {
            // WhatsApp accepts most of what it cannot deliver, and tells it later.
            let id = all.sent(line).last().expect("one").id.clone();
            all.meta.receipts(Receipts::None);
            let message = send(&mut manager, &conversation, "Too late").await;
            let sent = async {
                loop {
                    let last = all.sent(line).last().expect("one").id.clone();
                    if last != id {
                        return last;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            all.meta.fails(&sent.await, 131_047);
            let failed = status(&mut manager, &message, "failed").await;
            assert_eq!(failed["error"]["code"], "window_closed", "{failed}");
            all.meta.receipts(Receipts::Delivered);
        }
        let (code, channels) = api.get("/api/v1/channels").await;
        assert_eq!(code, 200, "{channels}");
        let all_channels = channels.as_array().or_else(|| channels["channels"].as_array()).expect("channels");
        let own = all_channels.iter().find(|one| one["id"] == line.channel.id.to_string().as_str());
        assert_eq!(own.expect("it")["health"]["state"], "connected", "{own:?}");
        manager.close().await;
    }
    all.finish().await;
});

on_both!(a_channel_whose_access_ended_holds_its_queue_until_it_is_connected_anew, |engine| async move {
    let all = MetaWorld::start(engine).await;
    let owner = all.world.api("owner@example.com").await;
    for line in &all.all().await {
        let (mut manager, conversation) = begin(&all, line).await;
        all.meta.answers(refusal(190, None));
        let first = send(&mut manager, &conversation, "First").await;
        let id = line.channel.id.to_string();
        let is_down = |data: &Value| {
            data["channel_state"]["id"] == id.as_str()
                && data["channel_state"]["health"]["state"] != "connected"
        };
        let told = manager.publication(is_down).await;
        assert!(
            told["channel_state"]["health"]["action"].is_string(),
            "somebody has to do something: {told}"
        );
        let second = send(&mut manager, &conversation, "Second").await;
        all.meta.idle().await;
        assert_eq!(all.sent(line).len(), 0, "the queue is held");
        let token = match line.channel.kind.as_str() {
            "whatsapp-cloud" => all.meta.number_token(line.account),
            "messenger" => all.meta.page_token(line.account),
            _ if line.account == crate::kit::meta::LINKED => all.meta.page_token(crate::kit::meta::PAGE),
            _ => all.meta.instagram_token(line.account),
        };
        let change = json!({ "credentials": { "access_token": token } });
        let (code, answer) = owner.patch(&format!("/api/v1/channels/{id}"), &change).await;
        assert_eq!(code, 200, "{answer}");
        all.connect_again(line.channel.id).await;
        status(&mut manager, &first, "sent").await;
        let sent = all.sent_reaches(line, 2).await;
        let texts: Vec<_> = sent.into_iter().filter_map(|sent| sent.text).collect();
        assert_eq!(texts, ["First", "Second"]);
        assert!(second["id"].is_string());
        manager.close().await;
    }
    all.finish().await;
});

on_both!(a_disconnected_channel_is_left_and_goes_on_when_it_is_connected_again, |engine| async move {
    let all = MetaWorld::start(engine).await;
    let owner = all.world.api("owner@example.com").await;
    for line in [all.whatsapp().await, all.messenger().await, all.instagram().await] {
        let (mut manager, conversation) = begin(&all, &line).await;
        let subscription = if line.account == NUMBER { crate::kit::meta::WABA } else { line.account };
        assert!(all.meta.subscribed(subscription).is_some());
        let id = line.channel.id.to_string();
        let path = format!("/api/v1/channels/{id}");
        assert_eq!(owner.post(&format!("{path}/disconnect"), &json!({})).await.0, 200);
        let gone = async {
            while all.meta.subscribed(subscription).is_some() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(crate::kit::PATIENCE, gone).await.expect("the subscription ends");
        let send_now = json!({ "conversation": conversation, "client_id": "d", "text": "Hello?" });
        assert_eq!(manager.rpc("message.send", send_now).await, Err(409));
        // New access is given while the job that left it may still run: it is not forgotten with the former one.
        let token = match line.channel.kind.as_str() {
            "whatsapp-cloud" => all.meta.number_token(line.account),
            "messenger" => all.meta.page_token(line.account),
            _ => all.meta.instagram_token(line.account),
        };
        let change = json!({ "credentials": { "access_token": token } });
        let (code, answer) = owner.patch(&path, &change).await;
        assert_eq!(code, 200, "{answer}");
        all.connect_again(line.channel.id).await;
        assert!(all.meta.subscribed(subscription).is_some());
        all.meta.customer_says(line.account, line.person, "Here again");
        let event = manager.publication(|data| data["message"]["text"] == "Here again").await;
        assert_eq!(event["conversation"]["id"], conversation, "the same conversation goes on");
        manager.close().await;
    }
    all.finish().await;
});

on_both!(the_subscription_of_a_page_ends_with_the_last_channel_that_has_it, |engine| async move {
    let all = MetaWorld::start(engine).await;
    let owner = all.world.api("owner@example.com").await;
    let (page, linked) = (all.messenger().await, all.linked().await);
    let end = async |line: &Line| {
        let path = format!("/api/v1/channels/{}/disconnect", line.channel.id);
        assert_eq!(owner.post(&path, &json!({})).await.0, 200);
    };
    let forgotten = async |line: &Line| {
        let until = async {
            while all.world.app.store.read(Waits(line.channel.id)).await.expect("it is read") {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(crate::kit::PATIENCE, until).await.expect("the job ends");
    };
    let mut manager = all.world.person("agent@example.com").await;
    for (first, other) in [(&page, &linked), (&linked, &page)] {
        end(first).await;
        forgotten(first).await;
        assert!(all.meta.subscribed(PAGE).is_some(), "{} is still connected", other.channel.kind);
        all.conversation(other, &mut manager).await;
        end(other).await;
        forgotten(other).await;
        assert!(all.meta.subscribed(PAGE).is_none(), "nobody is connected");
        for line in [&page, &linked] {
            let change = json!({ "credentials": { "access_token": all.meta.page_token(PAGE) } });
            let (code, answer) = owner.patch(&format!("/api/v1/channels/{}", line.channel.id), &change).await;
            assert_eq!(code, 200, "{answer}");
            all.connect_again(line.channel.id).await;
        }
    }
    manager.close().await;
    all.finish().await;
});

/// Whether a channel still has to be left at its provider.
struct Waits(Uuid);

impl Verb for Waits {
    type Out = bool;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let sql = "select count(*) from jobs where kind = 'disconnect_channel' and subject = $1";
        Ok(tx.one::<(i64,)>(sql, &[Arg::from(self.0)]).await?.is_some_and(|(count,)| count > 0))
    }
}
