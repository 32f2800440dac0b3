//! What reaches the hub in other ways than the queue: bodies of a test's own, and signed requests about persons.

use serde_json::{Value, json};

use super::{config::Shared, sign};

/// The messages of a body exist from now on, and those of customers open the window.
pub(super) fn learn(shared: &Shared, body: &Value) {
    let now_ms = shared.now_ms();
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    shared.state.change(|state| {
        for entry in items(&body["entry"]) {
            let account = text(&entry["id"]);
            for item in items(&entry["messaging"]) {
                let is_ours = item["message"]["is_echo"] == true;
                let person = text(if is_ours { &item["recipient"]["id"] } else { &item["sender"]["id"] });
                let mid = item["message"]["mid"].as_str().or_else(|| item["postback"]["mid"].as_str());
                if item["message"].is_object() || item["postback"].is_object() {
                    state.learn(mid.unwrap_or_default(), &account, &person, is_ours, now_ms);
                }
            }
            for value in items(&entry["changes"]).iter().map(|change| &change["value"]) {
                let number = text(&value["metadata"]["phone_number_id"]);
                for message in items(&value["messages"]) {
                    let from = message["from"].as_str().or_else(|| message["from_user_id"].as_str());
                    let id = text(&message["id"]);
                    state.learn(&id, &number, from.unwrap_or_default(), false, now_ms);
                }
                for echo in items(&value["message_echoes"]) {
                    state.learn(&text(&echo["id"]), &number, &text(&echo["to"]), true, now_ms);
                }
            }
        }
    });
}

/// Posts the form with `signed_request` to the deauthorise or data-deletion callback.
pub(super) async fn signed_request(
    shared: &Shared,
    user: &str,
    (callback, age_s): (&str, i64),
) -> (u16, Value) {
    let issued_at = shared.now_ms() / 1000 - age_s;
    let payload = json!({ "algorithm": "HMAC-SHA256", "issued_at": issued_at, "user_id": user });
    let request = sign::signed_request(&shared.config.app_secret, &payload);
    let form =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("signed_request", &request).finish();
    let sent = shared
        .http
        .post(callback)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await;
    match sent {
        Ok(response) => {
            let status = response.status().as_u16();
            let body = response.bytes().await.unwrap_or_default();
            (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
        }
        Err(_) => (0, Value::Null),
    }
}
