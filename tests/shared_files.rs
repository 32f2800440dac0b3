//! Nodes of one installation see each other's files: one that would not is refused at its start, whichever library it has.

use std::path::Path;

use emulators::s3::S3Emulator;
use emulators::sha256;
use hubbub::app::{App, AppState};
use hubbub::clock::Clock;
use hubbub::config::Config;
use hubbub::doctor::{Finding, Level, examine};
use hubbub::store::Engine;
use serde_json::{Value, json};

use crate::kit::{self, World, logs};

/// A further node of the world's installation with another data folder, changed in some way.
fn config(world: &World, data_dir: &Path, change: impl Fn(&mut Config)) -> Config {
    let mut config = Config::embedded(data_dir);
    config.store.database_url.clone_from(&world.database);
    config.secrets = world.app.config.secrets.clone();
    config.bus = world.app.config.bus.clone();
    change(&mut config);
    config
}

async fn starts(config: Config) -> AppState {
    App::start(config, Clock::System).await.expect("it starts")
}

async fn refused(config: Config) -> String {
    let started = App::start(config, Clock::System).await;
    format!("{:#}", started.err().expect("it is refused"))
}

/// What the doctor finds of files, the worst last.
async fn examined(config: &Config) -> Vec<Finding> {
    let mut found = examine(config, &Clock::System, &["files".to_owned()]).await;
    found.sort_by_key(|finding| finding.level);
    found
}

async fn worst(config: &Config) -> Finding {
    examined(config).await.pop().expect("a finding")
}

fn in_bucket(bucket: &S3Emulator, prefix: &str) -> impl Fn(&mut Config) {
    let (endpoint, prefix) = (bucket.endpoint(), prefix.to_owned());
    let (key, secret) = (bucket.access_key(), bucket.secret_key());
    move |config| {
        config.files.s3_bucket = "files".into();
        config.files.s3_endpoint.clone_from(&endpoint);
        config.files.s3_prefix.clone_from(&prefix);
        config.files.s3_access_key = key.into();
        config.files.s3_secret_key = secret.into();
    }
}

fn to_bucket(bucket: &S3Emulator, prefix: &str) -> impl Fn(&mut Config) {
    let named = in_bucket(bucket, prefix);
    move |config| {
        named(config);
        config.files.file_library = "s3".into();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_a_folder_of_its_own_is_refused() {
    let world = World::start(Engine::Postgres).await;
    let apart = tempfile::tempdir().expect("a folder");
    let why = refused(config(&world, apart.path(), |_| {})).await;
    for text in ["does not see", "data_dir", "file_library", apart.path().to_str().expect("a path")] {
        assert!(why.contains(text), "{text}: {why}");
    }
    let unusable = tempfile::tempdir().expect("a folder");
    std::fs::write(unusable.path().join("media"), "").expect("a file in its place");
    let why = refused(config(&world, unusable.path(), |_| {})).await;
    assert!(why.contains("data_dir") && why.contains("cannot be used"), "{why}");
    // The same folder by another name is the same.
    #[cfg(unix)]
    {
        let link = apart.path().join("link");
        std::os::unix::fs::symlink(world.folder(), &link).expect("a link");
        starts(config(&world, &link, |_| {})).await.stop().await;
    }
    // With nobody else it is the operator's to know: files may have been moved, or are not mounted.
    for app in world.apps() {
        app.stop().await;
    }
    let log = logs::Recording::start();
    let moved = starts(config(&world, apart.path(), |_| {})).await;
    assert!(log.text().contains("files were kept in another folder until now"), "{}", log.text());
    let why = refused(config(&world, world.folder(), |_| {})).await;
    assert!(why.contains("does not see"), "{why}");
    moved.stop().await;
    starts(config(&world, world.folder(), |_| {})).await.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copied_folder_is_the_same_library() {
    let world = World::start(Engine::Postgres).await;
    for app in world.apps() {
        app.stop().await;
    }
    let other = tempfile::tempdir().expect("a folder");
    let (from, to) = (world.folder().join("media"), other.path().join("media"));
    std::fs::create_dir(&to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
    let log = logs::Recording::start();
    starts(config(&world, other.path(), |_| {})).await.stop().await;
    let place = other.path().display().to_string();
    let warned = log.text();
    assert!(!warned.lines().any(|line| line.contains("until now") && line.contains(&place)), "{warned}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_with_one_bucket_need_no_folder() {
    let bucket = S3Emulator::start().await.expect("a bucket");
    let world = World::configured(Engine::Postgres, to_bucket(&bucket, "hub")).await;
    let apart = tempfile::tempdir().expect("a folder");
    starts(config(&world, apart.path(), to_bucket(&bucket, "hub"))).await.stop().await;
    let why = refused(config(&world, apart.path(), to_bucket(&bucket, "other"))).await;
    assert!(why.contains("does not see") && why.contains("s3_bucket"), "{why}");
    let why = refused(config(&world, apart.path(), |_| {})).await;
    assert!(why.contains("writes files to a bucket"), "{why}");
    // It reads the bucket, and the others would not read its folder.
    let why = refused(config(&world, apart.path(), in_bucket(&bucket, "hub"))).await;
    assert!(why.contains("where this server would write"), "{why}");
    world.finish().await;
}

/// Asks a node for something about an upload; gives the status, the offset and the body.
async fn asked(request: reqwest::RequestBuilder) -> (u16, u64, Value) {
    let answer = request.send().await.expect("an answer");
    let offset = answer.headers().get("upload-offset").and_then(|value| value.to_str().ok()?.parse().ok());
    (answer.status().as_u16(), offset.unwrap_or(0), answer.json().await.unwrap_or(Value::Null))
}

/// Two nodes behind a balancer without affinity, each with a data folder of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pieces_of_an_upload_come_to_any_node() {
    let bucket = S3Emulator::start().await.expect("a bucket");
    let world = World::configured(Engine::Postgres, to_bucket(&bucket, "hub")).await;
    let apart = tempfile::tempdir().expect("a folder");
    let listener = hubbub::http::serve::listen("127.0.0.1:0".parse().expect("an address")).await;
    let listener = listener.expect("a port");
    let second = listener.local_addr().expect("its address");
    let other = starts(config(&world, apart.path(), to_bucket(&bucket, "hub"))).await;
    hubbub::server::start(listener, other.clone());
    let nodes = [world.address, second];
    let api = world.api("agent@example.com").await;

    let bytes: Vec<u8> = (0..700_000_u32).map(|n| (n % 251) as u8).collect();
    let wanted = json!({ "tenant": world.tenant, "size": bytes.len(), "name": "catalogue.bin" });
    let (code, begun) = api.post("/api/v1/uploads", &wanted).await;
    assert_eq!(code, 201, "{begun}");
    let id = begun["upload"]["id"].as_str().expect("an id");
    let at = |node: usize| format!("http://{}/api/v1/uploads/{id}", nodes[node]);
    let look = async |node: usize| asked(kit::http().head(at(node)).bearer_auth(&api.token)).await.1;
    let go_on = async |node: usize, from: u64, body: reqwest::Body| {
        let request = kit::http().patch(at(node)).bearer_auth(&api.token).header("upload-offset", from);
        asked(request.body(body)).await
    };
    let piece = |from: usize, to: usize| reqwest::Body::from(bytes[from..to].to_vec());

    assert_eq!(go_on(0, 0, piece(0, 100_000)).await.0, 200);
    assert_eq!(look(1).await, 100_000);
    let (code, offset, _) = go_on(1, 0, piece(0, 100_000)).await;
    assert_eq!((code, offset), (409, 100_000), "whoever lost an answer is told where to go on");
    // One that breaks off keeps what has come, unless the cut throws away all that was under way.
    for _ in 0..100 {
        let mut pieces: Vec<_> =
            bytes[100_000..600_000].chunks(64 * 1024).map(|piece| Ok(piece.to_vec())).collect();
        pieces.push(Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)));
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        let request = kit::http().patch(at(1)).bearer_auth(&api.token).header("upload-offset", 100_000);
        assert!(request.body(body).send().await.is_err(), "a body that broke off was answered");
        for _ in 0..50 {
            if look(0).await > 100_000 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        if look(0).await > 100_000 {
            break;
        }
    }
    let from = look(0).await;
    assert!(from > 100_000, "nothing of a hundred requests stayed");
    let middle = usize::try_from(from).expect("a number") + 1;
    assert_eq!(go_on(0, from, piece(middle - 1, middle)).await.0, 200);
    let (code, offset, answer) = go_on(1, from + 1, piece(middle, bytes.len())).await;
    assert_eq!((code, offset), (200, 700_000), "{answer}");
    assert_eq!(answer["file"]["sha256"], sha256(&bytes), "{answer}");
    assert!(bucket.keys().iter().all(|key| !key.contains("/uploads/")), "{:?}", bucket.keys());
    for folder in [world.folder(), apart.path()] {
        let staged = folder.join("uploads").join(world.tenant.to_string());
        let left = std::fs::read_dir(staged).map_or(0, Iterator::count);
        assert_eq!(left, 0, "bytes are left in {}", folder.display());
    }

    // An upload that is given up leaves nothing there.
    let (_, begun) = api.post("/api/v1/uploads", &wanted).await;
    let id = begun["upload"]["id"].as_str().expect("an id");
    let at = |node: usize| format!("http://{}/api/v1/uploads/{id}", nodes[node]);
    let request = kit::http().patch(at(0)).bearer_auth(&api.token).header("upload-offset", 0);
    assert_eq!(asked(request.body(piece(0, 10))).await.0, 200);
    assert!(bucket.keys().iter().any(|key| key.contains("/uploads/")), "{:?}", bucket.keys());
    assert_eq!(asked(kit::http().delete(at(1)).bearer_auth(&api.token)).await.0, 204);
    assert!(bucket.keys().iter().all(|key| !key.contains("/uploads/")), "{:?}", bucket.keys());
    other.stop().await;
    world.finish().await;
}

/// As docs/scaling.md says: the bucket is named on all nodes first, then they write there, one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_move_from_a_folder_to_a_bucket_one_by_one() {
    let bucket = S3Emulator::start().await.expect("a bucket");
    let world = World::start(Engine::Postgres).await;
    let data = world.folder();
    let why = refused(config(&world, data, to_bucket(&bucket, ""))).await;
    assert!(why.contains("does not see the bucket files"), "{why}");
    let mut first = starts(config(&world, data, in_bucket(&bucket, ""))).await;
    for app in world.apps() {
        app.stop().await;
    }
    let mut second = starts(config(&world, data, in_bucket(&bucket, ""))).await;
    for node in [&mut first, &mut second] {
        node.stop().await;
        *node = starts(config(&world, data, to_bucket(&bucket, ""))).await;
    }
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_together_agree_on_the_mark() {
    let world = World::start(Engine::Postgres).await;
    for app in world.apps() {
        app.stop().await;
    }
    let bucket = S3Emulator::start().await.expect("a bucket");
    let shared = tempfile::tempdir().expect("a folder");
    for round in 0..5 {
        let data = shared.path().join(round.to_string());
        std::fs::create_dir(&data).expect("a folder");
        let prefix = format!("round-{round}");
        let folder = || starts(config(&world, &data, |_| {}));
        let nodes = tokio::join!(folder(), folder());
        tokio::join!(nodes.0.stop(), nodes.1.stop());
        let object = || starts(config(&world, &data, to_bucket(&bucket, &prefix)));
        let nodes = tokio::join!(object(), object());
        tokio::join!(nodes.0.stop(), nodes.1.stop());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_does_not_answer_keeps_nobody_from_starting() {
    let nobody = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        free.local_addr().expect("its address")
    };
    let log = logs::Recording::start();
    let world = World::configured(Engine::Postgres, |config| {
        config.files.file_library = "s3".into();
        config.files.s3_bucket = "files".into();
        config.files.s3_endpoint = format!("http://{nobody}");
        (config.files.s3_access_key, config.files.s3_secret_key) = ("key".into(), "secret".into());
    })
    .await;
    assert!(log.text().contains("cannot be checked"), "{}", log.text());
    world.finish().await;
}

/// It says what a start would: of the nodes that run, and of where files were until now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_knows_whether_a_node_would_see_the_files_of_the_others() {
    let bucket = S3Emulator::start().await.expect("a bucket");
    let world = World::start(Engine::Postgres).await;
    let same = config(&world, world.folder(), |_| {});
    let found = examined(&same).await;
    assert!(found.iter().all(|finding| finding.level == Level::Ok), "{found:?}");
    assert!(found.iter().any(|finding| finding.what.contains("with the same files")), "{found:?}");

    let apart = tempfile::tempdir().expect("a folder");
    let other = config(&world, apart.path(), |_| {});
    let found = worst(&other).await;
    assert!(found.level == Level::Fail && found.what.contains("does not see"), "{found:?}");
    assert!(found.advice.contains("data_dir on a shared file system"), "{found:?}");
    assert!(!apart.path().join("media").exists(), "looking makes nothing");
    assert_eq!(worst(&config(&world, apart.path(), to_bucket(&bucket, ""))).await.level, Level::Fail);
    // Read besides, a bucket changes nothing.
    assert_eq!(worst(&config(&world, world.folder(), in_bucket(&bucket, ""))).await.level, Level::Ok);
    let unnamed = config(&world, world.folder(), |config| config.files.file_library = "s3".into());
    assert_eq!(worst(&unnamed).await.level, Level::Fail);

    for app in world.apps() {
        app.stop().await;
    }
    assert_eq!(worst(&same).await.level, Level::Ok);
    let found = worst(&other).await;
    assert!(found.level == Level::Warn && found.what.contains("until now"), "{found:?}");
    std::fs::write(apart.path().join("media"), "").expect("a file in its place");
    let found = examined(&other).await;
    assert!(found.iter().all(|finding| finding.level == Level::Fail), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_marks_nothing() {
    let world = World::start(Engine::Sqlite).await;
    assert!(!world.folder().join("media").exists());
    world.finish().await;
}
