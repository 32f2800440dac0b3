use super::*;

fn step(step: Value) -> Answer {
    serde_json::from_value(step).unwrap()
}

fn ok(id: &str) -> Value {
    json!({ "recipient_id": PERSON, "message_id": id })
}

#[tokio::test]
async fn answers_with_a_count_follow_one_another() {
    let bench = Bench::start().await;
    bench.meta.customer_says(ACCOUNT, PERSON, "hello");
    for id in ["first", "second"] {
        bench.meta.answers(step(json!({ "provider": "instagram", "path": "/messages", "times": 1, "status": 200, "body": ok(id) })));
    }
    let mut ids = Vec::new();
    for _ in 0..3 {
        let (_, answer) = bench.send(ACCOUNT, &message(PERSON, &json!({ "text": "x" }))).await;
        ids.push(answer["message_id"].as_str().unwrap().to_owned());
    }
    assert_eq!((ids[0].as_str(), ids[1].as_str()), ("first", "second"));
    let sent: Vec<String> = bench.meta.sent().into_iter().map(|sent| sent.id).collect();
    assert_eq!(sent, ids, "with the ids of the answers");
}

#[tokio::test]
async fn conditions_choose_the_answer() {
    let bench = Bench::start().await;
    bench.meta.customer_says(ACCOUNT, PERSON, "hello");
    let refusal = |code: i64| error(code, None, "scripted");
    let answer = |condition: Value, code: i64| {
        let mut answer = json!({ "path": "/messages", "status": 400, "body": refusal(code) });
        for (name, value) in condition.as_object().unwrap() {
            answer[name.as_str()] = value.clone();
        }
        step(answer)
    };
    bench.meta.answers(answer(json!({ "if_body": { "sender_action": "typing_on" } }), 1));
    bench.meta.answers(answer(json!({ "if_text": "price" }), 2));
    bench.meta.answers(answer(json!({ "if_to": "7300000000000099" }), 3));
    bench.meta.answers(answer(json!({ "if_text_bytes_over": 10 }), 4));
    bench.meta.answers(answer(json!({ "if_attachment": true }), 5));
    bench.meta.answers(answer(json!({ "if_query": { "case": "6" } }), 6));
    bench.meta.answers(answer(json!({ "if_header_missing": "authorization", "method": "GET" }), 7));
    let typing = json!({ "recipient": { "id": PERSON }, "sender_action": "typing_on" });
    let image =
        json!({ "attachment": { "type": "image", "payload": { "url": "https://example.com/a.jpg" } } });
    let sends = [
        (1, typing),
        (2, message(PERSON, &json!({ "text": "a price" }))),
        (3, message("7300000000000099", &json!({ "text": "x" }))),
        (4, message(PERSON, &json!({ "text": "ääääää" }))),
        (5, message(PERSON, &image)),
    ];
    for (expected, body) in sends {
        assert_eq!(bench.refused(ACCOUNT, &body).await.0, expected, "{body}");
    }
    let plain = message(PERSON, &json!({ "text": "x" }));
    let path = format!("/v25.0/{ACCOUNT}/messages");
    let token = &bench.instagram_token;
    assert_eq!(code(&bench.call("POST", &format!("{path}?case=6"), token, Some(&plain)).await.1).0, 6);
    let without = bench.http.get(format!("{}{path}", bench.meta.base_url())).send().await.unwrap();
    assert_eq!(without.status(), 400);
    assert_eq!(bench.send(ACCOUNT, &plain).await.0, 200);
    bench.meta.answers_itself("/messages");
    assert_eq!(bench.send(ACCOUNT, &message(PERSON, &json!({ "text": "a price" }))).await.0, 200);
}

#[tokio::test]
async fn an_answer_is_for_the_calls_of_its_provider() {
    let bench = Bench::start().await;
    bench.meta.customer_says(PAGE, PERSON, "hello");
    bench.meta.customer_says(ACCOUNT, PERSON, "hello");
    bench.meta.answers(step(json!({ "provider": "messenger", "path": "/messages", "status": 400,
        "body": error(2, None, "scripted") })));
    let body = message(PERSON, &json!({ "text": "x" }));
    assert_eq!(bench.send(ACCOUNT, &body).await.0, 200);
    let path = "/v25.0/me/messages";
    assert_eq!(bench.call("POST", path, &bench.instagram_token, Some(&body)).await.0, 200);
    assert_eq!(code(&bench.call("POST", path, &bench.page_token, Some(&body)).await.1).0, 2);
}

#[tokio::test]
async fn a_message_leaves_or_not_whatever_the_answer() {
    let bench = Bench::start().await;
    bench.meta.customer_says(PAGE, PERSON, "hello");
    bench.meta.idle().await;
    let body = message(PERSON, &json!({ "text": "x" }));
    bench.meta.answers(step(
        json!({ "path": "/messages", "times": 1, "status": 500, "body": error(2, None, "late"),
        "leaves": true, "message_id": "m_left", "echo_after_ms": 500, "echo": { "text": "as it was shown" } }),
    ));
    assert_eq!(bench.send(PAGE, &body).await.0, 500);
    assert_eq!((bench.meta.sent()[0].id.as_str(), bench.receiver.items().len()), ("m_left", 1));
    bench.meta.idle().await;
    let echo = bench.receiver.items()[1]["message"].clone();
    assert_eq!((&echo["mid"], &echo["text"]), (&json!("m_left"), &json!("as it was shown")));
    bench.meta.answers(step(
        json!({ "path": "/messages", "times": 1, "status": 200, "body": ok("m_no"), "leaves": false }),
    ));
    assert_eq!(bench.send(PAGE, &body).await.1["message_id"], "m_no");
    assert_eq!(bench.meta.sent().len(), 1);
    bench.meta.answers(step(
        json!({ "path": "/messages", "times": 1, "echo_first": true, "message_id": "m_early" }),
    ));
    let before = bench.receiver.items().len();
    assert_eq!(bench.send(PAGE, &body).await.1["message_id"], "m_early");
    assert!(bench.receiver.items().len() > before, "the echo was there first");
}

#[tokio::test]
async fn a_file_in_two_steps_can_be_scripted() {
    let bench = Bench::start().await;
    let at = "/whatsapp_business/attachments/";
    bench.meta.answers(step(json!({ "method": "GET", "path": "/1370000000000091", "status": 200, "body": {
        "url": "{base}/whatsapp_business/attachments/?mid=1&n={call}", "sha256": "{sha256 of PICTURE}" } })));
    bench.meta.answers(step(json!({ "method": "GET", "path": at, "if_header_missing": "Authorization",
        "status": 401, "body": "" })));
    bench.meta.answers(step(json!({ "method": "GET", "path": at, "times": 1, "status": 404, "body": "" })));
    bench.meta.answers(step(json!({ "method": "GET", "path": at, "status": 200, "bytes": "PICTURE" })));
    let (_, first) = bench.get("/v25.0/1370000000000091", &bench.number_token).await;
    let (_, second) = bench.get("/v25.0/1370000000000091", &bench.number_token).await;
    assert_ne!(first["url"], second["url"]);
    assert_eq!(first["sha256"], sign::sha256_hex(b"PICTURE"));
    let url = first["url"].as_str().unwrap();
    assert_eq!(bench.http.get(url).send().await.unwrap().status(), 401);
    let with_token = || bench.http.get(url).bearer_auth(&bench.number_token).send();
    assert_eq!(with_token().await.unwrap().status(), 404);
    assert_eq!(with_token().await.unwrap().bytes().await.unwrap(), "PICTURE");
}

#[tokio::test]
async fn a_posted_body_opens_the_window() {
    let bench = Bench::start().await;
    let body = json!({ "object": "page", "entry": [{ "id": PAGE, "time": "{now_ms}", "messaging": [{
        "sender": { "id": PERSON }, "recipient": { "id": PAGE }, "timestamp": "{now_ms}",
        "message": { "mid": "m_posted", "text": "show me" } }] }] });
    assert_eq!(bench.meta.post(&body).await, 200);
    assert_eq!(bench.receiver.items()[0]["timestamp"], 1_794_312_000_000_i64);
    assert_eq!(bench.send(PAGE, &message(PERSON, &json!({ "text": "x" }))).await.0, 200);
}

#[tokio::test]
async fn failures_happen_once_each() {
    let bench = Bench::start().await;
    bench.meta.customer_says(NUMBER, PHONE, "hello");
    bench.meta.customer_says(PAGE, PERSON, "hello");
    let body = text(PHONE, "x");
    bench.meta.fail_next(1, Fail::TooManyRequests { retry_after: 1 });
    assert_eq!(bench.refused(NUMBER, &body).await.0, 130_429);
    bench.meta.fail_next(1, Fail::Server500);
    assert_eq!(bench.refused(NUMBER, &body).await.0, 2);
    bench.meta.fail_next(1, Fail::Blocked);
    assert_eq!(bench.refused(PAGE, &message(PERSON, &json!({ "text": "x" }))).await.0, 551);
    bench.meta.fail_next(2, Fail::DropConnection);
    let url = format!("{}/v25.0/{NUMBER}/messages", bench.meta.base_url());
    let send = || bench.http.post(&url).bearer_auth(&bench.number_token).json(&body);
    let failed = match send().send().await {
        Ok(response) => response.bytes().await.is_err(),
        Err(_) => true,
    };
    assert!(failed);
    bench.meta.fail_next(1, Fail::Hang);
    // The second cut comes first.
    let _ = send().send().await;
    assert!(send().timeout(Duration::from_millis(200)).send().await.unwrap_err().is_timeout());
    assert_eq!(bench.meta.sent().len(), 1, "only what hung has left");
}

#[tokio::test]
async fn an_outage_holds_everything_up_and_loses_nothing() {
    let bench = Bench::start().await;
    bench.meta.customer_says(NUMBER, PHONE, "before");
    bench.meta.idle().await;
    bench.meta.outage(Some(Outage::Errors));
    bench.meta.customer_says(NUMBER, PHONE, "meanwhile");
    assert_eq!(bench.send(NUMBER, &text(PHONE, "x")).await.0, 503);
    assert_eq!(bench.receiver.items().len(), 1);
    bench.meta.outage(None);
    bench.meta.idle().await;
    assert_eq!(bench.receiver.items().len(), 2);
    assert_eq!(bench.send(NUMBER, &text(PHONE, "x")).await.0, 200);
    let statuses: Vec<u16> = bench.meta.calls().iter().map(|call| call.status).collect();
    assert_eq!(statuses, [503, 200]);
}
