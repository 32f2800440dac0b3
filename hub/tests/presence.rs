//! Who is where, and who hears of it.

use serde_json::json;

use crate::support::Server;

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
