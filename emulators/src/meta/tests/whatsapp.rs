use super::*;

#[tokio::test]
async fn a_conversation_goes_there_and_back() {
    let bench = Bench::start().await;
    bench.meta.introduce("US.13490000000000000001", PHONE);
    bench.meta.receipts(Receipts::Read);
    let said = bench.meta.customer_says(NUMBER, PHONE, "grüß dich");
    bench.meta.idle().await;
    let value = bench.receiver.items()[0].clone();
    assert_eq!(value["metadata"]["phone_number_id"], NUMBER);
    assert_eq!(value["contacts"][0]["user_id"], "US.13490000000000000001");
    assert_eq!(value["messages"][0]["id"], said.as_str());
    assert_eq!(value["messages"][0]["timestamp"], "1794312000");

    let mut answer = text("+12025550143", "hi there");
    answer["context"] = json!({ "message_id": said });
    answer["biz_opaque_callback_data"] = "hub:out_1".into();
    let (status, body) = bench.send(NUMBER, &answer).await;
    assert_eq!((status, &body["messages"][0]["message_status"]), (200, &json!("accepted")));
    assert_eq!(body["contacts"][0]["wa_id"], PHONE);
    bench.meta.idle().await;
    let sent = bench.meta.sent().remove(0);
    assert_eq!((sent.text.as_deref(), sent.reply_to.as_deref()), (Some("hi there"), Some(said.as_str())));
    let statuses: Vec<Value> =
        bench.receiver.items()[1..].iter().map(|value| value["statuses"][0].clone()).collect();
    let names: Vec<&str> = statuses.iter().filter_map(|status| status["status"].as_str()).collect();
    assert_eq!(names, ["sent", "delivered", "read"]);
    assert!(statuses.iter().all(|status| {
        status["id"] == sent.id.as_str()
            && status["biz_opaque_callback_data"] == "hub:out_1"
            && status["recipient_id"] == PHONE
            && status["recipient_user_id"] == "US.13490000000000000001"
    }));

    let read = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": said,
        "typing_indicator": { "type": "text" } });
    assert_eq!(bench.send(NUMBER, &read).await, (200, json!({ "success": true })));
    assert_eq!(bench.meta.marks()[0].action, "typing");
}

#[tokio::test]
async fn refuses_what_the_cloud_api_refuses() {
    let bench = Bench::start().await;
    bench.meta.customer_says(NUMBER, PHONE, "hello");
    let button = |title: &str| json!({ "type": "reply", "reply": { "id": title, "title": title } });
    let buttons = |count: usize| {
        let buttons: Vec<Value> = (0..count).map(|at| button(&format!("b{at}"))).collect();
        json!({ "messaging_product": "whatsapp", "to": PHONE, "type": "interactive", "interactive": {
            "type": "button", "body": { "text": "choose" }, "action": { "buttons": buttons } } })
    };
    assert_eq!(bench.send(NUMBER, &buttons(3)).await.0, 200);
    let mut long_title = buttons(1);
    long_title["interactive"]["action"]["buttons"][0] = button(&"t".repeat(21));
    let mut long_body = buttons(1);
    long_body["interactive"]["body"]["text"] = "b".repeat(1025).into();
    let with = |name: &str, value: Value| {
        let mut body = text(PHONE, "x");
        body[name] = value;
        body
    };
    let template = |name: &str| {
        json!({ "messaging_product": "whatsapp", "to": PHONE, "type": "template",
            "template": { "name": name, "language": { "code": "en_US" } } })
    };
    let media = |kind: &str, content: Value| json!({ "messaging_product": "whatsapp", "to": PHONE, "type": kind, kind: content });
    let refused = [
        (100, text(PHONE, &"x".repeat(4097))),
        (131_008, text(PHONE, "")),
        (100, text("not a number", "x")),
        (100, json!({ "to": PHONE, "type": "text", "text": { "body": "x" } })),
        (100, json!({ "messaging_product": "whatsapp", "type": "text", "text": { "body": "x" } })),
        (100, with("colour", json!("red"))),
        (100, with("text", json!({ "body": "x", "colour": "red" }))),
        (100, with("biz_opaque_callback_data", json!("x".repeat(513)))),
        (100, with("type", json!("hologram"))),
        (100, with("image", json!({ "link": "https://example.com/a.jpg" }))),
        (131_009, buttons(4)),
        (131_009, buttons(0)),
        (100, long_title),
        (100, long_body),
        (132_001, template("unknown")),
        (132_000, template("order_ready")),
        (131_009, media("image", json!({ "id": "1" }))),
        (131_008, media("image", json!({}))),
        (100, media("audio", json!({ "link": "https://example.com/a.ogg", "caption": "no" }))),
        (131_009, media("reaction", json!({ "message_id": "wamid.unknown", "emoji": "x" }))),
        (131_021, text("12025550100", "to myself")),
    ];
    for (expected, body) in refused {
        assert_eq!(bench.refused(NUMBER, &body).await.0, expected, "{body}");
    }
}

#[tokio::test]
async fn the_token_belongs_into_the_header_and_to_the_number() {
    let bench = Bench::start().await;
    bench.meta.customer_says(NUMBER, PHONE, "hello");
    let path = format!("/v25.0/{NUMBER}/messages");
    let body = text(PHONE, "x");
    let in_query = format!("{}{path}?access_token={}", bench.meta.base_url(), bench.number_token);
    let response = bench.http.post(in_query).json(&body).send().await.unwrap();
    assert_eq!(response.status(), 401);
    for token in ["unknown", &bench.page_token, &bench.meta.number_token("106500000000002")] {
        assert!(bench.call("POST", &path, token, Some(&body)).await.0 >= 400);
    }
    let url = format!("{}{path}", bench.meta.base_url());
    let form = bench.http.post(&url).bearer_auth(&bench.number_token).body("messaging_product=whatsapp");
    assert_eq!(form.send().await.unwrap().status(), 400);
    let old = path.replace("v25.0", "v12.0");
    assert_eq!(code(&bench.call("POST", &old, &bench.number_token, Some(&body)).await.1).0, 2635);
    assert!(bench.meta.sent().is_empty());
    let expired = bench.meta.number_token(NUMBER);
    bench.meta.expires(&expired, 1);
    bench.meta.revoke(&bench.number_token);
    assert_eq!(code(&bench.call("POST", &path, &expired, Some(&body)).await.1), (190, 463));
    assert_eq!(code(&bench.send(NUMBER, &body).await.1), (190, 458));
}

#[tokio::test]
async fn the_window_closes_after_a_day_but_for_templates() {
    for fails_late in [true, false] {
        let config = EmulatorConfig { window_fails_late: fails_late, ..Default::default() };
        let bench = Bench::with(config).await;
        bench.meta.customer_says(NUMBER, PHONE, "hello");
        bench.goes_on(24 * HOUR_MS);
        let (status, answer) = bench.send(NUMBER, &text(PHONE, "late")).await;
        bench.meta.idle().await;
        if fails_late {
            assert_eq!(status, 200);
            let last = bench.receiver.items().pop().unwrap();
            assert_eq!(last["statuses"][0]["status"], "failed");
            assert_eq!(last["statuses"][0]["errors"][0]["code"], 131_047);
        } else {
            assert_eq!(code(&answer).0, 131_047);
        }
        assert!(bench.meta.sent().is_empty());
        let parameters = json!([{ "type": "text", "text": "Ari" }, { "type": "text", "text": "77" }]);
        let template = json!({ "messaging_product": "whatsapp", "to": PHONE, "type": "template", "template": {
            "name": "order_ready", "language": { "code": "en_US" },
            "components": [{ "type": "body", "parameters": parameters }] } });
        assert_eq!(bench.send(NUMBER, &template).await.0, 200);
        assert_eq!(bench.meta.sent()[0].text.as_deref(), Some("Hello Ari, your order 77 is ready."));
    }
}

#[tokio::test]
async fn a_business_scoped_id_belongs_into_recipient() {
    const ID: &str = "US.55500044455566677788";
    let bench = Bench::start().await;
    bench.meta.customer_says(NUMBER, ID, "hello");
    bench.meta.idle().await;
    let first = bench.receiver.items()[0]["messages"][0].clone();
    assert_eq!((&first["from"], &first["from_user_id"]), (&Value::Null, &json!(ID)));
    let (status, _) = bench.send(NUMBER, &text(ID, "lost")).await;
    bench.meta.idle().await;
    assert_eq!((status, bench.meta.sent().len(), bench.receiver.items().len()), (200, 0, 1));
    assert_eq!(bench.meta.undelivered()[0].text.as_deref(), Some("lost"));
    let mut right = text(PHONE, "right");
    right.as_object_mut().unwrap().remove("to");
    right["recipient"] = ID.into();
    assert_eq!(bench.send(NUMBER, &right).await.1["contacts"][0]["user_id"], ID);
    bench.meta.idle().await;
    assert_eq!(bench.receiver.items()[1]["statuses"][0]["recipient_user_id"], ID);
}

#[tokio::test]
async fn too_many_messages_are_refused_by_pair_and_by_number() {
    let config = EmulatorConfig { pair_burst: 2, number_per_second: 3, ..Default::default() };
    let bench = Bench::with(config).await;
    let others = ["12025550151", "12025550152"];
    for phone in others.into_iter().chain([PHONE]) {
        bench.meta.customer_says(NUMBER, phone, "hello");
    }
    assert_eq!(bench.send(NUMBER, &text(PHONE, "one")).await.0, 200);
    assert_eq!(bench.send(NUMBER, &text(PHONE, "two")).await.0, 200);
    assert_eq!(bench.refused(NUMBER, &text(PHONE, "three")).await.0, 131_056);
    assert_eq!(bench.send(NUMBER, &text(others[0], "three")).await.0, 200);
    assert_eq!(bench.refused(NUMBER, &text(others[1], "four")).await.0, 130_429);
    bench.goes_on(6000);
    assert_eq!(bench.send(NUMBER, &text(PHONE, "four")).await.0, 200);
    assert_eq!(bench.refused(NUMBER, &text(PHONE, "five")).await.0, 131_056);
}

#[tokio::test]
async fn a_file_needs_the_token_and_its_address_ends() {
    let bench = Bench::start().await;
    bench.meta.customer_sends(NUMBER, PHONE, &File::image("PICTURE"), Some("this one"));
    bench.meta.idle().await;
    let image = bench.receiver.items()[0]["messages"][0]["image"].clone();
    assert_eq!((&image["caption"], &image["mime_type"]), (&json!("this one"), &json!("image/jpeg")));
    let path = format!("/v25.0/{}", image["id"].as_str().unwrap());
    let (_, node) = bench.get(&path, &bench.number_token).await;
    assert_eq!((&node["file_size"], node["sha256"].as_str().unwrap().len()), (&json!(7), 64));
    let url = node["url"].as_str().unwrap();
    assert_eq!(bench.http.get(url).send().await.unwrap().status(), 401);
    let with_token = || bench.http.get(url).bearer_auth(&bench.number_token).send();
    assert_eq!(with_token().await.unwrap().bytes().await.unwrap(), "PICTURE");
    bench.goes_on(300_000);
    assert_eq!(with_token().await.unwrap().status(), 404);
    assert_ne!(bench.get(&path, &bench.number_token).await.1["url"], url);
}

#[tokio::test]
async fn a_file_is_uploaded_and_sent_by_its_id() {
    let bench = Bench::start().await;
    bench.meta.customer_says(NUMBER, PHONE, "hello");
    let body = "--cut\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
        --cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\
        Content-Type: application/pdf\r\n\r\nPAGES\r\n--cut--\r\n";
    let url = format!("{}/v25.0/{NUMBER}/media", bench.meta.base_url());
    let request = bench.http.post(url).bearer_auth(&bench.number_token).body(body);
    let response = request.header("content-type", "multipart/form-data; boundary=cut").send().await.unwrap();
    let answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    let document = json!({ "messaging_product": "whatsapp", "to": PHONE, "type": "document",
        "document": { "id": answer["id"], "caption": "here", "filename": "a.pdf" } });
    assert_eq!(bench.send(NUMBER, &document).await.0, 200);
    assert_eq!(bench.meta.sent()[0].media.as_deref(), answer["id"].as_str());
    let (_, node) =
        bench.get(&format!("/v25.0/{}", answer["id"].as_str().unwrap()), &bench.number_token).await;
    assert_eq!((&node["file_size"], &node["mime_type"]), (&json!(5), &json!("application/pdf")));
}

#[tokio::test]
async fn a_missing_file_and_a_blocked_account_fail_with_a_status() {
    let bench = Bench::with(EmulatorConfig { fetch_media: true, ..Default::default() }).await;
    bench.meta.customer_says(NUMBER, PHONE, "hello");
    let link = format!("{}/nothing-there.jpg", bench.meta.base_url());
    let image =
        json!({ "messaging_product": "whatsapp", "to": PHONE, "type": "image", "image": { "link": link } });
    assert_eq!(bench.send(NUMBER, &image).await.0, 200);
    bench.meta.customer_blocks(NUMBER, PHONE, true);
    assert_eq!(bench.send(NUMBER, &text(PHONE, "gone")).await.0, 200);
    bench.meta.idle().await;
    let codes: Vec<Value> = bench.receiver.items()[1..]
        .iter()
        .map(|value| value["statuses"][0]["errors"][0]["code"].clone())
        .collect();
    assert_eq!(codes, [131_053, 131_026]);
}

#[tokio::test]
async fn what_customers_do_has_the_documented_shapes() {
    let bench = Bench::start().await;
    let said = bench.meta.customer_says(NUMBER, PHONE, "hello");
    let (_, answer) = bench.send(NUMBER, &text(PHONE, "choose")).await;
    let ours = answer["messages"][0]["id"].as_str().unwrap().to_owned();
    bench.meta.idle().await;
    let before = bench.receiver.items().len();
    bench.meta.customer_replies(NUMBER, PHONE, &ours, "the second one");
    let press = Press::Button { payload: "confirm:1".into(), title: "Confirm".into() };
    bench.meta.customer_presses(NUMBER, PHONE, &ours, &press);
    let press = Press::Row { id: "slot:1".into(), title: "10:00".into(), description: None };
    bench.meta.customer_presses(NUMBER, PHONE, &ours, &press);
    let press = Press::Template { payload: "STOP".into(), title: "Stop".into() };
    bench.meta.customer_presses(NUMBER, PHONE, &ours, &press);
    bench.meta.customer_reacts(NUMBER, PHONE, &ours, None);
    bench.meta.customer_edits(NUMBER, PHONE, &said, "hello!", 1);
    bench.meta.customer_deletes(NUMBER, PHONE, &said);
    bench.meta.customer_shares_location(NUMBER, PHONE, 40.4, -3.7);
    bench.meta.customer_shares_contact(NUMBER, PHONE, "Dana Example", "+12025550188");
    bench.meta.customer_comes_from_ad(NUMBER, PHONE, "I saw your ad", "ARexample");
    bench.meta.owner_says(NUMBER, PHONE, "from my phone");
    bench.meta.customer_changes_number(NUMBER, PHONE, "12025550199", "US.13490000000000000777");
    bench.meta.idle().await;
    let items = &bench.receiver.items()[before..];
    let first = |at: usize| items[at]["messages"][0].clone();
    assert_eq!(first(0)["context"], json!({ "from": "12025550100", "id": ours }));
    assert_eq!(first(1)["interactive"]["button_reply"]["id"], "confirm:1");
    assert_eq!(first(2)["interactive"]["list_reply"]["id"], "slot:1");
    assert_eq!(first(3)["button"], json!({ "payload": "STOP", "text": "Stop" }));
    assert_eq!(first(4)["reaction"], json!({ "message_id": ours }));
    assert_eq!(first(5)["edit"]["original_message_id"], said.as_str());
    assert_eq!(first(6)["type"], "revoke");
    assert_eq!(first(7)["location"]["latitude"], 40.4);
    assert_eq!(first(8)["contacts"][0]["phones"][0]["wa_id"], "12025550188");
    assert_eq!(first(9)["referral"]["ctwa_clid"], "ARexample");
    assert_eq!(items[10]["message_echoes"][0]["to"], PHONE);
    assert_eq!(first(11)["system"]["type"], "user_changed_number");
    assert!(items[11].get("contacts").is_none());
}
