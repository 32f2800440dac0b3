//! Leads: by key and signed, once however often they come, from dirty sources; what is no lead is refused.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use futures_util::future::join_all;
use hubbub::accounts::Role;
use hubbub::growth::lead::{AddLead, NewLead};
use hubbub::growth::source_name::SetSourceName;
use hubbub::model::Utm;
use hubbub::vault::random;
use serde_json::{Value, json};

use super::crowd::Dice;
use super::{follow, link, parameter, touches};
use crate::kit::meta::MetaWorld;
use crate::kit::{SESSION, World, size};
use crate::moving::{member, other_company};
use crate::on_both;

on_both!(a_lead_is_handed_in_by_key_or_signed_and_once, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("owner@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    let key = world.app.accounts.create_key(&world.scope(), "Page", Role::Agent).await.expect("a key").key;
    let http = crate::kit::http();
    let post = async |headers: &[(&str, String)], body: &str| {
        let mut request = http.post(world.url("/api/v1/leads")).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = request.body(body.to_owned()).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    let lead = json!({ "tenant": world.tenant, "source": "Test Page", "external_id": "17", "name": " Mira  Lund ",
        "email": "Mira@Example.com", "phone": "+1 (555) 010-0200", "utm": { "source": "Tik%20Tok" }, "consent": "I agree",
        "fields": { "level": "A2" } });
    let by_key = [("x-api-key", key)];
    let (status, first) = post(&by_key, &lead.to_string()).await;
    assert_eq!(status, 201, "{first}");
    let kept = &first["lead"];
    assert_eq!(
        (&kept["source"], &kept["name"], &kept["email"]),
        (&json!("test page"), &json!("Mira Lund"), &json!("mira@example.com"))
    );
    assert_eq!((&kept["phone"], &kept["utm"]["source"]), (&json!("+15550100200"), &json!("tik tok")));
    assert!(kept["consent_at"].is_i64(), "{kept}");
    let event = manager.event("lead.created").await;
    assert_eq!(&event["lead"], kept);
    assert_eq!(post(&by_key, &lead.to_string()).await, (200, first.clone()));
    let mut trapped = lead.clone();
    (trapped["trap"], trapped["external_id"]) = (json!("https://spam.example.com"), json!("18"));
    assert_eq!(post(&by_key, &trapped.to_string()).await, (202, json!({ "lead": null })));
    for (field, value) in [
        ("email", json!("nobody")),
        ("phone", json!("call me")),
        ("source", json!(" ")),
        ("company", json!(world.tenant)),
    ] {
        let mut wrong = lead.clone();
        (wrong[field], wrong["external_id"]) = (value, json!("19"));
        let (status, answer) = post(&by_key, &wrong.to_string()).await;
        assert!(status == 404 || (status == 400 && answer["field"] == field), "{field}: {answer}");
    }

    let new = json!({ "tenant": world.tenant, "name": "Express course", "company": world.bot.company });
    let (status, made) = api.post("/api/v1/lead-sources", &new).await;
    assert_eq!(status, 201, "{made}");
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    let sign = |secret: &str, at: i64, body: &str| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let mark = hex::encode(hmac::sign(&key, format!("{at}.{body}").as_bytes()));
        let page = made["source"]["id"].as_str().expect("an id").to_owned();
        [("x-hubbub-source", page), ("x-hubbub-signature", format!("t={at},v1={mark}"))]
    };
    let now = world.app.store.clock().now_ms() / 1000;
    let body = json!({ "email": "sam@example.com", "source": "another" }).to_string();
    let (status, signed) = post(&sign(&secret, now, &body), &body).await;
    assert_eq!((status, &signed["lead"]["source"]), (201, &json!("express course")), "{signed}");
    assert_eq!(signed["lead"]["company"], json!(world.bot.company));
    assert_eq!(post(&sign(&secret, now, &body), &body).await, (200, signed));
    for headers in [sign(&secret, now - 301, &body), sign("", now, &body), sign(&secret, now, "{}")] {
        assert_eq!(post(&headers, &body).await.0, 401, "{headers:?}");
    }
    assert_eq!(post(&[], &body).await.0, 401);
    let (_, listed) = api.get(&format!("/api/v1/leads?tenant={}", world.tenant)).await;
    assert_eq!(listed["leads"].as_array().map(Vec::len), Some(2));
    world.finish().await;
});

on_both!(leads_of_dirty_sources_are_as_many_as_people, |engine| async move {
    let leads = size(1_500, 5_000);
    let people = leads * 7 / 10;
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from_le_bytes(random().expect("random bytes")));
    eprintln!("SEED={seed}");
    let mut dice = Dice(seed);
    let world = World::start(engine).await;
    // Each page is written in several ways, of which one is misspelt.
    let pages = [
        ["test page", "Test%20Page", " TEST  page ", "tset page"],
        ["express course", "Express+Course", "express course\u{200b}", "expres course"],
        ["webinar", "WEBINAR", "webinar ", "webianr"],
        ["catalogue", "Catalogue", "CATALOGUE", "catalog"],
    ];
    for page in &pages {
        let verb = SetSourceName { scope: world.scope(), alias: page[3].into(), name: Some(page[0].into()) };
        world.app.store.write(verb).await.expect("a spelling");
    }
    let mut truth: BTreeMap<&str, i64> = BTreeMap::new();
    let mut all = Vec::new();
    for person in 0..leads {
        // The last three in ten are among those before.
        let person = if person < people { person } else { dice.roll(people) };
        let page = person % pages.len();
        if all.len() < people {
            *truth.entry(pages[page][0]).or_default() += 1;
        }
        let has_id = person % 3 == 0;
        let email = format!("person{person}@example.com");
        let email = if dice.roll(2) == 0 { email.to_uppercase() } else { format!(" {email} ") };
        let phone = format!("1555{person:07}");
        let phone = match dice.roll(3) {
            0 => phone,
            1 => format!("+{phone}"),
            _ => format!("00{} {}-{}", &phone[..1], &phone[1..4], &phone[4..]),
        };
        all.push(NewLead {
            source: Some(pages[page][dice.roll(4)].into()),
            external_id: has_id.then(|| person.to_string()),
            email: Some(email),
            phone: (person % 2 == 0).then_some(phone),
            utm: Utm { campaign: Some("Spring%20Sale".into()), ..Utm::default() },
            ..NewLead::default()
        });
    }
    for at in (1..all.len()).rev() {
        all.swap(at, dice.roll(at + 1));
    }
    let mut kept = 0;
    for burst in all.chunks(250) {
        let verbs = burst.iter().map(|one| AddLead::new(world.scope(), one.clone()).expect("random signs"));
        for added in join_all(verbs.map(|verb| world.app.store.write(verb))).await {
            kept += usize::from(!added.expect("a lead").value.is_repeated);
        }
    }
    assert_eq!(kept, people, "SEED={seed}");
    let api = world.api("owner@example.com").await;
    let (mut found, mut rows, mut from) = (BTreeMap::<String, i64>::new(), 0, String::new());
    loop {
        let (_, page) = api.get(&format!("/api/v1/leads?tenant={}&limit=200{from}", world.tenant)).await;
        let page = page["leads"].as_array().expect("leads").clone();
        for one in &page {
            *found.entry(one["source"].as_str().expect("a name").to_owned()).or_default() += 1;
            assert_eq!(one["utm"]["campaign"], "spring sale");
            rows += 1;
        }
        match page.last() {
            Some(last) => from = format!("&before={}", last["id"].as_str().expect("an id")),
            None => break,
        }
    }
    let truth: BTreeMap<String, i64> =
        truth.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
    assert_eq!((rows, found), (people, truth), "SEED={seed}");
    world.finish().await;
});

on_both!(a_lead_is_whoever_writes_from_its_phone_or_brings_its_reference, |engine| async move {
    let meta = MetaWorld::start(engine).await;
    let world = &meta.world;
    let api = world.api("owner@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    let company = world.bot.company;
    let (status, one) = api.patch(&format!("/api/v1/companies/{company}"), &json!({ "country": "br" })).await;
    assert_eq!((status, &one["country"]), (200, &json!("BR")), "{one}");
    let wrong = api.patch(&format!("/api/v1/companies/{company}"), &json!({ "country": "Brazil" })).await;
    assert_eq!((wrong.0, &wrong.1["field"]), (400, &json!("country")));
    let other = json!({ "tenant": world.tenant, "name": "Another", "kind": "product" });
    let other = api.post("/api/v1/companies", &other).await.1["id"].clone();
    let hand_in = async |source: &str, more: Value| {
        let mut lead = json!({ "tenant": world.tenant, "source": source });
        lead.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let (status, made) = api.post("/api/v1/leads", &lead).await;
        assert_eq!(status, 201, "{made}");
        made["lead"].clone()
    };
    let contact_of = async |lead: &Value| {
        let (_, all) = api.get(&format!("/api/v1/leads?tenant={}", world.tenant)).await;
        let found =
            all["leads"].as_array().expect("leads").iter().find(|one| one["id"] == lead["id"]).cloned();
        found.expect("the lead")["contact"].clone()
    };

    // As one dials at home; WhatsApp's id of it is without the ninth digit.
    let marks = json!({ "source": "tiktok", "campaign": "lamps" });
    let by_phone = hand_in("webinar", json!({ "phone": "51 98123-4567", "utm": marks })).await;
    let elsewhere = hand_in("webinar", json!({ "phone": "+5551981234567", "company": other })).await;
    world.waha.customer_says(SESSION, "555181234567@c.us", "Hello");
    let event = manager.event("message.created").await;
    let phone = event["conversation"].clone();
    let source = &phone["source"];
    assert_eq!((&source["kind"], &source["name"]), (&json!("lead"), &json!("webinar")), "{source}");
    assert_eq!((&source["campaign"], &source["utm"]["source"]), (&json!("lamps"), &json!("tiktok")));
    assert_eq!(contact_of(&by_phone).await, phone["contact"]["id"]);
    assert_eq!(contact_of(&elsewhere).await, Value::Null, "another company's");
    let seen = touches(&api, &phone["id"]).await;
    assert_eq!((seen.len(), &seen[0]["data"]["lead"]), (1, &by_phone["id"]));
    assert_eq!(seen[0]["at"], by_phone["at"]);
    let (_, found) = api.get("/api/v1/contacts?q=(51)%2098123-4567").await;
    assert_eq!(found["contacts"].as_array().map(Vec::len), Some(1), "typed as at home: {found}");

    // The page wrote its reference into the text of a link.
    let by_reference = hand_in("catalogue", json!({ "email": "mira@example.com" })).await;
    let reference = by_reference["reference"].as_str().expect("a reference").to_owned();
    world.telegram.customer_says(5550711, &format!("The lamp, please [{reference}]"));
    let event = manager.event("message.created").await;
    assert_eq!(event["message"]["text"], "The lamp, please");
    assert_eq!(event["conversation"]["source"]["name"], "catalogue");
    let chat = event["conversation"].clone();
    assert_eq!(contact_of(&by_reference).await, chat["contact"]["id"]);
    let forwarded = format!("The lamp, please [{reference}]");
    world.telegram.customer_says(5550712, &forwarded);
    let event = manager.event("message.created").await;
    assert_eq!(
        (&event["conversation"]["source"], &event["message"]["text"]),
        (&Value::Null, &json!(forwarded)),
        "used once"
    );

    // A person who writes in two places came from both.
    let into = json!({ "into": phone["contact"]["id"] });
    let merge = format!("/api/v1/contacts/{}/merge", chat["contact"]["id"].as_str().expect("an id"));
    assert_eq!(api.post(&merge, &into).await.0, 200);
    for conversation in [&phone, &chat] {
        let seen = touches(&api, &conversation["id"]).await;
        let names: Vec<_> = seen.iter().map(|one| one["source"]["name"].clone()).collect();
        assert_eq!(names, ["catalogue", "webinar"]);
    }

    // Messenger tells of a link before anybody has written.
    let line = meta.messenger().await;
    let made = link(&api, world, &line.channel, json!({})).await;
    let url = follow(world, &made, "").await;
    let stranger = "7300000000000077";
    meta.meta.customer_is_referred(line.account, stranger, &parameter(&url, "ref"), "SHORTLINK");
    meta.meta.customer_says(line.account, stranger, "Is it there?");
    let event = manager.publication(|data| data["message"]["text"] == "Is it there?").await;
    assert_eq!(event["conversation"]["source"]["link"], made["id"], "{event}");
    manager.close().await;
    meta.finish().await;
});

on_both!(who_sees_one_company_pages_through_its_leads_alone, |engine| async move {
    let world = World::start(engine).await;
    let other = other_company(&world).await;
    let mut wanted = Vec::new();
    for number in 0..12 {
        let company = [Some(other), Some(world.bot.company), None][number % 3];
        let new = NewLead {
            source: Some("page".into()),
            company,
            email: Some(format!("person{number}@example.com")),
            ..NewLead::default()
        };
        let verb = AddLead::new(world.scope(), new).expect("a lead");
        let lead = world.app.store.write(verb).await.expect("a lead").value.lead;
        if company == Some(other) {
            wanted.insert(0, lead.id.to_string());
        }
    }
    let api = member(&world, "limited@example.com", Role::Agent, other).await;
    let (mut seen, mut from) = (Vec::new(), String::new());
    loop {
        let (status, page) = api.get(&format!("/api/v1/leads?tenant={}&limit=3{from}", world.tenant)).await;
        assert_eq!(status, 200, "{page}");
        let ids = page["leads"].as_array().expect("leads").iter();
        let ids: Vec<String> = ids.map(|one| one["id"].as_str().expect("an id").to_owned()).collect();
        let Some(last) = ids.last() else { break };
        from = format!("&before={last}");
        seen.extend(ids);
    }
    assert_eq!(seen, wanted);
    world.finish().await;
});
