//! The life of a mail conversation: by push, in one turn, answered in its thread by the AI and by people.

use axum::Router;
use axum::routing::get;
use emulators::gmail::{EmulatorConfig, Mail};
use hubbub::model::ChannelSettings;
use serde_json::{Value, json};

use super::{MAILBOX, Shop, settings};
use crate::kit::Client;
use crate::on_both;

/// The AI answers a turn.
async fn answer(worker: &mut Client, turn: &Value, text: &str) {
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": text });
    worker.rpc("turn.reply", reply).await.expect("the answer");
}

async fn hosted(bytes: &'static str) -> String {
    let router = Router::new().route("/preis.txt", get(move || async move { bytes }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/preis.txt", listener.local_addr().expect("its address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

on_both!(a_burst_of_mails_is_one_turn_and_is_answered_in_its_thread, |engine| async move {
    let shop = Shop::start(engine).await;
    let mut manager = shop.world.person("agent@example.com").await;
    let mut worker = shop.world.worker(4).await;
    let mail = |text: &str| {
        Mail::new("Ari Probe <ari@example.org>", "Order 7788", text)
            .header("Reply-To", "ari.home@example.org")
    };
    let first = mail("Where is it?").file("bill.pdf", "BILL").file("photo.png", "PHOTO");
    let first = shop.google.arrives(MAILBOX, &first);
    let second = mail("").html_only("<p>It is <b>late</b></p>").answering(&first.thread, &first.message_id);
    let second = shop.google.arrives(MAILBOX, &second);
    let third = shop.google.arrives(MAILBOX, &mail("Hello?").answering(&first.thread, &second.message_id));
    let turn = worker.offered().await;
    let texts: Vec<_> =
        turn["messages"].as_array().expect("messages").iter().map(|one| &one["text"]).collect();
    assert_eq!(texts.len(), 3, "one turn: {texts:?}");
    assert!(texts[0].as_str().is_some_and(|text| text.contains("Where is it?")), "{texts:?}");
    assert!(texts[1].as_str().is_some_and(|text| text.contains("It is late")), "{texts:?}");
    shop.until("files", async |shop| {
        let messages = shop.messages(&first.thread).await;
        let files = messages[0]["attachments"].as_array().cloned().unwrap_or_default();
        files.len() == 2 && files.iter().all(|file| file["state"] == "ready")
    })
    .await;
    let files = shop.messages(&first.thread).await[0]["attachments"].clone();
    assert_eq!((shop.file(&files[0]).await, shop.file(&files[1]).await), (b"BILL".into(), b"PHOTO".into()));

    answer(&mut worker, &turn, "It is on its way.").await;
    let sent = shop.google.sent_reaches(1).await.remove(0);
    assert_eq!(
        (sent.subject.as_str(), sent.to.as_slice()),
        ("Re: Order 7788", &["ari.home@example.org".to_owned()][..])
    );
    assert_eq!((sent.thread.as_str(), sent.stayed_in_thread), (first.thread.as_str(), true));
    assert_eq!(sent.header("In-Reply-To"), Some(third.message_id.as_str()));
    assert!(
        sent.header("References").is_some_and(|all| all.ends_with(&third.message_id)),
        "{:?}",
        sent.headers
    );
    assert_eq!(sent.header("Auto-Submitted"), Some("auto-replied"));

    // A person answers with a file.
    let conversation = turn["conversation"].clone();
    let url = hosted("35 EUR").await;
    let file = json!({ "kind": "document", "url": url, "name": "Preis für Ähren.txt", "mime": "text/plain" });
    let send = json!({ "conversation": conversation, "client_id": "a1", "text": "The price", "attachments": [file] });
    manager.rpc("conversation.take_over", json!({ "conversation": conversation })).await.expect("taken over");
    manager.rpc("message.send", send).await.expect("it is queued");
    let sent = shop.google.sent_reaches(2).await.remove(1);
    assert_eq!((sent.files.len(), sent.header("Auto-Submitted")), (1, None), "{:?}", sent.headers);
    assert_eq!(
        (sent.files[0].name.as_str(), sent.files[0].bytes.as_slice()),
        ("Preis für Ähren.txt", &b"35 EUR"[..])
    );
    assert_eq!(sent.thread, first.thread);

    // What we sent comes back by the history, and is known.
    let fourth = shop.google.arrives(MAILBOX, &mail("Thanks").answering(&first.thread, &sent.message_id));
    assert_eq!(fourth.thread, first.thread);
    let messages = shop.holds(&first.thread, 6).await;
    shop.is_read().await;
    let messages = if messages.len() == 6 { shop.messages(&first.thread).await } else { messages };
    let kinds: Vec<_> =
        messages.iter().map(|one| one["author"]["kind"].as_str().unwrap_or_default()).collect();
    assert_eq!(kinds, ["customer", "customer", "customer", "responder", "manager", "customer"]);
    assert!(messages[3]["status"] == "sent" && messages[4]["status"] == "sent", "{messages:?}");
    shop.finish().await;
});

on_both!(what_the_owner_writes_in_gmail_itself_silences_the_ai, |engine| async move {
    let shop = Shop::start(engine).await;
    let mut worker = shop.world.worker(4).await;
    let arrived = shop.google.arrives(MAILBOX, &Mail::new("ari@example.org", "Order", "Where is it?"));
    let turn = worker.offered().await;
    shop.google.owner_answers(MAILBOX, &arrived.thread, "I look myself").expect("there is one to answer");
    let withdrawn = worker.publication(|data| data["type"] == "turn.withdrawn").await;
    assert_eq!(withdrawn["turn"], turn["id"]);
    let messages = shop.holds(&arrived.thread, 2).await;
    assert_eq!(messages[1]["direction"], "out", "{messages:?}");
    let listed = shop.api.inbox().await;
    let listed = listed.iter().find(|one| one["id"] == turn["conversation"]).expect("it is listed");
    assert_eq!(listed["owner"], "human", "{listed}");
    assert!(shop.google.sent().is_empty());
    shop.finish().await;
});

on_both!(a_mail_that_comes_back_is_marked_as_failed_with_the_servers_words, |engine| async move {
    let shop = Shop::start(engine).await;
    let mut worker = shop.world.worker(4).await;
    let arrived = shop.google.arrives(MAILBOX, &Mail::new("ari@example.org", "Order", "Where is it?"));
    let turn = worker.offered().await;
    answer(&mut worker, &turn, "On its way").await;
    let sent = shop.google.sent_reaches(1).await.remove(0);
    shop.is_read().await;
    shop.google.bounces(&sent);
    shop.until("the failure", async |shop| shop.messages(&arrived.thread).await[1]["status"] == "failed")
        .await;
    let failed = shop.messages(&arrived.thread).await[1].clone();
    assert!(
        failed["error"]["reason"].as_str().is_some_and(|words| words.contains("wasn't delivered")),
        "{failed}"
    );
    shop.is_read().await;
    assert_eq!(shop.google.sent().len(), 1, "a report is not answered");
    assert_ne!(shop.health().await["state"], "down");
    shop.finish().await;
});

on_both!(an_address_that_answers_every_answer_gets_only_a_few, |engine| async move {
    let settings = ChannelSettings { quiet_ms: 100, answers_per_hour: 2, ..settings() };
    let shop = Shop::with(engine, settings, EmulatorConfig::default()).await;
    let mut worker = shop.world.worker(4).await;
    let mail = |text: &str| Mail::new("ari@example.org", "Order", text);
    let mut last = shop.google.arrives(MAILBOX, &mail("0"));
    let thread = last.thread.clone();
    for round in 1..=2 {
        let turn = worker.offered().await;
        answer(&mut worker, &turn, "We have your mail").await;
        let sent = shop.google.sent_reaches(round).await.remove(round - 1);
        last = shop.google.arrives(MAILBOX, &mail(&round.to_string()).answering(&thread, &sent.message_id));
    }
    assert_eq!(last.thread, thread);
    let messages = shop.holds(&thread, 5).await;
    assert_eq!(messages.len(), 5);
    let id = shop.conversation(&thread).await.expect("a conversation");
    shop.until("a person's", async |shop| {
        shop.api.inbox().await.iter().any(|one| one["id"] == id.as_str() && one["owner"] != "ai")
    })
    .await;
    assert_eq!(shop.google.sent().len(), 2);
    shop.finish().await;
});

on_both!(a_mailbox_is_connected_by_signing_in_at_google, |engine| async move {
    let config = EmulatorConfig { consent_page: true, ..EmulatorConfig::default() };
    let (world, google) = Shop::opened(engine, config).await;
    let api = world.api("owner@example.com").await;
    let begin = json!({ "tenant": world.tenant, "company": world.bot.company, "kind": "gmail" });
    let (status, begun) = api.post("/api/v1/sign-ins", &begin).await;
    assert_eq!(status, 200, "{begun}");
    // The owner of the mailbox follows the link on Google's page.
    let browser =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a browser");
    let page = browser.get(begun["url"].as_str().expect("an address")).send().await.expect("the page");
    let page = page.text().await.expect("its text");
    let link = page.split("<a href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a link");
    let link = format!("{}{}", google.base(), link.replace("&amp;", "&"));
    let back = browser.get(link).send().await.expect("the way back");
    let back = back.headers()["location"].to_str().expect("an address").to_owned();
    let back = reqwest::Url::parse(&back).expect("an address");
    assert_eq!(back.path(), "/connect/gmail");
    let given =
        |name: &str| back.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    let (state, code) = (given("state").expect("a state"), given("code").expect("a code"));
    let finish = json!({ "state": state, "code": code });
    let (status, choices) = api.post("/api/v1/sign-ins/finish", &finish).await;
    assert_eq!((status, &choices["accounts"][0]["external_id"]), (200, &json!(MAILBOX)), "{choices}");
    let choose = json!({ "state": state, "account": MAILBOX });
    let (status, made) = api.post("/api/v1/sign-ins/choose", &choose).await;
    assert_eq!((status, &made["health"]["state"]), (200, &json!("connected")), "{made}");
    assert!(google.state_of(MAILBOX).is_some_and(|(_, watch)| watch.is_some()), "it is watched");
    let mut manager = world.person("agent@example.com").await;
    google.arrives(MAILBOX, &Mail::new("ari@example.org", "Order", "Where is it?"));
    let shown = manager.event("message.created").await;
    assert_eq!(shown["conversation"]["channel"], made["id"], "{shown}");
    world.finish().await;
});

on_both!(an_uploaded_file_is_a_part_of_the_mail, |engine| async move {
    let shop = Shop::start(engine).await;
    let mut manager = shop.world.person("agent@example.com").await;
    let api = shop.world.api("agent@example.com").await;
    let mail = shop.google.arrives(MAILBOX, &Mail::new("Ari Probe <ari@example.org>", "Offer", "Please"));
    shop.holds(&mail.thread, 1).await;
    let conversation = shop.conversation(&mail.thread).await.expect("a conversation");
    let picture = crate::files::picture(90, 60);
    let voice = crate::files::voice();
    let document = crate::files::document();
    let files = [("image", "a.png", picture), ("voice", "b.ogg", voice), ("document", "c.pdf", document)];
    for (at, (kind, name, bytes)) in files.into_iter().enumerate() {
        let query = format!("conversation={conversation}&name={name}");
        let (code, answer) = crate::files::bring(&shop.world, &api, &query, "", bytes.clone()).await;
        assert_eq!(code, 201, "{answer}");
        let attachment = json!({ "kind": kind, "file": answer["file"]["id"] });
        let send = json!({ "conversation": conversation, "client_id": name, "attachments": [attachment] });
        manager.rpc("message.send", send).await.expect("it is queued");
        let sent = shop.google.sent_reaches(at + 1).await.remove(at);
        assert_eq!((sent.files[0].name.as_str(), &sent.files[0].bytes), (name, &bytes));
        assert_eq!(Some(sent.files[0].mime.as_str()), answer["file"]["mime"].as_str());
    }
    shop.finish().await;
});
