//! The window in which a provider takes answers, over people, machines, HTTP, the socket, retries and queues.

use emulators::meta::EmulatorConfig;
use hubbub::model::ChannelSettings;
use serde_json::{Value, json};

use super::{Ahead, conversation};
use crate::kit::meta::{LINKED, Line, MetaWorld, NUMBER, PAGE, WABA};
use crate::kit::quick;
use crate::on_both;
use crate::sending::Hold;

const HOUR: i64 = 3_600_000;

/// Accounts whose AI answers however late a message comes.
async fn lines(all: &MetaWorld) -> [Line; 3] {
    let settings = ChannelSettings { backlog_ms: 0, ..quick() };
    let number = all.meta.number_token(NUMBER);
    let number = [("phone_number_id", NUMBER), ("waba_id", WABA), ("access_token", number.as_str())];
    let page = all.meta.page_token(PAGE);
    let messenger = [("page_id", PAGE), ("access_token", page.as_str())];
    let linked =
        [("account_id", LINKED), ("login", "page"), ("page_id", PAGE), ("access_token", page.as_str())];
    let [a, b, c] = [settings.clone(), settings.clone(), settings];
    [
        Line {
            account: NUMBER,
            person: "12025550143",
            channel: all.connect_with("whatsapp-cloud", &number, a).await,
        },
        Line {
            account: PAGE,
            person: "7300000000000041",
            channel: all.connect_with("messenger", &messenger, b).await,
        },
        Line {
            account: LINKED,
            person: "9300000000000042",
            channel: all.connect_with("instagram", &linked, c).await,
        },
    ]
}

fn refused(answer: &(u16, Value)) {
    assert_eq!((answer.0, &answer.1["code"]), (409, &json!("window_closed")), "{answer:?}");
    let said = answer.1["detail"].as_str().expect("words");
    assert!(said.contains("24 hours"), "{said}");
}

on_both!(nothing_leaves_after_the_window, |engine| async move {
    let (clock, ahead) = Ahead::new();
    let all = MetaWorld::at(engine, EmulatorConfig::default(), clock).await;
    for line in lines(&all).await {
        let (kind, has_person) = (line.channel.kind.as_str(), line.channel.kind != "whatsapp-cloud");
        // Written now, heard with an hour of the window left.
        ahead.hours(23);
        let mut manager = all.world.person("agent@example.com").await;
        let mut worker = all.world.worker(1).await;
        let chat = all.conversation(&line, &mut manager).await;
        let id = chat.as_str().expect("an id").to_owned();
        let path = format!("/api/v1/conversations/{id}");
        let turn = worker.offered().await;
        let api = all.world.api("agent@example.com").await;
        let shown = conversation(&api, &chat, |_| true).await;
        let until = shown["can_send_until"].as_i64().expect("a window");
        let left = until - hubbub::clock::Clock::System.now_ms();
        assert!((24 * HOUR - 60_000..=24 * HOUR).contains(&left), "{kind}: {left}");
        let person_until = shown["person_can_send_until"].as_i64();
        assert_eq!(person_until, has_person.then_some(until + 6 * 24 * HOUR), "{kind}");

        // The answer comes too late: nothing leaves, and people get the conversation.
        ahead.hours(25);
        let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "A late answer" });
        worker.rpc("turn.reply", reply).await.expect("it is taken");
        let api = all.world.api("agent@example.com").await;
        conversation(&api, &chat, |shown| shown["handoff_reason"] == "window_closed").await;
        assert!(all.sent(&line).is_empty(), "{kind}");

        // In time, and then held up by the provider until it is too late.
        ahead.hours(23);
        let api = all.world.api("agent@example.com").await;
        let (status, sent) =
            api.post(&format!("{path}/messages"), &json!({ "client_id": "a", "text": "In time" })).await;
        assert_eq!(status, 201, "{sent}");
        all.sent_reaches(&line, 1).await;
        let hold = |on| Hold { tenant: all.world.tenant, channel: line.channel.id, on };
        all.world.app.store.write(hold(true)).await.expect("it is held");
        let queued = json!({ "client_id": "b", "text": "Held up" });
        let (status, held) = api.post(&format!("{path}/messages"), &queued).await;
        assert_eq!(status, 201, "{held}");
        ahead.hours(25);
        all.world.app.store.write(hold(false)).await.expect("it goes on");
        let api = all.world.api("agent@example.com").await;
        let begin = std::time::Instant::now();
        let failed = loop {
            let messages = api.messages(&id).await;
            let held = messages.iter().find(|one| one["client_id"] == "b").expect("it is there").clone();
            if held["status"] == "failed" {
                break held;
            }
            assert!(begin.elapsed() < crate::kit::PATIENCE, "{held}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        };
        assert_eq!(failed["error"]["code"], "window_closed");
        assert_eq!(all.sent(&line).len(), 1, "{kind}");

        // By HTTP, by the socket, again, and as a reaction.
        refused(&api.post(&format!("{path}/messages"), &json!({ "client_id": "c", "text": "Late" })).await);
        let mut manager = all.world.person("agent@example.com").await;
        let send = json!({ "conversation": chat, "client_id": "d", "text": "Late" });
        manager.rpc("message.send", send).await.expect_err("it is refused");
        let again = json!({ "message": failed["id"], "even_unknown": false });
        refused(&api.post(&format!("{path}/try-again"), &again).await);
        let first = api.messages(&id).await[0].clone();
        let react = json!({ "message": first["id"], "emoji": "👍" });
        refused(&api.post(&format!("{path}/reaction"), &react).await);

        // What is taken all the same.
        if has_person {
            let as_person = json!({ "client_id": "e", "text": "By hand", "human_agent": true });
            let (status, sent) = api.post(&format!("{path}/messages"), &as_person).await;
            assert_eq!(status, 201, "{sent}");
            let sent = all.sent_reaches(&line, 2).await;
            assert_eq!(sent[1].tag.as_deref(), Some("HUMAN_AGENT"));
            ahead.hours(24 * 7 + 1);
            let api = all.world.api("agent@example.com").await;
            let as_person = json!({ "client_id": "f", "text": "By hand", "human_agent": true });
            refused(&api.post(&format!("{path}/messages"), &as_person).await);
        }

        // A turn that is due outside of the window goes to people.
        ahead.hours(25);
        let api = all.world.api("agent@example.com").await;
        let (status, _) = api.post(&format!("{path}/hand-back"), &json!({})).await;
        assert_eq!(status, 200);
        all.meta.customer_says(line.account, line.person, "Are you there?");
        let handed = |shown: &Value| shown["handoff_reason"] == "window_closed" && shown["owner"] == "nobody";
        conversation(&api, &chat, handed).await;
        worker.close().await;
        ahead.hours(0);
    }
    all.finish().await;
});
