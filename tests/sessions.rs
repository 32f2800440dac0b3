//! Sessions over HTTP: what a refresh token is worth, when the answer to it was lost, when two have it, when many use it
//! at once, and when it is from before sessions were rows.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::{PASSWORD, World};
use crate::on_both;

/// Status, and the session or the refusal.
type Answer = (u16, Value);

async fn post(world: &World, path: &str, body: Value) -> Answer {
    let answer = crate::kit::http().post(world.url(path)).json(&body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn sign_in(world: &World) -> String {
    let body = json!({ "email": "viewer@example.com", "password": PASSWORD });
    next(&post(world, "/api/v1/session", body).await)
}

async fn renew(world: &World, token: &str) -> Answer {
    post(world, "/api/v1/session/refresh", json!({ "refresh_token": token })).await
}

/// The successor of a token that was taken.
fn next((status, session): &Answer) -> String {
    assert_eq!(*status, 200, "{session}");
    session["refresh_token"].as_str().expect("a refresh token").to_owned()
}

fn refusal((status, problem): &Answer) -> &str {
    assert_eq!(*status, 401, "{problem}");
    problem["code"].as_str().expect("a code")
}

on_both!(a_lost_answer_is_no_theft_and_two_lines_of_one_session_are_found, |engine| async move {
    let world = World::start(engine).await;
    let first = sign_in(&world).await;
    // The answer is lost, and lost again; then it arrives.
    let (lost, _, heard) =
        (next(&renew(&world, &first).await), renew(&world, &first).await, next(&renew(&world, &first).await));
    let third = next(&renew(&world, &heard).await);
    // Somebody read one of the answers that were lost.
    assert_eq!(refusal(&renew(&world, &lost).await), "refresh_reused");
    assert_eq!(refusal(&renew(&world, &third).await), "session_over", "and the session is over for both");

    let first = sign_in(&world).await;
    let second = next(&renew(&world, &first).await);
    let (_, session) = renew(&world, &second).await;
    assert_eq!(refusal(&renew(&world, &first).await), "refresh_reused", "the successor was used");
    let me = crate::kit::http().get(world.url("/api/v1/me"));
    let me =
        me.bearer_auth(session["access_token"].as_str().expect("a token")).send().await.expect("an answer");
    assert_eq!(me.status().as_u16(), 401, "the access token is over too");
    world.finish().await;
});

on_both!(of_those_who_come_at_once_one_line_goes_on, |engine| async move {
    let world = World::start(engine).await;
    // Tabs that wake together.
    let parent = sign_in(&world).await;
    let answers = join_all((0..8).map(|_| renew(&world, &parent))).await;
    let mut brothers: Vec<String> = answers.iter().map(next).collect();
    let own = brothers.pop().expect("one of them is in the jar");
    let own = next(&renew(&world, &own).await);
    assert!(renew(&world, &own).await.0 == 200);

    // Brothers that are used at once: at the most one is taken, and there are two who hold the session.
    let parent = sign_in(&world).await;
    let brothers = [next(&renew(&world, &parent).await), next(&renew(&world, &parent).await)];
    let answers = join_all(brothers.iter().map(|token| renew(&world, token))).await;
    let taken: Vec<&Answer> = answers.iter().filter(|answer| answer.0 == 200).collect();
    assert!(taken.len() <= 1, "{answers:?}");
    for answer in taken {
        assert_eq!(refusal(&renew(&world, &next(answer)).await), "session_over");
    }
    world.finish().await;
});

/// What browsers know the installation by is another for each, and stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_keeps_its_name() {
    let (one, two) = (
        World::start(hubbub::store::Engine::Sqlite).await,
        World::start(hubbub::store::Engine::Sqlite).await,
    );
    let name = one.app.installation.clone();
    assert!(name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}");
    assert_ne!(name, two.app.installation);
    one.app.store.write(hubbub::store::events::BeginAnew).await.expect("another epoch");
    let one = one.restart().await;
    assert_eq!(one.app.installation, name);
    one.finish().await;
    two.finish().await;
}
