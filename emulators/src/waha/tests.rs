use std::sync::{
    Mutex,
    atomic::{AtomicI64, Ordering},
};
use std::time::Duration;

use adapters::{
    Account, Context, Direction, FetchError, Fields, Headers, HealthState, Hook, Kind, Origin, Outgoing,
    Provider, SendOutcome, Status,
};
use axum::{Router, http::HeaderMap};

use super::*;
use crate::clock::Clock;

const KEY: &str = "hmac-key-of-a-test";
const SESSION: &str = "shop-main";
const CHAT: &str = "12025550143@c.us";

type Events = Arc<Mutex<Vec<Fields>>>;
type Refusals = Arc<Mutex<Vec<u16>>>;

fn waha() -> &'static dyn Provider {
    adapters::provider("waha").unwrap()
}

/// A webhook that takes what is well signed, after refusing as often as it was told.
async fn receiver(events: Events, refusals: Refusals) -> String {
    let handler = move |headers: HeaderMap, body: axum::body::Bytes| {
        let (events, refusals) = (Arc::clone(&events), Arc::clone(&refusals));
        async move {
            let headers: Headers =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
            assert_eq!(waha().verify(KEY, &headers, &body), Ok(()));
            if let Some(status) = refusals.lock().unwrap().pop() {
                return axum::http::StatusCode::from_u16(status).unwrap();
            }
            events.lock().unwrap().extend(waha().fields(&body, &Context::default()).unwrap());
            axum::http::StatusCode::OK
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(handler);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/hooks/w")
}

struct Bench {
    emulator: WahaEmulator,
    account: Account,
    http: adapters::Client,
    events: Events,
    refusals: Refusals,
    hook_url: String,
}

impl Bench {
    async fn start(config: EmulatorConfig) -> Self {
        let config = EmulatorConfig { second: Duration::from_millis(1), ..config };
        let emulator = WahaEmulator::start(config).await.unwrap();
        let settings = [
            ("base_url", emulator.base_url()),
            ("api_key", emulator.api_key().into()),
            ("session", SESSION.into()),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value)).into();
        let account = Account { external_id: None, settings, ..Account::default() };
        let http =
            adapters::http_client(Duration::from_secs(3), &adapters::Outward::allowing(&["127.0.0.1"]))
                .unwrap();
        let (events, refusals) = (Events::default(), Refusals::default());
        let hook_url = receiver(Arc::clone(&events), Arc::clone(&refusals)).await;
        waha().connect(&http, &account, &Hook { url: &hook_url, secret: KEY }).await.unwrap();
        emulator.idle().await;
        events.lock().unwrap().clear();
        Self { emulator, account, http, events, refusals, hook_url }
    }

    async fn send(&self, text: &str, reserved_id: Option<&str>) -> SendOutcome {
        let out = Outgoing { reserved_id, ..Outgoing::text(adapters::Address::chat(CHAT), text) };
        waha().send(&self.http, &self.account, &out).await
    }

    async fn settled(&self) -> Vec<Fields> {
        self.emulator.idle().await;
        self.events.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_send_comes_back_as_echo_and_receipts_under_the_key_it_was_answered_with() {
    for engine in [Engine::Webjs, Engine::Noweb, Engine::Gows] {
        for echo_first in [false, true] {
            let bench = Bench::start(EmulatorConfig { engine, echo_first, ..Default::default() }).await;
            let reserved = waha().reserve_id(&bench.http, &bench.account).await.unwrap();
            assert_eq!(reserved.is_some(), engine != Engine::Webjs);
            let SendOutcome::Sent { dedupe_key, .. } = bench.send("hi", reserved.as_deref()).await else {
                panic!()
            };
            if let Some(reserved) = reserved {
                assert_eq!(dedupe_key, reserved);
            }
            let events = bench.settled().await;
            let echoes: Vec<_> = events.iter().filter(|event| event.kind == Kind::Text).collect();
            assert_eq!(echoes.len(), 1);
            assert_eq!(echoes[0].message_key(), Some(dedupe_key.as_str()));
            assert_eq!(
                (echoes[0].origin, echoes[0].external_conversation_id.as_deref()),
                (Some(Origin::OurApi), Some(CHAT))
            );
            let mut statuses: Vec<_> = events.iter().filter_map(|event| event.status).collect();
            statuses.sort_by_key(|status| *status as u8);
            assert_eq!(statuses, [Status::Sent, Status::Delivered, Status::Read]);
        }
    }
}

#[tokio::test]
async fn the_same_reserved_id_is_one_message() {
    let bench = Bench::start(EmulatorConfig::default()).await;
    let id = waha().reserve_id(&bench.http, &bench.account).await.unwrap();
    bench.emulator.fail_next(1, Fail::Hang);
    assert!(matches!(bench.send("once", id.as_deref()).await, SendOutcome::Unknown { .. }));
    assert!(matches!(bench.send("once", id.as_deref()).await, SendOutcome::Sent { .. }));
    assert_eq!(bench.emulator.sent().len(), 1);
}

#[tokio::test]
async fn customer_and_owner_are_told_apart_and_hidden_ids_come_with_a_hint() {
    for engine in [Engine::Webjs, Engine::Gows] {
        let bench = Bench::start(EmulatorConfig { engine, ..Default::default() }).await;
        bench.emulator.introduce("187654321098765@lid", CHAT);
        bench.emulator.customer_says(SESSION, "187654321098765@lid", "hidden");
        bench.emulator.owner_types_on_phone(SESSION, CHAT, "by hand");
        let events = bench.settled().await;
        let hidden = events.iter().find(|event| event.text.as_deref() == Some("hidden")).unwrap();
        assert_eq!(hidden.alternate_contact_id.as_deref(), Some(CHAT));
        let by_hand = events.iter().find(|event| event.text.as_deref() == Some("by hand")).unwrap();
        assert_eq!(
            (by_hand.direction, by_hand.origin),
            (Some(Direction::Outbound), Some(Origin::HumanDevice))
        );
        assert_eq!(by_hand.external_conversation_id.as_deref(), Some(CHAT));
    }
}

#[tokio::test]
async fn refused_deliveries_are_repeated_and_at_last_given_up() {
    let bench = Bench::start(EmulatorConfig::default()).await;
    bench.refusals.lock().unwrap().extend([404, 503, 500]);
    bench.emulator.customer_says(SESSION, CHAT, "hello");
    assert_eq!(bench.settled().await.len(), 1);
    assert_eq!(bench.emulator.lost(), 0);
    bench.refusals.lock().unwrap().extend([500; 15]);
    bench.emulator.customer_says(SESSION, CHAT, "lost");
    assert_eq!(bench.settled().await.len(), 1);
    assert_eq!(bench.emulator.lost(), 1);
}

#[tokio::test]
async fn a_file_is_fetched_even_after_its_time() {
    let now_ms = Arc::new(AtomicI64::new(1_794_312_000_000));
    let clock = Clock::new({
        let now_ms = Arc::clone(&now_ms);
        move || now_ms.load(Ordering::Relaxed)
    });
    let bench = Bench::start(EmulatorConfig { clock, ..Default::default() }).await;
    let picture = [b"\xff\xd8\xff".as_slice(), &[3; 50]].concat();
    bench.emulator.customer_sends(SESSION, CHAT, File::image(picture.clone()), Some("this one"));
    let events = bench.settled().await;
    assert_eq!(events[0].kind, Kind::Image);
    for late_ms in [0, 200_000] {
        now_ms.fetch_add(late_ms, Ordering::Relaxed);
        let mut bytes = Vec::new();
        let media = &events[0].media[0];
        let fetched = waha().fetch(&bench.http, &bench.account, media, 1000, &mut bytes).await.unwrap();
        assert_eq!((fetched.mime.as_str(), &bytes), ("image/jpeg", &picture));
    }
    let mut stranger = bench.account.clone();
    stranger.settings.insert("api_key".into(), "another".into());
    let refused = waha().fetch(&bench.http, &stranger, &events[0].media[0], 1000, &mut Vec::new()).await;
    assert!(matches!(refused, Err(FetchError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn a_session_that_does_not_work_refuses_and_says_why() {
    let bench = Bench::start(EmulatorConfig { links_itself: false, ..Default::default() }).await;
    let health = waha().health(&bench.http, &bench.account).await.unwrap();
    assert_eq!(health.state, HealthState::NeedsPerson);
    assert!(waha().pairing(&bench.http, &bench.account).await.unwrap().is_some());
    let outcome = bench.send("x", None).await;
    assert!(matches!(outcome, SendOutcome::Rejected { channel_down: true, .. }), "{outcome:?}");
    bench.emulator.scan(SESSION);
    let states: Vec<_> = bench.settled().await.into_iter().filter_map(|event| event.state).collect();
    assert_eq!(states, ["WORKING"]);
    assert!(matches!(bench.send("x", None).await, SendOutcome::Sent { .. }));
    bench.emulator.fail_next(1, Fail::Blocked);
    assert!(matches!(bench.send("x", None).await, SendOutcome::Rejected { code, .. } if code == "463"));
    waha().disconnect(&bench.http, &bench.account, &bench.hook_url).await.unwrap();
    let events_before = bench.settled().await.len();
    bench.emulator.customer_says(SESSION, CHAT, "nobody listens");
    assert_eq!(bench.settled().await.len(), events_before);
}

#[tokio::test]
async fn a_scripted_exception_may_come_after_the_message_has_left() {
    let bench = Bench::start(EmulatorConfig { engine: Engine::Webjs, ..Default::default() }).await;
    let body = json!({ "statusCode": 500, "exception": { "message": "an inner step failed" } });
    let answer = Answer::of("/api/sendText", 500, body).after_leaving(Duration::from_millis(20)).times(1);
    bench.emulator.answers(answer);
    let outcome = bench.send("it left", None).await;
    assert!(!matches!(outcome, SendOutcome::Sent { .. }), "{outcome:?}");
    let texts: Vec<_> = bench.settled().await.into_iter().filter_map(|event| event.text).collect();
    assert_eq!((texts, bench.emulator.sent().len()), (vec!["it left".to_owned()], 1));
    assert!(matches!(bench.send("as usual", None).await, SendOutcome::Sent { .. }));
}

#[tokio::test]
async fn a_whole_body_is_delivered_signed() {
    let bench = Bench::start(EmulatorConfig::default()).await;
    let payload = json!({ "id": format!("false_{CHAT}_AA"), "body": "as it is" });
    let body = json!({ "id": "evt_1", "event": "message.any", "session": "default", "payload": payload });
    assert_eq!(bench.emulator.post(SESSION, &body).await, 200);
    assert_eq!(bench.settled().await[0].text.as_deref(), Some("as it is"));
}
