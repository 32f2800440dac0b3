//! Connecting by signing in at Meta, and what Meta tells when a person takes that back.

use emulators::meta::SignIn;
use reqwest::Url;
use serde_json::{Value, json};

use crate::kit::Api;
use crate::kit::meta::{INSTAGRAM, MetaWorld, NUMBER, PAGE, send};
use crate::on_both;

/// The person as the Facebook part of the app knows it, and as the Instagram part does.
const PERSON: &str = "7000000000000001";
const INSTAGRAM_PERSON: &str = "26841400000000001";

async fn begin(all: &MetaWorld, api: &Api, kind: &str, channel: Option<&str>) -> Url {
    let new = json!({ "tenant": all.world.tenant, "company": all.world.bot.company, "kind": kind,
        "channel": channel });
    let (status, begun) = api.post("/api/v1/sign-ins", &new).await;
    assert!(status < 300, "{status} {begun}");
    begun["url"].as_str().expect("an address").parse().expect("an address")
}

/// The browser goes to the provider's dialog and comes back with this.
async fn dialog(url: Url) -> std::collections::HashMap<String, String> {
    let policy = reqwest::redirect::Policy::none();
    let browser = reqwest::Client::builder().redirect(policy).build().expect("a browser");
    let answer = browser.get(url).send().await.expect("an answer");
    let to = answer.headers().get("location").expect("it leads back").to_str().expect("text").to_owned();
    assert!(to.contains("/connect/"), "{to}");
    Url::parse(&to).expect("an address").query_pairs().into_owned().collect()
}

async fn finish(api: &Api, state: &str, code: &str) -> (u16, Value) {
    api.post("/api/v1/sign-ins/finish", &json!({ "state": state, "code": code })).await
}

/// Signs in, chooses the account and gives the channel.
async fn connected(all: &MetaWorld, api: &Api, kind: &str, account: &str, channel: Option<&str>) -> Value {
    let back = dialog(begin(all, api, kind, channel).await).await;
    let (status, choices) = finish(api, &back["state"], &back["code"]).await;
    assert_eq!(status, 200, "{choices}");
    let offered = choices["accounts"].as_array().expect("accounts");
    assert!(offered.iter().any(|one| one["external_id"] == account), "{choices}");
    let choose = json!({ "state": back["state"], "account": account });
    let (status, channel) = api.post("/api/v1/sign-ins/choose", &choose).await;
    assert!(status < 300, "{status} {channel}");
    assert_eq!(channel["health"]["state"], "connected", "{channel}");
    channel
}

on_both!(an_account_is_connected_by_signing_in, |engine| async move {
    let all = MetaWorld::start(engine).await;
    let owner = all.world.api("owner@example.com").await;
    let mut manager = all.world.person("agent@example.com").await;
    let kinds = [("whatsapp-cloud", NUMBER), ("messenger", PAGE), ("instagram", INSTAGRAM)];
    for (kind, account) in kinds {
        let channel = connected(&all, &owner, kind, account, None).await;
        assert_eq!(channel["kind"], kind);
        let text = format!("hello {account}");
        all.meta.customer_says(account, "7300000000000051", &text);
        let event = manager.publication(|data| data["message"]["text"] == text.as_str()).await;
        assert_eq!(event["conversation"]["channel"], channel["id"]);
    }
    manager.close().await;
    all.finish().await;
});

on_both!(a_sign_in_is_its_persons_own_and_is_finished_once, |engine| async move {
    let all = MetaWorld::start(engine).await;
    let owner = all.world.api("owner@example.com").await;
    let role = Some((all.world.tenant, hubbub::accounts::Role::Owner));
    crate::kit::user(&all.world.app, "second@example.com", None, role).await;
    let second = all.world.api("second@example.com").await;
    let back = dialog(begin(&all, &owner, "messenger", None).await).await;
    let (status, answer) = finish(&second, &back["state"], &back["code"]).await;
    assert_eq!((status, &answer["code"]), (409, &json!("sign_in_of_another")), "{answer}");
    assert_eq!(finish(&owner, &back["state"], &back["code"]).await.0, 200, "it is still there");
    let (status, answer) = finish(&owner, &back["state"], &back["code"]).await;
    assert_eq!(status, 200, "a page that is loaded again goes on: {answer}");
    // The code of one sign-in does not finish another.
    let again = dialog(begin(&all, &owner, "messenger", None).await).await;
    let (status, answer) = finish(&owner, &again["state"], &back["code"]).await;
    assert_eq!((status, &answer["code"]), (409, &json!("connect_failed")), "{answer}");
    let choose = json!({ "state": back["state"], "account": "1020000000000099" });
    let (status, answer) = owner.post("/api/v1/sign-ins/choose", &choose).await;
    assert!(status == 400 || status == 422, "{status} {answer}");

    all.meta.signs_in(SignIn { declines: true, ..SignIn::default() });
    let refused = dialog(begin(&all, &owner, "messenger", None).await).await;
    assert_eq!((refused["error"].as_str(), refused.contains_key("code")), ("access_denied", false));
    all.meta.signs_in(SignIn { granted: Vec::new(), ..SignIn::default() });
    for kind in ["messenger", "whatsapp-cloud"] {
        let nothing = dialog(begin(&all, &owner, kind, None).await).await;
        let (status, answer) = finish(&owner, &nothing["state"], &nothing["code"]).await;
        assert_eq!(status, 409, "{answer}");
    }
    all.finish().await;
});

on_both!(rights_that_are_taken_back_need_another_sign_in, |engine| async move {
    let all = MetaWorld::start(engine).await;
    let owner = all.world.api("owner@example.com").await;
    let kinds = [
        ("whatsapp-cloud", NUMBER, PERSON),
        ("messenger", PAGE, PERSON),
        ("instagram", INSTAGRAM, INSTAGRAM_PERSON),
    ];
    let customer = "12025550151";
    for (kind, account, person) in kinds {
        let mut manager = all.world.person("agent@example.com").await;
        let channel = connected(&all, &owner, kind, account, None).await;
        let id = channel["id"].as_str().expect("an id").to_owned();
        all.meta.customer_says(account, customer, "hello");
        let conversation = manager.event("message.created").await["conversation"]["id"].clone();
        let callback = format!("{}/deauthorize", all.callback());
        assert_eq!(all.meta.deauthorises("somebody else", &callback).await, 200);
        assert_eq!(all.meta.deauthorises(person, &callback).await, 200);
        let needs = |data: &Value| {
            let state = &data["channel_state"];
            state["id"] == id.as_str() && state["health"]["state"] == "needs_attention"
        };
        let told = manager.publication(needs).await;
        assert_eq!(told["channel_state"]["health"]["action"], "sign_in", "{told}");
        send(&mut manager, &conversation, "As soon as it works").await;
        // A look or a send in between costs the message nothing.
        connected(&all, &owner, kind, account, Some(&id)).await;
        let arrived = async {
            while !all.meta.sent().iter().any(|sent| sent.account == account) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(crate::kit::PATIENCE, arrived).await.expect("the queue goes on");
        let callback = format!("{}/data-deletion", all.callback());
        let (status, answer) = all.meta.asks_for_deletion(person, &callback).await;
        assert_eq!(status, 200);
        let code = answer["confirmation_code"].as_str().expect("a code");
        let url: Url = answer["url"].as_str().expect("an address").parse().expect("an address");
        assert!(url.path().ends_with(code), "{answer}");
        let shown = reqwest::get(all.world.url(url.path())).await.expect("an answer");
        assert_eq!(shown.status(), 200);
        manager.close().await;
    }
    all.finish().await;
});

on_both!(a_repeated_removal_takes_nothing_back_that_was_given_since, |engine| async move {
    let all = MetaWorld::start(engine).await;
    let owner = all.world.api("owner@example.com").await;
    let channel = connected(&all, &owner, "messenger", PAGE, None).await;
    let id = channel["id"].as_str().expect("an id").to_owned();
    let callback = format!("{}/deauthorize", all.callback());
    let health = async || owner.get(&format!("/api/v1/channels/{id}/health")).await.1["health"].clone();
    // Signed before this person signed in: it was meant for what was given then.
    assert_eq!(all.meta.repeats_deauthorisation(PERSON, &callback, 60).await, 200);
    assert_eq!(health().await["state"], "connected");
    assert_eq!(all.meta.deauthorises(PERSON, &callback).await, 200);
    assert_eq!(health().await["action"], "sign_in");
    // Once more changes nothing more.
    assert_eq!(all.meta.repeats_deauthorisation(PERSON, &callback, 0).await, 200);
    let (_, page) = owner.get(&format!("/api/v1/channels/{id}/health")).await;
    let told = page["entries"].as_array().expect("entries").iter();
    assert_eq!(told.filter(|one| one["state"] == "needs_attention").count(), 1, "{page}");
    // Signed in again, an old one does no harm either, and one that is too old is refused.
    connected(&all, &owner, "messenger", PAGE, Some(&id)).await;
    assert_eq!(all.meta.repeats_deauthorisation(PERSON, &callback, 1_800).await, 200);
    assert_eq!(health().await["state"], "connected");
    assert_eq!(all.meta.repeats_deauthorisation(PERSON, &callback, 4_000).await, 401);
    all.finish().await;
});
