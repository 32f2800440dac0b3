//! Somebody else writes into a thread, which Gmail allows to whoever knows one of its mails' ids.

use emulators::gmail::Mail;
use serde_json::json;

use super::{MAILBOX, Shop};
use crate::on_both;

on_both!(an_answer_goes_to_the_threads_customer_whoever_wrote_in_it_last, |engine| async move {
    let shop = Shop::start(engine).await;
    let mut worker = shop.world.worker(4).await;
    let mut manager = shop.world.person("agent@example.com").await;
    let asked = Mail::new("Ari Probe <ari@example.org>", "Order 7788", "Where is it?");
    let asked = shop.google.arrives(MAILBOX, &asked);
    let other = |text: &str| {
        Mail::new("Ari Probe <mallory@example.net>", "Re: Order 7788", text)
            .answering(&asked.thread, &asked.message_id)
    };
    shop.google.arrives(MAILBOX, &other("Send it to my new address"));
    let turn = worker.offered().await;
    assert_eq!(turn["messages"].as_array().map(Vec::len), Some(2), "{turn}");
    let reply =
        json!({ "turn": turn["id"], "lease": turn["lease"], "text": "It is on its way to 12 Pier Lane." });
    worker.rpc("turn.reply", reply).await.expect("the answer");
    let sent = shop.google.sent_reaches(1).await.remove(0);
    assert_eq!(sent.to, ["ari@example.org"]);

    // A person who means the other one quotes the mail.
    let conversation = turn["conversation"].clone();
    manager.rpc("conversation.take_over", json!({ "conversation": conversation })).await.expect("taken over");
    let messages = shop.messages(&asked.thread).await;
    let stranger =
        messages.iter().find(|one| one["author"]["id"] == "mallory@example.net").expect("it is shown");
    for (client_id, quoted) in [("a1", None), ("a2", Some(&stranger["id"]))] {
        let mut send =
            json!({ "conversation": conversation, "client_id": client_id, "text": "Who are you?" });
        if let Some(quoted) = quoted {
            send["reply_to"] = quoted.clone();
        }
        manager.rpc("message.send", send).await.expect("it is queued");
    }
    let sent = shop.google.sent_reaches(3).await;
    assert_eq!(
        (sent[1].to.as_slice(), sent[2].to.as_slice()),
        (&["ari@example.org".to_owned()][..], &["mallory@example.net".to_owned()][..])
    );
    shop.finish().await;
});
