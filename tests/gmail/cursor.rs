//! Reading by the mailbox's history: pages, a forgotten place, lost pushes, and a server that dies meanwhile.

use emulators::Answer;
use emulators::gmail::{EmulatorConfig, Mail};
use hubbub::error::Error;
use hubbub::store::jobs::{self, ReadItem};
use hubbub::store::{Arg, Tx, Verb};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{MAILBOX, Shop, settings};
use crate::health::look_now;
use crate::on_both;

fn mail(text: &str) -> Mail {
    Mail::new("ari@example.org", "Order", text)
}

/// Each of them, once.
fn once(subjects: &[String], texts: &[&str]) -> bool {
    subjects.len() == texts.len()
        && texts.iter().all(|text| subjects.iter().filter(|one| one.contains(text)).count() == 1)
}

on_both!(a_history_of_many_pages_with_an_empty_one_is_read_whole, |engine| async move {
    let config = EmulatorConfig { page_size: 2, ..EmulatorConfig::default() };
    let shop = Shop::with(engine, settings(), config).await;
    shop.google.begins_history_with_empty_page(true);
    let texts = ["m-one", "m-two", "m-three", "m-four", "m-five", "m-six", "m-seven"];
    for text in &texts[..6] {
        shop.google.arrives(MAILBOX, &mail(text).without_push());
    }
    shop.google.arrives(MAILBOX, &mail("gone meanwhile").without_push().vanishing());
    shop.google.arrives(MAILBOX, &mail(texts[6]));
    shop.is_read().await;
    assert!(once(&shop.subjects().await, &texts), "{:?}", shop.subjects().await);
    let pages = shop.calls("/history").iter().filter(|call| call.parameter("pageToken").is_some()).count();
    assert!(pages >= 4, "{pages} pages");
    shop.finish().await;
});

on_both!(a_forgotten_place_is_one_full_reading, |engine| async move {
    let shop = Shop::start(engine).await;
    shop.google.arrives(MAILBOX, &mail("m-old"));
    shop.is_read().await;
    shop.google.arrives(MAILBOX, &mail("m-new").without_push());
    shop.google.forgets_history(MAILBOX);
    let before = shop.google.calls().len();
    let (now, _) = shop.google.state_of(MAILBOX).expect("the mailbox");
    shop.google.notifies(MAILBOX, now);
    shop.is_read().await;
    let calls: Vec<_> = shop.google.calls().split_off(before);
    let place = |name: &str| calls.iter().position(|call| call.path.ends_with(name));
    let (profile, list) = (place("/profile").expect("profile"), place("/messages").expect("list"));
    assert!(profile < list, "the place is asked for before the list");
    shop.google.arrives(MAILBOX, &mail("m-third"));
    shop.is_read().await;
    assert!(once(&shop.subjects().await, &["m-old", "m-new", "m-third"]), "{:?}", shop.subjects().await);
    let lists =
        shop.google.calls().split_off(before).iter().filter(|call| call.path.ends_with("/messages")).count();
    assert_eq!(lists, 1, "full readings");
    // People know and find a customer by the address, not by the thread.
    let inbox = shop.api.inbox().await;
    assert!(inbox.iter().all(|one| one["contact"]["handle"] == "ari@example.org"), "{inbox:?}");
    assert_eq!(shop.health().await["state"], "connected");
    shop.finish().await;
});

on_both!(lost_repeated_and_shuffled_pushes_lose_and_double_nothing, |engine| async move {
    let shop = Shop::start(engine).await;
    shop.google.repeats_pushes(true);
    shop.google.holds_pushes(true);
    let texts = ["m-one", "m-two", "m-three", "m-four"];
    for text in texts {
        shop.google.arrives(MAILBOX, &mail(text));
    }
    shop.google.holds_pushes(false);
    shop.is_read().await;
    assert!(once(&shop.subjects().await, &texts), "{:?}", shop.subjects().await);
    let place = shop.cursor().await;
    // One that was published long ago, one of nobody's, and one that cannot be read.
    shop.google.notifies(MAILBOX, 1);
    shop.google.notifies("nobody@shop.example.com", 9_000_500);
    shop.google.idle().await;
    assert!(
        shop.google.deliveries().iter().all(|one| (200..300).contains(&one.status)),
        "{:?}",
        shop.google.deliveries()
    );
    assert_eq!(shop.google.post(&serde_json::json!({ "data": "!", "messageId": "1" })).await, 200);
    shop.google.arrives(MAILBOX, &mail("m-five"));
    shop.is_read().await;
    assert!(shop.cursor().await.parse::<u64>().ok() > place.parse::<u64>().ok(), "it never goes back");
    assert_eq!(shop.subjects().await.len(), 5);
    shop.finish().await;
});

/// Nothing was delivered for an hour.
struct Silent(uuid::Uuid);

impl Verb for Silent {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let at = tx.now() - 3_600_000;
        let args = [Arg::from(at), Arg::from(self.0)];
        tx.exec("update channel_cursors set updated_at = $1 where channel = $2", &args).await?;
        tx.exec("update envelopes set received_at = $1 where channel = $2", &args).await?;
        Ok(())
    }
}

on_both!(mails_without_a_push_are_found_by_asking, |engine| async move {
    let shop = Shop::start(engine).await;
    shop.google.arrives(MAILBOX, &mail("m-one").without_push());
    // Nothing was told for half an hour.
    shop.world.app.store.write(Silent(shop.mailbox.id)).await.expect("the past");
    look_now(&shop.world).await;
    shop.is_read().await;
    assert!(once(&shop.subjects().await, &["m-one"]), "{:?}", shop.subjects().await);
    shop.finish().await;
});

on_both!(a_server_that_dies_while_it_reads_begins_again, |engine| async move {
    let shop = Shop::start(engine).await;
    let arrived: Vec<_> = ["m-one", "m-two", "m-three"]
        .into_iter()
        .map(|text| shop.google.arrives(MAILBOX, &mail(text).without_push()))
        .collect();
    // The first is stored, the second does not come before the end.
    let path = format!("/messages/{}", arrived[1].id);
    let answer = Answer { hang_ms: Some(4_000), ..Answer::of(&path, 503, serde_json::Value::Null) };
    shop.google.answers(Answer { method: Some("GET".into()), ..answer }.times(1));
    let place = shop.cursor().await;
    shop.google.arrives(MAILBOX, &mail("m-four"));
    shop.until("the first", async |shop| !shop.subjects().await.is_empty()).await;
    assert_eq!(shop.cursor().await, place, "it stays until all is stored");
    let shop = shop.restart().await;
    shop.is_read().await;
    // The one that failed may have a job of its own by now.
    let all = ["m-one", "m-two", "m-three", "m-four"];
    shop.until("all mails", async |shop| once(&shop.subjects().await, &all)).await;
    shop.finish().await;
});

on_both!(a_mail_that_can_never_be_had_stops_nobody, |engine| async move {
    let shop = Shop::start(engine).await;
    let arrived: Vec<_> = ["m-one", "m-two", "m-three"]
        .into_iter()
        .map(|text| shop.google.arrives(MAILBOX, &mail(text).without_push()))
        .collect();
    let refusal = serde_json::json!({ "error": { "code": 400, "message": "Invalid mail",
        "errors": [{ "reason": "invalidArgument" }] } });
    let answer = Answer::of(&format!("/messages/{}", arrived[1].id), 400, refusal);
    shop.google.answers(Answer { method: Some("GET".into()), ..answer });
    shop.google.arrives(MAILBOX, &mail("m-four"));
    shop.is_read().await;
    assert!(once(&shop.subjects().await, &["m-one", "m-three", "m-four"]), "{:?}", shop.subjects().await);
    let path = format!("/api/v1/integration-log?tenant={}&limit=100", shop.world.tenant);
    let (status, log) = shop.api.get(&path).await;
    assert_eq!(status, 200, "{log}");
    let entries = log["entries"].as_array().expect("entries");
    let told: Vec<_> = entries.iter().filter_map(|entry| entry["error"].as_str()).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains("Invalid mail"), "{log}");
    assert_eq!(shop.health().await["state"], "connected");
    shop.finish().await;
});

/// The message that is read by itself, as if it had been tried often, is tried once more now.
struct Late {
    place: (Uuid, Uuid),
}

impl Verb for Late {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.place.0)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let found = "select subject from jobs where kind = 'read_item' and state = 'ready'";
        for (subject,) in tx.all::<(Uuid,)>(found, &[]).await? {
            tx.exec("update jobs set tries = 19 where subject = $1", &[Arg::from(subject)]).await?;
            jobs::hurry::<ReadItem>(tx, self.place, subject).await?;
        }
        Ok(())
    }
}

async fn dead(shop: &Shop) -> Vec<Value> {
    let (status, page) = shop.api.get(&format!("/api/v1/jobs/dead?tenant={}", shop.world.tenant)).await;
    assert_eq!(status, 200, "{page}");
    page["jobs"].as_array().expect("jobs").clone()
}

on_both!(a_mail_that_always_fails_holds_nobody_and_is_set_aside, |engine| async move {
    let shop = Shop::start(engine).await;
    let arrived: Vec<_> = ["m-one", "m-two", "m-three"]
        .into_iter()
        .map(|text| shop.google.arrives(MAILBOX, &mail(text).without_push()))
        .collect();
    let path = format!("/messages/{}", arrived[1].id);
    shop.google.answers(Answer { method: Some("GET".into()), ..Answer::of(&path, 500, Value::Null) });
    shop.google.arrives(MAILBOX, &mail("m-four"));
    shop.is_read().await;
    // The next ones do not wait either.
    shop.google.arrives(MAILBOX, &mail("m-five"));
    shop.is_read().await;
    let others = ["m-one", "m-three", "m-four", "m-five"];
    assert!(once(&shop.subjects().await, &others), "{:?}", shop.subjects().await);
    let place = (shop.world.tenant, shop.mailbox.id);
    shop.until("it is given up", async |shop| {
        shop.world.app.store.write(Late { place }).await.expect("the job");
        !dead(shop).await.is_empty()
    })
    .await;
    let told = dead(&shop).await;
    assert_eq!((told.len(), &told[0]["kind"]), (1, &json!("read_item")), "{told:?}");
    assert_eq!(told[0]["channel"], json!(shop.mailbox.id));
    let reason = told[0]["reason"].as_str().expect("a reason");
    assert!(reason.contains(&arrived[1].id) && reason.contains("Gmail answered 500"), "{reason}");
    assert_eq!(shop.health().await["state"], "connected");
    // A person has it tried again when Google has it again.
    shop.google.answers_itself("GET", &path);
    let retry = format!("/api/v1/jobs/{}/retry", told[0]["id"].as_str().expect("an id"));
    assert!(shop.api.post(&retry, &json!({})).await.0 < 300);
    shop.until("the mail", async |shop| shop.subjects().await.len() == 5).await;
    assert!(dead(&shop).await.is_empty());
    shop.finish().await;
});

on_both!(an_outage_of_mails_is_no_fault_of_each_mail, |engine| async move {
    let shop = Shop::start(engine).await;
    let texts = ["m-one", "m-two", "m-three", "m-four", "m-five", "m-six"];
    // The list is there, the mails are not.
    let answer = Answer::of("/messages/", 500, Value::Null);
    shop.google.answers(Answer { method: Some("GET".into()), ..answer });
    let place = shop.cursor().await;
    for text in &texts[..5] {
        shop.google.arrives(MAILBOX, &mail(text).without_push());
    }
    shop.google.arrives(MAILBOX, &mail(texts[5]));
    shop.until("they are tried", async |shop| shop.calls("/messages/").len() >= 4).await;
    assert_eq!(shop.cursor().await, place, "the reading itself is tried again");
    assert!(dead(&shop).await.is_empty());
    shop.google.answers_itself("GET", "/messages/");
    shop.until("all of them", async |shop| shop.subjects().await.len() == texts.len()).await;
    shop.is_read().await;
    assert!(once(&shop.subjects().await, &texts), "{:?}", shop.subjects().await);
    shop.finish().await;
});

on_both!(a_reading_that_is_interrupted_goes_on_with_its_next_page, |engine| async move {
    let config = EmulatorConfig { page_size: 2, ..EmulatorConfig::default() };
    let shop = Shop::with(engine, settings(), config).await;
    let texts = ["m-one", "m-two", "m-three", "m-four", "m-five", "m-six"];
    let arrived: Vec<_> =
        texts.iter().map(|text| shop.google.arrives(MAILBOX, &mail(text).without_push())).collect();
    // The server is told to stop while it waits for a mail of the second page.
    let path = format!("/messages/{}", arrived[3].id);
    let slow = Answer { hang_ms: Some(1_200), status: None, ..Answer::of(&path, 200, Value::Null) };
    shop.google.answers(Answer { method: Some("GET".into()), ..slow }.times(1));
    let place = shop.cursor().await;
    let (now, _) = shop.google.state_of(MAILBOX).expect("the mailbox");
    shop.google.notifies(MAILBOX, now);
    shop.until("the third", async |shop| shop.subjects().await.len() == 3).await;
    let shop = shop.restart().await;
    shop.is_read().await;
    assert!(once(&shop.subjects().await, &texts), "{:?}", shop.subjects().await);
    assert_ne!(shop.cursor().await, place);
    for (text, one) in texts.iter().zip(&arrived).take(2) {
        let asked = shop.calls(&format!("/messages/{}", one.id)).len();
        assert_eq!(asked, 1, "{text} of the page that was done");
    }
    shop.finish().await;
});
