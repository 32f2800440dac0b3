use serde_json::json;

use super::*;
use crate::cluster::control::ProviderSent;
use crate::cluster::evidence::{Logged, ManagerSend, SocketLog};

fn event(cursor: u64, more: &serde_json::Value) -> Logged {
    let mut event = json!({ "cursor": cursor, "kind": "conversation.updated",
        "conversation": { "id": "c", "owner": "ai", "epoch": 1, "turn": { "id": "t" } } });
    for (name, value) in more.as_object().unwrap() {
        event[name] = value.clone();
    }
    Logged::read(&event).unwrap()
}

fn message(
    id: &str,
    seq: u64,
    text: &str,
    author: &str,
    status: &str,
    turn: Option<&str>,
) -> serde_json::Value {
    let direction = if author == "customer" { "in" } else { "out" };
    json!({ "id": id, "conversation": "c", "seq": seq, "direction": direction, "text": text, "status": status,
        "author": { "kind": author }, "turn": turn, "client_id": (author == "manager").then_some("k") })
}

/// A customer writes, the AI answers, a person takes over and writes; one socket sees it all over two connections.
fn whole() -> Evidence {
    let (hello, answer) = ("hello", model::answer(1, "hello"));
    let human = json!({ "id": "c", "owner": "human", "epoch": 2 });
    let said = message("m1", 1, hello, "customer", "received", None);
    let answered = message("m2", 2, &answer, "responder", "sent", Some("t"));
    let person = message("m3", 3, "yes", "manager", "sent", None);
    let created = |message: &serde_json::Value| json!({ "kind": "message.created", "message": message });
    let log = vec![
        event(11, &created(&said)),
        event(12, &json!({ "kind": "turn.updated", "turn": { "id": "t", "state": "offered" } })),
        event(13, &created(&answered)),
        event(14, &json!({ "kind": "turn.updated", "turn": { "id": "t", "state": "answered" } })),
        event(15, &json!({ "conversation": human })),
        event(16, &json!({ "kind": "message.created", "message": person, "conversation": human })),
    ];
    let got = log.iter().map(|event| (event.cursor, event.digest)).collect();
    let sent = |text: &str| ProviderSent {
        provider: "telegram".into(),
        chat: "5".into(),
        text: Some(text.to_owned()),
    };
    let thread = [said, answered, person].iter().map(|message| Message::read(message).unwrap()).collect();
    Evidence {
        said: HashMap::from([(hello.to_owned(), ("telegram".to_owned(), "5".to_owned()))]),
        accepted: HashSet::from([hello.to_owned()]),
        start: 10,
        log,
        sockets: vec![SocketLog { start: 10, got, resumed: 1, ..SocketLog::default() }],
        threads: BTreeMap::from([("c".to_owned(), thread)]),
        sends: vec![ManagerSend {
            conversation: "c".into(),
            client_id: "k".into(),
            text: "yes".into(),
            answers: vec!["m3".into(), "m3".into()],
        }],
        provider: vec![sent(&answer), sent("yes")],
        ..Evidence::default()
    }
}

/// The checks that a planted fault breaks.
fn broken(plant: impl FnOnce(&mut Evidence)) -> Vec<&'static str> {
    let mut evidence = whole();
    plant(&mut evidence);
    check(&evidence).broken.into_keys().collect()
}

fn thread(evidence: &mut Evidence) -> &mut Vec<Message> {
    evidence.threads.get_mut("c").unwrap()
}

#[test]
fn a_whole_run_passes_and_everything_was_looked_at() {
    let findings = check(&whole());
    assert!(findings.passed(), "{:?}", findings.examples);
    for (name, count) in [
        ("acknowledged webhooks", 1),
        ("events", 6),
        ("frames", 6),
        ("answers of the AI", 1),
        ("sends of managers", 1),
        ("messages that customers got", 2),
        ("turns", 1),
    ] {
        assert_eq!(findings.checked.get(name), Some(&count), "{name}");
    }
}

#[test]
fn a_lost_message_is_seen() {
    let lost = broken(|evidence| {
        thread(evidence)[0].text = "something else".into();
    });
    assert!(lost.contains(&"an acknowledged webhook is stored"), "{lost:?}");
}

#[test]
fn a_message_that_is_stored_twice_or_in_two_conversations_is_seen() {
    let twice = broken(|evidence| {
        let mut again = thread(evidence)[0].clone();
        again.seq = 4;
        thread(evidence).push(again);
    });
    assert_eq!(twice, ["a webhook is stored once"]);
    let split = broken(|evidence| {
        evidence.said.insert("more".into(), ("telegram".into(), "5".into()));
        let mut other = thread(evidence)[0].clone();
        (other.id, other.conversation, other.text) = ("m9".into(), "d".into(), "more".into());
        evidence.threads.insert("d".into(), vec![other]);
    });
    assert!(split.contains(&"one conversation for a chat"), "{split:?}");
}

#[test]
fn gaps_of_cursors_and_seq_are_seen() {
    let gap = broken(|evidence| {
        evidence.log.remove(1);
        evidence.sockets[0].got.remove(1);
    });
    assert_eq!(gap, ["cursors have no gaps", "no frame is missing"]);
    assert!(broken(|evidence| thread(evidence)[2].seq = 4).contains(&"seq has no gaps"));
}

#[test]
fn frames_that_are_missing_doubled_or_others_are_seen() {
    assert_eq!(
        broken(|evidence| {
            evidence.sockets[0].got.remove(2);
        }),
        ["no frame is missing"]
    );
    assert_eq!(
        broken(|evidence| {
            evidence.sockets[0].got.pop();
        }),
        ["no frame is missing"]
    );
    let doubled = broken(|evidence| {
        let frame = evidence.sockets[0].got[2];
        evidence.sockets[0].got.insert(3, frame);
    });
    assert_eq!(doubled, ["no frame comes twice"]);
    assert_eq!(broken(|evidence| evidence.sockets[0].got[2].1 += 1), ["a frame is what the log has"]);
    assert_eq!(broken(|evidence| evidence.sockets[0].unrecovered = 1), ["resumptions are served"]);
}

#[test]
fn a_feed_that_is_loaded_anew_is_right_after_a_failover_alone() {
    let anew = |evidence: &mut Evidence| {
        evidence.sockets[0].got.drain(2..4);
        evidence.sockets[0].anew.push((12, 14));
    };
    assert_eq!(broken(anew), ["a feed stays the same without a failover"]);
    let failover = broken(|evidence| {
        anew(evidence);
        evidence.failover = true;
    });
    assert!(failover.is_empty(), "{failover:?}");
}

#[test]
fn an_answer_after_a_takeover_and_one_of_an_epoch_that_is_over_are_seen() {
    let after_takeover = broken(|evidence| {
        let human = Answering { id: "c".into(), owner: "human".into(), epoch: 2, has_turn: false };
        for event in &mut evidence.log[1..] {
            event.conversation = Some(human.clone());
        }
    });
    assert_eq!(after_takeover, ["no answer of a stale epoch"]);
    // Taken over and given back between the offer and the answer.
    let stale = broken(|evidence| {
        let after = |owner: &str, epoch| {
            Some(Answering { id: "c".into(), owner: owner.into(), epoch, has_turn: true })
        };
        let mut between = evidence.log[1].clone();
        between.turn = None;
        between.conversation = after("ai", 3);
        evidence.log.insert(2, between);
        for event in &mut evidence.log[3..] {
            event.conversation = after("ai", 3);
        }
        for (at, event) in evidence.log.iter_mut().enumerate() {
            event.cursor = 11 + at as u64;
        }
        evidence.sockets.clear();
    });
    assert_eq!(stale, ["no answer of a stale epoch"]);
}

#[test]
fn a_turn_that_is_answered_twice_not_at_all_or_left_is_seen() {
    let twice = broken(|evidence| {
        let mut again = thread(evidence)[1].clone();
        (again.id, again.seq, again.text) = ("m4".into(), 4, model::answer(2, "hello"));
        again.status = "unknown".into();
        thread(evidence).push(again);
    });
    assert_eq!(twice, ["a turn is answered once"]);
    let silent = broken(|evidence| thread(evidence)[1].turn = None);
    assert_eq!(silent, ["an answered turn has its answer"]);
    let left = broken(|evidence| {
        evidence.log[3].turn = Some(("t".into(), "offered".into()));
        for event in &mut evidence.log {
            event.conversation.as_mut().unwrap().has_turn = true;
        }
        thread(evidence)[1].turn = None;
    });
    assert_eq!(left, ["every turn ends"]);
    let taken_over = broken(|evidence| {
        evidence.log[3].turn = Some(("t".into(), "offered".into()));
        thread(evidence)[1].turn = None;
    });
    assert!(taken_over.is_empty(), "the take-over ends it: {taken_over:?}");
}

#[test]
fn a_doubled_send_and_one_that_never_left_are_seen() {
    let twice = broken(|evidence| {
        let again = evidence.provider[1].clone();
        evidence.provider.push(again);
    });
    assert_eq!(twice, ["nothing is sent twice"]);
    assert_eq!(broken(|evidence| drop(evidence.provider.pop())), ["what is marked sent was sent"]);
    let unknown = |evidence: &mut Evidence| {
        evidence.provider.pop();
        thread(evidence)[2].status = "unknown".into();
        evidence.log[5].message.as_mut().unwrap().status = "unknown".into();
    };
    assert!(broken(unknown).is_empty(), "it may have left or not");
    let failed = broken(|evidence| {
        thread(evidence)[2].status = "failed".into();
        evidence.log[5].message.as_mut().unwrap().status = "failed".into();
    });
    assert_eq!(failed, ["what is marked failed was not sent"]);
    assert_eq!(
        broken(|evidence| thread(evidence)[2].status = "queued".into()).len(),
        2,
        "left, and not told"
    );
}

#[test]
fn sends_out_of_order_or_to_another_chat_are_seen() {
    assert_eq!(broken(|evidence| evidence.provider.swap(0, 1)), ["a conversation's sends keep their order"]);
    assert_eq!(broken(|evidence| evidence.provider[1].chat = "6".into()), ["what is sent goes to its chat"]);
    let never = broken(|evidence| {
        evidence.provider[0].text = Some(model::answer(7, "hello"));
    });
    assert_eq!(never, ["what is marked sent was sent", "what is sent is stored"]);
}

#[test]
fn two_messages_of_one_client_id_are_seen() {
    let two = broken(|evidence| evidence.sends[0].answers.push("m9".into()));
    assert_eq!(two, ["the same client id gives the same message"]);
    let lost = broken(|evidence| evidence.sends[0].client_id = "other".into());
    assert_eq!(lost, ["the same client id gives the same message"]);
}
