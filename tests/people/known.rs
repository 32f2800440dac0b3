//! What a business knows of its contacts: labels, attributes, notes; and that contacts are found by them.

use serde_json::Value;

use super::*;
use crate::kit::Api;

async fn found(api: &Api, typed: &str) -> usize {
    let (status, found) = api.get(&format!("/api/v1/contacts?q={typed}")).await;
    assert_eq!(status, 200, "{typed}: {found}");
    found["contacts"].as_array().map_or(0, Vec::len)
}

async fn set(api: &Api, contact: &str, attribute: &Value, value: Value) -> (u16, Value) {
    let id = attribute["id"].as_str().expect("an id");
    api.post(&format!("/api/v1/contacts/{contact}/attributes"), &json!({ "values": { id: value } })).await
}

on_both!(labels_attributes_and_notes_are_kept_told_and_found, |engine| async move {
    let world = World::start(engine).await;
    let mut agent = world.person("agent@example.com").await;
    world.telegram.customer_says(5550142, "Hello");
    let first = agent.event("message.created").await;
    let conversation = first["conversation"]["id"].as_str().expect("an id").to_owned();
    let contact = first["conversation"]["contact"]["id"].as_str().expect("an id").to_owned();
    let owner = world.api("owner@example.com").await;
    let api = world.api("agent@example.com").await;
    let tenant = world.tenant;

    let label = json!({ "tenant": tenant, "name": "Wholesale buyer", "colour": "#AA3300" });
    assert_eq!(api.post("/api/v1/labels", &label).await.0, 403, "the list is the owner's");
    let (status, made) = owner.post("/api/v1/labels", &label).await;
    assert_eq!((status, made["colour"].as_str()), (200, Some("#aa3300")), "{made}");
    let (status, twice) = owner.post("/api/v1/labels", &label).await;
    assert_eq!((status, twice["code"].as_str()), (409, Some("label_exists")), "{twice}");
    let labels = json!({ "labels": [made["id"]] });
    let (status, card) = api.post(&format!("/api/v1/contacts/{contact}/labels"), &labels).await;
    assert_eq!((status, &card["contact"]["labels"][0]), (200, &made["id"]), "{card}");
    let told = agent.event("contact.updated").await;
    assert_eq!(told["person"]["contact"]["labels"][0], made["id"], "{told}");
    let (status, shown) = api.post(&format!("/api/v1/conversations/{conversation}/labels"), &labels).await;
    assert_eq!((status, &shown["conversation"]["labels"][0]), (200, &made["id"]), "{shown}");
    let wrong = json!({ "labels": [Uuid::from_u128(7)] });
    assert_eq!(api.post(&format!("/api/v1/contacts/{contact}/labels"), &wrong).await.0, 400);

    let define = |name: &str, kind: &str, rules: Value| {
        let body = json!({ "tenant": tenant, "name": name, "kind": kind, "rules": rules });
        let owner = &owner;
        async move {
            let (status, made) = owner.post("/api/v1/attributes", &body).await;
            assert_eq!(status, 200, "{made}");
            made
        }
    };
    let size = define("Size", "choice", json!({ "choices": ["S", "M"] })).await;
    let city = define("Home", "address", json!({})).await;
    let twice = json!({ "tenant": tenant, "name": " sIZE ", "kind": "text", "rules": {} });
    let (status, refused) = owner.post("/api/v1/attributes", &twice).await;
    assert_eq!((status, refused["field"].as_str()), (400, Some("name")), "{refused}");
    let (status, refused) = set(&api, &contact, &size, json!("XL")).await;
    assert_eq!((status, refused["field"].as_str()), (400, Some("values.Size")), "{refused}");
    assert_eq!(set(&api, &contact, &size, json!("M")).await.0, 200);
    let (status, card) = set(&api, &contact, &city, json!({ "city": "Springfield" })).await;
    assert_eq!((status, card["attributes"].as_array().map(Vec::len)), (200, Some(2)), "{card}");

    let notes = format!("/api/v1/contacts/{contact}/notes");
    let (status, card) = api.post(&notes, &json!({ "text": "Prefers mornings" })).await;
    assert_eq!((status, card["notes"][0]["author_name"].as_str()), (200, Some("agent")), "{card}");
    let note = card["notes"][0]["id"].clone();
    let (_, card) = api.post(&notes, &json!({ "note": note, "text": "Prefers evenings" })).await;
    assert!(card["notes"][0]["edited_at"].is_i64(), "{card}");

    for typed in ["wholesale", "Springfield", "evenings", "5550142", "wholesale%20evenings"] {
        assert_eq!(found(&api, typed).await, 1, "{typed}");
    }
    for typed in ["mornings", "Shelbyville", "wholesale%20mornings"] {
        assert_eq!(found(&api, typed).await, 0, "{typed}");
    }
    let (_, card) = api.post(&notes, &json!({ "note": note })).await;
    assert_eq!(card["notes"], json!([]), "{card}");
    assert_eq!(set(&api, &contact, &city, Value::Null).await.0, 200);
    assert_eq!((found(&api, "evenings").await, found(&api, "Springfield").await), (0, 0));

    // A label that is removed is nowhere.
    let gone = json!({ "tenant": tenant, "label": made["id"] });
    let verb = hubbub::people::RemoveLabel {
        scope: world.scope(),
        id: made["id"].as_str().unwrap().parse().unwrap(),
    };
    assert!(world.app.store.write(verb).await.expect("removed").value, "{gone}");
    let (_, item) = api.get(&format!("/api/v1/conversations/{conversation}")).await;
    assert_eq!((&item["labels"], &item["contact"]["labels"]), (&json!([]), &json!([])), "{item}");
    assert_eq!(found(&api, "wholesale").await, 0);
    world.finish().await;
});

on_both!(what_is_known_of_merged_contacts_is_one_and_parts_again, |engine| async move {
    let world = World::start(engine).await;
    let all = channels(&world, world.tenant, world.bot.company).await;
    tell(&world, &all[5], vec![message("a", "ana@example.com", None)]).await;
    tell(&world, &all[2], vec![message("b", "5550142", None)]).await;
    let (mail, chat) =
        (contact(&world, &all[5], "ana@example.com").await, contact(&world, &all[2], "5550142").await);
    let store = &world.app.store;
    let mut labels = Vec::new();
    for name in ["First", "Second", "Third"] {
        let verb = hubbub::people::PutLabel {
            scope: world.scope(),
            id: None,
            name: name.into(),
            colour: "#112233".into(),
        };
        labels.push(store.write(verb).await.expect("a label").value.id);
    }
    let label = |contact, list: &[Uuid]| {
        let verb = hubbub::people::LabelContact { scope: world.scope(), contact, labels: list.to_vec() };
        async move { store.write(verb).await.expect("labelled").value.contact.labels }
    };
    label(mail, &labels[..1]).await;
    label(chat, &labels[1..2]).await;
    let merge = Merge { scope: world.scope(), contact: mail, into: chat };
    let merged = store.write(merge).await.expect("merged").value;
    assert_eq!(merged.contact.labels.len(), 2, "those of both: {merged:?}");
    assert_eq!(label(mail, &labels).await.len(), 3);
    assert_eq!(label(mail, &[labels[0], labels[2]]).await.len(), 2);
    let undo = Split { scope: world.scope(), contact: mail, merge: merged.merges[0].id, same: false };
    store.write(undo).await.expect("undone");
    assert_eq!(card(&world, world.tenant, mail).await.contact.labels, [labels[0]], "its own");
    assert_eq!(card(&world, world.tenant, chat).await.contact.labels, [labels[2]], "where it was put");
    world.finish().await;
});

/// A word that no note and no attribute has: whoever writes a contact's words anew removes it.
struct Mark(Uuid, Uuid);

impl Verb for Mark {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.0)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let sql = "insert into contact_words (tenant, term, contact) values ($1, $2, $3)";
        tx.exec(sql, &[self.0.into(), Arg::from(&b"mark"[..]), self.1.into()]).await?;
        Ok(())
    }
}

struct IsMarked(Uuid, Uuid);

impl Verb for IsMarked {
    type Out = bool;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let sql = "select contact from contact_words where tenant = $1 and term = $2 and contact = $3";
        let args = [self.0.into(), Arg::from(&b"mark"[..]), self.1.into()];
        Ok(tx.one::<(Uuid,)>(sql, &args).await?.is_some())
    }
}

on_both!(a_note_writes_the_words_of_no_other_contact_of_the_person, |engine| async move {
    let world = World::start(engine).await;
    let all = channels(&world, world.tenant, world.bot.company).await;
    tell(&world, &all[5], vec![message("a", "ana@example.com", None)]).await;
    tell(&world, &all[2], vec![message("b", "5550142", None)]).await;
    let (mail, chat) =
        (contact(&world, &all[5], "ana@example.com").await, contact(&world, &all[2], "5550142").await);
    let (store, tenant) = (&world.app.store, world.tenant);
    let merge = Merge { scope: world.scope(), contact: mail, into: chat };
    store.write(merge).await.expect("merged");
    for contact in [mail, chat] {
        store.write(Mark(tenant, contact)).await.expect("marked");
    }
    let note = |text: &str| hubbub::people::NoteContact {
        scope: world.scope(),
        contact: mail,
        note: None,
        text: Some(text.to_owned()),
    };
    store.write(note("Prefers mornings")).await.expect("noted");
    assert!(!store.read(IsMarked(tenant, chat)).await.expect("read"), "its words are those of its notes");
    assert!(store.read(IsMarked(tenant, mail)).await.expect("read"), "nothing of this contact changed");
    let api = world.api("agent@example.com").await;
    store.write(note("Prefers evenings")).await.expect("noted");
    for typed in ["mornings", "evenings", "5550142"] {
        assert_eq!(found(&api, typed).await, 1, "{typed}");
    }
    world.finish().await;
});
