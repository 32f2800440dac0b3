//! The search: what is stored is found within a second, in every form in which it is typed, and by nobody who may not read
//! it; the index follows the feed exactly once, and builds itself from what was there before.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use hubbub::accounts::Role;
use hubbub::accounts::tenants::{CompanyKind, CreateCompany, CreateTenant};
use hubbub::error::Error;
use hubbub::store::{Tx, Verb};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::kit::{Api, PATIENCE, World, user};
use crate::on_both;

/// A page of a search.
async fn search(api: &Api, typed: &str, more: &str) -> Value {
    let query: String = url_encoded(typed);
    let (status, page) = api.get(&format!("/api/v1/search?q={query}{more}")).await;
    assert_eq!(status, 200, "{typed:?}: {page}");
    page
}

fn url_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = write!(encoded, "%{byte:02X}");
        encoded
    })
}

fn shown(hit: &Value) -> String {
    let segments = hit["excerpt"].as_array().expect("segments");
    let mark = |one: &Value| {
        let text = one["text"].as_str().unwrap_or_default();
        if one["hit"] == true { format!("[{text}]") } else { text.to_owned() }
    };
    segments.iter().map(mark).collect()
}

/// All that is found: a busy machine may need several pages for it.
async fn hits(api: &Api, typed: &str, more: &str) -> Vec<Value> {
    let (mut hits, mut after) = (Vec::new(), String::new());
    loop {
        let page = search(api, typed, &format!("{more}{after}")).await;
        hits.extend_from_slice(page["hits"].as_array().expect("hits"));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return hits,
        }
    }
}

async fn texts(api: &Api, typed: &str, more: &str) -> Vec<String> {
    hits(api, typed, more).await.iter().map(shown).collect()
}

/// Asks again until the answer is this one: the index follows a moment later.
async fn found(api: &Api, typed: &str, more: &str, want: &[&str]) {
    let begun = tokio::time::Instant::now();
    loop {
        let texts = texts(api, typed, more).await;
        if texts == want {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{typed:?}: {texts:?} and not {want:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

on_both!(what_is_written_is_found_in_every_form, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    for (at, text) in [
        "Где моя Ёлка? Заказывали вчера",
        "Call me at +1 (555) 010-0123, please",
        "Write to ann.lee@example.com or @ann_lee",
        "Un café s'il vous plaît, blue jacket",
        "The fee was 12.50, in total 1 500",
        "Size of my par\u{ad}cel: ۱۲ and 10-15",
        "ฉันต้องการสั่งซื้อกระเป๋า",
        "私は東京にいます",
    ]
    .iter()
    .enumerate()
    {
        let at = i64::try_from(at).expect("few");
        world.hook(&world.bot, &World::update(100 + at, 5550001, 10 + at, text)).await;
    }
    found(&api, "東京", "", &["私は[東][京]にいます"]).await;
    for (typed, want) in [
        ("елк", vec!["Где моя [Ёлка]? Заказывали вчера"]),
        ("ЁЛКА заказ", vec!["Где моя [Ёлка]? [Заказывали] вчера"]),
        ("5550100123", vec!["Call me at +[1] ([555]) [010]-[0123], please"]),
        ("010 0123", vec!["Call me at +[1] ([555]) [010]-[0123], please"]),
        ("1555010", vec!["Call me at +[1] ([555]) [010]-[0123], please"]),
        ("ann.lee@exam", vec!["Write to [ann].[lee]@[example].com or @[ann]_[lee]"]),
        ("@ann_l", vec!["Write to [ann].[lee]@example.com or @[ann]_[lee]"]),
        ("CAFE", vec!["Un [café] s'il vous plaît, blue jacket"]),
        ("\"blue jacket\"", vec!["Un café s'il vous plaît, [blue] [jacket]"]),
        ("\"jacket blue\"", vec![]),
        ("jacket blue", vec!["Un café s'il vous plaît, [blue] [jacket]"]),
        ("cafe nothing", vec![]),
        ("12.50", vec!["The fee was [12].[50], in total [1] [500]"]),
        ("1500", vec!["The fee was [12].[50], in total [1] [500]"]),
        ("10-15", vec!["Size of my par\u{ad}cel: [۱۲] and [10]-[15]"]),
        ("\u{202a}+1 5550100123\u{202c}", vec!["Call me at +[1] ([555]) [010]-[0123], please"]),
        ("parcel", vec!["Size of my [par\u{ad}cel]: ۱۲ and 10-15"]),
        ("京東", vec![]),
    ] {
        // What was there when the consumer began is filled in beside what follows.
        found(&api, typed, "", &want).await;
    }
    let page = loop {
        let page = search(&api, "mira", "").await;
        if page["complete"] == true {
            break page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!(page["contacts"][0]["contact"]["name"], "Mira");
    world.finish().await;
});

on_both!(what_changes_or_goes_is_followed, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    world.hook(&world.bot, &World::update(100, 5550001, 10, "The first lantern")).await;
    found(&api, "lantern", "", &["The first [lantern]"]).await;
    let mut edit = World::update(101, 5550001, 10, "The second candle");
    edit["edited_message"] = edit["message"].take();
    edit.as_object_mut().expect("an object").remove("message");
    edit["edited_message"]["edit_date"] = json!(1_794_312_100);
    world.hook(&world.bot, &edit).await;
    found(&api, "candle", "", &["The second [candle]"]).await;
    found(&api, "lantern", "", &[]).await;
    // A note is found as a note.
    let conversation = api.inbox().await[0]["id"].as_str().expect("an id").to_owned();
    let note = json!({ "client_id": "n1", "text": "Candle customer is fine" });
    let (status, made) = api.post(&format!("/api/v1/conversations/{conversation}/notes"), &note).await;
    assert!(status < 300, "{made}");
    found(&api, "candle", "", &["[Candle] customer is fine", "The second [candle]"]).await;
    found(&api, "candle", "&kind=note", &["[Candle] customer is fine"]).await;
    found(&api, "candle", "&kind=message", &["The second [candle]"]).await;
    let hit = hits(&api, "candle", "&kind=note").await[0].clone();
    assert_eq!(hit["conversation"], conversation.as_str());
    assert_eq!((&hit["seq"], &hit["id"]), (&made["message"]["seq"], &made["message"]["id"]));
    world.finish().await;
});

on_both!(pages_follow_one_another_and_filters_hold, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    for at in 0..47_i64 {
        world
            .hook(&world.bot, &World::update(100 + at, 5550001 + at % 3, 10 + at, &format!("lamp {at}")))
            .await;
    }
    // The index follows from where it began, and fills in what was there before.
    found(&api, "\"lamp 46\"", "", &["[lamp] [46]"]).await;
    found(&api, "\"lamp 0\"", "", &["[lamp] [0]"]).await;
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = search(&api, "lamp", &format!("&limit=10{after}")).await;
        seen.extend(page["hits"].as_array().expect("hits").iter().map(shown));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let want: Vec<String> = (0..47).rev().map(|at| format!("[lamp] {at}")).collect();
    assert_eq!(seen, want);
    let hits = hits(&api, "lamp", "&limit=50").await;
    let contact = hits[0]["contact"]["id"].as_str().expect("an id");
    let of_one = texts(&api, "lamp", &format!("&limit=50&contact={contact}")).await;
    assert_eq!(of_one.len(), (0..47).filter(|at| at % 3 == 46 % 3).count());
    let middle = hits[20]["at"].as_i64().expect("a time");
    let newer = hits.iter().filter(|hit| hit["at"].as_i64() >= Some(middle)).count();
    assert_eq!(texts(&api, "lamp", &format!("&limit=50&from={middle}")).await.len(), newer);
    let older = hits.iter().filter(|hit| hit["at"].as_i64() <= Some(middle)).count();
    assert_eq!(texts(&api, "lamp", &format!("&limit=50&to={middle}")).await.len(), older);
    assert!(texts(&api, "lamp", &format!("&channel={}", world.phone.id)).await.is_empty());
    assert_eq!(texts(&api, "lamp", &format!("&limit=50&channel={}", world.bot.id)).await.len(), 47);
    assert!(texts(&api, "lamp", &format!("&company={}", Uuid::nil())).await.is_empty());
    world.finish().await;
});

on_both!(nobody_finds_what_they_may_not_read, |engine| async move {
    let world = World::start(engine).await;
    let other =
        world.app.store.write(CreateTenant { name: "Rival".into() }).await.expect("a tenant").value.id;
    user(&world.app, "spy@example.com", None, Some((other, Role::Owner))).await;
    let brand = CreateCompany { scope: world.scope(), name: "Other".into(), kind: CompanyKind::Product };
    let brand = world.app.store.write(brand).await.expect("a company").value.id;
    user(&world.app, "held@example.com", None, Some((world.tenant, Role::Agent))).await;
    world
        .app
        .store
        .write(Hold { tenant: world.tenant, email: "held@example.com", company: brand })
        .await
        .expect("held");
    let owner = world.api("owner@example.com").await;
    world.hook(&world.bot, &World::update(100, 5550001, 10, "The secret recipe")).await;
    found(&owner, "recipe", "", &["The secret [recipe]"]).await;
    found(&world.api("viewer@example.com").await, "recipe", "", &["The secret [recipe]"]).await;
    let spy = world.api("spy@example.com").await;
    assert!(texts(&spy, "recipe", "").await.is_empty());
    assert!(search(&spy, "mira", "").await["contacts"].as_array().expect("a list").is_empty());
    let (status, _) = spy.get(&format!("/api/v1/search?q=recipe&tenant={}", world.tenant)).await;
    assert_eq!(status, 404);
    let held = world.api("held@example.com").await;
    assert!(texts(&held, "recipe", "").await.is_empty());
    assert!(texts(&held, "recipe", &format!("&company={}", world.bot.company)).await.is_empty());
    world.finish().await;
});

/// Holds a member to one company.
struct Hold {
    tenant: Uuid,
    email: &'static str,
    company: Uuid,
}

impl Verb for Hold {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let companies = format!("[\"{}\"]", self.company);
        let args = [self.tenant.into(), self.email.into(), companies.as_str().into()];
        tx.exec(
            "update memberships set companies = $3 where tenant = $1 and user_id = (select id from users where email = $2)",
            &args,
        )
        .await?;
        Ok(())
    }
}

on_both!(any_string_gets_an_answer, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    world.hook(&world.bot, &World::update(100, 5550001, 10, "a OR b AND c NEAR d")).await;
    found(&api, "near", "", &["a OR b AND c [NEAR] d"]).await;
    let mut dice = 7_u64;
    let mut roll = |below: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % below
    };
    let pieces = [
        "\"", "'", "*", ":*", "(", ")", "&", "|", "!", "<->", "\\", "#", "_", "AND", "OR", "NOT", "NEAR(",
        "{", "}", "^", "-", "+", "%", ";", "--", "a", "ё", "\u{301}", "\u{202e}", "😀", " ", "\t", "\n", "«",
        "”", "555", "東", "\u{0}", "ⁿ", "ᵏ",
    ];
    let mut strings: Vec<String> =
        vec!["x".repeat(20_000), "a ".repeat(5_000), "\"".repeat(999), "1".repeat(500)];
    for _ in 0..300 {
        let length = 1 + roll(12);
        strings.push((0..length).map(|_| pieces[roll(pieces.len() as u64) as usize]).collect());
    }
    for typed in strings {
        let begun = std::time::Instant::now();
        let (status, page) = api
            .get(&format!("/api/v1/search?q={}", url_encoded(&typed[..typed.floor_char_boundary(2_000)])))
            .await;
        // U+0000 is refused everywhere.
        let want = if typed.contains('\0') { 400 } else { 200 };
        assert_eq!(status, want, "{typed:?}: {page}");
        assert!(begun.elapsed().as_secs() < 5, "{typed:?}");
    }
    // Nobody types the marks of the index: filters are no words.
    assert!(texts(&api, "ᵏm", "").await.is_empty());
    world.finish().await;
});

on_both!(an_index_is_built_from_what_was_there_and_from_nothing_twice, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    for at in 0..30_i64 {
        world.hook(&world.bot, &World::update(100 + at, 5550001, 10 + at, &format!("lamp {at}"))).await;
    }
    found(&api, "\"lamp 29\"", "", &["[lamp] [29]"]).await;
    // As another version left it.
    world.app.store.write(OtherVersion(world.tenant)).await.expect("another version");
    let world = world.restart().await;
    let api = world.api("agent@example.com").await;
    for at in 30..40_i64 {
        world.hook(&world.bot, &World::update(100 + at, 5550001, 10 + at, &format!("lamp {at}"))).await;
    }
    let want: Vec<String> = (0..40).rev().map(|at| format!("[lamp] {at}")).collect();
    let want: Vec<&str> = want.iter().map(String::as_str).collect();
    found(&api, "lamp", "&limit=50", &want).await;
    let documents = world.app.store.read(Documents(world.tenant)).await.expect("documents");
    let subjects: BTreeSet<Uuid> = documents.iter().copied().collect();
    assert_eq!(subjects.len(), documents.len());
    world.finish().await;
});

struct OtherVersion(Uuid);

impl Verb for OtherVersion {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.0)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.exec("update consumer_cursors set version = 0 where tenant = $1", &[self.0.into()]).await?;
        Ok(())
    }
}

struct Documents(Uuid);

impl Verb for Documents {
    type Out = Vec<Uuid>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Uuid>, Error> {
        let sql = "select subject from search_documents where tenant = $1 order by document";
        Ok(tx.all::<(Uuid,)>(sql, &[self.0.into()]).await?.into_iter().map(|(id,)| id).collect())
    }
}
