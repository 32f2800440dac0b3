//! An emulated OpenAI endpoint: answers "ok", or what a case says, and remembers what it was asked.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

#[derive(Clone, Default)]
pub struct EmulatedModel {
    /// Words of a question, and the answer to it.
    answers: Arc<Mutex<Vec<(String, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl EmulatedModel {
    /// The model, and its address.
    pub async fn start() -> (Self, String) {
        let model = Self::default();
        let router = Router::new().route("/v1/chat/completions", post(complete)).with_state(model.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (model, url)
    }

    /// Answers so whoever writes this.
    pub fn answer(&self, words: &str, answer: &str) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.push((words.to_owned(), answer.to_owned()));
    }

    /// Was it asked with these words?
    pub fn was_asked(&self, words: &str) -> bool {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|asked| asked.contains(words))
    }
}

async fn complete(State(model): State<EmulatedModel>, body: axum::Json<Value>) -> Response {
    let texts = body["messages"].as_array().into_iter().flatten();
    let asked: Vec<&str> = texts
        .filter(|message| message["role"] != "system")
        .filter_map(|message| message["content"].as_str())
        .collect();
    let asked = asked.join("\n");
    let answers = model.answers.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let answer = answers.iter().find(|(words, _)| asked.contains(words)).map_or("ok", |(_, answer)| answer);
    let mut stream = String::new();
    // In small pieces, so that what stands between tags is cut anywhere.
    let letters: Vec<char> = answer.chars().collect();
    for piece in letters.chunks(3) {
        let piece: String = piece.iter().collect();
        let chunk = json!({ "choices": [{ "delta": { "content": piece } }] });
        let _ = write!(stream, "data: {chunk}\n\n");
    }
    let end = json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] });
    let _ = write!(stream, "data: {end}\n\ndata: [DONE]\n\n");
    model.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    ([("content-type", "text/event-stream")], stream).into_response()
}
