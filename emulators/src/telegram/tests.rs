use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use adapters::{Account, Acknowledge, Context, Fields, Headers, Hook, Kind, Outgoing, Provider, SendOutcome};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};

use super::*;

const SECRET: &str = "secret-of_the-hook";
const CHAT: i64 = 5_550_001_001;

/// A status and a `Retry-After`.
type Answer = (u16, Option<u64>);

/// A webhook that takes what is well signed, with answers that can be scripted.
#[derive(Clone, Default)]
struct Receiver {
    events: Arc<Mutex<Vec<Fields>>>,
    answers: Arc<Mutex<Vec<Answer>>>,
}

impl Receiver {
    async fn start(&self) -> String {
        let router = Router::new().fallback(receive).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/hooks/t")
    }

    fn events(&self) -> Vec<Fields> {
        self.events.lock().unwrap().clone()
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> impl IntoResponse {
    let headers: Headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    assert_eq!(telegram().verify(SECRET, &headers, &body), Ok(()));
    let Some((status, retry_after_s)) = receiver.answers.lock().unwrap().pop() else {
        let events = telegram().fields(&body, &Context::default()).unwrap();
        receiver.events.lock().unwrap().extend(events);
        return StatusCode::OK.into_response();
    };
    let mut response = StatusCode::from_u16(status).unwrap().into_response();
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    response
}

fn telegram() -> &'static dyn Provider {
    adapters::provider("telegram").unwrap()
}

struct Bench {
    emulator: TelegramEmulator,
    receiver: Receiver,
    account: Account,
    http: adapters::Client,
}

impl Bench {
    async fn start() -> Self {
        let config = EmulatorConfig {
            retry_pause: Duration::from_millis(5),
            fetch_media: false,
            ..Default::default()
        };
        let emulator = TelegramEmulator::start(config).await.unwrap();
        let receiver = Receiver::default();
        let settings = [("token", emulator.token().to_owned()), ("api_base", emulator.api_base())];
        let settings = settings.map(|(name, value)| (name.to_owned(), value)).into();
        let account = Account { external_id: None, settings, ..Account::default() };
        let http =
            adapters::http_client(Duration::from_secs(3), &adapters::Outward::allowing(&["127.0.0.1"]))
                .unwrap();
        let url = receiver.start().await;
        let hook = Hook { url: &url, secret: SECRET };
        telegram().connect(&http, &account, &hook).await.unwrap();
        Self { emulator, receiver, account, http }
    }

    async fn send(&self, chat: &str, text: &str) -> SendOutcome {
        self.send_to(adapters::Address::chat(chat), text).await
    }

    /// To where an event came from.
    async fn answer(&self, event: &Fields, text: &str) -> SendOutcome {
        let chat = event.external_conversation_id.as_deref().unwrap();
        self.send_to(adapters::Address { chat, thread: event.thread.as_deref() }, text).await
    }

    async fn send_to(&self, to: adapters::Address<'_>, text: &str) -> SendOutcome {
        let out = Outgoing::text(to, text);
        telegram().send(&self.http, &self.account, &out).await
    }
}

#[tokio::test]
async fn a_conversation_goes_there_and_back() {
    let bench = Bench::start().await;
    let said = bench.emulator.customer_says(CHAT, "hello");
    bench.emulator.idle().await;
    let events = bench.receiver.events();
    assert_eq!(events[0].text.as_deref(), Some("hello"));
    assert_eq!(events[0].message_key(), Some(format!("{CHAT}:{}", said.message_id).as_str()));
    let SendOutcome::Sent { external_id, .. } = bench.send(&CHAT.to_string(), "hi there").await else {
        panic!()
    };
    let sent = bench.emulator.sent_reaches(1).await;
    assert_eq!((sent[0].text.as_deref(), sent[0].message_id.to_string()), (Some("hi there"), external_id));
}

#[tokio::test]
async fn a_chat_keeps_its_order_over_refused_deliveries() {
    let bench = Bench::start().await;
    *bench.receiver.answers.lock().unwrap() = vec![(503, None), (500, Some(0)), (404, None)];
    for number in 0..20 {
        bench.emulator.customer_says(CHAT, &number.to_string());
    }
    bench.emulator.idle().await;
    let texts: Vec<_> = bench.receiver.events().into_iter().filter_map(|event| event.text).collect();
    assert_eq!(texts, (0..20).map(|number| number.to_string()).collect::<Vec<_>>());
    let refused = bench.emulator.deliveries().iter().filter(|delivery| delivery.status != 200).count();
    assert_eq!(refused, 3);
}

#[tokio::test]
async fn failures_come_as_they_are_ordered() {
    let bench = Bench::start().await;
    let chat = CHAT.to_string();
    bench.emulator.customer_says(CHAT, "hello");
    bench.emulator.fail_next(1, Fail::TooManyRequests { retry_after: 2 });
    bench.emulator.fail_next(1, Fail::Server500);
    bench.emulator.fail_next(1, Fail::Blocked);
    bench.emulator.fail_next(1, Fail::DropConnection);
    assert!(matches!(bench.send(&chat, "1").await, SendOutcome::Retry { after_ms: Some(2000), .. }));
    assert!(matches!(bench.send(&chat, "2").await, SendOutcome::Unknown { .. }));
    assert!(matches!(bench.send(&chat, "3").await, SendOutcome::Rejected { channel_down: false, .. }));
    assert!(matches!(bench.send(&chat, "4").await, SendOutcome::Unknown { .. }));
    assert_eq!(bench.emulator.sent(), []);
    bench.emulator.fail_next(1, Fail::Hang);
    assert!(matches!(bench.send(&chat, "5").await, SendOutcome::Unknown { .. }));
    assert_eq!(bench.emulator.sent_reaches(1).await[0].text.as_deref(), Some("5"));
    assert!(matches!(bench.send(&chat, "6").await, SendOutcome::Sent { .. }));
}

#[tokio::test]
async fn what_the_real_one_refuses_is_refused() {
    let bench = Bench::start().await;
    assert!(
        matches!(bench.send("404404", "x").await, SendOutcome::Rejected { code, .. } if code == "chat_not_found")
    );
    bench.emulator.customer_says(CHAT, "hello");
    let long = bench.send(&CHAT.to_string(), &"🙂".repeat(2049)).await;
    assert!(matches!(&long, SendOutcome::Rejected { code, .. } if code == "too_long"), "{long:?}");
    assert!(matches!(bench.send(&CHAT.to_string(), &"🙂".repeat(2048)).await, SendOutcome::Sent { .. }));
    bench.emulator.customer_blocks(CHAT, true);
    assert!(
        matches!(bench.send(&CHAT.to_string(), "x").await, SendOutcome::Rejected { code, .. } if code == "blocked")
    );
    let mut stranger = bench.account.clone();
    stranger.settings.insert("token".into(), "1:other".into());
    let hook = Hook { url: "https://hub.example.com/hooks/t", secret: SECRET };
    assert!(telegram().connect(&bench.http, &stranger, &hook).await.is_err());
    for (url, secret) in [
        ("http://hub.example.com/", SECRET),
        ("https://hub.example.com:9000/", SECRET),
        ("https://hub.example.com/", "white space"),
    ] {
        let refused = telegram().connect(&bench.http, &bench.account, &Hook { url, secret }).await;
        assert!(refused.is_err(), "{url}");
    }
}

#[tokio::test]
async fn files_edits_reactions_and_presses_arrive() {
    let bench = Bench::start().await;
    let photo = [b"\xff\xd8\xff".as_slice(), &[1; 100]].concat();
    let said = bench.emulator.customer_sends(CHAT, File::photo(photo.clone()), Some("look"));
    bench.emulator.customer_edits(CHAT, said.message_id, "look here");
    bench.emulator.customer_reacts(CHAT, said.message_id, Some("❤"));
    let press = bench.emulator.customer_presses(CHAT, said.message_id, "yes");
    bench.emulator.idle().await;
    let events = bench.receiver.events();
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [Kind::Image, Kind::Edited, Kind::Reaction, Kind::Interactive]);
    let mut bytes = Vec::new();
    let fetched =
        telegram().fetch(&bench.http, &bench.account, &events[0].media[0], 1000, &mut bytes).await.unwrap();
    assert_eq!((fetched.mime.as_str(), bytes), ("image/jpeg", photo));
    let what = Acknowledge {
        to: adapters::Address::chat(""),
        message: None,
        participant: None,
        callback: Some(&press),
    };
    telegram().acknowledge(&bench.http, &bench.account, &what).await.unwrap();
    assert_eq!(bench.emulator.called("answerCallbackQuery").await.parameters["callback_query_id"], *press);
}

#[tokio::test]
async fn a_dropped_emulator_answers_nobody() {
    let bench = Bench::start().await;
    bench.emulator.customer_says(CHAT, "hello");
    assert!(matches!(bench.send(&CHAT.to_string(), "x").await, SendOutcome::Sent { .. }));
    let Bench { emulator, http, account, .. } = bench;
    drop(emulator);
    let out = Outgoing::text(adapters::Address::chat("1"), "x");
    let outcome = telegram().send(&http, &account, &out).await;
    assert!(matches!(outcome, SendOutcome::Retry { .. } | SendOutcome::Unknown { .. }), "{outcome:?}");
}

#[tokio::test]
async fn scripted_files_and_whole_bodies_are_known() {
    let bench = Bench::start().await;
    let script = json!({"provider": "telegram", "method": "getFile", "file_path_from": "file_id", "bytes_from": "path"});
    bench.emulator.answers(serde_json::from_value(script).unwrap());
    let message = json!({"message_id": 71, "date": 1_794_312_000, "chat": {"id": CHAT, "type": "private"},
        "from": {"id": CHAT}, "photo": [{"file_id": "RIGHT", "width": 90, "height": 90}]});
    assert_eq!(bench.emulator.post(&json!({"update_id": 110, "message": message})).await, 200);
    let events = bench.receiver.events();
    let mut bytes = Vec::new();
    telegram().fetch(&bench.http, &bench.account, &events[0].media[0], 1000, &mut bytes).await.unwrap();
    assert_eq!(bytes, b"RIGHT");
    bench.emulator.answers(crate::Answer::of("sendMessage", 502, json!("<html>bad gateway</html>")).times(1));
    let outcome = bench.send(&CHAT.to_string(), "x").await;
    assert!(matches!(outcome, SendOutcome::Unknown { .. }), "{outcome:?}");
    assert!(matches!(bench.send(&CHAT.to_string(), "x").await, SendOutcome::Sent { .. }));
}

#[tokio::test]
async fn an_answer_reaches_the_topic_and_the_customer_that_it_is_for() {
    let bench = Bench::start().await;
    let channel = -1_005_550_001;
    let places = [
        (CHAT, Place::Topic(42)),
        (CHAT, Place::Topic(43)),
        (channel, Place::Direct(11)),
        (channel, Place::Direct(12)),
    ];
    for (chat, place) in &places {
        bench.emulator.customer_says_at(*chat, place, "where?");
    }
    bench.emulator.idle().await;
    let events = bench.receiver.events();
    let addresses: std::collections::BTreeSet<_> =
        events.iter().map(|event| (event.external_conversation_id.clone(), event.thread.clone())).collect();
    assert_eq!(addresses.len(), places.len());
    for event in &events {
        assert!(matches!(bench.answer(event, "there").await, SendOutcome::Sent { .. }), "{event:?}");
    }
    let mut reached: Vec<_> =
        bench.emulator.sent().into_iter().map(|sent| (sent.chat, sent.place.unwrap())).collect();
    let mut expected = places.to_vec();
    reached.sort();
    expected.sort();
    assert_eq!(reached, expected);
    let chat = CHAT.to_string();
    let gone = bench.send_to(adapters::Address { chat: &chat, thread: Some("topic:44") }, "x").await;
    assert!(matches!(&gone, SendOutcome::Rejected { code, .. } if code == "thread_not_found"), "{gone:?}");
    let nobody = bench.send(&channel.to_string(), "x").await;
    assert!(matches!(nobody, SendOutcome::Rejected { .. }), "{nobody:?}");
}

#[tokio::test]
async fn a_connected_account_is_answered_for_and_its_echo_is_known() {
    let bench = Bench::start().await;
    bench.emulator.business_connects("bc-1", 777, true);
    bench.emulator.customer_says_at(CHAT, &Place::Business("bc-1".into()), "hello");
    bench.emulator.idle().await;
    let events = bench.receiver.events();
    assert_eq!((events[0].kind, &events[0].data["owner_id"]), (Kind::Connection, &json!("777")));
    // The customer has not written to the bot itself.
    let stranger = bench.send(&CHAT.to_string(), "x").await;
    assert!(
        matches!(&stranger, SendOutcome::Rejected { code, .. } if code == "chat_not_found"),
        "{stranger:?}"
    );
    let SendOutcome::Sent { dedupe_key, .. } = bench.answer(&events[1], "hi").await else { panic!() };
    bench.emulator.owner_says(CHAT, "bc-1", "by hand");
    bench.emulator.idle().await;
    let events = bench.receiver.events();
    let (echo, by_hand) = (&events[2], &events[3]);
    assert_eq!(
        (echo.message_key(), echo.origin),
        (Some(dedupe_key.as_str()), Some(adapters::Origin::OurApi))
    );
    assert_eq!(
        (by_hand.text.as_deref(), by_hand.origin),
        (Some("by hand"), Some(adapters::Origin::HumanDevice))
    );
    bench.emulator.business_connects("bc-1", 777, false);
    let gone = bench.answer(&events[1], "x").await;
    assert!(matches!(&gone, SendOutcome::Rejected { code, .. } if code == "connection_gone"), "{gone:?}");
}
