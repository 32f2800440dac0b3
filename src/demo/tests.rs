use std::time::Duration;

use emulators::meta::Service::{Instagram, Messenger, WhatsApp};

use super::*;
use crate::model::ChannelSettings;

const LIMIT: Duration = Duration::from_mins(1);

/// A complete exchange in which only the providers are emulated: a customer writes on each channel, the worker answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customers_of_every_kind_write_and_are_answered() {
    let settings = ChannelSettings { quiet_ms: 200, max_wait_ms: 1_000, ..ChannelSettings::default() };
    let world = World::start(WorldOptions { settings, ..WorldOptions::default() }).await.unwrap();
    let health: Vec<_> = world.channels.iter().map(|one| (one.kind.clone(), one.health.clone())).collect();
    assert_eq!(world.channels.len(), adapters::providers().count(), "{health:?}");
    let rules = Rules { pace: Duration::ZERO, ..Rules::default() };
    let worker = Responder::start(&world.socket_url(), &world.responder_key, Brain::Rules(rules));
    let providers = &world.providers;
    let answered = async {
        providers.telegram.sent_reaches(1).await;
        providers.waha.sent_reaches(1).await;
        providers.google.sent_reaches(1).await;
        let at_meta = |service| {
            let is_there = move |sent: &emulators::meta::Sent| sent.service == service;
            async move {
                let mut count = 1;
                while !providers.meta.sent_reaches(count).await.iter().any(is_there) {
                    count += 1;
                }
            }
        };
        tokio::join!(at_meta(WhatsApp), at_meta(Messenger), at_meta(Instagram));
    };
    tokio::select! {
        () = customers::live(&world, 7) => {}
        answered = tokio::time::timeout(LIMIT, answered) => answered.expect("a customer of each channel is answered"),
    }
    assert!(providers.telegram.deliveries().iter().all(|delivery| delivery.status == 200));
    assert!(providers.waha.deliveries().iter().all(|delivery| delivery.status == 200));
    assert!(providers.meta.deliveries().iter().all(|delivery| delivery.status == 200));
    worker.stop().await.unwrap();
    world.stop().await;
}

/// Without channels there are the accounts, and nobody writes to what is not connected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unconnected_demo_has_accounts_and_no_channels() {
    let world = World::start(WorldOptions { connected: false, ..WorldOptions::default() }).await.unwrap();
    assert!(world.channels.is_empty() && world.providers.connected().is_empty());
    let told = welcome(&world);
    assert!(told.contains(world.providers.telegram.token()) && told.contains(world.providers.waha.api_key()));
    world.stop().await;
}
