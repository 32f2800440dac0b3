//! Publications as deltas to the one before.

use hub::{Publication, Tags};
use serde_json::{Value, json};

use crate::{
    FORM,
    support::{
        Server,
        client::{Client, publications},
        deltas::Reader,
    },
};

fn state(n: u64) -> Value {
    json!({"text": "hardly anything of this changes: \u{44e} \u{1f600}", "turn": n})
}

fn publish(server: &Server, n: u64) {
    server.publish("room", &state(n).to_string());
}

async fn subscribe(client: &mut Client, extra: Value) -> (Reader, Value) {
    let mut body = json!({"channel": "room", "delta": "fossil"});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let reply = client.call("subscribe", body).await;
    (Reader::of(&reply), reply)
}

async fn next(client: &mut Client, reader: &mut Reader) -> Value {
    let push = client.push().await;
    reader.data(FORM, &push["pub"])
}

#[tokio::test]
async fn the_first_is_whole_and_the_others_say_what_changed() {
    let server = Server::start().await;
    let (mut ann, mut bob) = (server.client("ann").await, server.client("bob").await);
    let (mut reader, reply) = subscribe(&mut ann, json!({})).await;
    assert_eq!(reply["delta"], true);
    bob.subscribe("room").await;
    for n in 1..=5 {
        publish(&server, n);
        assert_eq!(next(&mut ann, &mut reader).await, state(n));
        // A client that did not ask for deltas gets whole publications.
        assert_eq!(bob.publication().await, (n, state(n)));
        assert_eq!(u64::from(reader.deltas), n - 1);
    }
}

#[tokio::test]
async fn who_comes_later_begins_with_a_whole_one() {
    let server = Server::start().await;
    let (mut ann, mut bob) = (server.client("ann").await, server.client("bob").await);
    let (mut anns, _) = subscribe(&mut ann, json!({})).await;
    publish(&server, 1);
    publish(&server, 2);
    let (mut bobs, _) = subscribe(&mut bob, json!({})).await;
    for n in 1..=4 {
        if n > 2 {
            publish(&server, n);
            assert_eq!(next(&mut bob, &mut bobs).await, state(n));
        }
        assert_eq!(next(&mut ann, &mut anns).await, state(n));
    }
    assert_eq!((anns.deltas, bobs.deltas), (3, 1));
}

#[tokio::test]
async fn what_was_missed_comes_whole() {
    let server = Server::start().await;
    for n in 1..=4 {
        publish(&server, n);
    }
    let mut client = server.client("ann").await;
    let position = json!({"recover": true, "offset": 2, "epoch": "first"});
    let (mut reader, reply) = subscribe(&mut client, position).await;
    let missed: Vec<_> = publications(&reply).iter().map(|missed| reader.data(FORM, missed)).collect();
    assert_eq!(missed, [state(3), state(4)]);
    for n in 5..=6 {
        publish(&server, n);
        assert_eq!(next(&mut client, &mut reader).await, state(n));
    }
    assert_eq!(reader.deltas, 1);
    // History is not part of the chain of deltas.
    let history = client.call("history", json!({"channel": "room", "limit": 1})).await;
    assert_eq!(publications(&history)[0]["data"], state(1));
}

#[tokio::test]
async fn what_is_not_in_the_log_breaks_the_chain_and_no_data() {
    let server = Server::start().await;
    let mut client = server.client("ann").await;
    let (mut reader, _) = subscribe(&mut client, json!({})).await;
    for n in 1..=2 {
        publish(&server, n);
        server
            .hub
            .publish("room", Publication { data: state(0).to_string().into(), ..Publication::default() });
        assert_eq!(next(&mut client, &mut reader).await, state(n));
        assert_eq!(next(&mut client, &mut reader).await, state(0));
    }
    assert_eq!(reader.deltas, 0);
    publish(&server, 3);
    publish(&server, 4);
    assert_eq!(next(&mut client, &mut reader).await, state(3));
    assert_eq!(next(&mut client, &mut reader).await, state(4));
    assert_eq!(reader.deltas, 1);
}

#[tokio::test]
async fn no_deltas_where_they_would_not_fit() {
    let server = Server::start().await;
    for extra in [
        json!({"delta": "unheard of"}),
        json!({"tf": {"key": "color", "cmp": "eq", "val": "red"}}),
        json!({"data": {"color": "red"}}),
        json!({"data": {"ephemeral": true}}),
        json!({"data": {"whole": true}}),
    ] {
        let mut client = server.client("ann").await;
        let (_, reply) = subscribe(&mut client, extra).await;
        assert_eq!(reply.get("delta"), None, "{reply}");
        let tags = [("color", "red")].into_iter().collect::<Tags>();
        let data = state(0).to_string().into();
        server.hub.publish("room", Publication { data, tags, ..Publication::default() });
        assert_eq!(client.publication().await.1, state(0));
    }
}
