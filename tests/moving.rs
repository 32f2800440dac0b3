//! A channel moves to another company: from that commit on its conversations, their history and what comes later are of the new
//! company, for everybody and on every way to them.

use hubbub::accounts::Role;
use hubbub::accounts::tenants::{CompanyKind, CreateCompany};
use hubbub::accounts::users::GrantRole;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::kit::client::As;
use crate::kit::{Api, Client, World, user};
use crate::on_both;

/// A member who sees one company.
pub(crate) async fn member(world: &World, email: &str, role: Role, company: Uuid) -> Api {
    let id = user(&world.app, email, None, Some((world.tenant, role))).await;
    let verb = GrantRole { scope: world.scope(), user: id, role, companies: Some([company].into()) };
    world.app.store.write(verb).await.expect("limited");
    world.api(email).await
}

pub(crate) async fn other_company(world: &World) -> Uuid {
    let verb = CreateCompany { scope: world.scope(), name: "Ropes".into(), kind: CompanyKind::Service };
    world.app.store.write(verb).await.expect("a company").value.id
}

async fn found(api: &Api, world: &World) -> usize {
    let (status, page) = api.get(&format!("/api/v1/search?q=lantern&tenant={}", world.tenant)).await;
    assert_eq!(status, 200, "{page}");
    page["hits"].as_array().expect("hits").len() + page["contacts"].as_array().expect("contacts").len()
}

async fn events_of(api: &Api, world: &World, conversation: &str) -> usize {
    let (status, page) = api.get(&format!("/api/v1/events?tenant={}&after=0&limit=1000", world.tenant)).await;
    assert_eq!(status, 200, "{page}");
    let events = page["events"].as_array().expect("events");
    events.iter().filter(|event| event["conversation"]["id"] == conversation).count()
}

async fn sees(api: &Api, world: &World, conversation: &str) -> [bool; 6] {
    let (thread, _) = api.get(&format!("/api/v1/conversations/{conversation}/messages")).await;
    let (_, channels) = api.get("/api/v1/channels").await;
    let bot = json!(world.bot.id);
    let mut hits = 0;
    // The index follows within a second.
    for _ in 0..40 {
        hits = found(api, world).await;
        if hits > 0 || thread != 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    [
        api.inbox().await.iter().any(|one| one["id"] == conversation),
        api.get(&format!("/api/v1/conversations/{conversation}")).await.0 == 200,
        thread == 200,
        hits > 0,
        events_of(api, world, conversation).await > 0,
        channels["channels"].as_array().expect("channels").iter().any(|one| one["id"] == bot),
    ]
}

on_both!(what_is_of_a_channel_moves_with_it, |engine| async move {
    let world = World::start(engine).await;
    let (from, to) = (world.bot.company, other_company(&world).await);
    let (old, new) = (
        member(&world, "old@example.com", Role::Agent, from).await,
        member(&world, "new@example.com", Role::Agent, to).await,
    );
    let owner = world.api("owner@example.com").await;
    let mut everything = world.person("owner@example.com").await;
    let (mut leaves, mut joins) =
        (world.person("old@example.com").await, world.person("new@example.com").await);
    world.telegram.customer_says(5550401, "Where is my lantern?");
    let event = leaves.event("message.created").await;
    let conversation = event["conversation"]["id"].as_str().expect("an id").to_owned();
    let room = format!("conversation:{conversation}");
    assert!(leaves.subscribe(&room).await.get("error").is_none());
    assert_eq!(sees(&old, &world, &conversation).await, [true; 6]);
    assert_eq!(sees(&new, &world, &conversation).await, [false; 6]);

    let path = format!("/api/v1/channels/{}/move", world.bot.id);
    let body = json!({ "company": to });
    assert_eq!(old.post(&path, &body).await.0, 403, "an agent does not manage channels");
    assert_eq!(new.post(&path, &body).await.0, 404, "it sees no such channel");
    assert_eq!(owner.post(&path, &json!({ "company": world.tenant })).await.0, 400);
    let (status, moved) = owner.post(&path, &body).await;
    assert_eq!((status, &moved["company"]), (200, &json!(to)), "{moved}");

    assert_eq!(sees(&old, &world, &conversation).await, [false; 6]);
    assert_eq!(sees(&new, &world, &conversation).await, [true; 6]);
    assert_eq!(sees(&owner, &world, &conversation).await, [true; 6]);
    let told = everything
        .publication(|data| data["kind"] == "channel.updated" && data["company"] == json!(to))
        .await;
    assert_eq!(told["channel_state"]["company"], json!(to));
    let (_, one) = new.get(&format!("/api/v1/conversations/{conversation}")).await;
    assert_eq!(one["company"], json!(to));

    // The sessions of both begin anew: what they missed before the move is not told from the feed.
    leaves.closed().await;
    joins.closed().await;
    let feed = format!("tenant:{}", world.tenant);
    let cursor = event["cursor"].as_u64().expect("a cursor");
    let (_, page) = owner.get(&format!("/api/v1/events?tenant={}&limit=1", world.tenant)).await;
    let position =
        |api: &Api| (api.token.clone(), (cursor, page["epoch"].as_str().expect("an epoch").to_owned()));
    // Also from the event of the move itself, which those of the new company were told of live.
    let moved_at = told["cursor"].as_u64().expect("a cursor");
    for (api, from) in [(&old, cursor), (&new, cursor), (&new, moved_at)] {
        let (token, (_, epoch)) = position(api);
        let position = (from, epoch);
        let back = Client::resume(world.address, &token, &feed, position).await;
        let sub = back.recovered(&feed);
        assert_eq!((&sub["was_recovering"], sub.get("recovered")), (&json!(true), None), "{sub}");
        back.close().await;
    }
    let (token, place) = position(&owner);
    let kept = Client::resume(world.address, &token, &feed, place).await;
    assert_eq!(kept.recovered(&feed)["recovered"], true, "who sees both goes on");
    kept.close().await;

    let mut leaves = Client::connect(world.address, As::Token(old.token.clone())).await;
    let mut joins = Client::connect(world.address, As::Token(new.token.clone())).await;
    assert_eq!(leaves.subscribe(&room).await["error"]["code"], 103);
    assert!(joins.subscribe(&room).await.get("error").is_none());
    // A new message, and one of a new customer: both are the new company's.
    world.telegram.customer_says(5550401, "And my rope?");
    world.telegram.customer_says(5550402, "A lantern, please");
    for text in ["And my rope?", "A lantern, please"] {
        let heard = joins.publication(|data| data["message"]["text"] == text).await;
        assert_eq!(
            (&heard["company"], &heard["conversation"]["company"]),
            (&json!(to), &json!(to)),
            "{heard}"
        );
        everything.publication(|data| data["message"]["text"] == text).await;
    }
    // The other channel stayed: what comes there shows that nothing of the bot came before it.
    world.waha.customer_says(crate::kit::SESSION, "15550100123@c.us", "Hello");
    leaves.publication(|data| data["message"]["text"] == "Hello").await;
    let leaked: Vec<&Value> = leaves
        .unread()
        .filter(|frame| frame["push"]["pub"]["data"]["channel"] == json!(world.bot.id))
        .collect();
    assert!(leaked.is_empty(), "{leaked:?}");

    // Back again: to the same place is nothing.
    assert_eq!(owner.post(&path, &body).await.0, 200);
    assert_eq!(owner.post(&path, &json!({ "company": from })).await.0, 200);
    assert_eq!(sees(&old, &world, &conversation).await, [true; 6]);
    assert_eq!(sees(&new, &world, &conversation).await, [false; 6]);
    for client in [everything, leaves, joins] {
        drop(client);
    }
    world.finish().await;
});
