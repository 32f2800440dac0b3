//! The library has an object for each row: after failures, after deletes, of the same bytes once.

use std::collections::BTreeSet;

use emulators::s3::S3Emulator;
use hubbub::error::Error;
use hubbub::store::{Arg, Tx, Verb};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{bring, picture};
use crate::kit::{Api, World, size};
use crate::on_both;

struct Rows(Uuid);

impl Verb for Rows {
    /// The ids of all rows, and the tenant's stored bytes and files.
    type Out = (BTreeSet<String>, (i64, i64));

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let rows: Vec<(Uuid,)> =
            tx.all("select id from files where tenant = $1", &[Arg::from(self.0)]).await?;
        let sums: Option<(i64, i64)> = tx
            .one("select stored_bytes, stored_files from tenants where id = $1", &[Arg::from(self.0)])
            .await?;
        Ok((rows.into_iter().map(|(id,)| id.to_string()).collect(), sums.unwrap_or_default()))
    }
}

/// As a sweep would find it a day later.
struct Old(Uuid);

impl Verb for Old {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.exec(
            "update files set updated_at = 0 where tenant = $1 and state = 'uploading'",
            &[Arg::from(self.0)],
        )
        .await?;
        tx.exec(
            "update jobs set run_at = 0 where kind in ('delete_file', 'sweep_files') and tenant <> $1",
            &[Arg::from(Uuid::nil())],
        )
        .await?;
        Ok(())
    }
}

struct Doomed(Uuid);

impl Verb for Doomed {
    type Out = i64;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, Error> {
        let sql = "select count(*) from files where tenant = $1 and state <> 'ready'";
        Ok(tx.one::<(i64,)>(sql, &[Arg::from(self.0)]).await?.map_or(0, |(count,)| count))
    }
}

async fn delete(world: &World, api: &Api, file: &str) -> u16 {
    let request = crate::kit::http().delete(world.url(&format!("/api/v1/files/{file}")));
    request.bearer_auth(&api.token).send().await.expect("an answer").status().as_u16()
}

fn content(number: u32) -> Vec<u8> {
    format!("file number {number}").into_bytes()
}

/// Uploads and deletes, with whatever fails meanwhile; then what is there is what the rows say.
async fn come_and_go(
    world: &World,
    rounds: u32,
    objects: impl AsyncFn() -> BTreeSet<String>,
) -> (usize, usize) {
    let api = world.api("agent@example.com").await;
    let query = format!("tenant={}", world.tenant);
    let (mut here, mut failed): (Vec<(String, usize)>, usize) = (Vec::new(), 0);
    for number in 0..rounds {
        let bytes = content(number);
        let size = bytes.len();
        let (code, answer) = bring(world, &api, &query, "text/plain", bytes).await;
        match code {
            201 => here.push((answer["file"]["id"].as_str().expect("an id").to_owned(), size)),
            _ => failed += 1,
        }
        if number % 2 == 1
            && let Some((file, _)) = here.pop()
        {
            assert_eq!(delete(world, &api, &file).await, 204);
        }
    }
    // Uploads that broke off are swept; what could not be deleted is tried again.
    let begin = std::time::Instant::now();
    loop {
        world.app.store.write(Old(world.tenant)).await.expect("older");
        for file in world.app.store.read(hubbub::files::remove::FindOld).await.expect("found") {
            world.app.store.write(hubbub::files::remove::RemoveOld(file)).await.expect("removed");
        }
        if world.app.store.read(Doomed(world.tenant)).await.expect("counted") == 0 {
            break;
        }
        assert!(begin.elapsed() < crate::kit::PATIENCE * 3, "files are left");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (rows, sums) = world.app.store.read(Rows(world.tenant)).await.expect("rows");
    let known: BTreeSet<String> = here.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(rows, known);
    assert_eq!(objects().await, rows, "objects are rows");
    let bytes: usize = here.iter().map(|(_, size)| size).sum();
    assert_eq!(sums, (bytes as i64, here.len() as i64));
    (rows.len(), failed)
}

fn in_folder(world: &World) -> BTreeSet<String> {
    let folder = world.app.config.media_dir().join(world.tenant.to_string());
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

on_both!(objects_are_rows_in_a_folder, |engine| async move {
    let world = World::start(engine).await;
    let here = async || in_folder(&world);
    let (left, failed) = come_and_go(&world, size(150, 1_000) as u32, here).await;
    println!("folder: {left} left, {failed} failed");
    world.finish().await;
});

on_both!(objects_are_rows_in_a_bucket_that_fails, |engine| async move {
    let bucket = S3Emulator::start().await.expect("a bucket");
    let world = World::configured(engine, |config| {
        config.files.file_library = "s3".into();
        config.files.s3_bucket = "files".into();
        config.files.s3_endpoint = bucket.endpoint();
        config.files.s3_access_key = bucket.access_key().into();
        config.files.s3_secret_key = bucket.secret_key().into();
    })
    .await;
    bucket.fails_one_of(Some(7));
    let here = async || {
        let names = bucket.keys().into_iter();
        names.filter_map(|key| key.split_once('/').map(|(_, id)| id.to_owned())).collect()
    };
    let (left, failed) = come_and_go(&world, size(150, 1_000) as u32, here).await;
    println!("bucket: {left} left, {failed} uploads failed and were told so");
    assert!(failed > left / 20, "{failed}");
    assert_eq!(bucket.unfinished(), 0);
    world.finish().await;
});

on_both!(an_object_of_nobody_is_removed_from_a_bucket_after_a_day, |engine| async move {
    const OLD: &str = "2020-01-01T00:00:00.000Z";
    let bucket = S3Emulator::start().await.expect("a bucket");
    let world = World::configured(engine, |config| {
        config.files.file_library = "s3".into();
        config.files.s3_bucket = "files".into();
        config.files.s3_endpoint = bucket.endpoint();
        config.files.s3_access_key = bucket.access_key().into();
        config.files.s3_secret_key = bucket.secret_key().into();
    })
    .await;
    let api = world.api("agent@example.com").await;
    let query = format!("tenant={}&name=a.png", world.tenant);
    let (status, answer) = bring(&world, &api, &query, "image/png", picture(40, 40)).await;
    assert_eq!(status, 201, "{answer}");
    // On PostgreSQL the bucket has its mark, too.
    let there = bucket.keys();
    let kept = there.iter().find(|key| key.contains('/')).expect("an object").clone();
    bucket.holds(&kept, &picture(40, 40), OLD);
    let name = |tenant: Uuid, number: u128| format!("{tenant}/{}", Uuid::from_u128(number));
    let piece = |tenant: Uuid, number: u128| {
        format!("{tenant}/uploads/{}/{:020}-{:020}", Uuid::from_u128(number), 0, 1)
    };
    // Ours and old: gone, and so are pieces of uploads that are over.
    for number in 1..=20 {
        bucket.holds(&name(world.tenant, number), b"x", OLD);
        bucket.holds(&piece(world.tenant, number), b"x", OLD);
    }
    // Too young, of another installation, of another program.
    let young = [name(world.tenant, 99), piece(world.tenant, 99)];
    let others = [name(Uuid::from_u128(5), 1), piece(Uuid::from_u128(5), 1)];
    for key in &young {
        bucket.holds(key, b"x", "2100-01-01T00:00:00.000Z");
    }
    for key in &others {
        bucket.holds(key, b"x", OLD);
    }
    bucket.holds("notes/today.txt", b"x", OLD);
    world.app.store.write(crate::retention::RetainNow).await.expect("it runs");
    let mut expected = [there, young.to_vec(), others.to_vec(), vec!["notes/today.txt".to_owned()]].concat();
    expected.sort();
    let gone = async {
        while bucket.keys() != expected {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let within = tokio::time::timeout(crate::kit::PATIENCE, gone).await;
    within.unwrap_or_else(|_| panic!("{:?} and not {expected:?}", bucket.keys()));
    world.finish().await;
});

on_both!(the_same_bytes_are_kept_once_and_stay_while_a_message_has_them, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    let name = "..%2F..%2Fetc%2F%E2%80%AEgnp.exe";
    let query = format!("tenant={}&name={name}", world.tenant);
    let bytes = picture(50, 50);
    let brought = futures_util::future::join_all(
        (0..8).map(|_| bring(&world, &api, &query, "image/png", bytes.clone())),
    )
    .await;
    let ids: BTreeSet<_> = brought.iter().map(|(_, answer)| answer["file"]["id"].as_str()).collect();
    assert_eq!(ids.len(), 1, "{brought:?}");
    let file = ids.into_iter().flatten().next().expect("an id").to_owned();
    world.telegram.customer_says(5_550_110, "hi");
    let conversation =
        manager.publication(|data| data["message"]["text"] == "hi").await["conversation"]["id"].clone();
    let send = json!({ "conversation": conversation, "client_id": "a", "attachments": [{ "kind": "image", "file": file }] });
    let message = manager.rpc("message.send", send).await.expect("queued")["message"].clone();
    let attachment = &message["attachments"][0];
    let name = attachment["name"].as_str().expect("a name");
    assert!(!name.contains(['/', '\u{202e}']), "{name:?}");
    let id = attachment["id"].as_str().expect("an id");
    let got = crate::kit::http().get(world.url(&format!("/api/v1/media/{id}"))).bearer_auth(&api.token);
    assert_eq!(got.send().await.expect("an answer").bytes().await.expect("bytes"), bytes);
    assert_eq!(delete(&world, &api, &file).await, 409);
    let (_, listed) = api.get(&format!("/api/v1/uploads/{}", Uuid::nil())).await;
    assert_eq!(listed["code"], Value::from("not_found"));
    world.finish().await;
});
