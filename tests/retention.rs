//! What has an end is removed beside the traffic: feed, bodies of webhooks, attempts, sessions that are over, files of
//! nobody. A client from before loads anew; everything else stays.

use std::time::{Duration, Instant};

use hubbub::accounts::tenants::{CreateTenant, SetRetention};
use hubbub::config;
use hubbub::error::Error;
use hubbub::store::{Arg, Engine, Tx, Verb};
use serde_json::json;
use uuid::Uuid;

use crate::invariants::feed;
use crate::kit::{Client, PATIENCE, World};
use crate::on_both;

const DAY_MS: i64 = 24 * 3_600_000;

/// Makes everything of before older by some days, but for the newest events.
struct Age {
    tenant: Uuid,
    channel: Uuid,
    days: i64,
    but: i64,
}

impl Verb for Age {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let (tenant, by) = (Arg::from(self.tenant), Arg::from(self.days * DAY_MS));
        let newer = "update events set created_at = created_at - $2 where tenant = $1 and cursor_at <= $3";
        tx.exec(newer, &[tenant, by, self.but.into()]).await?;
        // Their ids say when these were made.
        for n in 1..=250_u128 {
            let old = Arg::from(Uuid::from_u128(n));
            let envelope = "insert into envelopes (id, tenant, channel, body, outcome, events, received_at) \
                values ($1, $2, $3, $4, 'events', 1, 0)";
            tx.exec(envelope, &[old, tenant, self.channel.into(), Arg::from(&b"{}"[..])]).await?;
            let pending = "insert into pending_changes (id, tenant, channel, target_key, event, created_at) \
                values ($1, $2, $3, 'never comes', '', 5)";
            tx.exec(pending, &[old, tenant, self.channel.into()]).await?;
            let token = "insert into refresh_tokens (id, family, user_id, digest, expires_at, created_at) \
                select $1, $1, id, $2, 5, 0 from users where email = 'viewer@example.com'";
            tx.exec(token, &[old, Arg::from(n.to_string().as_str())]).await?;
            let session = "insert into sessions (id, user_id, started_at, expires_at, generation, renewals) \
                select $1, id, 0, 5, 0, 0 from users where email = 'viewer@example.com'";
            tx.exec(session, &[old]).await?;
            let lead = "insert into leads (tenant, id, source, external_id, digest, email, fields, utm, click_ids, at) \
                values ($1, $2, 'page', $3, $3, 'ari@example.com', '{}', '{}', '{}', 0)";
            tx.exec(lead, &[tenant, old, Arg::from(n.to_string().as_str())]).await?;
            let sign_in = "insert into sign_ins (digest, tenant, company, by_user, provider, app, state, sealed, expires_at) \
                values ($1, $2, $3, $3, 'messenger', $3, 'chosen', 'tokens', 5)";
            tx.exec(sign_in, &[Arg::from(n.to_string().as_str()), tenant, old]).await?;
        }
        Ok(())
    }
}

/// Rows of the seven tables, and of the messages.
struct Rows;

impl Verb for Rows {
    type Out = Vec<i64>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<i64>, Error> {
        let mut rows = Vec::new();
        for sql in [
            "select count(*) from envelopes",
            "select count(*) from pending_changes",
            "select count(*) from refresh_tokens where expires_at = 5",
            "select count(*) from sessions where expires_at = 5",
            "select count(*) from sign_ins",
            "select count(*) from leads",
            "select count(*) from messages",
        ] {
            rows.extend(tx.one::<(i64,)>(sql, &[]).await?.map(|(count,)| count));
        }
        Ok(rows)
    }
}

/// Lets the job that removes what is old run now.
pub(crate) struct RetainNow;

impl Verb for RetainNow {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        for sql in [
            "update jobs set run_at = 0 where kind in ('retain', 'sweep_files') and state = 'ready'",
            "update queues set next_at = 0 where class = 9",
        ] {
            tx.exec(sql, &[]).await?;
        }
        tx.wake(hubbub::store::Wake::Job { class: hubbub::store::jobs::Class::Upkeep, at: 0 });
        Ok(())
    }
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let within = tokio::time::timeout(PATIENCE, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    within.await.unwrap_or_else(|_| panic!("it does not come to be: {what}"));
}

on_both!(what_has_an_end_is_removed_and_a_client_from_before_loads_anew, |engine| async move {
    let world = World::start(engine).await;
    let store = &world.app.store;
    let room = format!("tenant:{}", world.tenant);
    let api = world.api("owner@example.com").await;
    let early = Client::connect(world.address, crate::kit::client::As::Token(api.token.clone())).await;
    let epoch = early.recovered(&room)["epoch"].as_str().expect("an epoch").to_owned();
    let before = early.recovered(&room)["offset"].as_u64().expect("an offset");
    early.close().await;
    for n in 1..=40 {
        assert_eq!(world.hook(&world.bot, &World::update(n, 5550501 + n % 3, n, "Hello")).await, 200);
    }
    let all = feed(&world).await;
    let top = all.last().and_then(|event| event["cursor"].as_i64()).expect("a cursor");
    let files = world.app.config.media_dir().join(world.tenant.to_string());
    std::fs::create_dir_all(&files).expect("a folder");
    let of_nobody = files.join(Uuid::from_u128(3).to_string());
    let (part, foreign) = (files.join(format!("{}.part", Uuid::from_u128(4))), files.join("notes.txt"));
    let long_ago = std::time::UNIX_EPOCH;
    for file in [&of_nobody, &part, &foreign] {
        std::fs::write(file, "x").expect("a file");
        let handle = std::fs::File::options().write(true).open(file).expect("the file");
        handle.set_modified(long_ago).expect("an old file");
    }
    let young = files.join(Uuid::from_u128(5).to_string());
    std::fs::write(&young, "x").expect("a file");

    let young_rows = store.read(Rows).await.expect("rows");
    store
        .write(Age { tenant: world.tenant, channel: world.bot.id, days: 8, but: top - 10 })
        .await
        .expect("old rows");
    let changes = [Some(Some(7)); 5];
    let of = |changes, store_days| SetRetention { scope: world.scope(), changes, store_days };
    let history = |days| [None, None, None, None, Some(Some(days))];
    for (days, is_taken) in [(1, false), (60, false), (61, true), (0, true)] {
        let told = store.write(of(history(days), 60)).await.map(drop).map_err(|error| error.to_string());
        assert!(told.as_ref().err().is_none_or(|why| why.contains("more than 60 days")), "{told:?}");
        assert_eq!(told.is_ok(), is_taken, "{days} days in the history, 60 in the store");
    }
    store.write(of(changes, 0)).await.expect("days");
    store.write(RetainNow).await.expect("it runs");
    until("only the last ten events are left", async || {
        let page =
            store.read(hubbub::store::events::Since { tenant: world.tenant, after: 0, limit: 1_000 }).await;
        page.is_ok_and(|page| page.oldest == top - 9 && page.events.len() >= 10)
    })
    .await;
    until("what is old is gone, and nothing else", async || {
        store.read(Rows).await.is_ok_and(|rows| rows == young_rows)
    })
    .await;
    until("files of nobody are gone", async || !of_nobody.exists() && !part.exists()).await;
    assert!(young.exists() && foreign.exists(), "what is young or not ours stays");

    // Who was away for too long loads anew; who was not goes on. (A room that is open still remembers what was.)
    let world = world.restart().await;
    let api = world.api("owner@example.com").await;
    let client = Client::resume(world.address, &api.token, &room, (before, epoch.clone())).await;
    assert_eq!(client.recovered(&room).get("recovered"), None);
    client.close().await;
    let near = u64::try_from(top - 5).expect("positive");
    let client = Client::resume(world.address, &api.token, &room, (near, epoch)).await;
    assert_eq!(client.recovered(&room)["recovered"], json!(true));
    client.close().await;

    world.finish().await;
});

/// Uploads that broke off and files that nothing uses, more of each than the sweep removes at a time.
struct Broken(Uuid);

const UPLOADS: u128 = 1_050;
const UNUSED: u128 = 130;

impl Verb for Broken {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.0)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let tenant = Arg::from(self.0);
        for n in 1..=UPLOADS {
            let upload =
                "insert into uploads (tenant, id, caller, size, created_at) values ($1, $2, $2, 1, 5)";
            tx.exec(upload, &[tenant, Uuid::from_u128(n).into()]).await?;
        }
        for n in 1..=UNUSED {
            let (id, digest) = (Uuid::from_u128(n), format!("{n:064}"));
            let path = format!("{}/{id}", self.0);
            let file = "insert into files (tenant, id, sha256, size, mime, state, path, created_at, updated_at, \
                unused_since) values ($1, $2, $3, 1, 'text/plain', 'ready', $4, 5, 5, 5)";
            tx.exec(file, &[tenant, id.into(), Arg::from(digest.as_str()), Arg::from(path.as_str())]).await?;
        }
        let stored = "update tenants set stored_bytes = $2, stored_files = $2 where id = $1";
        tx.exec(stored, &[tenant, (UNUSED as i64).into()]).await?;
        Ok(())
    }
}

/// Uploads, files, and what the tenant's usage says.
struct Left(Uuid);

impl Verb for Left {
    type Out = Option<(i64, i64, i64)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let sql = "select (select count(*) from uploads where tenant = $1), \
            (select count(*) from files where tenant = $1), stored_bytes + stored_files from tenants where id = $1";
        Ok(tx.one(sql, &[self.0.into()]).await?)
    }
}

on_both!(one_sweep_removes_all_files_that_are_over, |engine| async move {
    let world = World::start(engine).await;
    let store = &world.app.store;
    store.write(Broken(world.tenant)).await.expect("uploads and files");
    store.write(RetainNow).await.expect("it runs");
    until("no upload and no file is left", async || {
        store.read(Left(world.tenant)).await.is_ok_and(|left| left == Some((0, 0, 0)))
    })
    .await;
    world.finish().await;
});

/// Leads of long ago, numbered from one on.
struct OldLeads {
    tenant: Uuid,
    first: u128,
    count: u128,
}

impl Verb for OldLeads {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        for n in self.first..self.first + self.count {
            let number = n.to_string();
            let lead = "insert into leads (tenant, id, source, external_id, digest, fields, utm, click_ids, at) \
                values ($1, $2, 'page', $3, $3, '{}', '{}', '{}', 0)";
            tx.put(lead, &[self.tenant.into(), Uuid::from_u128(n).into(), Arg::from(number.as_str())])
                .await?;
        }
        Ok(())
    }
}

/// How many leads each of two tenants has.
struct LeadsOf([Uuid; 2]);

impl Verb for LeadsOf {
    type Out = [i64; 2];

    async fn run(&self, tx: &mut Tx<'_>) -> Result<[i64; 2], Error> {
        let mut counts = [0; 2];
        for (count, tenant) in counts.iter_mut().zip(self.0) {
            let sql = "select count(*) from leads where tenant = $1";
            *count = tx.one::<(i64,)>(sql, &[tenant.into()]).await?.map_or(0, |(count,)| count);
        }
        Ok(counts)
    }
}

on_both!(who_has_much_to_remove_keeps_no_other_waiting, |engine| async move {
    let world = World::start(engine).await;
    let store = &world.app.store;
    let other = store.write(CreateTenant { name: "Other".into() }).await.expect("a tenant").value.id;
    assert!(world.tenant < other, "it comes first");
    for part in 0..5 {
        let some = OldLeads { tenant: world.tenant, first: 1 + part * 2_000, count: 2_000 };
        store.write(some).await.expect("old leads");
    }
    store.write(OldLeads { tenant: other, first: 1, count: 300 }).await.expect("old leads");
    store.write(RetainNow).await.expect("it runs");
    let mut left = [0; 2];
    until("those of the other one are gone", async || {
        left = store.read(LeadsOf([world.tenant, other])).await.expect("rows");
        left[1] == 0
    })
    .await;
    assert!(left[0] > 0, "it waited for the first one");
    until("all are gone, in the same run", async || {
        store.read(LeadsOf([world.tenant, other])).await.is_ok_and(|left| left == [0, 0])
    })
    .await;
    world.finish().await;
});

/// Something refers to the oldest lead of a tenant, so it cannot be removed.
struct Hold(Uuid);

impl Verb for Hold {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let table = "create table held_leads (tenant uuid not null, lead uuid not null, primary key (tenant, lead), \
            foreign key (tenant, lead) references leads (tenant, id))";
        tx.exec(table, &[]).await?;
        let row = "insert into held_leads (tenant, lead) values ($1, $2)";
        tx.exec(row, &[self.0.into(), Uuid::from_u128(1).into()]).await?;
        Ok(())
    }
}

on_both!(a_tenant_in_which_it_fails_stops_no_other, |engine| async move {
    let world = World::start(engine).await;
    let store = &world.app.store;
    let other = store.write(CreateTenant { name: "Other".into() }).await.expect("a tenant").value.id;
    for tenant in [world.tenant, other] {
        store.write(OldLeads { tenant, first: 1, count: 100 }).await.expect("old leads");
    }
    store.write(Hold(world.tenant)).await.expect("a lead that is held");
    store.write(RetainNow).await.expect("it runs");
    until("those of the other one are gone", async || {
        store.read(LeadsOf([world.tenant, other])).await.is_ok_and(|left| left == [100, 0])
    })
    .await;
    // Of two nodes the other one may have done it.
    if engine == Engine::Sqlite {
        until("it is told", async || {
            world.app.retained.overdue().any(|(kind, late)| kind == "leads" && !late.is_zero())
        })
        .await;
    }
    world.finish().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_that_is_away_is_waited_for_once_in_a_run() {
    let nobody =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let url = format!("mongodb://{nobody}/?directConnection=true");
    let world = World::configured(Engine::Sqlite, |all| {
        all.history = config::History { url: url.clone(), database: "away".into(), days: 0, store_days: 0 };
    })
    .await;
    let store = &world.app.store;
    let mut last = world.tenant;
    for n in 0..11 {
        last = store.write(CreateTenant { name: format!("T{n}") }).await.expect("a tenant").value.id;
    }
    store.write(OldLeads { tenant: last, first: 1, count: 10 }).await.expect("old leads");
    let begun = Instant::now();
    until("those of the last one are gone", async || {
        // A run that began before may not have found them.
        store.write(RetainNow).await.expect("it runs");
        store.read(LeadsOf([world.tenant, last])).await.is_ok_and(|left| left == [0, 0])
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(30), "each tenant waits for it");
    world.finish().await;
}
