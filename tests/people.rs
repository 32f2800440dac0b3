//! People: contacts that are one person, by hand and by proof, and back; blocked ones; and nothing of another tenant.

#[path = "people/histories.rs"]
mod histories;
#[path = "people/known.rs"]
mod known;
#[path = "people/proofs.rs"]
mod proofs;

use std::sync::Arc;

use adapters::Event;
use adapters::event::{Chat, NewMessage, Person};
use bytes::Bytes;
use hubbub::accounts::Scope;
use hubbub::error::Error;
use hubbub::inbox::receive::receive;
use hubbub::model::{Channel, ChannelSettings};
use hubbub::people::{Card, GetCard, Merge, Split};
use hubbub::store::{Arg, Tx, Verb};
use serde_json::json;
use uuid::Uuid;

use crate::kit::World;
use crate::on_both;

/// Six providers, one channel each, in a tenant. Nothing of them is connected.
struct Channels {
    tenant: Uuid,
    company: Uuid,
    of: Vec<(&'static str, Uuid)>,
}

const KINDS: [&str; 6] = ["waha", "whatsapp-cloud", "telegram", "messenger", "instagram", "gmail"];

impl Verb for Channels {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        for (kind, id) in &self.of {
            let token = id.simple().to_string();
            let args = [
                Arg::from(*id),
                self.tenant.into(),
                self.company.into(),
                (*kind).into(),
                token.as_str().into(),
            ];
            tx.put(
                "insert into channels (id, tenant, company, kind, name, state, hook_token, sealed, settings, created_at, \
                 updated_at) values ($1, $2, $3, $4, $4, 'active', $5, '', '{\"ai\":false}', 0, 0)",
                &args,
            )
            .await?;
        }
        Ok(())
    }
}

/// Channels of all providers in the tenant of a world, or in another one.
async fn channels(world: &World, tenant: Uuid, company: Uuid) -> Vec<Arc<Channel>> {
    let of = KINDS.map(|kind| (kind, world.app.store.ids().next())).to_vec();
    world.app.store.write(Channels { tenant, company, of: of.clone() }).await.expect("channels");
    let settings = ChannelSettings { ai: false, ..ChannelSettings::default() };
    let made = of.into_iter().map(|(kind, id)| {
        let like = world.bot.clone();
        Arc::new(Channel { id, tenant, company, kind: kind.to_owned(), settings: settings.clone(), ..like })
    });
    made.collect()
}

fn message(key: &str, chat: &str, other: Option<&str>) -> Event {
    Event::Message(Box::new(NewMessage {
        chat: Chat { id: chat.to_owned(), ..Chat::default() },
        sender: Person {
            id: Some(chat.to_owned()),
            other_id: other.map(str::to_owned),
            name: Some(format!("Customer {chat}")),
            ..Person::default()
        },
        ..crate::sending::message(key, "Hello")
    }))
}

async fn tell(world: &World, channel: &Arc<Channel>, events: Vec<Event>) {
    let done = receive(&world.app.store, Arc::clone(channel), Bytes::from_static(b"{}"), Ok(events)).await;
    let done = done.expect("received");
    assert_ne!(done.outcome, "failed", "{done:?}");
}

/// The contact of an id.
struct ContactOf(Uuid, Uuid, String);

impl Verb for ContactOf {
    type Out = Uuid;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Uuid, Error> {
        let args = [Arg::from(self.0), self.1.into(), self.2.as_str().into()];
        let sql = "select contact from identities where tenant = $1 and channel = $2 and external_id = $3";
        Ok(tx.one::<(Uuid,)>(sql, &args).await?.expect("an identity").0)
    }
}

async fn contact(world: &World, channel: &Channel, id: &str) -> Uuid {
    world.app.store.read(ContactOf(channel.tenant, channel.id, id.to_owned())).await.expect("a contact")
}

async fn card(world: &World, tenant: Uuid, contact: Uuid) -> Card {
    world.app.store.read(GetCard { scope: Scope::system(tenant), contact }).await.expect("a card")
}

fn ids(card: &Card) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = card.members.iter().map(|one| one.id).collect();
    ids.sort_unstable();
    ids
}

on_both!(two_people_who_merge_both_ways_at_once_make_one_merge, |engine| async move {
    let world = World::start(engine).await;
    let all = channels(&world, world.tenant, world.bot.company).await;
    for round in 0..20 {
        let (one, other) = (format!("one{round}@example.com"), format!("other{round}"));
        tell(&world, &all[5], vec![message(&format!("a{round}"), &one, None)]).await;
        tell(&world, &all[3], vec![message(&format!("b{round}"), &other, None)]).await;
        let (a, b) = (contact(&world, &all[5], &one).await, contact(&world, &all[3], &other).await);
        let merge = |contact, into| world.app.store.write(Merge { scope: world.scope(), contact, into });
        let (first, second) = tokio::join!(merge(a, b), merge(b, a));
        let (first, second) = (first.expect("merged").value, second.expect("merged").value);
        assert_eq!(ids(&first), ids(&second));
        assert_eq!(first.contact.id, second.contact.id);
        let seen = card(&world, world.tenant, a).await;
        assert_eq!((seen.members.len(), seen.merges.len()), (2, 1), "{seen:?}");
        let undo = Split { scope: world.scope(), contact: b, merge: seen.merges[0].id, same: false };
        world.app.store.write(undo).await.expect("undone");
        assert_eq!(card(&world, world.tenant, a).await.members.len(), 1);
        assert_eq!(card(&world, world.tenant, b).await.members.len(), 1);
    }
    world.finish().await;
});

on_both!(a_person_is_merged_shown_and_split_over_the_api, |engine| async move {
    let world = World::start(engine).await;
    let all = channels(&world, world.tenant, world.bot.company).await;
    tell(&world, &all[5], vec![message("a", "ana@example.com", None)]).await;
    tell(&world, &all[2], vec![message("b", "5550142", None)]).await;
    let (mail, chat) =
        (contact(&world, &all[5], "ana@example.com").await, contact(&world, &all[2], "5550142").await);
    let mut owner = world.person("owner@example.com").await;
    let api = world.api("agent@example.com").await;
    let (status, merged) =
        api.post(&format!("/api/v1/contacts/{mail}/merge"), &json!({ "into": chat })).await;
    assert_eq!(
        (status, merged["contact"]["id"].as_str()),
        (200, Some(chat.to_string().as_str())),
        "{merged}"
    );
    let event = owner.event("contact.merged").await;
    assert_eq!(event["person"]["members"].as_array().map(Vec::len), Some(2), "{event}");
    let row = owner.publication(|data| data["conversation"]["contact"]["id"] == mail.to_string()).await;
    assert_eq!(row["conversation"]["contact"]["merged_into"], chat.to_string(), "{row}");
    assert_eq!(row["conversation"]["contact"]["name"], "Customer 5550142", "as the person is seen");
    let (_, card) = api.get(&format!("/api/v1/contacts/{mail}")).await;
    assert_eq!(card["conversations"].as_array().map(Vec::len), Some(2), "{card}");
    assert_eq!(card["identities"].as_array().map(Vec::len), Some(2), "{card}");
    let (_, found) = api.get("/api/v1/contacts?q=Customer").await;
    assert_eq!(found["contacts"].as_array().map(Vec::len), Some(1), "one person: {found}");
    let viewer = world.api("viewer@example.com").await;
    let merge = card["merges"][0]["id"].clone();
    let undo = json!({ "merge": merge });
    assert_eq!(viewer.post(&format!("/api/v1/contacts/{mail}/split"), &undo).await.0, 403);
    let (status, split) = api.post(&format!("/api/v1/contacts/{mail}/split"), &undo).await;
    assert_eq!((status, split["merges"][0]["state"].as_str()), (200, Some("undone")), "{split}");
    assert_eq!(split["contact"]["id"], mail.to_string());
    owner.event("contact.split").await;
    let itself = json!({ "into": mail });
    assert_eq!(api.post(&format!("/api/v1/contacts/{mail}/merge"), &itself).await.0, 400);
    world.finish().await;
});

on_both!(a_blocked_person_is_kept_and_neither_answered_nor_told, |engine| async move {
    let world = World::start(engine).await;
    let mut owner = world.person("owner@example.com").await;
    let mut worker = world.worker(4).await;
    world.telegram.customer_says(5550177, "Hello?");
    let first = owner.event("message.created").await;
    let conversation = first["conversation"]["id"].as_str().expect("an id").to_owned();
    let contact = first["conversation"]["contact"]["id"].as_str().expect("an id").to_owned();
    let api = world.api("agent@example.com").await;
    // Before the turn is answered: its lease ends, whoever has it.
    let turn = worker.offered().await;
    let (status, card) =
        api.post(&format!("/api/v1/contacts/{contact}/block"), &json!({ "blocked": true })).await;
    assert_eq!(status, 200, "{card}");
    assert!(card["contact"]["blocked_at"].is_i64(), "{card}");
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"],
        "parts": [{ "text": "Hi" }] });
    let refused = worker.raw_rpc("turn.reply", &reply.to_string()).await;
    let why = refused["error"]["message"].as_str().expect("the AI does not answer");
    assert!(why.contains("blocked"), "{refused}");
    let sent = json!({ "client_id": "c1", "text": "Hi" });
    let (status, refused) = api.post(&format!("/api/v1/conversations/{conversation}/messages"), &sent).await;
    assert_eq!((status, refused["code"].as_str()), (409, Some("contact_blocked")), "{refused}");
    world.telegram.customer_says(5550177, "Are you there?");
    let kept = owner.publication(|data| data["message"]["text"] == "Are you there?").await;
    assert_eq!(kept["conversation"]["inbound_count"], 1, "no unread mark: {kept}");
    assert!(
        kept["conversation"]["waiting_since"].is_null() && kept["conversation"]["turn"].is_null(),
        "{kept}"
    );
    assert_eq!(kept["conversation"]["updated_at"], first["conversation"]["updated_at"], "it does not rise");
    // Nobody gets the conversation by it, and it holds when the person is not blocked any more.
    world.telegram.customer_says(5550177, "Stop");
    let noted = owner.publication(|data| data["message"]["text"] == "Stop").await;
    assert!(noted["conversation"]["contact"]["opted_out_at"].is_i64(), "{noted}");
    assert_eq!(noted["conversation"]["owner"], first["conversation"]["owner"], "{noted}");
    let (status, card) =
        api.post(&format!("/api/v1/contacts/{contact}/block"), &json!({ "blocked": false })).await;
    assert_eq!(status, 200);
    assert!(card["contact"]["opted_out_at"].is_i64(), "{card}");
    let (status, refused) = api.post(&format!("/api/v1/conversations/{conversation}/messages"), &sent).await;
    assert_eq!((status, refused["code"].as_str()), (409, Some("opted_out")), "{refused}");
    let (status, _) = api
        .post(&format!("/api/v1/conversations/{conversation}/opt-out"), &json!({ "opted_out": false }))
        .await;
    assert_eq!(status, 200);
    let (status, _) = api.post(&format!("/api/v1/conversations/{conversation}/messages"), &sent).await;
    assert_eq!(status, 201);
    world.finish().await;
});
