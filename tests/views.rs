//! The lists of the inbox and their counts: what they hold is what a look at every conversation would find, whatever
//! happened, and a page follows the one before without a gap or a double.

mod labelled;

use std::collections::BTreeMap;

use hubbub::error::Error;
use hubbub::store::{Tx, Verb, tallies};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::kit::{Api, World};
use crate::on_both;

/// Where every conversation stands, counted one by one, and what the tallies say.
struct BothWays(Uuid);

impl Verb for BothWays {
    type Out = (BTreeMap<(Uuid, String), i64>, BTreeMap<(Uuid, String), i64>);

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let mut counted = BTreeMap::new();
        let sql =
            "select channel, bucket, count(*) from conversations where tenant = $1 group by channel, bucket";
        for (channel, bucket, amount) in tx.all::<(Uuid, String, i64)>(sql, &[self.0.into()]).await? {
            counted.insert((channel, bucket), amount);
        }
        let tallied = tallies::of_tenants(tx, &[self.0], None).await?.remove(0);
        let tallied =
            tallied.into_iter().map(|(channel, bucket, amount, _)| ((channel, bucket.to_string()), amount));
        Ok((counted, tallied.filter(|(_, amount)| *amount != 0).collect()))
    }
}

async fn page(api: &Api, query: &str) -> Value {
    let (status, page) = api.get(&format!("/api/v1/inbox?{query}")).await;
    assert_eq!(status, 200, "{page}");
    page
}

/// All conversations of a list, page by page.
async fn whole(api: &Api, query: &str) -> Vec<Value> {
    in_pages(api, query, 3).await
}

async fn in_pages(api: &Api, query: &str, limit: usize) -> Vec<Value> {
    let mut all = Vec::new();
    let mut before = String::new();
    loop {
        let page = page(api, &format!("{query}&limit={limit}{before}")).await;
        all.extend_from_slice(page["conversations"].as_array().expect("conversations"));
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => return all,
        }
    }
}

fn ids(list: &[Value]) -> Vec<&str> {
    list.iter().map(|one| one["id"].as_str().expect("an id")).collect()
}

on_both!(lists_and_counts_are_what_a_look_at_all_would_find, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    let me = api.get("/api/v1/me").await.1["user"]["id"].clone();
    let mut manager = world.person("agent@example.com").await;
    let mut seed = 17_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    let mut number = 0;
    for round in 0..120 {
        let chat = 5550300 + i64::try_from(random(14)).expect("small");
        if round < 30 || random(3) == 0 {
            number += 1;
            assert_eq!(world.hook(&world.bot, &World::update(number, chat, number, "Hello")).await, 200);
            continue;
        }
        let open = whole(&api, "view=all").await;
        let one = &open[usize::try_from(random(open.len() as u64)).expect("small")]["id"];
        let path = |verb: &str| format!("/api/v1/conversations/{}/{verb}", one.as_str().expect("an id"));
        let (verb, body) = match random(12) {
            0 => ("take-over", json!({})),
            1 => ("hand-back", json!({})),
            2 => ("close", json!({})),
            3 => ("assign", json!({ "assignee": if random(2) == 0 { Value::Null } else { me.clone() } })),
            4..=6 => ("messages", json!({ "client_id": format!("c{round}"), "text": "An answer" })),
            _ => ("notes", json!({ "client_id": format!("n{round}"), "text": "A note" })),
        };
        let (status, answer) = api.post(&path(verb), &body).await;
        assert!(status < 300, "{verb}: {answer}");
    }
    // Somebody waits for a person at the end, too.
    let one = whole(&api, "view=all").await[0]["id"].as_str().expect("an id").to_owned();
    for verb in ["take-over", "assign"] {
        let body = if verb == "assign" { json!({ "assignee": null }) } else { json!({}) };
        api.post(&format!("/api/v1/conversations/{one}/{verb}"), &body).await;
    }
    for chat in 5550300..5550314 {
        number += 1;
        assert_eq!(world.hook(&world.bot, &World::update(number, chat, number, "Hello?")).await, 200);
    }
    let (counted, tallied) = world.app.store.read(BothWays(world.tenant)).await.expect("both");
    assert_eq!(counted, tallied);

    // Each view holds what its definition says of all, in its order.
    let mut all = whole(&api, "view=all").await;
    all.extend(whole(&api, "view=closed").await);
    let is = |one: &Value, view: &str| {
        let (open, waits) = (one["state"] == "open", one["waiting_since"].is_i64());
        let ai = one["owner"] == "ai";
        match view {
            "all" => open,
            "mine" => open && one["assignee"] == me,
            "unassigned" => open && !ai && one["assignee"].is_null(),
            "ai" => open && ai,
            "waiting" => open && !ai && waits,
            _ => !open,
        }
    };
    let answer = page(&api, "view=all").await;
    for view in ["all", "mine", "unassigned", "ai", "waiting", "closed"] {
        for filter in
            [String::new(), format!("&channel={}", world.bot.id), format!("&company={}", world.bot.company)]
        {
            let mut expected: Vec<_> = all.iter().filter(|one| is(one, view)).collect();
            expected.sort_by_key(|one| std::cmp::Reverse((one["updated_at"].as_i64(), one["id"].as_str())));
            let expected: Vec<_> =
                expected.into_iter().map(|one| one["id"].as_str().expect("an id")).collect();
            let found = whole(&api, &format!("view={view}{filter}")).await;
            assert_eq!(ids(&found), expected, "{view}{filter}");
            assert_eq!(answer["counts"][view], json!(expected.len()), "{view}: {}", answer["counts"]);
            let mut waiting: Vec<_> =
                all.iter().filter(|one| is(one, view) && one["waiting_since"].is_i64()).collect();
            waiting.sort_by_key(|one| (one["waiting_since"].as_i64(), one["id"].as_str()));
            let mut by_wait: Vec<_> = waiting.iter().map(|one| one["id"].as_str().expect("an id")).collect();
            by_wait.extend(expected.iter().filter(|id| !waiting.iter().any(|one| one["id"] == **id)));
            assert_eq!(
                ids(&whole(&api, &format!("view={view}&sort=wait{filter}")).await),
                by_wait,
                "{view} by wait"
            );
            // However the pages are cut: at the last one who waits, too.
            for limit in 1..=by_wait.len() {
                let cut = in_pages(&api, &format!("view={view}&sort=wait{filter}"), limit).await;
                assert_eq!(ids(&cut), by_wait, "{view} by wait, {limit} a page");
            }
            counts.insert(view, i64::try_from(expected.len()).expect("few"));
        }
    }
    assert!(counts["mine"] > 0 && counts["closed"] > 0 && counts["waiting"] > 0, "{counts:?}");
    let elsewhere = page(&api, &format!("view=all&channel={}", world.phone.id)).await;
    assert_eq!(elsewhere["counts"]["all"], 0);

    // The events say how each count moves: from nothing they lead to the same.
    let mut moved: BTreeMap<String, i64> = BTreeMap::new();
    for event in crate::invariants::feed(&world).await {
        let change = &event["moved"];
        for (end, amount) in [("from", -1), ("to", 1)] {
            if let Some(bucket) = change[end]["bucket"].as_str() {
                *moved.entry(bucket.to_owned()).or_default() += amount;
            }
        }
    }
    let mut stands: BTreeMap<String, i64> = BTreeMap::new();
    for ((_, bucket), amount) in counted {
        *stands.entry(bucket).or_default() += amount;
    }
    moved.retain(|_, amount| *amount != 0);
    assert_eq!(moved, stands);
    // Over the socket as over HTTP.
    let over_socket = manager.rpc("inbox.counts", json!({})).await.expect("counts");
    assert_eq!(over_socket["counts"], answer["counts"]);
    let list = manager.rpc("inbox.list", json!({ "view": "mine", "limit": 200 })).await.expect("a list");
    assert_eq!(ids(list["conversations"].as_array().expect("a list")), ids(&whole(&api, "view=mine").await));
    let by_wait = page(&api, "view=all&sort=wait&limit=1").await["next"].as_str().expect("more").to_owned();
    assert_eq!(api.get(&format!("/api/v1/inbox?before={by_wait}")).await.0, 400, "a place of another order");
    assert_eq!(api.get("/api/v1/inbox?owner=ai").await.0, 400, "a filter that is not known is refused");
    world.finish().await;
});

on_both!(contacts_are_found_by_name_handle_and_number, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut update = World::update(1, 5550401, 1, "Hello");
    for part in ["from", "chat"] {
        update["message"][part]["first_name"] = json!("Renée");
        update["message"][part]["last_name"] = json!("Ёлкина");
        update["message"][part]["username"] = json!("renee_e");
    }
    assert_eq!(world.hook(&world.bot, &update).await, 200);
    world.waha.customer_says(SESSION, "12025550148@c.us", "Hello");
    manager.publication(|data| data["conversation"]["channel_kind"] == "waha").await;
    let api = world.api("viewer@example.com").await;
    let names = async |typed: &str| {
        let (status, found) = api.get(&format!("/api/v1/contacts?q={typed}")).await;
        assert_eq!(status, 200, "{found}");
        let found = found["contacts"].as_array().expect("contacts").clone();
        found
            .iter()
            .map(|one| one["conversation"]["channel_kind"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    for typed in ["ren", "RENEE", "%D0%B5%D0%BB%D0%BA", "elk", "ren%20%D0%B5%D0%BB"] {
        let expected: &[&str] = if typed == "elk" { &[] } else { &["telegram"] };
        assert_eq!(names(typed).await, expected, "{typed}");
    }
    for typed in ["12025550148", "%2B1%20202", "0148", "0012025550148", "02025550148", "202-555"] {
        let expected: &[&str] = if typed == "202-555" { &[] } else { &["waha"] };
        assert_eq!(names(typed).await, expected, "{typed}");
    }
    assert_eq!(api.get("/api/v1/contacts?q=r").await.0, 400);
    let over_socket = manager.rpc("contact.find", json!({ "q": "rene" })).await.expect("contacts");
    assert_eq!(over_socket["contacts"].as_array().map(Vec::len), Some(1));
    world.finish().await;
});

use crate::kit::SESSION;
