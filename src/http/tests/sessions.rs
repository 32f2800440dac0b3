//! Sessions of browsers and of programs.

use reqwest::header::{HeaderMap, SET_COOKIE};

use super::*;

/// A browser with a cookie jar, or a program without: what it sends, and the parts of the answer that the tests check.
struct Visit<'s> {
    server: &'s Server,
    headers: Vec<(&'static str, String)>,
}

struct Answer {
    status: u16,
    cookies: Vec<String>,
    body: Value,
}

impl Answer {
    /// The name and value of the only cookie that is set.
    fn cookie(&self) -> String {
        let [line] = &self.cookies[..] else { panic!("one cookie: {:?}", self.cookies) };
        line.split(';').next().expect("the pair").to_owned()
    }

    fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }
}

impl<'s> Visit<'s> {
    fn program(server: &'s Server) -> Self {
        Self { server, headers: Vec::new() }
    }

    fn page(server: &'s Server) -> Self {
        Self::program(server).with("origin", &server.base)
    }

    fn with(&self, name: &'static str, value: &str) -> Self {
        let mut headers = self.headers.clone();
        headers.push((name, value.to_owned()));
        Self { server: self.server, headers }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.server.http.request(method, format!("{}{path}", self.server.base));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer");
        let (status, cookies) = (response.status().as_u16(), cookies(response.headers()));
        Answer { status, cookies, body: response.json().await.unwrap_or(Value::Null) }
    }

    async fn sign_in(&self) -> Answer {
        let body = json!({"email": "ANN@example.com", "password": PASSWORD});
        self.ask(Method::POST, "/api/v1/session", Some(body)).await
    }

    async fn refresh(&self, body: Value) -> Answer {
        self.ask(Method::POST, "/api/v1/session/refresh", Some(body)).await
    }

    async fn sign_out(&self) -> Answer {
        self.ask(Method::DELETE, "/api/v1/session", None).await
    }
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().expect("text").to_owned()).collect()
}

/// A server with a user.
async fn server(set: impl FnOnce(&mut Config)) -> Server {
    let server = Server::with(set).await;
    let (tenant, _) = server.tenant("A shop").await;
    server.user("ann@example.com", None, Some((tenant, Role::Agent))).await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_session_lives_in_its_cookie_and_nowhere_else() {
    let server = server(|_| {}).await;
    let page = Visit::page(&server);
    let signed_in = page.sign_in().await;
    assert_eq!((signed_in.status, signed_in.body.get("refresh_token")), (200, None));
    let (cookie, token) = (signed_in.cookie(), signed_in.text("access_token").to_owned());
    let me: Value =
        server.call(Method::GET, "/api/v1/me", Some(&token), None).await.json().await.expect("me");
    assert_eq!(me["user"]["email"], "ann@example.com");

    let renewed = page.with("cookie", &cookie).refresh(json!({})).await;
    assert_eq!((renewed.status, renewed.body.get("refresh_token")), (200, None));
    let next = renewed.cookie();
    assert_ne!(cookie, next);

    let out = page.with("cookie", &next).sign_out().await;
    assert_eq!(out.status, 204);
    assert!(out.cookies[0].contains("Max-Age=0"), "{:?}", out.cookies);
    let after = page.with("cookie", &next).refresh(json!({})).await;
    assert_eq!(after.code(), (401, "session_over"));
    assert!(after.cookies[0].contains("Max-Age=0"), "what is over does not come again");
    assert_eq!(server.status(Method::GET, "/api/v1/me", &token, None).await, 401, "nor the access token");

    // A request without `Origin` can identify a browser by `Sec-Fetch-Site`, or ask for a cookie.
    let told = Visit::program(&server).with("sec-fetch-site", "same-origin").sign_in().await;
    assert!(told.body.get("refresh_token").is_none() && told.cookies.len() == 1);
    let asked = json!({"email": "ann@example.com", "password": PASSWORD, "cookie": true});
    let asked = Visit::program(&server).ask(Method::POST, "/api/v1/session", Some(asked)).await;
    assert!(asked.body.get("refresh_token").is_none() && asked.cookies.len() == 1);
    server.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_its_token_in_the_answer_and_no_cookie() {
    let server = server(|_| {}).await;
    let program = Visit::program(&server);
    let signed_in = program.sign_in().await;
    assert!(signed_in.cookies.is_empty());
    let first = json!({"refresh_token": signed_in.text("refresh_token")});
    let renewed = program.refresh(first.clone()).await;
    assert!(renewed.cookies.is_empty());
    assert_eq!(renewed.body["installation"], signed_in.body["installation"]);
    let second = json!({"refresh_token": renewed.text("refresh_token")});
    assert_eq!(program.refresh(first.clone()).await.status, 200, "the successor was not used yet");
    assert_eq!(program.refresh(second).await.status, 200);
    let reused = program.refresh(first).await;
    assert_eq!((reused.code(), reused.cookies.len()), ((401, "refresh_reused"), 0));
    server.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_https_the_cookie_is_bound_to_its_host() {
    let server = server(|config| config.server.public_url = "https://hub.example.com".to_owned()).await;
    let page = Visit::program(&server).with("origin", "https://hub.example.com");
    let signed_in = page.sign_in().await;
    let line = &signed_in.cookies[0];
    assert!(line.starts_with("__Host-hubbub_refresh_"), "{line}");
    for part in ["; Secure", "; Path=/;", "; HttpOnly", "; SameSite=Strict"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!line.contains("Domain"));
    let cookie = signed_in.cookie();
    assert_eq!(page.with("cookie", &cookie).refresh(json!({})).await.status, 200);
    // A cookie without the prefix, which any host of the domain could set, is ignored.
    let plain = cookie.trim_start_matches("__Host-");
    assert_eq!(page.with("cookie", plain).refresh(json!({})).await.status, 401);
    server.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_cannot_use_a_session() {
    let shop = "https://shop.example.com";
    let server = server(|config| config.server.allowed_origins = vec![shop.to_owned()]).await;
    let cookie = Visit::page(&server).sign_in().await.cookie();
    let browser = Visit::program(&server).with("cookie", &cookie);
    for foreign in [
        browser.with("origin", "https://evil.example.net"),
        browser.with("origin", "null"),
        browser.with(
            "origin",
            &server.base.replace("http:", "https:").replace("127.0.0.1", "127.0.0.1.example.net"),
        ),
        browser.with("sec-fetch-site", "cross-site"),
        browser.with("sec-fetch-site", "same-site"),
    ] {
        for answer in [foreign.sign_in().await, foreign.refresh(json!({})).await, foreign.sign_out().await] {
            assert_eq!((answer.code(), answer.cookies.len()), ((403, "origin"), 0), "{:?}", foreign.headers);
        }
    }
    for ours in [
        browser.with("origin", &server.base),
        browser.with("origin", shop),
        browser.with("sec-fetch-site", "same-origin"),
        browser.with("sec-fetch-site", "none"),
        Visit { server: &server, headers: browser.headers.clone() },
    ] {
        // The refused requests have not used the token.
        assert_eq!(ours.refresh(json!({})).await.status, 200, "{:?}", ours.headers);
    }
    server.app.stop().await;
}

/// Two servers on one host share a browser's cookies, because cookies ignore ports.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_of_one_address_leave_each_others_sessions_alone() {
    let (one, two) = (server(|_| {}).await, server(|_| {}).await);
    let (first, second) =
        (Visit::page(&one).sign_in().await.cookie(), Visit::page(&two).sign_in().await.cookie());
    let name = |cookie: &str| cookie.split('=').next().map(str::to_owned);
    assert_ne!(name(&first), name(&second));
    // The cookie belongs to one installation: the other one does not read, delete or end anything.
    let stranger = Visit::page(&two).with("cookie", &first);
    let answer = stranger.refresh(json!({})).await;
    assert_eq!((answer.status, answer.cookies.len()), (401, 0));
    let out = stranger.sign_out().await;
    assert_eq!((out.status, out.cookies.len()), (204, 0));
    // A cookie with this installation's name and an unknown token, as from a copy of the database, is left alone too.
    let copied = format!("{}=hbr_of_a_copy", name(&second).expect("a name"));
    let copied = Visit::page(&two).with("cookie", &copied);
    let answer = copied.refresh(json!({})).await;
    assert_eq!((answer.code(), answer.cookies.len()), ((401, "session_over"), 0));
    assert_eq!(copied.sign_out().await.cookies.len(), 0);
    let jar = format!("{first}; {second}");
    for server in [&one, &two] {
        let renewed = Visit::page(server).with("cookie", &jar).refresh(json!({})).await;
        assert_eq!(renewed.status, 200);
        let name = renewed.cookie();
        assert!(jar.contains(name.split('=').next().expect("a name")));
    }
    one.app.stop().await;
    two.app.stop().await;
}
