//! The HTTP API as an integrator calls it.

use std::net::SocketAddr;

use serde_json::{Value, json};

#[derive(Clone)]
pub struct Api {
    pub token: String,
    address: SocketAddr,
    http: reqwest::Client,
}

impl Api {
    pub async fn sign_in(address: SocketAddr, email: &str, password: &str) -> Self {
        let http = crate::kit::http();
        let body = json!({ "email": email, "password": password });
        let answer = http
            .post(format!("http://{address}/api/v1/session"))
            .json(&body)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 200, "{email} signs in");
        let answer: Value = answer.json().await.expect("JSON");
        Self { token: answer["access_token"].as_str().expect("a token").to_owned(), address, http }
    }

    /// Status and body of a GET.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.http.get(format!("http://{}{path}", self.address)).bearer_auth(&self.token);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }

    /// Status and body of a POST.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("http://{}{path}", self.address)).bearer_auth(&self.token);
        let answer = request.json(body).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }

    /// Status and body of a PATCH.
    pub async fn patch(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.patch(format!("http://{}{path}", self.address)).bearer_auth(&self.token);
        let answer = request.json(body).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }

    /// The messages of a conversation, all of them.
    pub async fn messages(&self, conversation: &str) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let after = all.len();
            let path = format!("/api/v1/conversations/{conversation}/messages?limit=200&after_seq={after}");
            let (status, page) = self.get(&path).await;
            assert_eq!(status, 200, "{page}");
            all.extend_from_slice(page["messages"].as_array().expect("messages"));
            if page["more"] != true {
                return all;
            }
        }
    }

    /// The open conversations.
    pub async fn inbox(&self) -> Vec<Value> {
        let (status, page) = self.get("/api/v1/inbox?limit=200").await;
        assert_eq!(status, 200, "{page}");
        page["conversations"].as_array().expect("conversations").clone()
    }
}
