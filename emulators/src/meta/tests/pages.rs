use super::*;

#[tokio::test]
async fn messenger_echoes_and_watermarks_follow_a_message() {
    let bench = Bench::start().await;
    bench.meta.receipts(Receipts::Read);
    let said = bench.meta.customer_says(PAGE, PERSON, "hello");
    let mut body = message(PERSON, &json!({ "text": "hi there", "metadata": "hub:out_1" }));
    body["reply_to"] = json!({ "mid": said });
    let (status, answer) = bench.send("me", &body).await;
    assert_eq!(code(&answer).0, 100, "the token of an Instagram account is not the page's");
    assert_eq!(status, 400);
    let (_, answer) = bench.call("POST", "/v25.0/me/messages", &bench.page_token, Some(&body)).await;
    assert_eq!(answer["recipient_id"], PERSON);
    bench.meta.idle().await;
    let items = bench.receiver.items();
    let echo = &items[1];
    assert_eq!((&echo["sender"]["id"], &echo["recipient"]["id"]), (&json!(PAGE), &json!(PERSON)));
    assert_eq!(echo["message"]["app_id"], 555_000_111_222_333_u64);
    assert_eq!(echo["message"]["metadata"], "hub:out_1");
    assert_eq!(echo["message"]["mid"], answer["message_id"]);
    assert_eq!(items[2]["delivery"]["mids"], json!([answer["message_id"]]));
    assert_eq!(items[3]["read"], json!({ "watermark": 1_794_312_000_000_i64 }));
}

#[tokio::test]
async fn instagram_echoes_on_messages_and_reads_one_id() {
    let bench = Bench::start().await;
    bench.meta.receipts(Receipts::Read);
    bench.meta.customer_says(ACCOUNT, PERSON, "price?");
    let body = json!({ "recipient": { "id": PERSON }, "message": { "text": "35 EUR" } });
    let (_, answer) = bench.send(ACCOUNT, &body).await;
    bench.meta.idle().await;
    let items = bench.receiver.items();
    assert_eq!(items.len(), 3, "there is no delivery event");
    assert_eq!(
        items[1]["message"],
        json!({ "mid": answer["message_id"], "is_echo": true, "text": "35 EUR" })
    );
    assert_eq!(items[2]["read"], json!({ "mid": answer["message_id"] }));
}

#[tokio::test]
async fn a_page_sends_for_the_account_that_is_linked_with_it() {
    let bench = Bench::start().await;
    bench.meta.subscribe(LINKED, Fields::Only(&["messages"]));
    bench.meta.customer_says(LINKED, PERSON, "hello");
    assert_eq!(bench.send(LINKED, &message(PERSON, &json!({ "text": "hi" }))).await.0, 200);
    let path = format!("/v25.0/{LINKED}/messages");
    let body = message(PERSON, &json!({ "text": "hi" }));
    assert_eq!(bench.call("POST", &path, &bench.instagram_token, Some(&body)).await.0, 400);
    bench.meta.idle().await;
    let taken = bench.receiver.taken();
    assert!(
        taken.iter().all(|taken| {
            taken.signature == sign::signature(&bench.meta.config().app_secret, &taken.bytes)
        })
    );
    assert_eq!((taken.len(), &taken[0].body["object"]), (2, &json!("instagram")));
}

#[tokio::test]
async fn lengths_are_characters_there_and_bytes_here() {
    let bench = Bench::start().await;
    bench.meta.customer_says(PAGE, PERSON, "hello");
    bench.meta.customer_says(ACCOUNT, PERSON, "hello");
    let of = |words: &str| message(PERSON, &json!({ "text": words }));
    assert_eq!(bench.send(PAGE, &of(&"ä".repeat(2000))).await.0, 200);
    assert_eq!(bench.refused(PAGE, &of(&"ä".repeat(2001))).await.0, 100);
    assert_eq!(bench.send(ACCOUNT, &of(&"ä".repeat(500))).await.0, 200);
    assert_eq!(bench.refused(ACCOUNT, &of(&"ä".repeat(501))).await.0, 100);
}

#[tokio::test]
async fn refuses_what_messenger_refuses() {
    let bench = Bench::start().await;
    bench.meta.customer_says(PAGE, PERSON, "hello");
    let image = json!({ "type": "image", "payload": { "url": "https://example.com/a.jpg" } });
    assert_eq!(bench.send(PAGE, &message(PERSON, &json!({ "attachment": image }))).await.0, 200);
    let reply = json!({ "content_type": "text", "title": "Red", "payload": "RED" });
    let with = |name: &str, value: Value| {
        let mut body = message(PERSON, &json!({ "text": "x" }));
        body[name] = value;
        body
    };
    assert_eq!(
        bench.send(PAGE, &message(PERSON, &json!({ "text": "x", "quick_replies": [reply] }))).await.0,
        200
    );
    let refused = [
        message(PERSON, &json!({ "text": "beside", "attachment": image })),
        message(PERSON, &json!({})),
        message(PERSON, &json!({ "text": "x", "colour": "red" })),
        message(PERSON, &json!({ "text": "x", "quick_replies": vec![reply.clone(); 14] })),
        message(PERSON, &json!({ "attachments": [image] })),
        message("7300000000000099", &json!({ "text": "a stranger" })),
        json!({ "recipient": { "id": PERSON }, "message": { "text": "without a type" } }),
        json!({ "recipient": { "id": PERSON, "user_ref": "x" }, "messaging_type": "RESPONSE",
            "message": { "text": "x" } }),
        json!({ "recipient": { "id": 7_300_000_000_000_001_i64 }, "messaging_type": "RESPONSE",
            "message": { "text": "x" } }),
        with("sender_action", json!("typing_on")),
        with("tag", json!("HUMAN_AGENT")),
        with("colour", json!("red")),
        with("messaging_type", json!("MESSAGE_TAG")),
    ];
    for body in refused {
        assert_eq!(bench.refused(PAGE, &body).await.0, 100, "{body}");
    }
    let mut ended = with("messaging_type", json!("MESSAGE_TAG"));
    ended["tag"] = "ACCOUNT_UPDATE".into();
    assert_eq!(bench.refused(PAGE, &ended).await, (100, 1_893_061));
}

#[tokio::test]
async fn the_window_is_a_day_and_for_humans_a_week() {
    let bench = Bench::start().await;
    for account in [PAGE, ACCOUNT] {
        bench.meta.customer_says(account, PERSON, "hello");
    }
    let plain = message(PERSON, &json!({ "text": "late" }));
    let mut tagged = plain.clone();
    tagged["messaging_type"] = "MESSAGE_TAG".into();
    tagged["tag"] = "HUMAN_AGENT".into();
    bench.goes_on(24 * HOUR_MS);
    for account in [PAGE, ACCOUNT] {
        assert_eq!(bench.refused(account, &plain).await, (10, 2_018_278));
        assert_eq!(bench.send(account, &tagged).await.0, 200);
    }
    assert_eq!(bench.meta.sent()[0].tag.as_deref(), Some("HUMAN_AGENT"));
    bench.goes_on(6 * 24 * HOUR_MS);
    assert_eq!(bench.refused(PAGE, &tagged).await, (10, 2_018_278));
}

#[tokio::test]
async fn actions_are_marks_and_a_person_may_be_out_of_reach() {
    let bench = Bench::start().await;
    let said = bench.meta.customer_says(PAGE, PERSON, "hello");
    let action = |name: &str| json!({ "recipient": { "id": PERSON }, "sender_action": name });
    assert_eq!(bench.send(PAGE, &action("typing_on")).await.1, json!({ "recipient_id": PERSON }));
    let mut react = action("react");
    assert_eq!(bench.refused(PAGE, &react).await.0, 100);
    react["payload"] = json!({ "message_id": said, "reaction": "love" });
    assert_eq!(bench.send(PAGE, &react).await.0, 200);
    let actions: Vec<String> = bench.meta.marks().into_iter().map(|mark| mark.action).collect();
    assert_eq!(actions, ["typing_on", "react"]);
    bench.meta.customer_blocks(PAGE, PERSON, true);
    assert_eq!(bench.refused(PAGE, &action("mark_seen")).await, (551, 1_545_041));
    assert_eq!(bench.refused(PAGE, &message(PERSON, &json!({ "text": "x" }))).await, (551, 1_545_041));
}

#[tokio::test]
async fn only_subscribed_fields_are_delivered() {
    let bench = Bench::start().await;
    let path = format!("/v25.0/{PAGE}/subscribed_apps");
    assert_eq!(code(&bench.call("POST", &path, &bench.page_token, None).await.1).0, 100);
    let unknown = json!({ "subscribed_fields": ["messages", "weather"] });
    assert_eq!(code(&bench.call("POST", &path, &bench.page_token, Some(&unknown)).await.1).0, 100);
    let with_query = format!("{path}?subscribed_fields=messages,message_reads");
    assert_eq!(bench.call("POST", &with_query, &bench.page_token, None).await.1, json!({ "success": true }));
    let (_, list) = bench.get(&path, &bench.page_token).await;
    assert_eq!(list["data"][0]["subscribed_fields"], json!(["message_reads", "messages"]));
    bench.meta.customer_says(PAGE, PERSON, "hello");
    bench.send(PAGE, &message(PERSON, &json!({ "text": "hi" }))).await;
    bench.meta.idle().await;
    assert_eq!(bench.receiver.items().len(), 1, "neither the echo nor the delivery");
    bench.call("DELETE", &path, &bench.page_token, None).await;
    bench.meta.customer_says(PAGE, PERSON, "anybody?");
    bench.meta.idle().await;
    assert_eq!((bench.receiver.items().len(), bench.meta.subscribed(PAGE)), (1, None));
}

#[tokio::test]
async fn profiles_are_those_of_people_who_wrote() {
    let bench = Bench::start().await;
    bench.meta.has_profile(ACCOUNT, PERSON, json!({ "name": "Noa Probe", "username": "noa_example" }));
    let path = format!("/v25.0/{PERSON}?fields=name,username");
    assert_eq!(code(&bench.get(&path, &bench.instagram_token).await.1).0, 230);
    bench.meta.customer_says(ACCOUNT, PERSON, "hello");
    let (_, profile) = bench.get(&path, &bench.instagram_token).await;
    assert_eq!(profile, json!({ "id": PERSON, "name": "Noa Probe", "username": "noa_example" }));
    assert_eq!(code(&bench.get(&path, &bench.page_token).await.1), (100, 33));
    let unknown = format!("/v25.0/{PERSON}?fields=shoe_size");
    assert_eq!(code(&bench.get(&unknown, &bench.instagram_token).await.1).0, 100);
}

#[tokio::test]
async fn stories_files_and_the_inbox_have_the_documented_shapes() {
    let bench = Bench::start().await;
    bench.meta.customer_answers_story(ACCOUNT, PERSON, "love it");
    bench.meta.customer_mentions_in_story(ACCOUNT, PERSON, 1000);
    let said = bench.meta.customer_says(ACCOUNT, PERSON, "oops");
    bench.meta.customer_deletes(ACCOUNT, PERSON, &said);
    bench.meta.customer_is_referred(ACCOUNT, PERSON, "flyer7", "IGME-SOURCE-LINK");
    bench.meta.owner_says(PAGE, PERSON, "Kim from the store here");
    bench.meta.customer_sends_album(PAGE, PERSON, vec![File::image("A"), File::image("B")]);
    bench.meta.customer_gets_started(PAGE, PERSON, "autumn");
    bench.meta.idle().await;
    let items = bench.receiver.items();
    assert!(items[0]["message"]["reply_to"]["story"]["id"].is_string());
    assert_eq!(items[3]["message"], json!({ "mid": said, "is_deleted": true }));
    assert_eq!(items[4]["referral"]["ref"], "flyer7");
    assert_eq!(
        (&items[5]["message"]["is_echo"], &items[5]["message"]["app_id"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(items[6]["message"]["attachments"].as_array().unwrap().len(), 2);
    assert_eq!(items[7]["postback"]["referral"]["ref"], "autumn");
    let url = items[1]["message"]["attachments"][0]["payload"]["url"].as_str().unwrap();
    assert_eq!(bench.http.get(url).send().await.unwrap().status(), 200);
    bench.goes_on(1000);
    assert_eq!(bench.http.get(url).send().await.unwrap().status(), 404);
}
