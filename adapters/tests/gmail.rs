//! Gmail's calls against an emulated API: what is asked, with which token, and what becomes of each answer.

mod beyond;

use std::time::Duration;

use adapters::{
    Account, Acknowledge, Address, CURSOR_EXPIRED, Client, Context, Event, FetchError, Hook, MediaKind,
    OutMedia, Outgoing, Outward, Provider, SendOutcome, Since, http_client, provider,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use mail_parser::{MessageParser, MimeHeaders};
use serde_json::{Map, Value, json};

use crate::server::{Answer, Server};

const ME: &str = "/gmail/v1/users/me";

fn gmail() -> &'static dyn Provider {
    provider("gmail").unwrap()
}

fn http() -> Client {
    http_client(Duration::from_secs(5), &Outward::allowing(&["127.0.0.1"])).unwrap()
}

fn account(server: &Server) -> Account {
    let url = server.url();
    let settings = [
        ("mailbox", "Support@shop.example.com"),
        ("refresh_token", "refresh-1"),
        ("access_token", "access-1"),
        ("access_expires_at_ms", "1794312000000"),
        ("client_id", "client-1"),
        ("client_secret", "secret-1"),
        ("topic", "projects/p/topics/t"),
        ("api_base", &url),
        ("token_base", &url),
    ];
    let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Account { external_id: None, settings, ..Account::default() }
}

fn refreshable(server: &Server) {
    server.json(
        "POST /token",
        200,
        json!({"access_token": "access-2", "expires_in": 3599, "token_type": "Bearer"}),
    );
}

fn answers() -> Map<String, Value> {
    let value = json!({"subject": "Order 7788", "rfc822_message_id": "<a@example.org>"});
    value.as_object().unwrap().clone()
}

fn reply(answers: &Map<String, Value>) -> Outgoing<'_> {
    Outgoing {
        answers: Some(answers),
        contact: Some("ari@example.org"),
        our_reference: "0190163d-8694-739b-aea5-966c26f8ad91",
        ..Outgoing::text(Address::chat("t1"), "it ships today")
    }
}

fn raw(asked: &Value) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(asked["raw"].as_str().unwrap()).unwrap()
}

fn error(code: u16, reason: &str) -> Value {
    json!({"error": {"code": code, "message": "words", "errors": [{"reason": reason, "domain": "global"}]}})
}

#[tokio::test]
async fn an_answer_is_sent_into_its_thread() {
    let server = Server::start().await;
    server.json(
        &format!("POST {ME}/messages/send"),
        200,
        json!({"id": "m9", "threadId": "t1", "labelIds": ["SENT"]}),
    );
    let answers = answers();
    let outcome = gmail().send(&http(), &account(&server), &reply(&answers)).await;
    assert_eq!(outcome, SendOutcome::Sent { external_id: "m9".into(), dedupe_key: "m9".into() });
    let asked = server.last();
    assert_eq!((asked.key.as_deref(), &asked.body["threadId"]), (Some("Bearer access-1"), &json!("t1")));
    let raw = raw(&asked.body);
    let mail = MessageParser::new().parse(&raw).unwrap();
    assert_eq!(mail.message_id(), Some("0190163d-8694-739b-aea5-966c26f8ad91@shop.example.com"));
    assert_eq!(mail.subject(), Some("Re: Order 7788"));
    assert_eq!(mail.in_reply_to().as_text(), Some("a@example.org"));
    assert_eq!(mail.from().unwrap().first().unwrap().address(), Some("support@shop.example.com"));

    // The copy of it names the send.
    let fields: Vec<_> =
        mail.headers_raw().map(|(name, value)| json!({"name": name, "value": value.trim()})).collect();
    let echo = json!({"id": "m9", "threadId": "t1", "labelIds": ["SENT"], "internalDate": "1794312120000",
        "payload": {"mimeType": "text/plain", "headers": fields, "body": {"size": 0}}});
    let context = Context { mailbox: Some("support@shop.example.com".into()), ..Context::default() };
    let Event::Message(echo) = gmail().parse(echo.to_string().as_bytes(), &context).unwrap().remove(0) else {
        panic!("a message");
    };
    assert_eq!(echo.our_reference.as_deref(), Some("0190163d-8694-739b-aea5-966c26f8ad91"));
    assert_eq!((echo.key.as_str(), echo.author), ("m9", adapters::event::Author::Us));
}

#[tokio::test]
async fn a_file_is_fetched_and_attached() {
    let (server, files) = (Server::start().await, Server::start().await);
    let bytes = b"%PDF-1.7 ".iter().copied().cycle().take(2_000_000).collect::<Vec<_>>();
    files.on("GET /offer", Answer::Bytes(200, bytes.clone()));
    server.json(&format!("POST {ME}/messages/send"), 200, json!({"id": "m9"}));
    let (answers, url) = (answers(), format!("{}/offer", files.url()));
    let media = OutMedia {
        bytes: None,
        kind: MediaKind::Document,
        url: &url,
        name: Some("Angebot ä.pdf"),
        mime: None,
        caption: None,
    };
    let out = Outgoing { media: Some(media), ..reply(&answers) };
    assert!(matches!(gmail().send(&http(), &account(&server), &out).await, SendOutcome::Sent { .. }));
    let raw = raw(&server.last().body);
    let mail = MessageParser::new().parse(&raw).unwrap();
    let part = mail.attachment(0).unwrap();
    assert_eq!((part.attachment_name(), part.contents() == bytes), (Some("Angebot ä.pdf"), true));
    assert_eq!(part.content_type().unwrap().subtype(), Some("pdf"));
    assert_eq!(mail.body_text(0).as_deref().map(str::trim_end), Some("it ships today"));
    assert!(files.last().key.is_none(), "the token is Google's alone");

    files.on("GET /gone", Answer::Bytes(404, Vec::new())).on("GET /later", Answer::Bytes(503, Vec::new()));
    for (path, may_come_again) in [("gone", false), ("later", true)] {
        let url = format!("{}/{path}", files.url());
        let out = Outgoing { media: Some(OutMedia { url: &url, ..media }), ..reply(&answers) };
        let outcome = gmail().send(&http(), &account(&server), &out).await;
        assert_eq!(matches!(outcome, SendOutcome::Retry { .. }), may_come_again, "{outcome:?}");
        assert_eq!(matches!(outcome, SendOutcome::Rejected { channel_down: false, .. }), !may_come_again);
    }
}

#[tokio::test]
async fn only_what_proves_that_nothing_left_is_tried_again() {
    let answers = answers();
    for (answer, expected) in [
        (Answer::Json(403, error(403, "rateLimitExceeded")), "retry"),
        (Answer::Later(429, 7), "retry"),
        (Answer::Json(403, error(403, "insufficientPermissions")), "down"),
        (Answer::Json(400, error(400, "invalidArgument")), "rejected"),
        (Answer::Json(500, error(500, "backendError")), "unknown"),
        (Answer::Torn(200), "unknown"),
        (Answer::Redirect("https://example.com".into()), "down"),
    ] {
        let server = Server::start().await;
        server.on(&format!("POST {ME}/messages/send"), answer);
        let outcome = gmail().send(&http(), &account(&server), &reply(&answers)).await;
        let is = match outcome {
            SendOutcome::Sent { .. } => "sent",
            SendOutcome::Retry { .. } => "retry",
            SendOutcome::Rejected { channel_down: true, .. } => "down",
            SendOutcome::Rejected { .. } => "rejected",
            SendOutcome::Unknown { .. } => "unknown",
        };
        assert_eq!(is, expected);
    }
}

#[tokio::test]
async fn a_deleted_thread_does_not_keep_the_answer_back() {
    let server = Server::start().await;
    let route = format!("POST {ME}/messages/send");
    server.json(&route, 404, error(404, "notFound")).json(&route, 200, json!({"id": "m9", "threadId": "t2"}));
    let answers = answers();
    assert!(matches!(
        gmail().send(&http(), &account(&server), &reply(&answers)).await,
        SendOutcome::Sent { .. }
    ));
    assert_eq!(server.last().body.get("threadId"), None);
}

#[tokio::test]
async fn a_token_that_ran_out_is_renewed_within_the_call() {
    let server = Server::start().await;
    let route = format!("POST {ME}/messages/send");
    server.json(&route, 401, error(401, "authError")).json(&route, 200, json!({"id": "m9"}));
    refreshable(&server);
    let answers = answers();
    assert!(matches!(
        gmail().send(&http(), &account(&server), &reply(&answers)).await,
        SendOutcome::Sent { .. }
    ));
    let asked = server.asked();
    assert_eq!(asked[1].path, "POST /token");
    let form = "grant_type=refresh_token&refresh_token=refresh-1&client_id=client-1&client_secret=secret-1";
    assert_eq!(asked[1].body, form);
    assert_eq!(asked[2].key.as_deref(), Some("Bearer access-2"));

    let server = Server::start().await;
    server.json(&route, 401, error(401, "authError"));
    server.json(
        "POST /token",
        400,
        json!({"error": "invalid_grant", "error_description": "revoked: refresh-1"}),
    );
    let outcome = gmail().send(&http(), &account(&server), &reply(&answers)).await;
    let SendOutcome::Rejected { code, reason, channel_down: true } = outcome else { panic!("{outcome:?}") };
    assert_eq!(code, "invalid_grant");
    assert!(!reason.contains("refresh-1"));
}

fn since<'a>(cursor: Option<&'a str>, page: Option<&'a str>) -> Since<'a> {
    Since { cursor, page, at_ms: 1_794_312_000_500 }
}

#[tokio::test]
async fn the_cursor_is_that_of_the_last_page() {
    let server = Server::start().await;
    let path = format!("GET {ME}/history?startHistoryId=100&historyTypes=messageAdded&maxResults=100");
    let added =
        |id: &str, label: &str| json!({"messagesAdded": [{"message": {"id": id, "labelIds": [label]}}]});
    let page = json!({"history": [added("a", "INBOX"), added("b", "DRAFT")], "historyId": "200", "nextPageToken": "p 1"});
    server.json(&path, 200, page);
    server.json(&format!("{path}&pageToken=p%201"), 200, json!({"nextPageToken": "p2", "historyId": "200"}));
    server.json(
        &format!("{path}&pageToken=p2"),
        200,
        json!({"history": [added("c", "SENT")], "historyId": "201"}),
    );
    let ask = async |page: Option<String>| {
        let since = since(Some("100"), page.as_deref());
        gmail().news(&http(), &account(&server), &since).await.unwrap().unwrap()
    };
    let first = ask(None).await;
    assert_eq!(first.items.iter().map(|item| item.key.as_str()).collect::<Vec<_>>(), ["a"]);
    assert_eq!(first.cursor, None);
    let second = ask(first.page).await;
    assert_eq!((second.items.len(), &second.cursor, second.page.as_deref()), (0, &None, Some("p2")));
    let third = ask(second.page).await;
    assert_eq!((third.items[0].key.as_str(), third.cursor.as_deref(), third.page), ("c", Some("201"), None));
}

#[tokio::test]
async fn an_expired_cursor_says_so_and_other_refusals_do_not() {
    for (status, reason, code, retryable) in [
        (404, "notFound", CURSOR_EXPIRED, false),
        (403, "rateLimitExceeded", "rate", true),
        (403, "dailyLimitExceeded", "day_limit", true),
        (500, "backendError", "server", true),
        (403, "forbidden", "forbidden", false),
    ] {
        let server = Server::start().await;
        let path = format!("GET {ME}/history?startHistoryId=100&historyTypes=messageAdded&maxResults=100");
        server.json(&path, status, error(status, reason));
        let error = gmail().news(&http(), &account(&server), &since(Some("100"), None)).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.retryable), (code, retryable), "{reason}");
    }
    let server = Server::start().await;
    let path = format!("GET {ME}/history?startHistoryId=100&historyTypes=messageAdded&maxResults=100");
    server.on(&path, Answer::Torn(200));
    let error = gmail().news(&http(), &account(&server), &since(Some("100"), None)).await.unwrap_err();
    assert!(error.retryable, "half an answer is not an empty one");
}

#[tokio::test]
async fn without_a_cursor_it_is_asked_for_before_the_list() {
    let server = Server::start().await;
    server.json(
        &format!("GET {ME}/profile"),
        200,
        json!({"emailAddress": "support@shop.example.com", "historyId": "9007000"}),
    );
    let path = format!("GET {ME}/messages?q=after%3A1794312000&maxResults=100");
    server.json(&path, 200, json!({"messages": [{"id": "new"}, {"id": "old"}], "nextPageToken": "p1"}));
    server.json(&format!("{path}&pageToken=p1"), 200, json!({"resultSizeEstimate": 0}));
    let (http, account) = (http(), account(&server));
    let first = gmail().news(&http, &account, &since(None, None)).await.unwrap().unwrap();
    assert_eq!(first.items.iter().map(|item| item.key.as_str()).collect::<Vec<_>>(), ["old", "new"]);
    assert_eq!(first.cursor, None);
    let last = gmail().news(&http, &account, &since(None, first.page.as_deref())).await.unwrap().unwrap();
    assert_eq!((last.cursor.as_deref(), last.page, last.items.len()), (Some("9007000"), None, 0));
    let asked: Vec<_> = server.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(asked[0], format!("GET {ME}/profile"));
    assert_eq!(asked.len(), 3, "the profile is asked for once");

    server.json(&format!("GET {ME}/messages/new?format=full"), 200, json!({"id": "new"}));
    assert!(gmail().item(&http, &account, "new").await.unwrap().is_some());
    assert_eq!(gmail().item(&http, &account, "vanished").await.unwrap(), None);
    assert_eq!(gmail().item(&http, &account, "../../x").await.unwrap(), None);
}

#[tokio::test]
async fn a_file_is_found_by_its_place_whatever_its_id_is_now() {
    let server = Server::start().await;
    let file = |part: &str, id: &str| json!({"partId": part, "filename": "image.png", "mimeType": "image/png", "body": {"attachmentId": id, "size": 5}});
    let mail = |first: &str, second: &str| json!({"id": "m1", "threadId": "t1", "payload": {"mimeType": "multipart/mixed", "parts": [file("1", first), file("2", second)]}});
    let route = format!("GET {ME}/messages/m1?format=full");
    server.json(&route, 200, mail("A1", "A2")).json(&route, 200, mail("B1", "B2"));
    let data = |text: &str| json!({"size": text.len(), "data": BASE64_URL_SAFE_NO_PAD.encode(text)});
    server.json(&format!("GET {ME}/messages/m1/attachments/A1"), 503, Value::Null);
    server.json(&format!("GET {ME}/messages/m1/attachments/B1"), 200, data("FIRST"));
    server.json(&format!("GET {ME}/messages/m1/attachments/B2"), 200, data("SECOND"));
    let parsed =
        gmail().fields(mail("A1", "A2").to_string().as_bytes(), &Context::default()).unwrap().remove(0);
    assert!(!parsed.media[0].reference.to_string().contains("A1"));
    let (http, account) = (http(), account(&server));
    let mut sink = Vec::new();
    let error = gmail().fetch(&http, &account, &parsed.media[0], 100, &mut sink).await.unwrap_err();
    assert!(error.retryable(), "{error}");
    for (media, expected) in parsed.media.iter().zip(["FIRST", "SECOND"]) {
        let mut sink = Vec::new();
        let fetched = gmail().fetch(&http, &account, media, 100, &mut sink).await.unwrap();
        assert_eq!((sink, fetched.size), (expected.as_bytes().to_vec(), expected.len() as u64));
    }
    let mut small = parsed.media[1].clone();
    small.size = None;
    let error = gmail().fetch(&http, &account, &small, 3, &mut Vec::new()).await.unwrap_err();
    assert_eq!(error, FetchError::TooLarge { limit_bytes: 3 });
    let mut gone = parsed.media[1].clone();
    gone.reference = json!({"message": "m1", "part": "7"});
    assert_eq!(
        gmail().fetch(&http, &account, &gone, 9, &mut Vec::new()).await.unwrap_err(),
        FetchError::Gone
    );
}

#[tokio::test]
async fn connecting_proves_the_mailbox_and_watches_it() {
    let server = Server::start().await;
    let profile = format!("GET {ME}/profile");
    server.json(
        &profile,
        200,
        json!({"emailAddress": "support@SHOP.example.com", "historyId": "1", "messagesTotal": 2}),
    );
    server.json(&format!("POST {ME}/watch"), 200, json!({"historyId": "1", "expiration": "1794912000000"}));
    let hook = Hook { url: "https://hub.example.com/hooks/gmail", secret: "s" };
    let (http, account) = (http(), account(&server));
    let info = gmail().connect(&http, &account, &hook).await.unwrap();
    assert_eq!(info.claim.as_deref(), Some("mailbox:support@shop.example.com"));
    assert_eq!(gmail().claims(&account), [info.claim.unwrap()]);
    let watch = server.last().body;
    assert_eq!(
        (&watch["topicName"], &watch["labelIds"]),
        (&json!("projects/p/topics/t"), &json!(["INBOX", "SENT"]))
    );
    assert_eq!(gmail().health(&http, &account).await.unwrap().state, adapters::HealthState::Up);

    let server = Server::start().await;
    server.json(&profile, 200, json!({"emailAddress": "other@example.com", "historyId": "1"}));
    let account = self::account(&server);
    let failure = gmail().connect(&http, &account, &hook).await.unwrap_err();
    assert_eq!((failure.code.as_str(), failure.retryable), ("other_mailbox", false));
    assert_eq!(server.asked().len(), 1, "nothing is watched");
    assert_eq!(gmail().health(&http, &account).await.unwrap().state, adapters::HealthState::NeedsPerson);
}

#[tokio::test]
async fn renewing_gives_a_token_and_a_watch() {
    const NOW_MS: i64 = 1_794_312_000_000;
    let server = Server::start().await;
    refreshable(&server);
    let watch = format!("POST {ME}/watch");
    server.json(&watch, 503, Value::Null).json(&watch, 200, json!({"historyId": "1", "expiration": "1"}));
    let (http, mut account) = (http(), account(&server));
    let due = |account: &Account| gmail().expiry(account).unwrap().renew_at_ms;
    assert!(due(&account) <= NOW_MS);
    let renewed = gmail().renew(&http, &account, NOW_MS).await.unwrap().settings;
    assert_eq!(renewed["access_token"], "access-2");
    assert_eq!(renewed["access_expires_at_ms"], (NOW_MS + 3_599_000).to_string());
    account.settings.extend(renewed);
    assert_eq!(due(&account), NOW_MS + 15 * 60_000, "the watch failed, and the token is kept");
    server.json(&format!("GET {ME}/profile"), 200, json!({"emailAddress": "support@shop.example.com"}));
    assert!(gmail().health(&http, &account).await.unwrap().last_error.is_some());
    let again = gmail().renew(&http, &account, due(&account)).await.unwrap().settings;
    assert!(!again.contains_key("access_token"), "it has time left");
    account.settings.extend(again);
    assert_eq!(due(&account), NOW_MS + 3_599_000 - 5 * 60_000);
    assert_eq!(gmail().health(&http, &account).await.unwrap().last_error, None);

    let server = Server::start().await;
    server.json("POST /token", 400, json!({"error": "invalid_grant"}));
    let error = gmail().renew(&http, &self::account(&server), NOW_MS).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.retryable), ("invalid_grant", false));
    let server = Server::start().await;
    server.json("POST /token", 401, json!({"error": "invalid_client"}));
    assert!(gmail().renew(&http, &self::account(&server), NOW_MS).await.unwrap_err().retryable);
}

#[tokio::test]
async fn disconnecting_stops_the_watch_and_gives_the_grant_back() {
    let server = Server::start().await;
    server.on(&format!("POST {ME}/stop"), Answer::Bytes(204, Vec::new())).json(
        "POST /revoke",
        200,
        json!({}),
    );
    gmail().disconnect(&http(), &account(&server), "").await.unwrap();
    let asked = server.asked();
    assert_eq!(asked[0].path, format!("POST {ME}/stop"));
    assert_eq!((asked[1].path.as_str(), &asked[1].body), ("POST /revoke", &json!("token=refresh-1")));
    // A grant that is gone already is as good.
    let server = Server::start().await;
    server.json(&format!("POST {ME}/stop"), 401, error(401, "authError"));
    server.json("POST /token", 400, json!({"error": "invalid_grant"}));
    gmail().disconnect(&http(), &account(&server), "").await.unwrap();
}

#[tokio::test]
async fn signing_in_gives_the_mailbox_and_its_tokens() {
    let server = Server::start().await;
    let app = account(&server);
    let sign_in = gmail().sign_in().unwrap();
    let url = sign_in.authorize_url(&app, "https://hub.example.com/back", "st&te").unwrap();
    assert!(url.starts_with("https://accounts.google.com/o/oauth2/v2/auth?client_id=client-1&"), "{url}");
    for part in
        ["access_type=offline", "prompt=consent", "state=st%26te", "gmail.modify+https", "response_type=code"]
    {
        assert!(url.contains(part), "{part}: {url}");
    }
    let modify = "https://www.googleapis.com/auth/gmail.modify";
    let tokens =
        json!({"access_token": "access-3", "expires_in": 10, "refresh_token": "refresh-3", "scope": modify});
    server.json("POST /token", 200, tokens.clone());
    server.json(&format!("GET {ME}/profile"), 200, json!({"emailAddress": "New@shop.example.com"}));
    let ask = async |server: &Server| {
        sign_in.exchange(&http(), &account(server), "code-1", "https://hub.example.com/back", 1_000).await
    };
    let choice = ask(&server).await.unwrap().remove(0);
    assert_eq!(choice.external_id, "new@shop.example.com");
    assert_eq!(choice.credentials["refresh_token"], "refresh-3");
    assert_eq!(choice.credentials["access_expires_at_ms"], "11000");
    assert_eq!(server.last().key.as_deref(), Some("Bearer access-3"));
    for (member, value, code) in
        [("refresh_token", Value::Null, "no_refresh_token"), ("scope", json!("openid"), "scope_missing")]
    {
        let server = Server::start().await;
        let mut tokens = tokens.clone();
        tokens[member] = value;
        server.json("POST /token", 200, tokens);
        assert_eq!(ask(&server).await.unwrap_err().code, code);
    }
}

#[tokio::test]
async fn a_mail_is_marked_as_read() {
    let server = Server::start().await;
    server.json(&format!("POST {ME}/messages/m1/modify"), 200, json!({"id": "m1"}));
    let what = |message| Acknowledge { to: Address::chat("t1"), message, participant: None, callback: None };
    let (http, account) = (http(), account(&server));
    gmail().acknowledge(&http, &account, &what(Some("m1"))).await.unwrap();
    assert_eq!(server.last().body, json!({"removeLabelIds": ["UNREAD"]}));
    gmail().acknowledge(&http, &account, &what(Some("gone"))).await.unwrap();
}
