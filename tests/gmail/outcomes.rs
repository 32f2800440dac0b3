//! What becomes of a mail that is sent: left or not, later, in another thread, and never with headers of somebody else.

use std::time::Duration;

use base64::Engine as _;
use emulators::gmail::Mail;
use emulators::{Answer, Fail};
use serde_json::{Value, json};

use super::{MAILBOX, Shop};
use crate::on_both;

/// A conversation in which a person answers.
async fn begun(shop: &Shop, from: &str, subject: &str) -> (String, String) {
    let arrived = shop.google.arrives(MAILBOX, &Mail::new(from, subject, "Where is it?"));
    shop.is_read().await;
    (arrived.thread, arrived.id)
}

async fn says(shop: &Shop, thread: &str, text: &str) {
    let id = shop.conversation(thread).await.expect("a conversation");
    let path = format!("/api/v1/conversations/{id}/messages");
    let (status, said) = shop.api.post(&path, &json!({ "client_id": text, "text": text })).await;
    assert_eq!(status, 201, "{said}");
}

/// Waits for the state of the message with this text.
async fn becomes(shop: &Shop, thread: &str, text: &str, state: &str) -> Value {
    let find = async |shop: &Shop| {
        let messages = shop.messages(thread).await;
        messages.into_iter().find(|one| one["text"] == text).unwrap_or_default()
    };
    shop.until(state, async |shop| find(shop).await["status"] == state).await;
    find(shop).await
}

fn rate(status: u16, reason: &str) -> Answer {
    let error = json!({ "code": status, "message": "later", "errors": [{ "domain": "usageLimits", "reason": reason }] });
    Answer::of("/messages/send", status, json!({ "error": error })).times(1)
}

on_both!(what_left_before_an_error_is_found_in_the_history_and_not_sent_again, |engine| async move {
    let shop = Shop::start(engine).await;
    let (thread, _) = begun(&shop, "ari@example.org", "Order").await;
    let answer = Answer::of("/messages/send", 500, Value::Null).after_leaving(Duration::from_millis(700));
    shop.google.answers(answer.times(1));
    says(&shop, &thread, "It left").await;
    becomes(&shop, &thread, "It left", "sent").await;
    shop.google.fail_next(1, Fail::Hang);
    says(&shop, &thread, "It left too").await;
    becomes(&shop, &thread, "It left too", "sent").await;
    shop.is_read().await;
    assert_eq!(shop.google.sent().len(), 2, "each once");
    assert_eq!(shop.messages(&thread).await.len(), 3, "and shown once");
    assert_eq!(shop.health().await["state"], "connected");
    shop.finish().await;
});

on_both!(what_is_too_fast_goes_later, |engine| async move {
    let shop = Shop::start(engine).await;
    let (thread, _) = begun(&shop, "ari@example.org", "Order").await;
    for (at, (status, reason)) in
        [(429, "rateLimitExceeded"), (403, "userRateLimitExceeded")].iter().enumerate()
    {
        shop.google.answers(rate(*status, reason));
        says(&shop, &thread, reason).await;
        shop.google.sent_reaches(at + 1).await;
        becomes(&shop, &thread, reason, "sent").await;
    }
    // Nothing more today: it waits, and the channel is no broken one.
    shop.google.answers(rate(403, "dailyLimitExceeded"));
    says(&shop, &thread, "tomorrow").await;
    shop.until("the refusal", async |shop| shop.calls("/messages/send").len() >= 5).await;
    let waits =
        shop.messages(&thread).await.into_iter().find(|one| one["text"] == "tomorrow").expect("it is there");
    assert!(!matches!(waits["status"].as_str(), Some("sent" | "failed")), "{waits}");
    assert_ne!(shop.health().await["state"], "needs_attention");
    assert_eq!(shop.google.sent().len(), 2);
    shop.finish().await;
});

on_both!(an_answer_into_a_thread_that_was_deleted_arrives_all_the_same, |engine| async move {
    let shop = Shop::start(engine).await;
    let (thread, id) = begun(&shop, "ari@example.org", "Order").await;
    assert!(shop.google.owner_deletes(MAILBOX, &id));
    says(&shop, &thread, "Here I am").await;
    let sent = shop.google.sent_reaches(1).await;
    assert_eq!(sent[0].to, ["ari@example.org"]);
    assert!(sent[0].header("In-Reply-To").is_some(), "{:?}", sent[0].headers);
    becomes(&shop, &thread, "Here I am", "sent").await;
    shop.is_read().await;
    assert_eq!(shop.messages(&thread).await.len(), 2);
    shop.finish().await;
});

on_both!(nobody_writes_headers_of_our_mails, |engine| async move {
    let shop = Shop::start(engine).await;
    let word = |text: &str| format!("=?UTF-8?B?{}?=", base64::prelude::BASE64_STANDARD.encode(text));
    let subject = word("Order\r\nBcc: spy@example.net\r\nX-Spy: 1");
    let from = format!("{} <ari@example.org>", word("Ari\r\nBcc: spy@example.net\r\n\r\nbody"));
    let (thread, _) = begun(&shop, &from, &subject).await;
    says(&shop, &thread, "Here I am").await;
    let sent = shop.google.sent_reaches(1).await.remove(0);
    assert_eq!(
        (sent.to.as_slice(), sent.header("Bcc"), sent.header("X-Spy")),
        (&["ari@example.org".to_owned()][..], None, None)
    );
    assert_eq!(sent.text.as_deref().map(str::trim), Some("Here I am"));
    shop.finish().await;
});
