//! A provider is away for an hour: what is to be sent waits in its order and says why, what customers wrote is stored once,
//! the other channels go on, and the backlog leaves within the provider's rates.

mod door;
pub(crate) mod shop;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hubbub::store::Engine;
use serde_json::{Value, json};

use self::door::Way;
use self::shop::{CUSTOMERS, KINDS, PROVIDERS, Shop, created};
use crate::health::look_now;
use crate::kit::{Client, PATIENCE};
use crate::on_both;

const MINUTE_MS: i64 = 60_000;
const ROUNDS: usize = 12;
/// Sends of a channel that may begin before it is known that its provider is away, or as it comes back.
const MOST_UNKNOWN: usize = 4;

async fn say(manager: &mut Client, conversation: &Value, text: &str) {
    let send = json!({ "conversation": conversation, "client_id": text, "text": text });
    manager.rpc("message.send", send).await.expect("it is taken");
}

/// A customer of another provider writes, a person answers: how long each takes.
async fn beside(shop: &mut Shop, manager: &mut Client, kind: &str, number: usize) -> [Duration; 2] {
    let customer = number % CUSTOMERS;
    let (asked, answer) = (format!("Asked of {kind} {number}."), format!("Answered {kind} {number}."));
    let begun = Instant::now();
    shop.says(kind, customer, &asked);
    created(manager, &asked).await;
    let came = begun.elapsed();
    let begun = Instant::now();
    say(manager, &shop.conversations[kind][customer], &answer).await;
    // A receipt may overtake the answer of the call.
    let has_left = |status: &Value| matches!(status.as_str(), Some("sent" | "delivered" | "read"));
    let left =
        |data: &Value| data["message"]["text"] == answer.as_str() && has_left(&data["message"]["status"]);
    manager.publication(left).await;
    [came, begun.elapsed()]
}

fn figures(what: &str, all: &mut [Duration]) {
    all.sort();
    println!("{what}: median {:?}, longest {:?} of {}", all[all.len() / 2], all[all.len() - 1], all.len());
}

/// Our own messages of an outage, by kind and customer, with their status and what they wait for.
async fn ours(shop: &Shop, kind: &str, mark: &str) -> Vec<(String, String, String)> {
    let api = shop.world.api("agent@example.com").await;
    let mut all = Vec::new();
    for conversation in &shop.conversations[kind] {
        for message in api.messages(conversation.as_str().expect("an id")).await {
            let text = message["text"].as_str().unwrap_or_default();
            if message["direction"] == "out" && text.starts_with(mark) {
                let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                all.push((text.to_owned(), word(&message["status"]), word(&message["error"]["code"])));
            }
        }
    }
    all
}

async fn health(shop: &Shop, kind: &str) -> Value {
    let api = shop.world.api("agent@example.com").await;
    let (status, page) = api.get(&format!("/api/v1/channels/{}/health", shop.channels[kind].id)).await;
    assert_eq!(status, 200, "{page}");
    page["health"].clone()
}

/// Calls a second of a channel, as `docs/channels.md` has them.
fn rate(kind: &str) -> usize {
    match kind {
        "telegram" => 25,
        "waha" => 5,
        "whatsapp-cloud" => 80,
        "gmail" => 4,
        _ => 300,
    }
}

async fn hour(shop: &mut Shop, manager: &mut Client, provider: usize) {
    let away = PROVIDERS[provider];
    let others: Vec<_> = KINDS.into_iter().filter(|kind| !away.contains(kind)).collect();
    let mark = format!("Outage {provider}");
    let (mut came, mut left) = (Vec::new(), Vec::new());
    for (round, kind) in others.iter().enumerate() {
        let [one, two] = beside(shop, manager, kind, 1_000 * provider + round).await;
        came.push(one);
        left.push(two);
    }
    figures(&format!("before {away:?}, in of others"), &mut came);
    figures(&format!("before {away:?}, out of others"), &mut left);

    let counts = |shop: &Shop| -> usize {
        let of = |kind: &&str| (0..CUSTOMERS).map(|customer| shop.sent(kind, customer).len()).sum::<usize>();
        away.iter().map(of).sum()
    };
    let before = counts(shop);
    (came, left) = (Vec::new(), Vec::new());
    let mut wanted: BTreeMap<(&str, usize), Vec<String>> = BTreeMap::new();
    let mut asked = Vec::new();
    for round in 0..ROUNDS {
        shop.door(provider).is(if round % 2 == 0 { Way::Errors } else { Way::Refuses }).await;
        let customer = round % CUSTOMERS;
        for kind in away {
            let text = format!("{mark} to {kind}, {round}.");
            say(manager, &shop.conversations[kind][customer], &text).await;
            wanted.entry((kind, customer)).or_default().push(text);
            let text = format!("{mark} of {kind}, {round}.");
            shop.says(kind, customer, &text);
            // A mail has to be fetched.
            if *kind == "gmail" {
                asked.push(text);
            } else {
                created(manager, &text).await;
            }
        }
        if round % 3 == 2 {
            look_now(&shop.world).await;
        }
        let [one, two] =
            beside(shop, manager, others[round % others.len()], 1_000 * provider + 100 + round).await;
        came.push(one);
        left.push(two);
        shop.hand.fetch_add(60 / ROUNDS as i64 * MINUTE_MS, Ordering::Relaxed);
    }
    figures(&format!("without {away:?}, in of others"), &mut came);
    figures(&format!("without {away:?}, out of others"), &mut left);
    assert_eq!(counts(shop), before, "nothing can have left");
    for kind in away {
        let told = health(shop, kind).await;
        assert_eq!(
            (&told["state"], &told["code"]),
            (&json!("down"), &json!("unreachable")),
            "{kind}: {told}"
        );
        let waiting = ours(shop, kind, &mark).await;
        assert_eq!(waiting.len(), ROUNDS, "{kind}");
        let has = |status: &str| waiting.iter().filter(|one| one.1 == status).count();
        assert!(has("unknown") <= MOST_UNKNOWN, "{kind}: {waiting:?}");
        assert_eq!(has("unknown") + has("queued"), ROUNDS, "{kind}: {waiting:?}");
        let is_told = |one: &&(String, String, String)| one.1 == "queued" && one.2 == "unreachable";
        let told = waiting.iter().filter(is_told).count();
        assert!(told >= ROUNDS - MOST_UNKNOWN - 1, "{kind}: {waiting:?}");
    }

    let begun = Instant::now();
    shop.door(provider).is(Way::Open).await;
    drain(shop, away, &mark, begun).await;
    for text in &asked {
        created(manager, text).await;
    }
    println!("{away:?}: the backlog left {:?} after the end", begun.elapsed());
    for kind in away {
        let unknown: Vec<_> =
            ours(shop, kind, &mark).await.into_iter().filter(|one| one.1 == "unknown").collect();
        assert!(unknown.len() <= MOST_UNKNOWN, "{kind}: {unknown:?}");
        println!("{kind}: {} of {ROUNDS} are unknown", unknown.len());
        let mut times = Vec::new();
        for customer in 0..CUSTOMERS {
            let sent = shop.sent(kind, customer).into_iter().filter(|(text, _)| text.starts_with(&mark));
            let (texts, at): (Vec<_>, Vec<_>) = sent.unzip();
            let is_known = |text: &&String| !unknown.iter().any(|one| one.0 == **text);
            let expected: Vec<_> = wanted[&(*kind, customer)].iter().filter(is_known).cloned().collect();
            assert_eq!(texts, expected, "{kind}, {customer}: in their order, once each");
            times.extend(at);
        }
        times.sort_unstable();
        // Calls that begin within a second may arrive closer to each other.
        let most = times
            .iter()
            .map(|from| times.iter().filter(|at| (*from..from + 800).contains(*at)).count())
            .max();
        assert!(most <= Some(rate(kind)), "{kind}: {most:?} in a second: {times:?}");
        let told = health(shop, kind).await;
        assert_eq!(told["state"], "connected", "{kind}: {told}");
        is_stored_once(shop, kind, &mark).await;
    }
    assert_eq!(shop.refused_for_haste(), 0);
}

/// Waits until nothing of an outage is queued.
async fn drain(shop: &Shop, away: &[&str], mark: &str, begun: Instant) {
    let mut looked = Instant::now();
    loop {
        let mut queued = 0;
        for kind in away {
            queued += ours(shop, kind, mark)
                .await
                .iter()
                .filter(|one| matches!(one.1.as_str(), "queued" | "sending"))
                .count();
        }
        if queued == 0 {
            return;
        }
        assert!(begun.elapsed() < 3 * PATIENCE, "{queued} wait");
        // The next probe is due within a minute.
        if looked.elapsed() > Duration::from_secs(2) {
            shop.hand.fetch_add(MINUTE_MS, Ordering::Relaxed);
            looked = Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What customers wrote meanwhile, delivered twice, is there once.
async fn is_stored_once(shop: &Shop, kind: &str, mark: &str) {
    let api = shop.world.api("agent@example.com").await;
    let mut all = Vec::new();
    for conversation in &shop.conversations[kind] {
        for message in api.messages(conversation.as_str().expect("an id")).await {
            let text = message["text"].as_str().unwrap_or_default();
            if message["direction"] == "in" && text.contains(mark) {
                all.push(text.to_owned());
            }
        }
    }
    let is_once = |round: &usize| {
        let text = format!("{mark} of {kind}, {round}.");
        all.iter().filter(|found| found.contains(&text)).count() == 1
    };
    assert!(all.len() == ROUNDS && (0..ROUNDS).all(|round| is_once(&round)), "{kind}: {all:?}");
}

async fn hours(engine: Engine) {
    let mut shop = Shop::start(engine).await;
    let mut manager = shop.world.person("agent@example.com").await;
    shop.greet(&mut manager).await;
    for provider in 0..PROVIDERS.len() {
        hour(&mut shop, &mut manager, provider).await;
    }
    manager.close().await;
    shop.world.finish().await;
}

on_both!(an_hour_without_a_provider_loses_nothing_and_slows_nobody, |engine| hours(engine));

/// The account answers when it is asked, so each try may end as a send of which nobody knows whether it left.
async fn sends_only(engine: Engine) {
    let mut shop = Shop::start(engine).await;
    let mut manager = shop.world.person("agent@example.com").await;
    shop.greet(&mut manager).await;
    shop.takes_sends(false);
    for minute in 0..60 {
        let conversation = &shop.conversations["telegram"][minute % CUSTOMERS];
        say(&mut manager, conversation, &format!("Minute {minute}.")).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        shop.hand.fetch_add(MINUTE_MS, Ordering::Relaxed);
    }
    let all = ours(&shop, "telegram", "Minute").await;
    let unknown = all.iter().filter(|one| one.1 == "unknown").count();
    println!("{unknown} of {} are unknown", all.len());
    assert!((2..=16).contains(&unknown) && all.len() == 60, "{all:?}");
    assert!(all.iter().all(|one| matches!(one.1.as_str(), "unknown" | "queued")), "{all:?}");
    assert_eq!(health(&shop, "telegram").await["code"], "unreachable");
    shop.takes_sends(true);
    drain(&shop, &["telegram"], "Minute", Instant::now()).await;
    let sent: usize = (0..CUSTOMERS).map(|customer| shop.sent("telegram", customer).len()).sum();
    let lost = ours(&shop, "telegram", "Minute").await.iter().filter(|one| one.1 == "unknown").count();
    assert_eq!((sent + lost, lost), (60, unknown), "what waited has left, once");
    assert_eq!(health(&shop, "telegram").await["state"], "connected");
    manager.close().await;
    shop.world.finish().await;
}

on_both!(a_provider_that_answers_and_takes_nothing_is_tried_less_and_less, |engine| sends_only(engine));
