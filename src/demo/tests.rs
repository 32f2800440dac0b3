use std::time::Duration;

use super::*;
use crate::model::ChannelSettings;

const LIMIT: Duration = Duration::from_secs(30);

/// A complete exchange in which only the providers are emulated: a customer writes on each channel, the worker answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worker_answers_on_both_channels() {
    let settings = ChannelSettings { quiet_ms: 100, max_wait_ms: 1_000, ..ChannelSettings::default() };
    let world = World::start(WorldOptions { settings, ..WorldOptions::default() }).await.unwrap();
    let rules = Rules { pace: Duration::from_millis(1), ..Rules::default() };
    let worker = Responder::start(&world.socket_url(), &world.responder_key, Brain::Rules(rules));
    tokio::time::timeout(LIMIT, worker.connected()).await.unwrap().unwrap();

    world.telegram.customer_says(5_550_100_001, "is it blue?");
    world.waha.customer_says(world.session(), "12025550101@c.us", "есть ли доставка?");
    let both = async { (world.telegram.sent_reaches(1).await, world.waha.sent_reaches(1).await) };
    let (telegram, waha) = tokio::time::timeout(LIMIT, both).await.expect("both are answered");
    assert!(telegram[0].text.as_deref().is_some_and(|text| text.contains("“is it blue?”")), "{telegram:?}");
    assert!(waha[0].text.as_deref().is_some_and(|text| text.contains("Доставка")), "{waha:?}");

    worker.stop().await.unwrap();
    world.stop().await;
}

/// The customers write on both channels, and the worker answers them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customers_write_and_are_answered() {
    let settings = ChannelSettings { quiet_ms: 200, max_wait_ms: 1_000, ..ChannelSettings::default() };
    let world = World::start(WorldOptions { settings, ..WorldOptions::default() }).await.unwrap();
    let rules = Rules { pace: Duration::ZERO, ..Rules::default() };
    let worker = Responder::start(&world.socket_url(), &world.responder_key, Brain::Rules(rules));
    let answered = async {
        world.telegram.sent_reaches(1).await;
        world.waha.sent_reaches(1).await;
    };
    tokio::select! {
        () = customers::live(&world, 7) => {}
        answered = tokio::time::timeout(LIMIT, answered) => answered.expect("a customer of each channel is answered"),
    }
    assert!(world.telegram.deliveries().iter().all(|delivery| delivery.status == 200));
    assert!(world.waha.deliveries().iter().all(|delivery| delivery.status == 200));
    worker.stop().await.unwrap();
    world.stop().await;
}
