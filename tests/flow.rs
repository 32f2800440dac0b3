//! The main job, end to end: a customer writes, people see it, an AI worker answers, a person takes over.

use serde_json::json;

use crate::kit::{PATIENCE, World, quick};
use crate::on_both;
use emulators::telegram;
use hubbub::accounts::tenants::SetStorage;
use hubbub::model::ChannelSettings;

on_both!(a_burst_becomes_one_turn_and_is_answered_once, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    for text in ["Hello", "do you have", "lanterns?"] {
        world.telegram.customer_says(5550001, text);
    }
    for seq in 1..=3 {
        let event = manager.event("message.created").await;
        assert_eq!(event["message"]["seq"], seq);
        assert_eq!(event["conversation"]["owner"], "ai");
    }
    let turn = worker.offered().await;
    let texts: Vec<_> =
        turn["messages"].as_array().expect("messages").iter().map(|one| one["text"].clone()).collect();
    assert_eq!(texts, ["Hello", "do you have", "lanterns?"]);
    assert_eq!((&turn["first_seq"], &turn["last_seq"], &turn["attempt"]), (&json!(1), &json!(3), &json!(1)));

    let room = format!("conversation:{}", turn["conversation"].as_str().expect("an id"));
    assert!(manager.subscribe(&room).await.get("subscribe").is_some());
    let lease = json!({ "turn": turn["id"], "lease": turn["lease"] });
    let with = |key: &str, value: &str| {
        let mut args = lease.clone();
        args[key] = json!(value);
        args
    };
    worker.rpc("turn.delta", with("text", "We ")).await.expect("a piece");
    worker.rpc("turn.delta", with("text", "do!")).await.expect("a piece");
    let pieces = [
        manager.publication(|data| data["kind"] == "turn.delta").await,
        manager.publication(|data| data["kind"] == "turn.delta").await,
    ];
    assert_eq!((&pieces[0]["index"], &pieces[0]["text"]), (&json!(0), &json!("We ")));
    assert_eq!((&pieces[1]["index"], &pieces[1]["text"]), (&json!(1), &json!("do!")));

    let first = worker.rpc("turn.reply", with("text", "We do!")).await.expect("the answer");
    let again = worker.rpc("turn.reply", with("text", "We do!")).await.expect("the same answer");
    assert_eq!(first, again, "the first result comes back");
    let sent = world.telegram.sent_reaches(1).await;
    assert_eq!((sent[0].chat, sent[0].text.as_deref()), (5550001, Some("We do!")));
    loop {
        let event = manager.event("message.updated").await;
        if event["message"]["status"] == "sent" {
            assert_eq!(event["message"]["author"]["kind"], "responder");
            break;
        }
    }
    assert_eq!(world.telegram.sent().len(), 1);
    world.finish().await;
});

on_both!(taking_over_silences_the_ai, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    world.telegram.customer_says(5550002, "Hello");
    let turn = worker.offered().await;
    let conversation = turn["conversation"].clone();
    manager
        .rpc("conversation.take_over", json!({ "conversation": conversation }))
        .await
        .expect("it is taken over");
    let withdrawn = worker.publication(|data| data["type"] == "turn.withdrawn").await;
    assert_eq!((&withdrawn["turn"], &withdrawn["reason"]), (&turn["id"], &json!("taken_over")));
    let lease = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "Too late" });
    assert_eq!(worker.rpc("turn.delta", lease.clone()).await, Err(410));
    assert_eq!(worker.rpc("turn.reply", lease).await, Err(410));

    let send = json!({ "conversation": conversation, "client_id": "a1", "text": "This is a person" });
    let sent = manager.rpc("message.send", send.clone()).await.expect("it is sent");
    assert_eq!(
        manager.rpc("message.send", send).await.expect("again")["message"]["id"],
        sent["message"]["id"]
    );
    let sent = world.telegram.sent_reaches(1).await;
    assert_eq!(sent[0].text.as_deref(), Some("This is a person"));

    // A customer who writes now is answered by people only.
    world.telegram.customer_says(5550002, "Are you real?");
    let event = loop {
        let event = manager.event("message.created").await;
        if event["message"]["text"] == "Are you real?" {
            break event;
        }
    };
    assert_eq!(event["conversation"]["owner"], "human");
    assert!(event["conversation"]["turn"].is_null());
    // Handed back, the AI answers what was left open.
    manager
        .rpc("conversation.hand_back", json!({ "conversation": conversation }))
        .await
        .expect("it is handed back");
    let turn = worker.offered().await;
    assert_eq!(turn["messages"][0]["text"], "Are you real?");
    assert_eq!(world.telegram.sent().len(), 1);
    world.finish().await;
});

on_both!(what_the_owner_types_on_the_phone_silences_the_ai, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    let chat = "12025550143@c.us";
    world.waha.customer_says(crate::kit::SESSION, chat, "Hello");
    let turn = worker.offered().await;
    world.waha.owner_types_on_phone(crate::kit::SESSION, chat, "I am here myself");
    let withdrawn = worker.publication(|data| data["type"] == "turn.withdrawn").await;
    assert_eq!(withdrawn["turn"], turn["id"]);
    let event = loop {
        let event = manager.event("message.created").await;
        if event["message"]["direction"] == "out" {
            break event;
        }
    };
    assert_eq!(event["message"]["author"]["kind"], "phone");
    assert_eq!(event["conversation"]["owner"], "human");
    let lease = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "Too late" });
    assert_eq!(worker.rpc("turn.reply", lease).await, Err(410));
    world.finish().await;
});

on_both!(our_own_echo_is_never_shown_twice, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let chat = "12025550144@c.us";
    world.waha.customer_says(crate::kit::SESSION, chat, "Hello");
    let conversation = manager.event("message.created").await["conversation"]["id"].clone();
    let send = json!({ "conversation": conversation, "client_id": "e1", "text": "Hello yourself" });
    manager.rpc("message.send", send).await.expect("it is sent");
    // The emulator echoes the message and acknowledges it up to read, each by itself and in any order.
    loop {
        let event = manager.event("message.updated").await;
        if event["message"]["status"] == "read" {
            break;
        }
    }
    world.waha.idle().await;
    let api = world.api("agent@example.com").await;
    let messages = api.messages(conversation.as_str().expect("an id")).await;
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(messages[1]["status"], "read");
    world.finish().await;
});

on_both!(a_new_message_supersedes_the_answer_that_is_being_written, |engine| async move {
    let world = World::start(engine).await;
    let mut worker = world.worker(4).await;
    world.telegram.customer_says(5550003, "One lantern");
    let first = worker.offered().await;
    world.telegram.customer_says(5550003, "no, two");
    let withdrawn = worker.publication(|data| data["type"] == "turn.withdrawn").await;
    assert_eq!((&withdrawn["lease"], &withdrawn["reason"]), (&first["lease"], &json!("superseded")));
    let second = worker.offered().await;
    assert_eq!((&second["id"], &second["attempt"]), (&first["id"], &json!(2)));
    assert_eq!(second["messages"].as_array().map(Vec::len), Some(2));
    let late = json!({ "turn": first["id"], "lease": first["lease"], "text": "One it is" });
    assert_eq!(worker.rpc("turn.reply", late).await, Err(410));
    let reply = json!({ "turn": second["id"], "lease": second["lease"], "text": "Two it is" });
    worker.rpc("turn.reply", reply).await.expect("the answer");
    assert_eq!(world.telegram.sent_reaches(1).await[0].text.as_deref(), Some("Two it is"));
    world.finish().await;
});

on_both!(a_turn_that_nobody_takes_goes_to_people, |engine| async move {
    let world = World::with(engine, ChannelSettings { nobody_ms: 1_000, ..quick() }).await;
    let mut manager = world.person("agent@example.com").await;
    world.telegram.customer_says(5550004, "Anybody?");
    let event = manager.publication(|data| data["turn"]["state"] == "handed_off").await;
    assert_eq!(event["conversation"]["owner"], "nobody");
    assert_eq!(event["conversation"]["handoff_reason"], "no_responder");
    world.finish().await;
});

on_both!(a_turn_of_a_worker_that_dies_is_offered_again, |engine| async move {
    let world = World::with(engine, ChannelSettings { lease_ms: 1_000, ..quick() }).await;
    let mut first = world.worker(1).await;
    world.telegram.customer_says(5550005, "Hello");
    let offered = first.offered().await;
    first.close().await;
    let mut second = world.worker(1).await;
    let again = second.offered().await;
    assert_eq!((&again["id"], &again["attempt"]), (&offered["id"], &json!(2)));
    let reply = json!({ "turn": again["id"], "lease": again["lease"], "text": "Here" });
    second.rpc("turn.reply", reply).await.expect("the answer");
    world.telegram.sent_reaches(1).await;
    world.finish().await;
});

on_both!(media_is_shown_at_once_and_fetched_after, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let picture = [&b"\x89PNG\r\n\x1a\n"[..], &[7; 2_000]].concat();
    world.telegram.customer_sends(5550006, telegram::File::photo(picture.clone()), Some("Look"));
    let shown = manager.event("message.created").await;
    assert_eq!((&shown["message"]["kind"], &shown["message"]["text"]), (&json!("image"), &json!("Look")));
    assert_eq!(shown["message"]["attachments"][0]["state"], "pending");
    let ready = manager.event("message.updated").await;
    let file = &ready["message"]["attachments"][0];
    assert_eq!(
        (&file["state"], &file["mime"], &file["size"]),
        (&json!("ready"), &json!("image/png"), &json!(picture.len()))
    );
    let api = world.api("viewer@example.com").await;
    let address = world.url(&format!("/api/v1/media/{}", file["id"].as_str().expect("an id")));
    let bytes = crate::kit::http().get(address).bearer_auth(&api.token).send().await.expect("an answer");
    assert_eq!(bytes.bytes().await.expect("bytes"), picture);
    world.finish().await;
});

on_both!(a_file_over_the_quota_says_so_and_is_fetched_when_there_is_room, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let limit = async |bytes| {
        let verb = SetStorage { scope: world.scope(), changes: [Some(Some(bytes)), None] };
        world.app.store.write(verb).await.expect("it is set").value
    };
    let picture = |size| [&b"\x89PNG\r\n\x1a\n"[..], &vec![7; size]].concat();
    let has = limit(5_000).await;
    assert_eq!((has.bytes, has.files), (0, 0));
    world.telegram.customer_sends(5550016, telegram::File::photo(picture(3_000)), Some("One"));
    manager.event("message.created").await;
    assert_eq!(manager.event("message.updated").await["message"]["attachments"][0]["state"], "ready");
    // The message is stored as ever; its file says why it is not there, and what to do.
    world.telegram.customer_sends(5550016, telegram::File::photo(picture(3_000)), Some("Two"));
    assert_eq!(manager.event("message.created").await["message"]["text"], "Two");
    let refused = manager.event("message.updated").await;
    let file = &refused["message"]["attachments"][0];
    let error = file["error"].as_str().expect("a reason");
    assert_eq!(file["state"], "failed");
    assert!(
        error.contains("the storage of this account is full") && error.contains("fetch the file again"),
        "{error}"
    );
    let has = limit(0).await;
    assert_eq!((has.bytes, has.files), (3_008, 1), "what has no room is not counted");
    let folder = world.app.config.media_dir().join(world.tenant.to_string());
    // What had no room is removed after its event.
    let kept = tokio::time::timeout(PATIENCE, async {
        loop {
            let kept: Vec<_> = std::fs::read_dir(&folder)
                .expect("the folder")
                .map(|file| file.expect("a file").path())
                .collect();
            if kept.len() == 1 {
                return kept;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("it is not kept");
    // Files and their folders are this user's alone.
    for (path, mode) in [(&kept[0], 0o600), (&folder, 0o700), (&world.app.config.media_dir(), 0o700)] {
        use std::os::unix::fs::PermissionsExt as _;
        let found = std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(found, mode, "{}", path.display());
    }
    let owner = world.api("owner@example.com").await;
    let (_, dead) = owner.get(&format!("/api/v1/jobs/dead?tenant={}", world.tenant)).await;
    let job = dead["jobs"][0]["id"].as_str().expect("the job").to_owned();
    let (status, _) = owner.post(&format!("/api/v1/jobs/{job}/retry"), &json!({})).await;
    assert!(status < 300, "{status}");
    let ready = async {
        while manager.event("message.updated").await["message"]["attachments"][0]["state"] != "ready" {}
    };
    ready.await;
    let has = limit(0).await;
    assert_eq!((has.bytes, has.files), (6_016, 2));
    world.finish().await;
});

on_both!(a_file_that_is_sent_by_its_address_is_a_link, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    world.telegram.customer_says(5550008, "What does it look like?");
    let conversation = manager.event("message.created").await["conversation"]["id"].clone();
    let url = "https://cdn.example.com/lantern.jpg";
    let send = json!({ "conversation": conversation, "client_id": "file", "text": "Like this",
        "attachments": [{ "kind": "image", "url": url }] });
    let answer = manager.rpc("message.send", send).await.expect("it is queued");
    // The bytes are not here, and nobody is told that they are: neither at once nor who looks later.
    let file = &answer["message"]["attachments"][0];
    assert_eq!((&file["state"], &file["url"]), (&json!("linked"), &json!(url)));
    let sent = world.telegram.sent_reaches(1).await;
    assert_eq!((sent[0].method.as_str(), sent[0].media.as_deref()), ("sendPhoto", Some(url)));
    let api = world.api("viewer@example.com").await;
    let messages = api.messages(conversation.as_str().expect("an id")).await;
    assert_eq!(&messages.last().expect("the answer")["attachments"][0], file);
    let (status, problem) = api.get(&format!("/api/v1/media/{}", file["id"].as_str().expect("an id"))).await;
    assert_eq!(status, 404, "{problem}");
    world.finish().await;
});

on_both!(what_the_provider_refuses_for_now_is_sent_later_in_order, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    world.telegram.customer_says(5550007, "Hello");
    let conversation = manager.event("message.created").await["conversation"]["id"].clone();
    world.telegram.fail_next(1, emulators::Fail::TooManyRequests { retry_after: 1 });
    for number in 1..=3 {
        let send = json!({ "conversation": conversation, "client_id": format!("r{number}"), "text": format!("part {number}") });
        manager.rpc("message.send", send).await.expect("it is queued");
    }
    let sent = world.telegram.sent_reaches(3).await;
    let texts: Vec<_> = sent.iter().map(|one| one.text.clone().unwrap_or_default()).collect();
    assert_eq!(texts, ["part 1", "part 2", "part 3"]);
    world.finish().await;
});

on_both!(what_the_provider_refuses_for_good_says_why, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    world.telegram.customer_says(5550008, "Hello");
    let conversation = manager.event("message.created").await["conversation"]["id"].clone();
    world.telegram.fail_next(1, emulators::Fail::Blocked);
    let send = json!({ "conversation": conversation, "client_id": "b1", "text": "Still there?" });
    manager.rpc("message.send", send).await.expect("it is queued");
    let failed = manager.publication(|data| data["message"]["status"] == "failed").await;
    assert!(
        failed["message"]["error"]["reason"].as_str().is_some_and(|reason| reason.contains("block")),
        "{failed}"
    );
    assert!(world.telegram.sent().is_empty());
    world.finish().await;
});

on_both!(a_long_answer_is_cut_at_its_sentences, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    world.telegram.customer_says(5550009, "Tell me everything");
    let conversation = manager.event("message.created").await["conversation"]["id"].clone();
    let text = "A lantern is a light with a handle. ".repeat(250);
    let send = json!({ "conversation": conversation, "client_id": "l1", "text": text });
    manager.rpc("message.send", send).await.expect("it is queued");
    let sent = world.telegram.sent_reaches(3).await;
    assert!(
        sent.iter()
            .all(|one| one.text.as_deref().is_some_and(|text| text.len() <= 4096 && text.ends_with('.')))
    );
    let whole: String = sent.iter().map(|one| one.text.clone().unwrap_or_default() + " ").collect();
    assert_eq!(whole.trim(), text.trim());
    world.finish().await;
});

on_both!(a_customer_who_interrupts_is_still_answered_by_the_ai, |engine| async move {
    let settings = ChannelSettings { max_attempts: 2, max_supersedes: 3, quiet_ms: 100, ..quick() };
    let world = World::with(engine, settings).await;
    let mut worker = world.worker(4).await;
    world.telegram.customer_says(5550010, "0");
    let mut turn = worker.offered().await;
    for number in 1..=3 {
        world.telegram.customer_says(5550010, &number.to_string());
        let next = worker.offered().await;
        assert_eq!(next["id"], turn["id"], "an interrupted offer is nobody's failure");
        turn = next;
    }
    // Interrupted too often: the next message waits for the answer to this turn.
    world.telegram.customer_says(5550010, "4");
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "first answer" });
    worker.rpc("turn.reply", reply).await.expect("the answer");
    let next = worker.offered().await;
    assert_ne!(next["id"], turn["id"]);
    assert_eq!(next["messages"].as_array().map(Vec::len), Some(1));
    world.finish().await;
});

on_both!(an_answer_that_waits_to_be_sent_is_silenced_too, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    world.telegram.customer_says(5550011, "Hello");
    let turn = worker.offered().await;
    // The provider asks to wait: the AI's answer is queued when a person takes over.
    world.telegram.fail_next(1, emulators::Fail::TooManyRequests { retry_after: 30 });
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "From the machine" });
    worker.rpc("turn.reply", reply).await.expect("it is queued");
    manager
        .publication(|data| {
            data["message"]["error"]["code"] == "429" && data["message"]["status"] == "queued"
        })
        .await;
    let send = json!({ "conversation": turn["conversation"], "client_id": "p1", "text": "From a person" });
    manager.rpc("message.send", send).await.expect("it is sent");
    let sent = world.telegram.sent_reaches(1).await;
    assert_eq!(sent[0].text.as_deref(), Some("From a person"), "and it does not wait behind the machine's");
    let silenced = manager.publication(|data| data["message"]["status"] == "failed").await;
    assert_eq!(silenced["message"]["error"]["code"], "taken_over");
    // Handed back, the customer's question is still open: a failed answer was none.
    world.finish().await;
});

on_both!(a_channel_that_works_again_says_so, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let chat = "12025550145@c.us";
    world.waha.customer_says(crate::kit::SESSION, chat, "Hello");
    let conversation = manager.event("message.created").await["conversation"]["id"].clone();
    world.waha.set_status(crate::kit::SESSION, "FAILED");
    let down = manager.publication(|data| data["channel_state"]["health"]["state"] == "down").await;
    assert_eq!(down["channel_state"]["health"]["detail"], "FAILED");
    world.waha.set_status(crate::kit::SESSION, "WORKING");
    let send = json!({ "conversation": conversation, "client_id": "h1", "text": "Hello again" });
    manager.rpc("message.send", send).await.expect("it is queued");
    manager.publication(|data| data["channel_state"]["health"]["state"] == "connected").await;
    world.waha.sent_reaches(1).await;
    world.finish().await;
});

on_both!(a_gateway_that_gives_up_leaves_the_send_unknown, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let chat = "12025550146@c.us";
    world.waha.customer_says(crate::kit::SESSION, chat, "Hello");
    let conversation = manager.event("message.created").await["conversation"]["id"].clone();
    // The provider takes the message and its answer is lost; the echo proves that it left.
    world.waha.fail_next(1, emulators::Fail::Hang);
    let send = json!({ "conversation": conversation, "client_id": "g1", "text": "Did it leave?" });
    manager.rpc("message.send", send).await.expect("it is queued");
    manager
        .publication(|data| data["message"]["client_id"] == "g1" && data["message"]["status"] == "read")
        .await;
    let api = world.api("agent@example.com").await;
    let messages = api.messages(conversation.as_str().expect("an id")).await;
    assert_eq!(messages.len(), 2, "the echo is not shown beside it: {messages:?}");
    assert_eq!(world.waha.sent().len(), 1);
    world.finish().await;
});
