//! Uploads in pieces: cut, gone on with, cancelled; how much memory a large one takes.

use serde_json::{Value, json};

use crate::kit::{Api, World};
use crate::on_both;
use emulators::sha256;

struct Answer {
    code: u16,
    offset: Option<u64>,
    body: Value,
}

async fn go_on(world: &World, api: &Api, upload: &str, offset: u64, body: reqwest::Body) -> Option<Answer> {
    let request = crate::kit::http()
        .patch(world.url(&format!("/api/v1/uploads/{upload}")))
        .bearer_auth(&api.token)
        .header("upload-offset", offset)
        .body(body);
    let answer = request.send().await.ok()?;
    let offset = answer.headers().get("upload-offset").and_then(|value| value.to_str().ok()?.parse().ok());
    Some(Answer { code: answer.status().as_u16(), offset, body: answer.json().await.unwrap_or(Value::Null) })
}

async fn begin(api: &Api, body: &Value) -> String {
    let (code, answer) = api.post("/api/v1/uploads", body).await;
    assert_eq!(code, 201, "{answer}");
    answer["upload"]["id"].as_str().expect("an id").to_owned()
}

async fn offset(world: &World, api: &Api, upload: &str) -> u64 {
    let request =
        crate::kit::http().head(world.url(&format!("/api/v1/uploads/{upload}"))).bearer_auth(&api.token);
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.headers()["upload-offset"].to_str().expect("text").parse().expect("a number")
}

/// The offset when no request goes on with the upload any more: one from elsewhere waits for its turn and is refused.
async fn settled(world: &World, api: &Api, upload: &str) -> u64 {
    let refused = go_on(world, api, upload, u64::MAX, Vec::new().into()).await.expect("an answer");
    assert_eq!(refused.code, 409, "{}", refused.body);
    refused.offset.expect("where it goes on")
}

/// Resident memory of this process in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// A body that breaks off after so many bytes.
fn broken(bytes: &[u8], after: usize) -> reqwest::Body {
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> = bytes[..after]
        .chunks(64 * 1024)
        .map(|piece| Ok(piece.to_vec()))
        .chain([Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))])
        .collect();
    reqwest::Body::wrap_stream(futures_util::stream::iter(pieces))
}

on_both!(an_upload_that_is_cut_ten_times_goes_on_where_it_stopped, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    let bytes: Vec<u8> = (0..12_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let about = json!({ "tenant": world.tenant, "name": "film.bin", "size": bytes.len() });
    let upload = begin(&api, &about).await;
    let (mut cuts, mut tries) = (0, 0);
    while cuts < 10 {
        tries += 1;
        assert!(tries < 100, "{cuts} of ten cuts left something");
        let at = settled(&world, &api, &upload).await;
        let from = usize::try_from(at).expect("small");
        let answer = go_on(&world, &api, &upload, at, broken(&bytes[from..], 500_000 + cuts * 1_000)).await;
        assert!(answer.is_none(), "a body that broke off was answered");
        // The server learns of the cut a little later. A cut may also throw away all that was under way.
        for _ in 0..200 {
            if offset(&world, &api, &upload).await > at {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let now = settled(&world, &api, &upload).await;
        cuts += usize::from(now > at && now < bytes.len() as u64);
    }
    let at = settled(&world, &api, &upload).await;
    let wrong = go_on(&world, &api, &upload, at + 1, vec![0; 10].into()).await.expect("an answer");
    assert_eq!((wrong.code, wrong.offset, &wrong.body["code"]), (409, Some(at), &json!("wrong_offset")));
    let from = usize::try_from(at).expect("small");
    let too_long = [&bytes[from..], b"more"].concat();
    let refused = go_on(&world, &api, &upload, at, too_long.into()).await.expect("an answer");
    assert_eq!(refused.code, 400, "{}", refused.body);
    let at = offset(&world, &api, &upload).await;
    let rest = bytes[usize::try_from(at).expect("small")..].to_vec();
    let done = go_on(&world, &api, &upload, at, rest.into()).await.expect("an answer");
    assert_eq!(done.code, 200, "{}", done.body);
    assert_eq!(done.body["file"]["sha256"], sha256(&bytes));
    // The answer was lost: asking again gives the same file.
    let again = go_on(&world, &api, &upload, bytes.len() as u64, Vec::new().into()).await.expect("an answer");
    assert_eq!(again.body["file"], done.body["file"]);
    let other = world.api("owner@example.com").await;
    let (code, _) = other.get(&format!("/api/v1/uploads/{upload}")).await;
    assert_eq!(code, 404, "another's upload");
    world.finish().await;
});

on_both!(uploads_are_bounded_and_can_be_cancelled, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    let about = |size: u64| json!({ "tenant": world.tenant, "size": size });
    for (size, field) in [(0, "size"), (1 << 40, "size")] {
        let (code, refused) = api.post("/api/v1/uploads", &about(size)).await;
        assert_eq!((code, refused["field"].as_str()), (400, Some(field)), "{refused}");
    }
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(begin(&api, &about(10)).await);
    }
    let (code, refused) = api.post("/api/v1/uploads", &about(10)).await;
    assert_eq!(code, 429, "{refused}");
    for upload in &open {
        let request = crate::kit::http().delete(world.url(&format!("/api/v1/uploads/{upload}")));
        let answer = request.bearer_auth(&api.token).send().await.expect("an answer");
        assert_eq!(answer.status(), 204);
    }
    let (code, _) = api.get(&format!("/api/v1/uploads/{}", open[0])).await;
    assert_eq!(code, 404);
    begin(&api, &about(10)).await;
    world.finish().await;
});

/// In a process of its own: what is measured is the memory of all of it.
#[test]
fn a_hundred_megabytes_take_no_memory() {
    let this = std::env::current_exe().expect("this binary");
    let alone = ["--exact", "files::pieces::a_hundred_megabytes_alone", "--ignored", "--nocapture"];
    let done = std::process::Command::new(this).args(alone).status().expect("it runs");
    assert!(done.success());
}

#[ignore = "run by the test above"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_megabytes_alone() {
    const SIZE: u64 = 100 << 20;
    let world = World::start(hubbub::store::Engine::Sqlite).await;
    let api = world.api("agent@example.com").await;
    let piece: bytes::Bytes = vec![7; 64 * 1024].into();
    let body = |from: u64| {
        let pieces = (SIZE - from) / piece.len() as u64;
        let piece = piece.clone();
        let stream =
            futures_util::stream::iter((0..pieces).map(move |_| Ok::<_, std::io::Error>(piece.clone())));
        reqwest::Body::wrap_stream(stream)
    };
    // The first one warms what is allocated once.
    let upload = begin(&api, &json!({ "tenant": world.tenant, "size": 64 * 1024 })).await;
    go_on(&world, &api, &upload, 0, piece.clone().into()).await.expect("an answer");
    let before = resident();
    let (most, done) = (
        std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0)),
        tokio_util::sync::CancellationToken::new(),
    );
    let watch = tokio::task::spawn_blocking({
        let (most, done) = (most.clone(), done.clone());
        move || {
            while !done.is_cancelled() {
                most.fetch_max(resident(), std::sync::atomic::Ordering::Relaxed);
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
    });
    let upload = begin(&api, &json!({ "tenant": world.tenant, "size": SIZE, "name": "large.bin" })).await;
    let answer = go_on(&world, &api, &upload, 0, body(0)).await.expect("an answer");
    assert_eq!(answer.code, 200, "{}", answer.body);
    done.cancel();
    watch.await.expect("the watch");
    let grew = most.load(std::sync::atomic::Ordering::Relaxed).saturating_sub(before);
    println!(
        "100 MiB up: {:.1} MiB more resident memory, client and server together",
        grew as f64 / f64::from(1 << 20)
    );
    assert!(grew < 8 << 20, "{grew}");
    world.finish().await;
}
