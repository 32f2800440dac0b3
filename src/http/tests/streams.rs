//! The socket's fallbacks: who may open them, what they cost, and how they end.

use super::*;

const ALLOWED: &str = "https://desk.example.com";

fn connect(token: &str) -> String {
    json!({"id": 1, "connect": {"token": token}}).to_string()
}

impl Server {
    async fn stream(&self, token: &str) -> Response {
        let request = self.http.post(format!("{}/connection/http_stream", self.base));
        request
            .header("content-type", "application/json")
            .body(connect(token))
            .send()
            .await
            .expect("an answer")
    }

    async fn emulate(&self, body: String) -> Response {
        let request = self.http.post(format!("{}/emulation", self.base));
        request.header("content-type", "application/json").body(body).send().await.expect("an answer")
    }
}

/// The next line of a stream; `None` at its end.
async fn line(answer: &mut Response, text: &mut String) -> Option<Value> {
    loop {
        if let Some((line, rest)) = text.split_once('\n') {
            let value = serde_json::from_str(line).expect("JSON");
            *text = rest.to_owned();
            return Some(value);
        }
        let more = answer.chunk().await.expect("a whole answer")?;
        text.push_str(std::str::from_utf8(&more).expect("text"));
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_and_allowed_ones_may_read() {
    let server = Server::with(|config| config.server.allowed_origins = vec![ALLOWED.into()]).await;
    let sse = format!("/connection/sse?cf_connect={}", "%7B%22id%22%3A1%2C%22connect%22%3A%7B%7D%7D");
    let routes = [
        (Method::POST, "/connection/http_stream"),
        (Method::GET, sse.as_str()),
        (Method::POST, "/emulation"),
    ];
    for (method, path) in routes {
        let ask = |origin: &str| {
            let request = server.http.request(method.clone(), format!("{}{path}", server.base));
            request.header("origin", origin).header("accept-encoding", "gzip").body(connect("none")).send()
        };
        let (status, body) = problem(ask("https://elsewhere.example.com").await.expect("an answer")).await;
        assert_eq!((status, body["code"].as_str()), (403, Some("origin")), "{path}");
        let answer = ask(ALLOWED).await.expect("an answer");
        let header =
            |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        assert_eq!(header("access-control-allow-origin"), ALLOWED, "{path}");
        assert_eq!(header("cross-origin-resource-policy"), "cross-origin");
        assert_eq!((header("content-encoding"), header("access-control-allow-credentials")), ("", ""));
        if path != "/emulation" {
            assert_eq!(answer.status(), StatusCode::OK);
            assert!(
                header("cache-control").contains("no-store")
                    && header("cache-control").contains("no-transform")
            );
            assert_eq!((header("x-accel-buffering"), header("connection")), ("no", "close"));
            let text = answer.text().await.expect("a whole answer");
            assert!(text.contains("\"disconnect\":{\"code\":3500"), "{text}");
        }
    }
    let asked =
        server.http.request(Method::OPTIONS, format!("{}/emulation", server.base)).header("origin", ALLOWED);
    let answer = asked.send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(answer.headers()["access-control-allow-headers"], "content-type");
    assert_eq!(answer.headers()["access-control-allow-origin"], ALLOWED);
}

#[tokio::test]
async fn a_stream_is_no_unfinished_request_and_ends_with_the_server() {
    let server = Server::with(|config| config.limits.max_unfinished_per_address = 4).await;
    let (tenant, _) = server.tenant("Lantern Shop").await;
    let token = server.user("mira@example.com", None, Some((tenant, Role::Owner))).await;
    let mut streams = Vec::new();
    for _ in 0..12 {
        let (mut answer, mut text) = (server.stream(&token).await, String::new());
        let reply = line(&mut answer, &mut text).await.expect("a reply");
        assert!(reply["connect"]["session"].is_string(), "{reply}");
        streams.push((answer, text));
    }
    assert_eq!(server.app.hub.stats().sessions, 12);
    let stopped = tokio::spawn({
        let app = server.app.clone();
        async move { app.stop().await }
    });
    for (answer, text) in &mut streams {
        let mut last = Value::Null;
        while let Some(value) = line(answer, text).await {
            last = value;
        }
        assert_eq!(last["push"]["disconnect"]["code"], 3001, "{last}");
    }
    stopped.await.expect("it stops");
    assert_eq!(server.app.hub.stats().sessions, 0);
}

/// A known sender is not charged to the budget of strangers.
#[tokio::test]
async fn long_frames_get_in_with_the_secret_of_a_session() {
    let server = Server::start().await;
    let (tenant, _) = server.tenant("Lantern Shop").await;
    let token = server.user("mira@example.com", None, Some((tenant, Role::Owner))).await;
    let (mut answer, mut text) = (server.stream(&token).await, String::new());
    let reply = line(&mut answer, &mut text).await.expect("a reply");
    let (session, node) = (reply["connect"]["session"].clone(), reply["connect"]["node"].clone());
    let frame = json!({"id": 2, "rpc": {"method": "no.such", "data": "x".repeat(600_000)}}).to_string();
    // The session comes first, as clients write it.
    let request = |session: &Value, data: &str| {
        format!("{{\"session\":{session},\"node\":{node},\"data\":{}}}", json!(data))
    };
    let body = |session: &Value| request(session, &frame);
    assert_eq!(server.emulate(body(&session)).await.status(), StatusCode::NO_CONTENT);
    let reply = line(&mut answer, &mut text).await.expect("a reply");
    assert_eq!((reply["id"].as_u64(), reply["error"]["code"].as_u64()), (Some(2), Some(104)));
    let stranger = body(&json!("0123456789abcdef0123456789abcdef"));
    assert_eq!(problem(server.emulate(stranger).await).await.1["code"], "no_room");
    let short =
        json!({"session": "0123456789abcdef0123456789abcdef", "node": node, "data": "{}"}).to_string();
    assert_eq!(problem(server.emulate(short).await).await.0, 404);
    let too_long = json!({"session": session, "node": node, "data": "x".repeat(3 << 20)}).to_string();
    assert_eq!(problem(server.emulate(too_long).await).await.0, 413);
}
