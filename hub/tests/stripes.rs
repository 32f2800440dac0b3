//! A room so large that several tasks hand out its publications.

use std::sync::Arc;

use hub::{Hub, Tags};
use serde_json::json;

use crate::{
    dice::Dice,
    pipe::PipeClient,
    support::{config, rules::Rules, tapelog::TapeLog},
};

#[test]
fn a_room_that_is_cut_in_stripes_gives_everybody_everything_in_order() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let log = Arc::new(TapeLog::default());
        let hub = Hub::new(config(), Arc::new(Rules::default()), log.clone());
        let mut clients = Vec::new();
        for seed in 0..2200 {
            clients.push(PipeClient::join(&hub, json!({"channel": "room"}), Dice(seed)).await.0);
        }
        for n in 1..=20 {
            hub.publish("room", log.append("room", &n.to_string(), Tags::default()));
        }
        for client in &mut clients {
            for n in 1..=20 {
                let push = client.next().await;
                assert_eq!(push["push"]["pub"], json!({"offset": n, "data": n}));
            }
        }
    });
}
