use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use serde_json::Value;
use tokio::sync::Notify;

use super::*;
use crate::wire::TurnMessage;

/// What the emulated model server does with one request.
enum Act {
    Say(&'static [&'static str]),
    /// Says this and, when it was seen, cuts the connection.
    Break(&'static [&'static str]),
    Refuse(u16),
    /// Says this and then nothing, for as long as somebody listens.
    Hang(&'static [&'static str]),
}

#[derive(Clone, Default)]
struct Server {
    /// The next ones; the last first.
    acts: Arc<Mutex<Vec<Act>>>,
    asked: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
    seen: Arc<Notify>,
}

const DONE: &str = "data: [DONE]\n\n";
const STOP: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const THOUGHT: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"<think>hm</think>\"}}]}\n\n";
const HELLO: &str = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"Hel\"}}]}\n\n";
const LO: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"lo!\"},\"finish_reason\":null}]}\n\n";
const REPORTED: &str = "data: {\"error\":{\"message\":\"sk-secret\"}}\n\n";
const FILTERED: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\n";

async fn complete(State(server): State<Server>, headers: HeaderMap, body: axum::Json<Value>) -> Response {
    server.asked.lock().unwrap().push((headers, body.0));
    let act = server.acts.lock().unwrap().pop().expect("one more request than expected");
    let said = |pieces: &'static [&'static str]| pieces.iter().map(|piece| Ok::<_, std::io::Error>(*piece));
    let stream = |body| Response::builder().header("content-type", "text/event-stream").body(body).unwrap();
    match act {
        Act::Say(pieces) => stream(Body::from_stream(futures_util::stream::iter(said(pieces)))),
        Act::Break(pieces) => {
            let broken = futures_util::stream::once(async move {
                server.seen.notified().await;
                Err(std::io::ErrorKind::ConnectionReset.into())
            });
            stream(Body::from_stream(futures_util::stream::iter(said(pieces)).chain(broken)))
        }
        Act::Hang(pieces) => {
            let said = futures_util::stream::iter(said(pieces));
            stream(Body::from_stream(said.chain(futures_util::stream::pending())))
        }
        Act::Refuse(status) => {
            Response::builder().status(status).body(Body::from("sk-secret leaked")).unwrap()
        }
    }
}

/// Asks once; gives the outcome, what was shown, and the server.
async fn asked(acts: Vec<Act>) -> (Outcome, String, Server) {
    let (model, server) = served(acts).await;
    let (outcome, shown) = ask(&model, &server).await;
    (outcome, shown, server)
}

/// A model behind a server that does these things, one for each request.
async fn served(mut acts: Vec<Act>) -> (Model, Server) {
    acts.reverse();
    let server = Server { acts: Arc::new(Mutex::new(acts)), ..Server::default() };
    let router = Router::new().route("/v1/chat/completions", post(complete)).with_state(server.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = ModelConfig {
        key: Some("sk-secret".into()),
        silence: Duration::from_millis(300),
        retry_pause: Duration::from_millis(1),
        ..ModelConfig::new(&url, "small-model")
    };
    (Model::new(config).unwrap(), server)
}

async fn ask(model: &Model, server: &Server) -> (Outcome, String) {
    let said = TurnMessage {
        direction: "in".into(),
        kind: "text".into(),
        text: Some("hi".into()),
        ..TurnMessage::default()
    };
    let (pieces, mut shown) = mpsc::channel(100);
    let turn = Turn { messages: vec![said], ..Turn::default() };
    tokio::join!(model.answer(&turn, pieces), async {
        let mut all = String::new();
        while let Some(piece) = shown.recv().await {
            all.push_str(&piece);
            server.seen.notify_one();
        }
        all
    })
}

fn failed(outcome: &Outcome, failure: Failure) {
    let Outcome::Fail(reason) = outcome else { panic!("{outcome:?}") };
    assert_eq!(*reason, failure.to_string());
    assert!(!reason.contains("secret"));
}

#[tokio::test]
async fn an_answer_is_streamed_and_whole() {
    let (outcome, shown, server) = asked(vec![Act::Say(&[": thinking\n\n", HELLO, LO, STOP, DONE])]).await;
    assert_eq!((outcome, shown.as_str()), (Outcome::Answer("Hello!".into()), "Hello!"));
    let asked = server.asked.lock().unwrap();
    let (headers, body) = &asked[0];
    assert_eq!(headers["authorization"], "Bearer sk-secret");
    assert_eq!((&body["model"], &body["stream"]), (&Value::from("small-model"), &Value::from(true)));
    assert_eq!(body["messages"][1]["content"], "hi");
    assert!(body["messages"][0]["content"].as_str().is_some_and(|system| system.contains("[handoff]")));
}

#[tokio::test]
async fn done_or_a_finish_reason_ends_an_answer() {
    assert_eq!(asked(vec![Act::Say(&[HELLO, DONE])]).await.0, Outcome::Answer("Hel".into()));
    assert_eq!(asked(vec![Act::Say(&[HELLO, STOP])]).await.0, Outcome::Answer("Hel".into()));
    // The server keeps the line open after the end.
    assert_eq!(asked(vec![Act::Hang(&[HELLO, DONE])]).await.0, Outcome::Answer("Hel".into()));
}

#[tokio::test]
async fn the_marker_calls_a_person_and_is_never_shown() {
    const MARKER: &str =
        "data: {\"choices\":[{\"delta\":{\"content\":\"[handoff] asks for the owner\"}}]}\n\n";
    let (outcome, shown, _) = asked(vec![Act::Say(&[MARKER, STOP, DONE])]).await;
    assert_eq!((outcome, shown.as_str()), (Outcome::Handoff("asks for the owner".into()), ""));
}

#[tokio::test]
async fn half_an_answer_is_no_answer() {
    let (outcome, shown, _) = asked(vec![Act::Break(&[THOUGHT, HELLO])]).await;
    failed(&outcome, Failure::BrokeOff);
    assert_eq!(shown, "Hel");
    failed(&asked(vec![Act::Say(&[HELLO])]).await.0, Failure::BrokeOff);
    failed(&asked(vec![Act::Hang(&[HELLO])]).await.0, Failure::Slow);
}

#[tokio::test]
async fn errors_become_reasons() {
    failed(&asked(vec![Act::Say(&[HELLO, REPORTED])]).await.0, Failure::Reported);
    failed(&asked(vec![Act::Say(&["data: {\n\n"])]).await.0, Failure::Unreadable);
    failed(&asked(vec![Act::Say(&[STOP, DONE])]).await.0, Failure::Empty);
    failed(&asked(vec![Act::Say(&[HELLO, FILTERED, DONE])]).await.0, Failure::Filtered);
    failed(&asked(vec![Act::Refuse(401)]).await.0, Failure::Status(401));
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let (outcome, _, server) =
        asked(vec![Act::Refuse(429), Act::Refuse(503), Act::Say(&[HELLO, STOP])]).await;
    assert_eq!(outcome, Outcome::Answer("Hel".into()));
    assert_eq!(server.asked.lock().unwrap().len(), 3);
    let (outcome, _, _) = asked(vec![Act::Refuse(503), Act::Refuse(503), Act::Refuse(503)]).await;
    failed(&outcome, Failure::Status(503));
}

/// A piece of content, and the end.
macro_rules! content {
    ($($text:literal),+) => {
        &[$(concat!("data: {\"choices\":[{\"delta\":{\"content\":\"", $text, "\"}}]}\n\n")),+, STOP, DONE]
    };
}

const PARTS: &[&str] = &[
    "data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"60 %\"}]}]}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"Hel\"},{\"type\":\"reasoning\",\"text\":\"60 %\"}]}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"output_text\",\"text\":\"lo!\"},{\"type\":\"image\"}]}}]}\n\n",
    STOP,
];
const ONLY: &[&str] = &[FIELDS[0], STOP];
const REFUSES: &str = "data: {\"choices\":[{\"delta\":{\"content\":null,\"refusal\":\"I cannot\"}}]}\n\n";
const TOOL: &str = "data: {\"choices\":[{\"delta\":{\"content\":null,\"tool_calls\":[{\"index\":0}]},\"finish_reason\":\"tool_calls\"}]}\n\n";
const BEGUN: &[&str] = &[THOUGHT, HELLO];
const FIELDS: &[&str] = &[
    "data: {\"choices\":[{\"delta\":{\"content\":null,\"reasoning\":\"60 %\",\"reasoning_content\":\"60 %\"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"\",\"thinking\":\"60 %\"}}]}\n\n",
    HELLO,
    STOP,
];
const THINKING: &[&str] =
    content!("<thi", "nk>\\nThe margin is 60 %, [handoff]", "\\n</th", "ink>\\n\\nI am ", "sorry!");
const AT_ONCE: &[&str] = content!("The margin is 60 %.", "</think>", "I am ", "sorry!");
const SHORT: &[&str] = content!("Hello!");
const CUT: &[&str] = &[
    "data: {\"choices\":[{\"delta\":{\"content\":\"The margin\"},\"finish_reason\":\"length\"}]}\n\n",
    DONE,
];

#[tokio::test]
async fn what_a_model_thinks_is_neither_shown_nor_sent() {
    let (outcome, shown, _) = asked(vec![Act::Say(THINKING)]).await;
    assert_eq!((outcome, shown.as_str()), (Outcome::Answer("I am sorry!".into()), "I am sorry!"));
    // Shown while it is written: the server waits until it was seen.
    assert_eq!(asked(vec![Act::Break(BEGUN)]).await.1, "Hel");
    failed(&asked(vec![Act::Say(content!("Well. <think>so"))]).await.0, Failure::Thinking);
    failed(&asked(vec![Act::Say(content!("<think>so</think> "))]).await.0, Failure::OnlyThoughts);
}

#[tokio::test]
async fn a_model_that_thinks_from_the_first_word_is_known_by_the_end_of_its_thoughts() {
    let (model, server) =
        served(vec![Act::Say(AT_ONCE), Act::Say(SHORT), Act::Say(AT_ONCE), Act::Say(CUT)]).await;
    let sorry = (Outcome::Answer("I am sorry!".into()), "I am sorry!".to_owned());
    assert_eq!(ask(&model, &server).await, sorry, "nothing was shown of what was a thought");
    assert_eq!(ask(&model, &server).await.0, Outcome::Answer("Hello!".into()));
    assert_eq!(ask(&model, &server).await, sorry);
    failed(&ask(&model, &server).await.0, Failure::Thinking);
    // One that does not think is shown as it writes, from its second answer on.
    let (model, server) = served(vec![Act::Say(SHORT), Act::Hang(&[HELLO])]).await;
    assert_eq!(ask(&model, &server).await.1, "Hello!");
    assert_eq!(ask(&model, &server).await.1, "Hel");
}

#[tokio::test]
async fn thoughts_in_members_and_parts_of_their_own_stay_inside() {
    let (outcome, shown, _) = asked(vec![Act::Say(FIELDS)]).await;
    assert_eq!((outcome, shown.as_str()), (Outcome::Answer("Hel".into()), "Hel"));
    let (outcome, shown, _) = asked(vec![Act::Say(PARTS)]).await;
    assert_eq!((outcome, shown.as_str()), (Outcome::Answer("Hello!".into()), "Hello!"));
    failed(&asked(vec![Act::Say(ONLY)]).await.0, Failure::OnlyThoughts);
    failed(&asked(vec![Act::Say(&[REFUSES, STOP])]).await.0, Failure::Refused);
    failed(&asked(vec![Act::Say(&[TOOL, DONE])]).await.0, Failure::Tool);
}

#[test]
fn addresses_may_be_given_with_and_without_their_ends() {
    for url in [
        "https://llm.example.com",
        "https://llm.example.com/v1/",
        "https://llm.example.com/v1/chat/completions",
    ] {
        assert_eq!(endpoint(url).unwrap().as_str(), "https://llm.example.com/v1/chat/completions", "{url}");
    }
    for wrong in ["llm", "ftp://llm.example.com", "https://u:p@llm.example.com"] {
        assert!(endpoint(wrong).is_err(), "{wrong}");
    }
}
