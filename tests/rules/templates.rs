//! Templates: listed as the provider has them, and checked before they leave.

use serde_json::json;

use crate::kit::meta::MetaWorld;
use crate::on_both;

on_both!(a_template_is_chosen_filled_and_sent, |engine| async move {
    let all = MetaWorld::start(engine).await;
    let line = all.whatsapp().await;
    let mut manager = all.world.person("agent@example.com").await;
    let chat = all.conversation(&line, &mut manager).await;
    let api = all.world.api("agent@example.com").await;
    let path = format!("/api/v1/channels/{}/templates", line.channel.id);
    let (status, listed) = api.get(&path).await;
    assert_eq!(status, 200, "{listed}");
    let listed = listed["templates"].as_array().expect("a list");
    let order = listed.iter().find(|one| one["name"] == "order_ready").expect("it is there");
    assert_eq!(order["state"], "APPROVED");
    let language = order["language"].clone();

    let messages = format!("/api/v1/conversations/{}/messages", chat.as_str().expect("an id"));
    let send = |id: &str, name: &str, language: &serde_json::Value, values: &[&str]| {
        let parameters: Vec<_> = values.iter().map(|text| json!({ "type": "text", "text": text })).collect();
        json!({ "client_id": id, "template": { "name": name, "language": language,
            "components": [{ "type": "body", "parameters": parameters }] } })
    };
    for (body, field) in [
        (send("a", "order_lost", &language, &["Ana"]), "template.name"),
        (send("b", "order_ready", &json!("tlh"), &["Ana"]), "template.language"),
        (send("c", "order_ready", &language, &[]), "template.components"),
        (send("d", "order_ready", &language, &["Ana", "42", "and", "more"]), "template.components"),
    ] {
        let (status, refused) = api.post(&messages, &body).await;
        assert_eq!((status, &refused["field"]), (400, &json!(field)), "{refused}");
    }
    let wanted = order["components"][0]["text"].as_str().expect("a text").matches("{{").count();
    let values: Vec<_> = ["Ana", "42", "Monday"].into_iter().take(wanted).collect();
    let (status, sent) = api.post(&messages, &send("e", "order_ready", &language, &values)).await;
    assert_eq!(status, 201, "{sent}");
    let shown = sent["message"]["text"].as_str().expect("its words").to_owned();
    assert!(shown.contains("Ana") && !shown.contains("{{"), "{shown}");
    let sent = all.sent_reaches(&line, 1).await;
    assert_eq!((sent[0].kind.as_str(), sent[0].text.as_deref()), ("template", Some(shown.as_str())));

    let (status, refused) = api.get(&format!("/api/v1/channels/{}/templates", all.world.bot.id)).await;
    assert_eq!((status, &refused["code"]), (409, &json!("not_supported")));
    manager.close().await;
    all.finish().await;
});
