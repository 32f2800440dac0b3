//! What reading a body costs, for each built provider: printed, not judged, as it depends on the machine. The fastest of
//! many rounds counts: what else runs on the machine can only add.
//! `cargo test --release -p adapters --test providers -- --ignored --nocapture cost`

use std::time::Instant;

use adapters::{Context, Provider, app, providers};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::cases::{cases, fixture};

/// The first text of the provider's fixtures, made about as long as so many bytes by its text.
fn message(provider: &dyn Provider, bytes: usize) -> Option<Vec<u8>> {
    let is_text = |case: &Value| {
        let events = case["expect"]["events"].as_array().map_or(&[][..], Vec::as_slice);
        case["provider"] == provider.name() && events.len() == 1 && events[0]["kind"] == "text"
    };
    let case = cases().into_iter().find(is_text)?;
    let mut body: Value = serde_json::from_slice(&fixture(case["file"].as_str()?)).ok()?;
    let text = case["expect"]["events"][0]["text"].as_str()?.to_owned();
    let more = bytes.saturating_sub(body.to_string().len());
    lengthen(&mut body, &text, &format!("{text} {}", "words and ".repeat(more / 10)));
    Some(body.to_string().into_bytes())
}

fn lengthen(value: &mut Value, text: &str, with: &str) {
    match value {
        Value::String(one) if one == text => with.clone_into(one),
        // Of a mail, which is coded.
        Value::String(one) if decoded(one).is_some_and(|one| one.trim_end() == text) => {
            *one = BASE64_URL_SAFE_NO_PAD.encode(with);
        }
        Value::Array(list) => list.iter_mut().for_each(|one| lengthen(one, text, with)),
        Value::Object(members) => members.values_mut().for_each(|one| lengthen(one, text, with)),
        _ => {}
    }
}

fn decoded(text: &str) -> Option<String> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    Some(String::from_utf8(bytes).ok()?.replace("\r\n", "\n"))
}

/// Mails of every shape, of so many bytes as JSON, by what stands in them: ten fields, as no mail has fewer, and text
/// that fills the rest.
fn mails(bytes: usize) -> Vec<(&'static str, Vec<u8>)> {
    let text = |words: usize| "Where is my order? ".repeat(words / 19);
    let quoted = |words| {
        format!(
            "{}\r\n\r\nOn Tue, Ari wrote:\r\n{}",
            text(words / 2),
            "> It ships today.\r\n".repeat(words / 38)
        )
    };
    let page = |words| {
        let row = "<tr><td style=\"padding:0\"><p>Where is my <b>order</b>?&nbsp;</p></td></tr>\r\n";
        let head = "<html><head><style>p{margin:0}</style></head><body><table>";
        format!("{head}{}</table></body></html>", row.repeat(words / row.len()))
    };
    let leaf = |kind: &str, text: String| {
        let fields = json!([{"name": "Content-Type", "value": format!("text/{kind}; charset=\"UTF-8\"")}]);
        let body = json!({"size": text.len(), "data": BASE64_URL_SAFE_NO_PAD.encode(text)});
        json!({"partId": "0", "mimeType": format!("text/{kind}"), "filename": "", "headers": fields, "body": body})
    };
    let both = |words: usize| {
        let parts = json!([leaf("plain", text(words / 4)), leaf("html", page(words / 4 * 3))]);
        json!({"partId": "", "mimeType": "multipart/alternative", "filename": "", "body": {"size": 0}, "parts": parts})
    };
    let mail = |mut payload: Value| {
        let fields = [
            ("Delivered-To", "support@shop.example.com"),
            ("Return-Path", "<ari@example.org>"),
            ("MIME-Version", "1.0"),
            ("Date", "Tue, 10 Nov 2026 13:01:40 +0100"),
            ("References", "<first@mail.example.org> <second@mail.example.org>"),
            ("In-Reply-To", "<second@mail.example.org>"),
            ("Message-ID", "<third@mail.example.org>"),
            ("Subject", "Re: Order 7788"),
            ("From", "\"Sample, Ari\" <Ari@Example.org>"),
            ("To", "Shop Support <support@shop.example.com>"),
        ];
        let fields = fields.map(|(name, value)| json!({"name": name, "value": value}));
        let own = payload["headers"].as_array().cloned().unwrap_or_default();
        payload["headers"] = fields.into_iter().chain(own).collect();
        json!({"id": "19d0000000000001", "threadId": "19d0000000000001", "labelIds": ["UNREAD", "INBOX"],
            "snippet": "Where is my order?", "historyId": "9000110", "internalDate": "1794312100000",
            "sizeEstimate": 5120, "payload": payload})
    };
    let filled = |of: &dyn Fn(usize) -> Value| {
        let sized = (1..).map(|step| mail(of(step * 60)).to_string()).take_while(|body| body.len() <= bytes);
        sized.last().unwrap().into_bytes()
    };
    vec![
        ("plain", filled(&|words| leaf("plain", text(words)))),
        ("quoted reply", filled(&|words| leaf("plain", quoted(words)))),
        ("plain and HTML", filled(&both)),
        ("HTML only", filled(&|words| leaf("html", page(words)))),
    ]
}

/// A delivery of so many changes, each with one message.
fn batch(changes: usize) -> Vec<u8> {
    let one: Value = serde_json::from_slice(&fixture("whatsapp-cloud/text.json")).unwrap();
    let changes = (0..changes).map(|n| {
        let mut change = one["entry"][0]["changes"][0].clone();
        change["value"]["messages"][0]["id"] = format!("wamid.{n}").into();
        change
    });
    let entry = json!([{"id": "102200000000001", "changes": changes.collect::<Vec<_>>()}]);
    json!({"object": "whatsapp_business_account", "entry": entry}).to_string().into_bytes()
}

fn cost(name: &str, body: &[u8], mut one: impl FnMut() -> usize) {
    let events = one();
    let round = || {
        let (began, mut times) = (Instant::now(), 0);
        while began.elapsed().as_millis() < 10 {
            one();
            times += 1;
        }
        began.elapsed().as_secs_f64() * 1e6 / f64::from(times)
    };
    let us = std::iter::repeat_with(round).take(60).fold(f64::MAX, f64::min);
    println!(
        "{name:32} {:7} bytes {events:4} events {us:9.1} µs a body {:9.0} events/s",
        body.len(),
        1e6 * events as f64 / us
    );
}

#[test]
#[ignore = "prints what reading costs; for a release build"]
fn cost_of_reading_a_body() {
    let context = Context::default();
    let parsed = |provider: &dyn Provider, body: &[u8]| provider.parse(body, &context).unwrap().len();
    for provider in providers() {
        if let Some(body) = message(provider, 2_048) {
            assert!(body.len() > 1_500, "{} is short", provider.name());
            cost(&format!("{}: message", provider.name()), &body, || parsed(provider, &body));
        }
    }
    let gmail = adapters::provider("gmail").unwrap();
    for (shape, body) in mails(2_048) {
        cost(&format!("gmail: {shape}"), &body, || parsed(gmail, &body));
    }
    let cloud = adapters::provider("whatsapp-cloud").unwrap();
    for changes in [100, 1_000] {
        let body = batch(changes);
        cost(&format!("whatsapp-cloud: {changes} changes"), &body, || parsed(cloud, &body));
        let meta = app("meta").unwrap();
        cost(&format!("meta: routing {changes} changes"), &body, || meta.route(&body).unwrap().len());
    }
}
