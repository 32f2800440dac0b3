//! Presence, and the announcement of joins and leaves.

use std::{collections::HashSet, time::Duration};

use hub::HubConfig;
use serde_json::json;

use crate::support::{Server, config};

#[tokio::test]
async fn presence_joins_and_leaves() {
    let server = Server::start().await;
    let visible = json!({"presence": true, "info": {"seat": 1}});
    let mut ann = server.client("ann").await;
    ann.call("subscribe", json!({"channel": "room", "data": visible})).await;
    let me = json!({"user": "ann", "client": ann.connected["client"], "chan_info": {"seat": 1}});
    assert_eq!(
        ann.push().await,
        json!({"channel": "room", "join": {"info": me}}),
        "one's own, after the reply"
    );

    let mut bob = server.client("bob").await;
    bob.call("subscribe", json!({"channel": "room", "data": {"presence": true}})).await;
    let him = json!({"user": "bob", "client": bob.connected["client"]});
    assert_eq!(ann.push().await, json!({"channel": "room", "join": {"info": him}}));

    let mut shy = server.client("shy").await;
    shy.subscribe("room").await;

    let reply = ann.call("presence", json!({"channel": "room"})).await;
    let clients = reply["presence"].as_object().unwrap();
    assert_eq!(clients.len(), 2);
    assert_eq!(clients[bob.connected["client"].as_str().unwrap()], him);
    let stats = ann.call("presence_stats", json!({"channel": "room"})).await;
    assert_eq!(stats, json!({"num_clients": 2, "num_users": 2}));
    assert_eq!(server.hub.presence("room").len(), 2);

    drop(bob);
    assert_eq!(ann.push().await, json!({"channel": "room", "leave": {"info": him}}));
    ann.call("unsubscribe", json!({"channel": "room"})).await;
    assert!(server.hub.presence("room").is_empty());

    server.publish("room", "1");
    assert_eq!(shy.publication().await.0, 1, "who asked for no joins and leaves saw none");
}

#[tokio::test]
async fn joins_are_told_to_those_who_asked() {
    let server = Server::start().await;
    let subscribe = |join_leave: bool| json!({"channel": "room", "join_leave": join_leave, "data": {"presence": true, "asked": true}});
    let mut deaf = server.client("deaf").await;
    deaf.call("subscribe", subscribe(false)).await;
    let mut ann = server.client("ann").await;
    ann.call("subscribe", subscribe(true)).await;
    assert_eq!(ann.push().await["join"]["info"]["user"], "ann");
    let mut bob = server.client("bob").await;
    bob.call("subscribe", subscribe(false)).await;
    assert_eq!(ann.push().await["join"]["info"]["user"], "bob");
    drop(bob);
    assert_eq!(ann.push().await["leave"]["info"]["user"], "bob");

    server.publish("room", "1");
    assert_eq!(deaf.publication().await.0, 1, "who did not ask saw none");
    let reply = deaf.call("presence", json!({"channel": "room"})).await;
    assert_eq!(reply["presence"].as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn two_clients_of_one_user_are_one_user() {
    let server = Server::start().await;
    let mut one = server.client("ann").await;
    let mut two = server.client("ann").await;
    for client in [&mut one, &mut two] {
        client.call("subscribe", json!({"channel": "room", "data": {"presence": true}})).await;
    }
    let stats = one.call("presence_stats", json!({"channel": "room"})).await;
    assert_eq!(stats, json!({"num_clients": 2, "num_users": 1}));
}

#[tokio::test]
async fn server_side_rooms_announce_after_the_connect_reply() {
    let server = Server::start().await;
    let mut ann = server.open().await;
    ann.connect(json!({"user": "ann", "rooms": ["team"], "presence": true})).await;
    assert!(ann.pushes.is_empty());
    let join = ann.push().await;
    assert_eq!((&join["channel"], &join["join"]["info"]["user"]), (&json!("team"), &json!("ann")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_joins_is_not_squared() {
    const MEMBERS: u64 = 300;
    let config = HubConfig {
        announce_calm: 20,
        announce_window: Duration::from_millis(200),
        announce_limit: 5,
        ..config()
    };
    let server = Server::with(config).await;
    let mut members = Vec::new();
    for n in 0..MEMBERS {
        let mut member = server.client(&n.to_string()).await;
        let subscribe = json!({"channel": "room", "data": {"presence": true}});
        let id = member.start("subscribe", subscribe).await;
        members.push((id, member));
    }
    server.until("all members", |s| s.subscriptions == MEMBERS).await;
    server.until("some left out", |s| s.announcements_dropped > 0).await;
    let delivered = server.hub.stats().delivered;
    assert!(delivered < MEMBERS * MEMBERS / 8, "{delivered} pushes");

    let (id, mut watcher) = members.remove(0);
    watcher.reply(id).await;
    let stats = watcher.call("presence_stats", json!({"channel": "room"})).await;
    assert_eq!(stats, json!({"num_clients": MEMBERS, "num_users": MEMBERS}));

    // Leaves are announced, if not all at once.
    let gone: Vec<_> = members.drain(..20).map(|(_, member)| member.connected["client"].clone()).collect();
    let mut unheard: HashSet<_> = gone.iter().map(|client| client.as_str().unwrap().to_owned()).collect();
    while !unheard.is_empty() {
        let push = watcher.push().await;
        if let Some(client) = push["leave"]["info"]["client"].as_str() {
            unheard.remove(client);
        }
    }
    let presence = watcher.call("presence", json!({"channel": "room"})).await;
    assert_eq!(presence["presence"].as_object().unwrap().len() as u64, MEMBERS - 20);
}
