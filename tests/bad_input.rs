//! What is wrong is refused by name, and nothing of it is lost that should be kept.

use serde_json::{Value, json};

use crate::kit::World;
use crate::on_both;

async fn post(world: &World, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, Value) {
    let mut request = crate::kit::http().post(world.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.body(body).send().await.expect("an answer");
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap_or_default().to_owned());
    let status = answer.status().as_u16();
    if status >= 400 {
        assert_eq!(kind.as_deref(), Some("application/problem+json"), "{path} {status}");
    }
    (status, answer.json().await.unwrap_or(Value::Null))
}

on_both!(webhooks_are_refused_by_the_reason, |engine| async move {
    let world = World::start(engine).await;
    let path = format!("/hooks/{}", world.bot.hook_token);
    let body = World::update(1, 5550201, 1, "Hello").to_string().into_bytes();
    let secret = world.secret(&world.bot);
    let header = "X-Telegram-Bot-Api-Secret-Token";

    let (status, problem) = post(&world, &path, &[], body.clone()).await;
    assert_eq!((status, &problem["code"]), (401, &json!("bad_signature")));
    let (status, _) = post(&world, &path, &[(header, "wrong")], body.clone()).await;
    assert_eq!(status, 401);
    let (status, problem) = post(&world, "/hooks/nothing-here", &[(header, &secret)], body.clone()).await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
    let (status, problem) = post(&world, &path, &[(header, &secret)], vec![b' '; 5 * 1024 * 1024]).await;
    assert_eq!((status, &problem["code"]), (413, &json!("too_large")));
    let api = world.api("owner@example.com").await;
    assert!(api.inbox().await.is_empty(), "nothing of a refused body is stored");

    // Signed, but not to be read: it is kept, and shown with its reason.
    let (status, _) = post(&world, &path, &[(header, &secret)], b"{\"update_id\": 7, oops".to_vec()).await;
    assert_eq!(status, 200);
    let (_, log) = api.get(&format!("/api/v1/integration-log?tenant={}", world.tenant)).await;
    let entry = log["entries"].as_array().expect("entries")[0].clone();
    assert_eq!(entry["outcome"], "unparsable");
    assert!(entry["error"].as_str().is_some_and(|error| error.contains("JSON")), "{entry}");
    // A replay reads it again, and says the same, because nothing was mended.
    let (status, replayed) = api
        .post(&format!("/api/v1/integration-log/{}/replay", entry["id"].as_str().expect("an id")), &json!({}))
        .await;
    assert_eq!(status, 200, "{replayed}");
    world.finish().await;
});

on_both!(the_api_names_the_field, |engine| async move {
    let world = World::start(engine).await;
    world.hook(&world.bot, &World::update(1, 5550202, 1, "Hello")).await;
    let api = world.api("agent@example.com").await;
    let conversation = api.inbox().await[0]["id"].as_str().expect("an id").to_owned();
    let send = format!("/api/v1/conversations/{conversation}/messages");
    let file =
        |kind: &str, url: &str| json!({ "client_id": "x", "attachments": [{ "kind": kind, "url": url }] });
    let cases = [
        (send.clone(), json!({ "text": "no id" }), 400, "client_id"),
        (send.clone(), json!({ "client_id": "", "text": "x" }), 400, "client_id"),
        (send.clone(), json!({ "client_id": "x" }), 400, "text"),
        (send.clone(), json!({ "client_id": "x", "text": "x".repeat(50_000) }), 400, "text"),
        (send.clone(), json!({ "client_id": "x", "text": 5 }), 400, "text"),
        (send.clone(), json!({ "client_id": "x", "text": "x", "txet": "y" }), 400, "txet"),
        (send.clone(), file("program", "https://example.com/a"), 400, "attachments.kind"),
        (send.clone(), file("image", "javascript:alert(1)"), 400, "attachments.url"),
        (
            send.clone(),
            json!({ "client_id": "x", "text": "x", "reply_to": "01890000-0000-7000-8000-000000000000" }),
            400,
            "reply_to",
        ),
        (
            format!("/api/v1/conversations/{conversation}/assign"),
            json!({ "assignee": "01890000-0000-7000-8000-000000000000" }),
            400,
            "assignee",
        ),
        (format!("/api/v1/conversations/{conversation}/read"), json!({ "seq": -1 }), 400, "seq"),
    ];
    for (path, body, status, field) in cases {
        let (got, problem) = api.post(&path, &body).await;
        assert_eq!((got, problem["field"].as_str()), (status, Some(field)), "{path} {body} {problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 5), "{problem}");
    }
    let (status, problem) = api.get("/api/v1/inbox?limit=many").await;
    assert_eq!((status, &problem["field"]), (400, &json!("limit")), "{problem}");
    assert_eq!(api.get("/api/v1/nothing").await.0, 404);
    assert_eq!(api.messages(&conversation).await.len(), 1, "nothing was stored of all that");
    world.finish().await;
});
