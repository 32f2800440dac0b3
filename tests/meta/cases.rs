//! Troubles with Meta's services that users of such products reported: `tests/cases/providers/{whatsapp,messenger,instagram}-*.json`.

use hubbub::store::Engine;
use serde_json::{Value, json};

use super::stage::{Case, Stage};
use crate::kit::meta::{INSTAGRAM, NUMBER, PAGE};
use crate::on_both;

/// The words of a customer's message, or of one that is to be sent.
fn text(message: &Value) -> &str {
    message["text"].as_str().or_else(|| message["text"]["body"].as_str()).unwrap_or_default()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The texts of what was sent to a customer, in order.
fn texts(stage: &Stage, chat: &str) -> Vec<String> {
    stage.sent(chat).into_iter().filter_map(|sent| sent.text).collect()
}

async fn is_well(stage: &Stage) {
    let health = stage.health().await;
    assert_eq!((&health["state"], &health["action"]), (&json!("connected"), &Value::Null), "{health}");
}

on_both!(a_recipient_without_a_phone, |engine| async move {
    let case = Case::read("whatsapp-recipient-without-phone");
    let stage = Stage::start(engine, NUMBER).await;
    stage.run(&case).await;
    let send = case.of_kind("send").next().expect("a send");
    let (chat, words) = (word(&send["to"]), text(send));
    let lost = &case.given_ids()[0];
    let calls = stage.sends(chat);
    assert_eq!(calls.len(), 1, "{calls:#?}");
    assert_eq!((&calls[0].body["recipient"], calls[0].body.get("to")), (&send["to"], None));
    let message = stage.is(chat, words, "delivered").await;
    assert!(!message.to_string().contains(lost.as_str()));
    assert_eq!(texts(&stage, chat), [words]);
    stage.finish().await;
});

on_both!(a_failed_message_is_tried_again_by_a_person, |engine| async move {
    let case = Case::read("whatsapp-try-again-after-failed");
    let stage = Stage::start(engine, NUMBER).await;
    let again = case.steps.iter().position(|step| step.get("try_again").is_some()).expect("the button");
    let (before, after) = case.steps.split_at(again);
    let of = |steps: &[Value]| Case { provider: case.provider.clone(), steps: steps.to_vec() };
    stage.all.meta.receipts(emulators::meta::Receipts::None);
    stage.run(&of(before)).await;
    let send = case.of_kind("send").next().expect("a send");
    let (chat, words) = (word(&send["to"]), text(send));
    let told = &case.bodies()[1]["entry"][0]["changes"][0]["value"]["statuses"][0]["errors"][0];
    let failed = stage.is(chat, words, "failed").await;
    let reason = word(&failed["error"]["reason"]);
    assert!(reason.contains(&told["code"].to_string()), "{failed}");
    assert!(reason.contains(word(&told["error_data"]["details"])), "{failed}");
    assert_eq!(stage.sends(chat).len(), 1, "it is not tried again by itself");
    stage.run(&of(after)).await;
    stage.is(chat, words, "delivered").await;
    let calls = stage.sends(chat);
    assert_eq!(calls.len(), 2, "it left once more: {calls:#?}");
    assert_eq!(calls[0].body["document"], calls[1].body["document"]);
    assert_eq!(stage.messages(chat).await.iter().filter(|one| one["direction"] == "out").count(), 1);
    stage.finish().await;
});

on_both!(a_file_in_two_steps, |engine| async move {
    let case = Case::read("whatsapp-media-in-two-steps");
    let stage = Stage::start(engine, NUMBER).await;
    stage.run(&case).await;
    let (chat, told) = case.messages()[0].clone();
    assert_eq!(stage.messages(&chat).await[0]["kind"], "image", "it is there whatever becomes of the file");
    stage
        .until("the file", async |stage| stage.messages(&chat).await[0]["attachments"][0]["state"] == "ready")
        .await;
    let wanted = case.of_kind("answer").find_map(|answer| answer["bytes"].as_str()).expect("its bytes");
    let file = stage.messages(&chat).await[0]["attachments"][0].clone();
    assert_eq!(stage.file(&file).await, wanted.as_bytes());
    let id = word(&told["image"]["id"]);
    let calls = stage.all.meta.calls();
    let asked = calls.iter().filter(|call| call.method == "GET" && call.path.ends_with(id)).count();
    let fetched: Vec<_> = calls.iter().filter(|call| call.path.contains("attachments")).collect();
    assert_eq!((asked, fetched.len()), (2, 2), "a new address for the second try: {fetched:#?}");
    assert_ne!(fetched[0].query, fetched[1].query);
    stage.finish().await;
});

async fn a_person_who_cannot_be_reached_at(engine: Engine, account: &'static str) {
    let case = Case::moved("messenger-person-unreachable", account);
    let stage = Stage::start(engine, account).await;
    stage.run(&case).await;
    let send = case.of_kind("send").next().expect("a send");
    let (chat, words) = (word(&send["to"]), text(send));
    let failed = stage.is(chat, words, "failed").await;
    assert_eq!(failed["error"]["code"], "person_unreachable", "{failed}");
    let (other, _) = &case.messages()[1];
    stage.until("the answer", async |stage| stage.sent(other).len() == 1).await;
    assert_eq!(stage.sends(chat).len(), 1, "one call");
    is_well(&stage).await;
    stage.finish().await;
}

on_both!(a_person_who_cannot_be_reached, |engine| a_person_who_cannot_be_reached_at(engine, PAGE));

async fn a_text_waits_for_the_picture_before_it_at(engine: Engine, account: &'static str) {
    let case = Case::moved("messenger-picture-then-text", account);
    let stage = Stage::start(engine, account).await;
    stage.run(&case).await;
    let sends: Vec<_> = case.of_kind("send").collect();
    let chat = word(&sends[0]["to"]);
    stage.until("three calls", async |stage| stage.sends(chat).len() == 3).await;
    let calls = stage.sends(chat);
    assert!(calls[0].body["message"]["attachment"].is_object(), "{calls:#?}");
    let hang = case.of_kind("answer").find_map(|answer| answer["hang_ms"].as_i64()).expect("a pause");
    assert!(calls[1].at_ms - calls[0].at_ms >= hang, "the text waits for the answer: {calls:#?}");
    for (call, send) in calls[1..].iter().zip(&sends[1..]) {
        assert_eq!(call.body["message"]["text"], send["text"]);
    }
    for send in &sends[1..] {
        stage.arrives(chat, text(send)).await;
    }
    stage.finish().await;
}

on_both!(a_text_waits_for_the_picture_before_it, |engine| a_text_waits_for_the_picture_before_it_at(
    engine, PAGE
));

async fn a_window_that_is_closed_at(engine: Engine, account: &'static str) {
    let case = Case::moved("messenger-window-closed", account);
    let stage = Stage::start(engine, account).await;
    stage.run(&case).await;
    let sends: Vec<_> = case.of_kind("send").collect();
    let chat = word(&sends[0]["to"]);
    let late = stage.is(chat, text(sends[0]), "failed").await;
    assert_eq!(late["error"]["code"], "window_closed", "{late}");
    stage.arrives(chat, text(sends[1])).await;
    let calls = stage.sends(chat);
    let told: Vec<_> = calls.iter().map(|call| text(&call.body["message"])).collect();
    assert_eq!(told, [text(sends[0]), text(sends[1])]);
    assert!(calls.iter().all(|call| call.body.get("tag").is_none()), "{calls:#?}");
    is_well(&stage).await;
    stage.finish().await;
}

on_both!(a_window_that_is_closed, |engine| a_window_that_is_closed_at(engine, PAGE));

async fn a_text_with_a_picture_is_two_calls_and_one_message_at(engine: Engine, account: &'static str) {
    let case = Case::moved("instagram-text-with-picture", account);
    let stage = Stage::start(engine, account).await;
    let begun = case.steps.iter().position(|step| step.get("send").is_some()).expect("a send");
    let (before, rest) = case.steps.split_at(begun + 2);
    let of = |steps: &[Value]| Case { provider: case.provider.clone(), steps: steps.to_vec() };
    stage.run(&of(before)).await;
    let send = case.of_kind("send").next().expect("a send");
    let (chat, words) = (word(&send["to"]), text(send));
    let owner = stage.listed(chat).await["owner"].clone();
    let calls = stage.sends(chat);
    assert_eq!(calls.len(), 2, "{calls:#?}");
    assert!(calls[0].body["message"]["attachment"].is_object(), "{calls:#?}");
    assert_eq!(text(&calls[1].body["message"]), words);
    stage.run(&of(rest)).await;
    stage.is(chat, words, "read").await;
    let shown = stage.messages(chat).await;
    assert_eq!(shown.len(), 2, "no echo is shown beside it: {shown:#?}");
    assert_eq!(stage.listed(chat).await["owner"], owner);
    stage.finish().await;
}

on_both!(a_text_with_a_picture_is_two_calls_and_one_message, |engine| {
    a_text_with_a_picture_is_two_calls_and_one_message_at(engine, INSTAGRAM)
});

async fn a_profile_that_is_refused_at(engine: Engine, account: &'static str) {
    let case = Case::moved("instagram-profile-refused", account);
    let stage = Stage::start(engine, account).await;
    stage.run(&case).await;
    let told = case.messages();
    let (first, second) = (&told[0].0, &told[1].0);
    stage.until("the answer", async |stage| stage.sent(second).len() == 1).await;
    let names = case.of_kind("answer").last().expect("a profile")["body"].clone();
    stage
        .until("the name", async |stage| stage.listed(first).await["contact"]["name"] == names["name"])
        .await;
    assert_eq!(stage.listed(first).await["contact"]["handle"], names["username"]);
    for (chat, message) in &told {
        assert_eq!(stage.message(chat, text(message)).await["text"], message["text"]);
    }
    let asked = |chat: &str| {
        let calls = stage.all.meta.calls();
        calls.iter().filter(|call| call.method == "GET" && call.path.ends_with(chat)).count()
    };
    assert_eq!((asked(first), asked(second)), (2, 1), "not again and again");
    assert!(stage.listed(second).await["contact"]["name"].is_null());
    is_well(&stage).await;
    stage.finish().await;
}

on_both!(a_profile_that_is_refused, |engine| a_profile_that_is_refused_at(engine, INSTAGRAM));

async fn a_story_that_is_gone_at(engine: Engine, account: &'static str) {
    let case = Case::moved("instagram-story-gone", account);
    let stage = Stage::start(engine, account).await;
    stage.run(&case).await;
    let told = case.messages();
    let chat = &told[0].0;
    let shown = stage.messages(chat).await;
    let (answer, mention) = (&shown[0], &shown[1]);
    assert_eq!((answer["text"].as_str(), &answer["attachments"]), (Some(text(told[0].1)), &json!([])));
    assert_eq!(answer["data"]["quoted"]["kind"], "story", "{answer}");
    assert_eq!(
        (&mention["data"]["story_mention"], &mention["attachments"][0]["state"]),
        (&json!(true), &json!("failed"))
    );
    assert!(
        mention["attachments"][0]["error"].as_str().is_some_and(|why| why.contains("no longer")),
        "{mention}"
    );
    let fetched = stage.all.meta.calls().iter().filter(|call| call.path.contains("ig_messaging_cdn")).count();
    assert_eq!(fetched, 1, "it is not asked for again");
    stage.until("the AI is asked", async |stage| stage.model.was_asked(text(told[0].1))).await;
    assert!(stage.model.was_asked("story"));
    assert!(stage.model.was_asked("cannot be seen"));
    stage.finish().await;
}

on_both!(a_story_that_is_gone, |engine| a_story_that_is_gone_at(engine, INSTAGRAM));
