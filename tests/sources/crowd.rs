//! Ten thousand visits of three hundred links, in bursts, with previews, forwarded and cut references, late ones, and ones that
//! went to another channel. Each first message that brings an unused reference of its channel back has its source, and none
//! has a wrong one.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapters::Event;
use adapters::event::{Chat, Content, ContentKind, NewMessage, Person};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use bytes::Bytes;
use futures_util::future::join_all;
use hubbub::error::Error;
use hubbub::growth::link::{CreateLink, Fields, codes};
use hubbub::growth::visit::{Visitor, Went, visit};
use hubbub::growth::visitor::is_person;
use hubbub::inbox::receive;
use hubbub::model::{Channel, Link};
use hubbub::store::{Arg, Tx, Verb};
use hubbub::vault::random;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::kit::meta::MetaWorld;
use crate::kit::size;
use crate::on_both;

const LINKS: usize = 300;
/// Visits, and then messages, that are under way at once.
const BURST: usize = 250;

pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % sides as u64) as usize
    }
}

/// Lets a reference become older than its life.
struct Age(Uuid, String);

impl Verb for Age {
    type Out = u64;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.0)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        let sql =
            "update clicks set clicked_at = clicked_at - 691200000 where tenant = $1 and reference = $2";
        Ok(tx.exec(sql, &[Arg::from(self.0), Arg::from(self.1.as_str())]).await?)
    }
}

/// What a customer's provider delivers when they send what the chat's address wrote.
fn message(channel: &Channel, customer: u64, carried: &str, forwarded: bool) -> Event {
    let mut data = Map::new();
    let (text, kind) = match channel.kind.as_str() {
        "telegram" => {
            data.insert("start_param".into(), carried.into());
            (Some(format!("/start {carried}")), ContentKind::Text)
        }
        "messenger" | "instagram" => {
            data.insert("referral".into(), json!({ "source": "SHORTLINK", "ref": carried }));
            (Some("Hello".to_owned()), ContentKind::Text)
        }
        _ => (Some(carried.to_owned()), ContentKind::Text),
    };
    if forwarded {
        data.insert("forwarded".into(), true.into());
    }
    let id = customer.to_string();
    Event::Message(Box::new(NewMessage {
        chat: Chat { id: id.clone(), ..Chat::default() },
        sender: Person { id: Some(id.clone()), name: Some(id), ..Person::default() },
        content: Content { kind, text, media: Vec::new(), data },
        ..crate::sending::message(&format!("first:{customer}"), "")
    }))
}

/// The value of the one parameter of a chat's address: the text, or the reference itself.
fn carried(url: &str) -> Option<String> {
    let url: reqwest::Url = url.parse().expect("an address");
    url.query_pairs().next().map(|(_, value)| value.into_owned())
}

/// Of what somebody sends, without its end.
fn cut(text: &str, signs: usize) -> String {
    text.chars().take(text.chars().count().saturating_sub(signs)).collect()
}

/// Who sends what where, and the link that it has to name.
struct First {
    channel: usize,
    customer: u64,
    event: Event,
    truth: Option<Uuid>,
}

on_both!(visits_of_a_crowd_and_no_wrong_source, |engine| async move {
    let begun = std::time::Instant::now();
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from_le_bytes(random().expect("random bytes")));
    eprintln!("SEED={seed}");
    let mut dice = Dice(seed);
    let meta = MetaWorld::start(engine).await;
    let (whatsapp, messenger, instagram) =
        (meta.whatsapp().await, meta.messenger().await, meta.instagram().await);
    let world = &meta.world;
    let channels = [&world.bot, &world.phone, &whatsapp.channel, &messenger.channel, &instagram.channel];
    let channels = channels.map(|channel| {
        let mut channel = channel.clone();
        channel.settings.ai = false;
        Arc::new(channel)
    });
    let store = &world.app.store;

    let mut links: Vec<(usize, Link)> = Vec::new();
    for number in 0..LINKS {
        let channel = dice.roll(channels.len());
        let target = if channel == 1 || channel == 2 { "15550100200" } else { "example_shop" };
        let text = (channel == 1 || channel == 2).then(|| format!("Hello, I come from page {number}"));
        let fields = Fields {
            name: Some(format!("Link {number}")),
            target: Some(target.into()),
            text,
            ..Fields::default()
        };
        let codes = codes(random().expect("random bytes"));
        let verb = CreateLink { scope: world.scope(), channel: channels[channel].id, fields, codes };
        links.push((channel, store.write(verb).await.expect("a link").value));
    }

    let people =
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36";
    let programs = ["WhatsApp/2.24.20.80 A", "TelegramBot (like TwitterBot)", "facebookexternalhit/1.1"];
    let (mut visits, mut truth_visits) = (0, BTreeMap::<Uuid, i64>::new());
    let (mut first, mut late, mut customer) = (Vec::<First>::new(), Vec::new(), 5_550_000_000_u64);
    let all = size(2_000, 10_000);
    while visits < all {
        let burst: Vec<_> = (0..BURST.min(all - visits)).map(|_| (dice.roll(LINKS), dice.roll(10))).collect();
        visits += burst.len();
        let went = join_all(burst.iter().map(|(at, kind)| {
            let mut headers = HeaderMap::new();
            let agent = if *kind < 2 { programs[at % programs.len()] } else { people };
            headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
            if *kind == 2 {
                headers.insert("sec-purpose", HeaderValue::from_static("prefetch"));
            }
            let visitor = if is_person(&Method::GET, &headers) { Visitor::New } else { Visitor::Uncounted };
            visit(store, &links[*at].1.code, "utm_content=a", move |_| visitor)
        }));
        for ((at, kind), went) in burst.iter().zip(went.await) {
            let (channel, link) = &links[*at];
            let Went::To(url) = went.expect("an answer") else { panic!("{} is there", link.code) };
            let carried = carried(&url);
            if *kind <= 2 {
                assert!(carried.is_none_or(|text| !text.contains('[')), "a preview has a reference");
                continue;
            }
            *truth_visits.entry(link.id).or_default() += 1;
            let carried = carried.expect("a reference");
            let mut send = |channel: usize, text: &str, forwarded: bool, truth: Option<Uuid>| {
                customer += 1;
                let event = message(&channels[channel], customer, text, forwarded);
                first.push(First { channel, customer, event, truth });
            };
            match dice.roll(20) {
                // Never writes.
                0 | 1 => {}
                // The end is lost, or all of it.
                2 => send(*channel, &cut(&carried, 1 + dice.roll(3)), false, None),
                3 => send(*channel, &cut(&carried, carried.chars().count()), false, None),
                // A friend has it from the customer, who was first; or from somebody who never wrote.
                4 | 5 => {
                    send(*channel, &carried, false, Some(link.id));
                    let is_marked = dice.roll(2) == 0;
                    late.push((*channel, carried, is_marked));
                }
                6 => send(*channel, &carried, true, None),
                // To another channel.
                7 => {
                    let other = (*channel + 1 + dice.roll(channels.len() - 1)) % channels.len();
                    send(other, &carried, false, None);
                }
                // A week later.
                8 => {
                    let word = carried.trim_end_matches(']');
                    let word = &word[word.len() - 6..];
                    let aged = store.write(Age(world.tenant, word.to_owned())).await.expect("it ages");
                    assert_eq!(aged.value, 1);
                    send(*channel, &carried, false, None);
                }
                9 => send(*channel, &carried.to_lowercase(), false, Some(link.id)),
                10 => {
                    let goes_on = channel == &1 || channel == &2;
                    let text = if goes_on { format!("{carried} and more") } else { carried };
                    send(*channel, &text, false, Some(link.id));
                }
                _ => send(*channel, &carried, false, Some(link.id)),
            }
        }
    }
    // In another order than they came, and friends after those whose reference they have.
    for at in (1..first.len()).rev() {
        first.swap(at, dice.roll(at + 1));
    }
    for (channel, carried, is_marked) in late {
        customer += 1;
        let event = message(&channels[channel], customer, &carried, is_marked);
        first.push(First { channel, customer, event, truth: None });
    }
    for burst in first.chunks(BURST) {
        let received = join_all(burst.iter().map(|one| {
            let channel = Arc::clone(&channels[one.channel]);
            receive::receive(store, channel, Bytes::from_static(b"{}"), Ok(vec![one.event.clone()]))
        }));
        for received in received.await {
            assert_eq!(received.expect("it is received").applied, 1);
        }
    }

    // What people see.
    let api = world.api("owner@example.com").await;
    let (mut shown, mut from): (BTreeMap<String, Option<Uuid>>, _) = (BTreeMap::new(), String::new());
    loop {
        let (status, page) = api.get(&format!("/api/v1/inbox?limit=200{from}")).await;
        assert_eq!(status, 200, "{page}");
        for one in page["conversations"].as_array().expect("conversations") {
            let link = one["source"]["link"].as_str().map(|id| id.parse().expect("an id"));
            let name = one["contact"]["name"].as_str().expect("a name").to_owned();
            assert!(
                !one["last_message"]["text"].as_str().unwrap_or_default().ends_with(']') || link.is_none(),
                "{one}"
            );
            assert!(shown.insert(name, link).is_none(), "{one}");
        }
        match page["next"].as_str() {
            Some(next) => from = format!("&before={next}"),
            None => break,
        }
    }
    let wrong: Vec<_> =
        first.iter().filter(|one| shown.get(&one.customer.to_string()) != Some(&one.truth)).collect();
    let sources = first.iter().filter(|one| one.truth.is_some()).count();
    assert!(wrong.is_empty(), "SEED={seed}: {} of {} are wrong", wrong.len(), first.len());
    assert_eq!(shown.len(), first.len());
    let (_, all) = api.get(&format!("/api/v1/links?tenant={}&limit=500", world.tenant)).await;
    let mut chats = BTreeMap::<Uuid, i64>::new();
    for one in first.iter().filter_map(|one| one.truth) {
        *chats.entry(one).or_default() += 1;
    }
    for link in all["links"].as_array().expect("links") {
        let id: Uuid = link["id"].as_str().expect("an id").parse().expect("an id");
        let count = |of: &BTreeMap<Uuid, i64>| Value::from(of.get(&id).copied().unwrap_or(0));
        assert_eq!((&link["visits"], &link["chats"]), (&count(&truth_visits), &count(&chats)), "SEED={seed}");
    }
    eprintln!(
        "{engine:?}: {visits} visits, {} messages, {sources} sources, {:?}",
        first.len(),
        begun.elapsed()
    );
    meta.finish().await;
});
