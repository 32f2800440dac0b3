//! Where customers come from: a tracked link of each provider from the visit to the conversation, advertisements, and what a
//! link refuses. `crowd.rs` has many visitors at once, `leads.rs` what landing
//! pages hand in.

pub mod crowd;
mod leads;

use reqwest::header::{ACCEPT_LANGUAGE, LOCATION, USER_AGENT};
use reqwest::{Client as Http, Method, Url, redirect};
use serde_json::{Value, json};

use crate::kit::meta::{Line, MetaWorld};
use crate::kit::{Api, SESSION, World};
use crate::on_both;

const PHONE: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1";

fn browser() -> Http {
    Http::builder().redirect(redirect::Policy::none()).build().expect("a client")
}

/// A link to a chat with the channel.
async fn link(api: &Api, world: &World, channel: &hubbub::model::Channel, more: Value) -> Value {
    let target = match channel.kind.as_str() {
        "waha" | "whatsapp-cloud" => "+1 555 010 0200",
        _ => "example.shop",
    };
    let target = if channel.kind == "telegram" { "@example_bot" } else { target };
    let mut new =
        json!({ "tenant": world.tenant, "channel": channel.id, "name": "Autumn", "target": target });
    new.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let (status, link) = api.post("/api/v1/links", &new).await;
    assert_eq!(status, 201, "{link}");
    link
}

/// Where a person who follows the link gets to.
async fn follow(world: &World, link: &Value, query: &str) -> Url {
    let path = format!("/l/{}{query}", link["code"].as_str().expect("a code"));
    let answer = browser().get(world.url(&path)).header(USER_AGENT, PHONE).send().await.expect("an answer");
    assert_eq!(answer.status(), 302, "{path}");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    answer.headers()[LOCATION].to_str().expect("text").parse().expect("an address")
}

/// The parameter of a chat's address.
fn parameter(url: &Url, name: &str) -> String {
    let (_, value) =
        url.query_pairs().find(|(one, _)| one == name).unwrap_or_else(|| panic!("{name} in {url}"));
    value.into_owned()
}

async fn touches(api: &Api, conversation: &Value) -> Vec<Value> {
    let path = format!("/api/v1/conversations/{}/touches", conversation.as_str().expect("an id"));
    let (status, found) = api.get(&path).await;
    assert_eq!(status, 200, "{found}");
    found["touches"].as_array().expect("touches").clone()
}

async fn counts(api: &Api, world: &World, link: &Value) -> (i64, i64) {
    let (_, all) = api.get(&format!("/api/v1/links?tenant={}", world.tenant)).await;
    let found = all["links"].as_array().expect("links").iter().find(|one| one["id"] == link["id"]).cloned();
    let found = found.expect("the link");
    (found["visits"].as_i64().expect("a count"), found["chats"].as_i64().expect("a count"))
}

on_both!(a_link_leads_to_a_conversation_that_says_where_it_came_from, |engine| async move {
    let meta = MetaWorld::start(engine).await;
    let lines = [meta.whatsapp().await, meta.messenger().await, meta.instagram().await];
    let world = &meta.world;
    let api = world.api("owner@example.com").await;
    let mut manager = world.person("agent@example.com").await;

    // Telegram: a start parameter, which nobody sees.
    let marks = json!({ "utm": { "source": "TikTok", "medium": "Video " }, "campaign": "Lamps" });
    let of_bot = link(&api, world, &world.bot, marks.clone()).await;
    let url = follow(world, &of_bot, "?utm_content=Video%207&utm_source=other").await;
    assert_eq!((url.host_str(), url.path()), (Some("t.me"), "/example_bot"));
    let start = parameter(&url, "start");
    world.telegram.customer_says(5550701, &format!("/start {start}"));
    let event = manager.event("message.created").await;
    assert_eq!(event["message"]["text"], "/start");
    assert!(!event.to_string().contains(&start), "{event}");
    let source = &event["conversation"]["source"];
    assert_eq!(
        (&source["kind"], &source["name"], &source["link"]),
        (&json!("link"), &json!("Autumn"), &of_bot["id"])
    );
    assert_eq!(source["campaign"], "lamps");
    assert_eq!(
        source["utm"],
        json!({ "source": "tiktok", "medium": "video", "campaign": null, "term": null, "content": "video 7" })
    );
    let listed = api.inbox().await;
    assert_eq!(&listed[0]["source"], source);
    let seen = touches(&api, &event["conversation"]["id"]).await;
    assert_eq!((seen.len(), &seen[0]["source"]), (1, source));
    // Another customer has the same text from a friend.
    world.telegram.customer_says(5550702, &format!("/start {start}"));
    let event = manager.event("message.created").await;
    assert_eq!(
        (&event["conversation"]["source"], &event["message"]["text"]),
        (&Value::Null, &json!(format!("/start {start}")))
    );
    assert_eq!(counts(&api, world, &of_bot).await, (1, 1));

    // WhatsApp: in brackets at the end of the text, with an edit that brings it back.
    let of_phone = link(&api, world, &world.phone, json!({ "text": "Hello & welcome" })).await;
    let url = follow(world, &of_phone, "").await;
    assert_eq!((url.host_str(), url.path()), (Some("wa.me"), "/15550100200"));
    let text = parameter(&url, "text");
    assert!(text.starts_with("Hello & welcome ["), "{text}");
    let message = world.waha.customer_says(SESSION, "15550100900@c.us", &format!("{text} the blue one"));
    let event = manager.event("message.created").await;
    assert_eq!(event["message"]["text"], "Hello & welcome the blue one");
    assert_eq!(event["conversation"]["source"]["link"], of_phone["id"]);
    world.waha.customer_edits(SESSION, "15550100900@c.us", &message, &format!("{text} the red one"));
    let event = manager.event("message.updated").await;
    assert_eq!(event["message"]["text"], "Hello & welcome the red one");

    // The business API, with what an advertisement tells besides: both are kept, the first is the source.
    let [whatsapp, messenger, instagram] = lines;
    let of_number = link(&api, world, &whatsapp.channel, json!({ "text": "Hi" })).await;
    let text = parameter(&follow(world, &of_number, "").await, "text");
    meta.meta.customer_says(whatsapp.account, whatsapp.person, &text);
    let event = manager.event("message.created").await;
    assert_eq!(
        (&event["message"]["text"], &event["conversation"]["source"]["link"]),
        (&json!("Hi"), &of_number["id"])
    );
    meta.meta.customer_comes_from_ad(whatsapp.account, whatsapp.person, "Is it there?", "ARexample");
    let event = manager.event("message.created").await;
    assert_eq!(event["conversation"]["source"]["link"], of_number["id"], "the first stays");
    let seen = touches(&api, &event["conversation"]["id"]).await;
    assert_eq!((seen.len(), &seen[0]["source"]["kind"]), (2, &json!("ad")));
    assert_eq!(
        (&seen[0]["source"]["name"], &seen[0]["data"]["ctwa_clid"]),
        (&json!("Autumn sale"), &json!("ARexample"))
    );

    // Messenger and Instagram: a customer who wrote before comes by a link, and only then writes.
    for Line { account, person, channel } in [messenger, instagram] {
        let link = link(&api, world, &channel, json!({})).await;
        let url = follow(world, &link, "").await;
        assert!(matches!(url.host_str(), Some("m.me" | "ig.me")), "{url}");
        meta.meta.customer_says(account, person, "Hello");
        let event = manager.event("message.created").await;
        let id = event["conversation"]["id"].clone();
        assert_eq!(event["conversation"]["source"], Value::Null);
        api.post(&format!("/api/v1/conversations/{}/close", id.as_str().expect("an id")), &json!({})).await;
        meta.meta.customer_is_referred(account, person, &parameter(&url, "ref"), "SHORTLINK");
        meta.meta.customer_says(account, person, "I am back");
        let event = manager.publication(|data| data["message"]["text"] == "I am back").await;
        assert_ne!(event["conversation"]["id"], id);
        assert_eq!(event["conversation"]["source"]["link"], link["id"], "{}", channel.kind);
        let seen = touches(&api, &event["conversation"]["id"]).await;
        assert_eq!((seen.len(), &seen[0]["conversation"]), (1, &event["conversation"]["id"]));
    }
    meta.finish().await;
});

on_both!(what_no_person_visits_counts_nowhere, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("owner@example.com").await;
    let made = link(&api, &world, &world.phone, json!({ "text": "Hi" })).await;
    let path = format!("/l/{}", made["code"].as_str().expect("a code"));
    let browser = browser();
    let visit = async |method: Method, headers: &[(&str, &str)]| {
        let mut request = browser.request(method, world.url(&path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 302);
        answer.headers()[LOCATION].to_str().expect("text").to_owned()
    };
    for headers in [
        vec![("user-agent", "WhatsApp/2.24.20.80 A")],
        vec![("user-agent", PHONE), ("purpose", "prefetch")],
        vec![("user-agent", PHONE), ("sec-purpose", "prefetch;prerender")],
        vec![],
    ] {
        assert_eq!(visit(Method::GET, &headers).await, "https://wa.me/15550100200?text=Hi", "{headers:?}");
    }
    assert_eq!(visit(Method::HEAD, &[("user-agent", PHONE)]).await, "https://wa.me/15550100200?text=Hi");
    assert_eq!(counts(&api, &world, &made).await, (0, 0));
    // One who comes again gets another reference and is one.
    let first = visit(Method::GET, &[("user-agent", PHONE)]).await;
    let second = visit(Method::GET, &[("user-agent", PHONE)]).await;
    assert!(first != second && first.contains("%5B") && second.contains("%5B"), "{first} {second}");
    assert_eq!(counts(&api, &world, &made).await, (1, 0));
    let (_, days) = api.get(&format!("/api/v1/links/{}/visits", made["id"].as_str().expect("an id"))).await;
    assert_eq!(days["days"][0]["visits"], 1);
    world.finish().await;
});

on_both!(a_link_that_is_over_says_so, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("owner@example.com").await;
    let agent = world.api("agent@example.com").await;
    let new =
        json!({ "tenant": world.tenant, "channel": world.bot.id, "name": "x", "target": "@example_bot" });
    assert_eq!(agent.post("/api/v1/links", &new).await.0, 403);
    for (field, value) in [
        ("target", json!("https://evil.example.com")),
        ("text", json!("Hi")),
        ("channel", json!(world.tenant)),
    ] {
        let mut wrong = new.clone();
        wrong[field] = value;
        let (status, answer) = api.post("/api/v1/links", &wrong).await;
        assert!(status == 404 || (status == 400 && answer["field"] == field), "{field}: {answer}");
    }
    let made = link(&api, &world, &world.bot, json!({})).await;
    let (id, code) = (made["id"].as_str().expect("an id"), made["code"].as_str().expect("a code"));
    let browser = browser();
    let page = async |path: &str, language: &str| {
        let request =
            browser.get(world.url(path)).header(USER_AGENT, PHONE).header(ACCEPT_LANGUAGE, language);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.headers().contains_key(LOCATION), answer.status() == 302);
        (answer.status().as_u16(), answer.text().await.expect("a text"))
    };
    let one = format!("/l/{code}");
    assert_eq!(page(&one, "en").await.0, 302);
    assert_eq!(api.patch(&format!("/api/v1/links/{id}"), &json!({ "active": false })).await.0, 200);
    let (status, text) = page(&one, "ru-RU,ru;q=0.9,en;q=0.8").await;
    assert!(status == 410 && text.contains("больше не действует") && text.contains("lang=\"ru\""), "{text}");
    let (status, text) = page(&one, "en").await;
    assert!(status == 410 && text.contains("This link is over"), "{text}");
    let back = json!({ "active": true, "expires_at": 1_000 });
    assert_eq!(api.patch(&format!("/api/v1/links/{id}"), &back).await.0, 200);
    assert_eq!(page(&one, "en").await.0, 410);
    assert_eq!(api.patch(&format!("/api/v1/links/{id}"), &json!({ "expires_at": 0 })).await.0, 200);
    assert_eq!(page(&one.to_uppercase().replacen("/L/", "/l/", 1), "en").await.0, 302);
    for path in ["/l/aaaaaaa", "/l/x", "/l/..%2f..%2fetc", "/l/%00", "/l/https:%2f%2fevil.example.com"] {
        let (status, text) = page(path, "en").await;
        assert!(status == 404 && text.contains("There is no such link"), "{path} {status}: {text}");
    }
    let qr = crate::kit::http().get(world.url(&format!("/api/v1/links/{id}/qr"))).bearer_auth(&agent.token);
    let qr = qr.send().await.expect("an answer");
    assert_eq!(
        (qr.status().as_u16(), &qr.headers()["content-type"]),
        (200, &"image/svg+xml".parse().expect("a value"))
    );
    let gone = crate::kit::http().delete(world.url(&format!("/api/v1/links/{id}"))).bearer_auth(&api.token);
    assert_eq!(gone.send().await.expect("an answer").status(), 204);
    assert_eq!(page(&one, "en").await.0, 404);
    // A spelling of a source means another.
    let set = |alias: &str, name: Value| json!({ "tenant": world.tenant, "alias": alias, "name": name });
    let (_, names) = api.post("/api/v1/source-names", &set("Tik-Tok", json!("TikTok"))).await;
    assert_eq!(names["names"], json!([{ "alias": "tik-tok", "name": "tiktok" }]));
    assert_eq!(api.post("/api/v1/source-names", &set("tiktok", json!("tik-tok"))).await.0, 400);
    let made = link(&api, &world, &world.bot, json!({ "utm": { "source": " TIK-TOK " } })).await;
    assert_eq!(made["utm"]["source"], "tiktok");
    world.finish().await;
});
