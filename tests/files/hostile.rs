//! Files that would harm whoever opens them: served as nothing that runs, decoded only as far as is safe.

use serde_json::{Value, json};

use super::{bring, picture};
use crate::kit::World;
use crate::on_both;

on_both!(what_could_run_is_a_download, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    world.telegram.customer_says(5_550_111, "hi");
    let conversation =
        manager.publication(|data| data["message"]["text"] == "hi").await["conversation"]["id"].clone();
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec();
    let html = b"<html><script>alert(1)</script></html>".to_vec();
    let polyglot = [b"GIF89a/*".as_slice(), &[0; 20], b"*/=1;alert(1)<script>alert(1)</script>"].concat();
    let cases = [
        ("x.svg", "image/svg+xml", svg, None),
        ("x.html", "text/html", html.clone(), None),
        ("x.png", "image/png", html, None),
        // What begins as a picture is served as that picture, and as nothing else.
        ("x.gif", "text/html", polyglot, Some("image/gif")),
    ];
    for (name, mime, bytes, shown) in cases {
        let query = format!("tenant={}&name={name}", world.tenant);
        let (code, answer) = bring(&world, &api, &query, mime, bytes).await;
        assert_eq!(code, 201, "{answer}");
        let send = json!({ "conversation": conversation, "client_id": format!("{name} {mime}"), "attachments": [{ "kind": "document", "file": answer["file"]["id"] }] });
        let message = manager.rpc("message.send", send).await.expect("queued")["message"].clone();
        let id = message["attachments"][0]["id"].as_str().expect("an id").to_owned();
        let got = crate::kit::http().get(world.url(&format!("/api/v1/media/{id}"))).bearer_auth(&api.token);
        let got = got.send().await.expect("an answer");
        let header = |name: &str| got.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(header("content-type"), shown.unwrap_or("application/octet-stream"), "{name} {mime}");
        assert_eq!(header("content-disposition"), if shown.is_some() { "inline" } else { "attachment" });
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("content-security-policy").contains("sandbox"));
    }
    world.finish().await;
});

/// A PNG that claims 60,000 × 60,000 pixels in a few kilobytes.
fn bomb() -> Vec<u8> {
    let mut bytes = picture(60, 60);
    bytes[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
    // The sum of the changed head.
    let mut sum = u32::MAX;
    for byte in &bytes[12..29] {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    bytes[29..33].copy_from_slice(&(!sum).to_be_bytes());
    bytes
}

on_both!(a_picture_of_billions_of_pixels_is_not_decoded, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    let query = format!("tenant={}", world.tenant);
    let (code, answer) = bring(&world, &api, &query, "image/png", bomb()).await;
    assert_eq!((code, &answer["file"]["width"]), (201, &json!(60_000)), "{answer}");
    let mut manager = world.person("agent@example.com").await;
    world.telegram.customer_says(5_550_112, "hi");
    let conversation =
        manager.publication(|data| data["message"]["text"] == "hi").await["conversation"]["id"].clone();
    let send = json!({ "conversation": conversation, "client_id": "b", "attachments": [{ "kind": "document", "file": answer["file"]["id"] }] });
    let message = manager.rpc("message.send", send).await.expect("queued")["message"].clone();
    let attachment = &message["attachments"][0];
    assert_eq!(attachment["thumbnail"], json!(false));
    let id = attachment["id"].as_str().expect("an id");
    let (code, refused): (u16, Value) = api.get(&format!("/api/v1/media/{id}/thumbnail")).await;
    assert_eq!(code, 404, "{refused}");
    world.finish().await;
});
