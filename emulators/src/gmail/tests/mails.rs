use super::*;

fn reason(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"]["message"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn history_has_pages_filters_and_an_end_of_memory() {
    let bench = Bench::with(EmulatorConfig { page_size: 2, ..EmulatorConfig::default() }).await;
    let mail = Mail::new("ari@example.org", "Hi", "hello");
    let ids: Vec<_> = (0..3).map(|_| bench.google.arrives(MAILBOX, &mail).id).collect();
    let read = json!({ "removeLabelIds": ["UNREAD"] });
    assert_eq!(bench.call("POST", &format!("messages/{}/modify", ids[0]), Some(read)).await.0, 200);
    let first = bench.get("history?startHistoryId=9000100").await;
    let token = first["nextPageToken"].as_str().unwrap();
    let second = bench.get(&format!("history?startHistoryId=9000100&pageToken={token}")).await;
    assert_eq!(second["history"][1]["labelsRemoved"][0]["labelIds"], json!(["UNREAD"]));
    assert_eq!((second.get("nextPageToken"), &second["historyId"]), (None, &json!("9000120")));
    assert_eq!(second["history"][0]["messagesAdded"][0]["message"]["id"], *ids[2]);
    let only = bench.get("history?startHistoryId=9000114&historyTypes=messageAdded&labelId=INBOX").await;
    assert_eq!(only["history"].as_array().unwrap().len(), 1);
    let nothing = bench.get("history?startHistoryId=9000100&labelId=SPAM").await;
    assert_eq!(nothing, json!({ "historyId": "9000120" }));
    bench.google.begins_history_with_empty_page(true);
    let empty = bench.get("history?startHistoryId=9000100").await;
    assert!(empty.get("history").is_none() && empty["nextPageToken"].is_string());
    bench.google.begins_history_with_empty_page(false);
    for bad in ["history", "history?startHistoryId=x", "history?startHistoryId=1&historyTypes=messagesAdded"]
    {
        assert_eq!(bench.refused(bad).await.0, 400, "{bad}");
    }
    bench.google.forgets_history(MAILBOX);
    assert_eq!(bench.refused("history?startHistoryId=9000120").await, (404, "notFound".into()));
    assert_eq!(bench.get("history?startHistoryId=9000125").await, json!({ "historyId": "9000125" }));
}

#[tokio::test]
async fn the_list_is_searched_and_has_the_newest_first() {
    let bench = Bench::with(EmulatorConfig { page_size: 2, ..EmulatorConfig::default() }).await;
    let mut ids = Vec::new();
    for number in 0..4 {
        bench.passes(10_000);
        let mut mail = Mail::new("ari@example.org", &format!("Order {number}"), "hello");
        if number == 3 {
            mail.label_ids = vec!["SPAM".into()];
        }
        ids.push(bench.google.arrives(MAILBOX, &mail).id);
    }
    let first = bench.get("messages").await;
    assert_eq!((&first["messages"][0]["id"], &first["messages"][1]["id"]), (&json!(ids[2]), &json!(ids[1])));
    let token = first["nextPageToken"].as_str().unwrap();
    let last = bench.get(&format!("messages?pageToken={token}")).await;
    assert_eq!((&last["messages"][0]["id"], last.get("nextPageToken")), (&json!(ids[0]), None));
    let after = START_MS / 1000 + 30;
    assert_eq!(
        bench.get(&format!("messages?q=after:{after}")).await["messages"].as_array().unwrap().len(),
        1
    );
    let all = bench.get(&format!("messages?q=after:{after}%20in:anywhere")).await;
    assert_eq!(all["messages"].as_array().unwrap().len(), 2);
    assert_eq!(bench.get("messages?q=after:2026/11/11").await, json!({ "resultSizeEstimate": 0 }));
    assert_eq!(bench.get("messages?q=subject:2%20-in:chats").await["resultSizeEstimate"], 1);
    assert_eq!(bench.refused("messages?q=since:yesterday").await.0, 400);
}

#[tokio::test]
async fn a_mail_is_shown_as_the_tree_of_its_parts() {
    let bench = Bench::start().await;
    let mail = Mail::new("ari@example.org", "Photos", "two photos").html("<p>two photos</p>");
    let arrived =
        bench.google.arrives(MAILBOX, &mail.file("image.png", *b"FIRST").file("image.png", *b"SECOND"));
    let path = format!("messages/{}", arrived.id);
    let (one, two) = (bench.get(&path).await, bench.get(&path).await);
    let kinds = |at: &str| one.pointer(at).unwrap()["mimeType"].clone();
    assert_eq!(
        (kinds("/payload"), kinds("/payload/parts/0")),
        ("multipart/mixed".into(), "multipart/alternative".into())
    );
    assert_eq!(one["payload"]["parts"][0]["parts"][1]["partId"], "0.1");
    assert_eq!(one["payload"]["parts"][0]["parts"][0]["body"]["data"], "dHdvIHBob3Rvcw==");
    let id = |mail: &Value| mail["payload"]["parts"][2]["body"]["attachmentId"].as_str().unwrap().to_owned();
    assert_ne!(id(&one), id(&two));
    let second = bench.get(&format!("{path}/attachments/{}", id(&one))).await;
    assert_eq!(second, json!({ "size": 6, "data": "U0VDT05E" }));
    bench.passes(60_000);
    assert_eq!(bench.refused(&format!("{path}/attachments/{}", id(&one))).await.0, 404);
    assert_eq!(bench.refused(&format!("{path}/attachments/none")).await.0, 400);

    let latin = Mail::new("ari@example.org", "Termin", "passt").charset("windows-1252", *b"pa\xdft");
    let latin = bench.get(&format!("messages/{}", bench.google.arrives(MAILBOX, &latin).id)).await;
    assert_eq!(latin["payload"]["body"]["data"], "cGHfdA==");
    let gone = bench.google.arrives(MAILBOX, &Mail::new("ari@example.org", "x", "x").vanishing());
    assert_eq!(bench.refused(&format!("messages/{}", gone.id)).await, (404, "notFound".into()));
    let step = json!({ "id": "19d00000000000a1", "threadId": "19d00000000000a1", "labelIds": ["INBOX"], "push": false,
        "headers": { "From": "ari@example.org", "Subject": "Parts" }, "old_attachment_ids": "404",
        "parts": [{ "mimeType": "text/plain", "text": "words" }],
        "files": [{ "filename": "image.png", "bytes": "FIRST", "attachmentId": "{new at every call}" }] });
    bench.google.arrives(MAILBOX, &serde_json::from_value(step).unwrap());
    let step = bench.get("messages/19d00000000000a1").await;
    assert_eq!(step["payload"]["parts"][0]["body"]["data"], "d29yZHM=");
}

#[tokio::test]
async fn an_answer_stays_in_its_thread_only_if_it_fits() {
    let bench = Bench::start().await;
    let arrived = bench.google.arrives(MAILBOX, &Mail::new("ari@example.org", "Order 7788", "where?"));
    let id = arrived.message_id.as_str();
    let fits = [("Subject", "Re: Order 7788"), ("In-Reply-To", id), ("References", id)];
    let (status, answer) = bench.send(&raw(&fits, "Ein Päckchen"), Some(&arrived.thread)).await;
    assert_eq!(
        (status, &answer["threadId"], &answer["labelIds"]),
        (200, &json!(arrived.thread), &json!(["SENT"]))
    );
    let encoded = [("Subject", "=?UTF-8?B?UmU6IE9yZGVyIDc3ODg=?="), ("In-Reply-To", id), ("References", id)];
    assert_eq!(bench.send(&raw(&encoded, "x"), Some(&arrived.thread)).await.1["threadId"], *arrived.thread);
    for headers in [
        vec![("Subject", "Re: Order 7788")],
        vec![("Subject", "Something else"), ("In-Reply-To", id), ("References", id)],
        vec![("Subject", "Re: Order 7788"), ("In-Reply-To", "<other@example.org>")],
    ] {
        let (status, answer) = bench.send(&raw(&headers, "x"), Some(&arrived.thread)).await;
        assert_eq!((status, answer["threadId"] == answer["id"]), (200, true), "{headers:?}");
    }
    assert_eq!(bench.send(&raw(&fits, "x"), Some("19d0000000000fff")).await.0, 404);
    let sent = bench.google.sent_reaches(5).await;
    assert_eq!((sent[0].text.as_deref(), sent[0].stayed_in_thread), (Some("Ein Päckchen\r\n"), true));
    let history = bench.get("history?startHistoryId=9000105&labelId=SENT").await;
    assert_eq!(history["history"].as_array().unwrap().len(), 5);
    bench.google.replaces_message_ids(true);
    bench.send(&raw(&fits, "x"), None).await;
    assert!(bench.google.sent()[5].message_id.ends_with("@mail.gmail.com>"));
    let owner = bench.google.owner_answers(MAILBOX, &arrived.thread, "by hand").unwrap();
    let shown = bench.get(&format!("messages/{}", owner.id)).await;
    assert_eq!((&shown["labelIds"], &shown["threadId"]), (&json!(["SENT"]), &json!(arrived.thread)));
}

#[tokio::test]
async fn a_mail_that_is_not_well_formed_is_refused() {
    let max_mail_bytes = 2000;
    let bench = Bench::with(EmulatorConfig { max_mail_bytes, ..EmulatorConfig::default() }).await;
    let good = raw(&[], "hello");
    let multipart = |body: &str| raw(&[("Content-Type", "multipart/mixed; boundary=b")], body);
    let part = "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n";
    for (bad, what) in [
        (good.replace("\r\n", "\n"), "a line end without CR"),
        (raw(&[("From", "other@example.com")], "x"), "Invalid From"),
        (raw(&[("From", "support@shop.example.com, other@example.com")], "x"), "Invalid From"),
        (raw(&[("Subject", "a"), ("Subject", "b")], "x"), "more than one Subject"),
        (raw(&[("Subject", "a\r\nBcc: victim@example.org")], "x"), "Bcc"),
        (raw(&[("Subject", "a\r\nTo: victim@example.org")], "x"), "more than one To"),
        (raw(&[("Subject", "a\nb: c")], "x"), "a line end without CR"),
        (raw(&[("Subject", "Päckchen")], "x"), "not ASCII"),
        (raw(&[("Subject", "=?UTF-8?B?4pi?=")], "x"), "no encoded word"),
        (raw(&[("To", "")], "x"), "Recipient address required"),
        (raw(&[("To", "ari")], "x"), "Invalid To"),
        (raw(&[("Content-Transfer-Encoding", "7bit")], "Päckchen"), "7bit"),
        (raw(&[("Content-Transfer-Encoding", "base64")], "====="), "base64"),
        (raw(&[("Content-Transfer-Encoding", "quoted-printable")], "a=zz"), "quoted-printable"),
        (raw(&[("Content-Type", "text/plain")], "Päckchen"), "not us-ascii"),
        (raw(&[], &"x".repeat(999)), "a line of 999 bytes"),
        (multipart(part), "last boundary"),
        (multipart("x"), "first boundary"),
    ] {
        let answer = bench.send(&bad, None).await;
        let (status, message) = reason(&answer);
        assert!(status == 400 && message.contains(what), "{what}: {answer:?}");
    }
    assert_eq!(bench.send(&multipart(&format!("{part}{part}--b--")), None).await.0, 200);
    let named = |name: &str| format!("--b\r\nContent-Disposition: attachment; {name}\r\n\r\nx\r\n");
    let names = [named("filename=\"a;b \\\"q\\\".png\""), named("filename*=UTF-8''%D1%84%201.png")].concat();
    assert_eq!(bench.send(&multipart(&format!("{part}{names}--b--")), None).await.0, 200);
    let sent = bench.google.sent();
    let names: Vec<_> = sent[1].files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["a;b \"q\".png", "ф 1.png"]);
    assert!(sent[1].raw.ends_with(b"--b--\r\n"));
    let standard = json!({ "raw": base64::prelude::BASE64_STANDARD.encode(raw(&[], "???>>>~~~")) });
    assert_eq!(bench.call("POST", "messages/send", Some(standard)).await.0, 400);
    let large = raw(&[], &"0123456789\r\n".repeat(max_mail_bytes / 12));
    assert_eq!(bench.send(&large, None).await.0, 413);
    assert_eq!(bench.google.sent().len(), 2);
}

#[tokio::test]
async fn failures_and_scripts_come_as_they_are_ordered() {
    let bench = Bench::start().await;
    bench.google.fail_next(1, Fail::TooManyRequests { retry_after: 2 });
    bench.google.fail_next(1, Fail::Server500);
    assert_eq!(bench.send(&raw(&[], "1"), None).await.0, 429);
    assert_eq!(bench.send(&raw(&[], "2"), None).await.0, 500);
    assert_eq!(bench.google.sent(), []);
    let left = Answer::of("/messages/send", 500, json!("")).after_leaving(Duration::ZERO).times(1);
    bench.google.answers(left);
    assert_eq!(bench.send(&raw(&[], "3"), None).await.0, 500);
    assert_eq!(bench.google.sent().len(), 1);
    bench.google.fail_next(1, Fail::Hang);
    let hanging = tokio::time::timeout(Duration::from_millis(300), bench.send(&raw(&[], "4"), None)).await;
    assert!(hanging.is_err() && bench.google.sent().len() == 2);
    bench.google.fail_next(1, Fail::Blocked);
    let (_, sent) = bench.send(&raw(&[("Subject", "Hi")], "5"), None).await;
    let listed = bench.get("messages?labelIds=INBOX").await;
    assert_eq!(listed["messages"][0]["threadId"], sent["id"]);
    let report = bench.get(&format!("messages/{}", listed["messages"][0]["id"].as_str().unwrap())).await;
    assert_eq!(report["payload"]["mimeType"], "multipart/report");
    assert_eq!(
        report["payload"]["parts"][2]["parts"][0]["headers"][0]["value"],
        "<reply-1@shop.example.com>"
    );

    let step = json!({ "provider": "gmail", "method": "GET", "path": "/history", "times": 1, "status": 404,
        "if_query": { "startHistoryId": "9000100" }, "body": {} });
    bench.google.answers(serde_json::from_value(step).unwrap());
    bench.get("history?startHistoryId=9000105").await;
    assert_eq!(bench.refused("history?startHistoryId=9000100").await.0, 404);
    bench.get("history?startHistoryId=9000100").await;
    assert_eq!(bench.google.called("/history").await.parameter("startHistoryId"), Some("9000100"));
}

#[tokio::test]
async fn a_minute_has_its_quota() {
    let bench =
        Bench::with(EmulatorConfig { units_per_minute: Some(120), ..EmulatorConfig::default() }).await;
    assert_eq!(bench.send(&raw(&[], "1"), None).await.0, 200);
    bench.get("messages").await;
    assert_eq!(bench.send(&raw(&[], "2"), None).await.0, 403);
    assert_eq!(bench.refused("messages/1").await, (403, "rateLimitExceeded".into()));
    bench.passes(60_000);
    assert_eq!(bench.send(&raw(&[], "3"), None).await.0, 200);
}
