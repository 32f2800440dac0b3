//! Every way in which a session ends, and that it leaves nothing behind.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use hub::{CloseCode, Closed, ServerSub, Subscription};
use serde_json::json;

use crate::support::{Server, patient, wait_for};

#[tokio::test]
async fn the_authority_hears_why_it_ended() {
    let server = Server::start().await;
    let client = server.client("leaves").await;
    drop(client);
    server.until_empty().await;
    let mut cut = server.client("cut").await;
    server.hub.disconnect_session(cut.id(), CloseCode::FORCE_DISCONNECT);
    let close = cut.close().await;
    assert_eq!((close.code, close.reason.as_str()), (3503, "force disconnect"));
    wait_for("both ends", || server.rules.closed.lock().unwrap().len() == 2).await;
    let closed = server.rules.closed.lock().unwrap().clone();
    assert_eq!(closed[1], ("cut".to_owned(), Closed::Server(CloseCode::FORCE_DISCONNECT)));
    assert!(matches!(&closed[0], (user, Closed::Peer | Closed::Lost(_)) if user == "leaves"));
}

#[tokio::test]
async fn the_authority_hears_of_it_before_the_peer_answers() {
    let server = Server::start().await;
    let client = server.client("deaf").await;
    server.hub.disconnect_session(client.id(), CloseCode::FORCE_DISCONNECT);
    wait_for("the news", || !server.rules.closed.lock().unwrap().is_empty()).await;
    assert_eq!(server.hub.stats().sessions, 1, "the peer has yet to answer the close frame");
    drop(client);
    server.until_empty().await;
}

#[tokio::test]
async fn all_sessions_of_a_user_are_cut_and_nobody_elses() {
    let server = Server::start().await;
    let mut one = server.client("ann").await;
    let mut two = server.client("ann").await;
    let mut bob = server.client("bob").await;
    assert_eq!(server.hub.sessions_of("ann").len(), 2);
    server.hub.disconnect_user("ann", CloseCode::new(4001, "signed out"));
    assert_eq!(one.close().await.code, 4001);
    assert_eq!(two.close().await.code, 4001);
    assert_eq!(bob.call("rpc", json!({"method": "who"})).await["data"], "bob");
}

#[tokio::test]
async fn a_close_reason_is_never_empty_or_json() {
    let server = Server::start().await;
    for reason in ["", "404"] {
        let mut client = server.client("ann").await;
        server.hub.disconnect_session(client.id(), CloseCode::new(4500, reason));
        assert_eq!(client.close().await.reason, "closed by server");
    }
}

#[tokio::test]
async fn messages_go_to_one_session() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    let id = client.id();
    assert!(server.hub.send(id, "{\"type\":\n\"turn.offered\"}".into()));
    assert_eq!(client.push().await, json!({"message": {"data": {"type": "turn.offered"}}}));
    drop(client);
    server.until_empty().await;
    assert!(!server.hub.send(id, "1".into()));
    let unconnected = server.open().await;
    server.until("an open socket", |s| s.sessions == 1).await;
    drop(unconnected);
}

#[tokio::test]
async fn rooms_are_given_and_taken_while_the_session_lives() {
    let server = Server::start().await;
    server.publish("team", "1");
    let mut client = server.client("ann").await;
    let id = client.id();
    let team = ServerSub { room: "team".into(), sub: Subscription::durable() };
    assert!(server.hub.subscribe(id, team));
    let position = json!({"recoverable": true, "positioned": true, "epoch": "first", "offset": 1});
    assert_eq!(client.push().await, json!({"channel": "team", "subscribe": position}));
    server.publish("team", "2");
    assert_eq!(client.publication().await.0, 2);
    server.hub.unsubscribe(id, "team", 2000, "no longer yours");
    let unsubscribe = json!({"code": 2000, "reason": "no longer yours"});
    assert_eq!(client.push().await, json!({"channel": "team", "unsubscribe": unsubscribe}));
    server.publish("team", "3");
    assert!(server.hub.send(id, "\"after\"".into()));
    assert_eq!(client.push().await["message"]["data"], "after");
    assert_eq!(server.hub.stats().subscriptions, 0);
}

#[tokio::test]
async fn a_right_withdrawn_while_subscribing_is_withdrawn() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    let id = client.start("subscribe", json!({"channel": "room", "data": {"wait": true}})).await;
    wait_for("the subscribe to wait", || server.rules.waiting.load(SeqCst) == 1).await;
    server.hub.unsubscribe(client.id(), "room", 2000, "no longer yours");
    server.rules.door.add_permits(1);
    assert_eq!(client.reply(id).await["error"]["code"], 103);
    assert_eq!(server.hub.stats().subscriptions, 0);
    client.subscribe("room").await;
}

#[tokio::test]
async fn disconnected_in_the_middle_of_a_subscribe_leaves_nothing() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    client.start("subscribe", json!({"channel": "room", "data": {"wait": true}})).await;
    wait_for("the subscribe to wait", || server.rules.waiting.load(SeqCst) == 1).await;
    drop(client);
    server.until_empty().await;
}

#[tokio::test]
async fn draining_closes_all_and_refuses_the_new() {
    let server = Server::start().await;
    let mut clients = Vec::new();
    for n in 0..5 {
        let mut client = server.client(&format!("user {n}")).await;
        client.subscribe("room").await;
        clients.push(client);
    }
    clients[0].start("rpc", json!({"method": "gate"})).await;
    wait_for("the call to wait", || server.rules.waiting.load(SeqCst) == 1).await;
    let hub = server.hub.clone();
    let drained = tokio::spawn(async move { hub.drain(Duration::from_hours(1)).await });
    for client in &mut clients {
        let close = client.close().await;
        assert_eq!((close.code, close.reason.as_str()), (3001, "shutdown"));
    }
    assert!(!drained.is_finished(), "a call still runs");
    let mut meanwhile = server.open().await;
    assert_eq!(meanwhile.close().await.code, 3001);
    server.rules.gate.add_permits(1);
    patient("the drain", drained).await.unwrap();
    server.until_empty().await;
    let mut late = server.open().await;
    let reply = late.ask("connect", json!({})).await;
    assert_eq!(reply["error"]["temporary"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_after_churn() {
    let server = Server::start().await;
    let work = (0..8).map(async |worker: u32| {
        for round in 0..12 {
            let mut client = server.client(&format!("user {worker}")).await;
            for room in 0..3 {
                let body = json!({"channel": format!("room {room}"), "data": {"presence": room == 0}});
                client.start("subscribe", body).await;
            }
            client.start("rpc", json!({"method": "echo"})).await;
            server.publish(&format!("room {}", round % 3), "1");
            match round % 4 {
                0 => drop(client),
                1 => client.send_all(&[json!({"id": 9})]).await,
                2 => server.hub.disconnect_session(client.id(), CloseCode::FORCE_RECONNECT),
                _ => {
                    client.call("unsubscribe", json!({"channel": "room 1"})).await;
                }
            }
        }
    });
    futures_util::future::join_all(work).await;
    server.until_empty().await;
    assert!(server.hub.presence("room 0").is_empty());
    assert_eq!(server.hub.stats().panics, 0);
}
