//! Lists of one label are the lists of all, without the rows that do not show it; whatever happens to labels and people.

use hubbub::people::RemoveLabel;
use serde_json::{Value, json};

use super::{ids, whole};
use crate::kit::{Api, SESSION, World};
use crate::on_both;

/// Whether the row shows a label: its own or its customer's.
fn shows(one: &Value, label: &str) -> bool {
    [&one["labels"], &one["contact"]["labels"]]
        .iter()
        .any(|list| list.as_array().is_some_and(|list| list.iter().any(|of| of == label)))
}

async fn check(world: &World, api: &Api, labels: &[String], step: usize) -> usize {
    let mut rows = 0;
    let filters = [
        String::new(),
        format!("&channel={}", world.bot.id),
        format!("&channel={}", world.phone.id),
        format!("&company={}", world.bot.company),
    ];
    for view in ["all", "mine", "unassigned", "ai", "waiting", "closed"] {
        for sort in ["recent", "wait"] {
            for filter in &filters {
                let query = format!("view={view}&sort={sort}{filter}");
                let all = whole(api, &query).await;
                for label in labels {
                    let expected: Vec<Value> = all.iter().filter(|one| shows(one, label)).cloned().collect();
                    let found = whole(api, &format!("{query}&label={label}")).await;
                    assert_eq!(ids(&found), ids(&expected), "step {step}: {query} of {label}");
                    rows += found.len();
                }
            }
        }
    }
    rows
}

on_both!(lists_of_a_label_are_the_rows_that_show_it, |engine| async move {
    let world = World::start(engine).await;
    let owner = world.api("owner@example.com").await;
    let api = &owner;
    let me = api.get("/api/v1/me").await.1["user"]["id"].clone();
    let mut labels = Vec::new();
    for name in ["Wholesale", "Urgent"] {
        let label = json!({ "tenant": world.tenant, "name": name, "colour": "#aa3300" });
        labels.push(owner.post("/api/v1/labels", &label).await.1["id"].as_str().expect("an id").to_owned());
    }
    let (mut seed, mut number) = (23_u64, 0);
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from((seed >> 33) % below as u64).expect("small")
    };
    let mut merges: Vec<(String, String)> = Vec::new();
    let (mut rows, mut done) = (0, std::collections::BTreeMap::<&str, usize>::new());
    for step in 0..90 {
        if step < 14 || random(3) == 0 {
            number += 1;
            let who = random(7);
            let chat = 5_550_300 + i64::try_from(who).expect("small");
            if random(2) == 0 {
                let update = World::update(number, chat, number, "Hello");
                assert_eq!(world.hook(&world.bot, &update).await, 200);
            } else {
                let chat = format!("1202555{:04}@c.us", 300 + who);
                world.waha.customer_says(SESSION, &chat, "Hello");
                world.waha.idle().await;
            }
            continue;
        }
        let mut all = whole(api, "view=all").await;
        all.extend(whole(api, "view=closed").await);
        let (one, other) = (&all[random(all.len())], &all[random(all.len())]);
        let (id, contact) =
            (one["id"].as_str().expect("an id"), one["contact"]["id"].as_str().expect("an id"));
        let into = other["contact"]["id"].as_str().expect("an id");
        let some: Vec<&String> = labels.iter().filter(|_| random(2) == 0).collect();
        let of = |verb: &str| format!("/api/v1/conversations/{id}/{verb}");
        let (what, path, body) = match random(12) {
            0..=2 => ("label", of("labels"), json!({ "labels": some })),
            3..=5 => {
                ("label a person", format!("/api/v1/contacts/{contact}/labels"), json!({ "labels": some }))
            }
            6 => ("take over", of("take-over"), json!({})),
            7 => ("close", of("close"), json!({})),
            8 => (
                "assign",
                of("assign"),
                json!({ "assignee": if random(2) == 0 { Value::Null } else { me.clone() } }),
            ),
            9 => ("answer", of("messages"), json!({ "client_id": format!("c{step}"), "text": "An answer" })),
            10 => ("merge", format!("/api/v1/contacts/{contact}/merge"), json!({ "into": into })),
            _ => match merges.pop() {
                Some((contact, merge)) => {
                    ("split", format!("/api/v1/contacts/{contact}/split"), json!({ "merge": merge }))
                }
                None => continue,
            },
        };
        let (status, answer) = api.post(&path, &body).await;
        if status < 300 {
            *done.entry(what).or_default() += 1;
        }
        if what == "merge" && status == 200 {
            let merge = answer["merges"][0]["id"].as_str().expect("a merge").to_owned();
            merges.push((contact.to_owned(), merge));
        }
        if step % 5 == 0 {
            rows += check(&world, api, &labels, step).await;
        }
    }
    rows += check(&world, api, &labels, 90).await;
    println!("{rows} rows of labels; {done:?}");
    assert!(rows > 200 && done.len() >= 6, "{rows} {done:?}");
    // A label that is gone is on nothing.
    let gone = RemoveLabel { scope: world.scope(), id: labels[0].parse().expect("an id") };
    assert!(world.app.store.write(gone).await.expect("it is removed").value);
    for view in ["all", "closed"] {
        assert!(whole(api, &format!("view={view}&label={}", labels[0])).await.is_empty());
    }
    world.finish().await;
});
