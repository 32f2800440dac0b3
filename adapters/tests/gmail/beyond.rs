//! A mail beyond what is fetched, and a token that ended before its time.

use std::sync::{Arc, Mutex};

use adapters::{Account, Context, Event, KeepRenewed, Renewed};
use serde_json::json;

use super::{ME, account, error, gmail, http, refreshable};
use crate::server::{Answer, Server};

#[tokio::test]
async fn a_mail_that_is_too_large_is_a_message_that_says_so() {
    let server = Server::start().await;
    let body = vec![b'x'; 33 << 20];
    server.on(&format!("GET {ME}/messages/huge?format=full"), Answer::Bytes(200, body));
    let headers = json!([{"name": "From", "value": "Ari <ari@example.org>"}, {"name": "Subject", "value": "Plans"},
        {"name": "Message-ID", "value": "<huge@example.org>"}]);
    let heads = json!({"id": "huge", "threadId": "t1", "labelIds": ["INBOX"], "snippet": "Here they are",
        "internalDate": "1794312000000", "payload": {"mimeType": "text/plain", "headers": headers}});
    server.json(&format!("GET {ME}/messages/huge?format=metadata"), 200, heads);
    let (http, account) = (http(), account(&server));
    let item = gmail().item(&http, &account, "huge").await.unwrap().expect("a mail");
    let context = Context { mailbox: Some("support@shop.example.com".into()), ..Context::default() };
    let Event::Message(message) = gmail().parse(&item, &context).unwrap().remove(0) else {
        panic!("no message")
    };
    let text = message.content.text.unwrap();
    assert!(text.contains("too large") && text.ends_with("Here they are"), "{text}");
    assert_eq!(message.content.data["too_large"], true);
    assert_eq!((message.key.as_str(), message.sender.id.as_deref()), ("huge", Some("ari@example.org")));
    // Not even its headers can be had: it is refused, and the others are read.
    server.forget(&format!("GET {ME}/messages/huge?format=metadata"));
    server.json(&format!("GET {ME}/messages/huge?format=metadata"), 400, error(400, "invalidArgument"));
    let refused = gmail().item(&http, &account, "huge").await.unwrap_err();
    assert!(!refused.retryable && !refused.channel_down, "{refused}");
}

#[derive(Default)]
struct Kept(Mutex<Vec<Renewed>>);

impl KeepRenewed for Kept {
    fn now_ms(&self) -> i64 {
        1_794_312_000_000
    }

    fn keep(&self, renewed: Renewed) {
        self.0.lock().unwrap().push(renewed);
    }
}

#[tokio::test]
async fn a_token_that_was_renewed_on_the_way_is_given_to_be_kept() {
    let server = Server::start().await;
    let path = format!("GET {ME}/messages/a?format=full");
    server.json(&path, 401, error(401, "authError")).json(&path, 200, json!({"id": "a"}));
    refreshable(&server);
    let kept = Arc::new(Kept::default());
    let keeping = Account { keeper: Some(Arc::clone(&kept) as Arc<dyn KeepRenewed>), ..account(&server) };
    assert!(gmail().item(&http(), &keeping, "a").await.unwrap().is_some());
    let settings = kept.0.lock().unwrap().pop().expect("it is kept").settings;
    assert_eq!(settings["access_token"], "access-2");
    assert_eq!(settings["access_expires_at_ms"], (1_794_312_000_000_i64 + 3_599_000).to_string());

    // A renewal whose watch finds the token ended gives both back together.
    let server = Server::start().await;
    let watch = format!("POST {ME}/watch");
    server.json(&watch, 401, error(401, "authError"));
    server.json(&watch, 200, json!({"historyId": "7", "expiration": "1794916800000"}));
    refreshable(&server);
    let keeping = Account { keeper: Some(Arc::clone(&kept) as Arc<dyn KeepRenewed>), ..account(&server) };
    let renewed = gmail().renew(&http(), &keeping, 1_794_300_000_000).await.unwrap().settings;
    assert_eq!(renewed["access_token"], "access-2");
    assert!(kept.0.lock().unwrap().is_empty(), "once");
}
