//! A table of who may send what, and when.

use uuid::Uuid;

use super::*;
use crate::model::{Bucket, Contact, ConversationState, Owner};

const HOUR: i64 = 3_600_000;
const HEARD: i64 = 1_000_000_000_000;

fn conversation(kind: &str, thread: Option<&str>, heard: Option<i64>) -> Conversation {
    let mut made = Conversation {
        id: Uuid::nil(),
        tenant: Uuid::nil(),
        company: Uuid::nil(),
        channel: Uuid::nil(),
        channel_kind: kind.to_owned(),
        contact: Contact::default(),
        labels: Vec::new(),
        state: ConversationState::Open,
        owner: Owner::Ai,
        epoch: 1,
        assignee: None,
        handoff_reason: None,
        last_seq: 0,
        last_message: None,
        inbound_count: 0,
        turn: None,
        opened_at: 0,
        updated_at: 0,
        waiting_since: None,
        bucket: Bucket::Ai,
        source: None,
        counted: None,
        moved: None,
        external_id: "1".to_owned(),
        is_group: false,
        thread: thread.map(str::to_owned),
        thread_title: None,
        heard_at: None,
        last_heard_at: heard,
        can_send_until: None,
        person_can_send_until: None,
    };
    made.set_windows();
    made
}

const AS_PERSON: Sending = Sending { human_agent: true, ..Sending::PERSON };
const TEMPLATE: Sending = Sending { is_template: true, ..Sending::PERSON };
const MACHINE_TEMPLATE: Sending = Sending { is_template: true, ..Sending::MACHINE };
const NOTICE: Sending = Sending::NOTICE;
const PROGRAM: Sending = Sending { by: By::Program, ..Sending::PERSON };
const ALL: [(&str, Sending); 8] = [
    ("machine", Sending::MACHINE),
    ("person", Sending::PERSON),
    ("as person", AS_PERSON),
    ("template", TEMPLATE),
    ("machine's template", MACHINE_TEMPLATE),
    ("program", PROGRAM),
    ("notice", NOTICE),
    ("machine as person", Sending { human_agent: true, ..Sending::MACHINE }),
];

/// Who may still send so many hours after the customer wrote.
fn allowed(conversation: &Conversation, hours: i64) -> Vec<&'static str> {
    let now = HEARD + hours * HOUR;
    ALL.iter()
        .filter(|(_, sending)| refusal(conversation, *sending, now).is_none())
        .map(|(name, _)| *name)
        .collect()
}

#[test]
fn windows_close_as_each_provider_closes_them() {
    let everybody: Vec<_> = ALL.iter().map(|(name, _)| *name).collect();
    let templates = vec!["template", "machine's template"];
    let nobody: Vec<&str> = Vec::new();
    for (kind, thread, hours, expected) in [
        ("whatsapp-cloud", None, 0, &everybody),
        ("whatsapp-cloud", None, 23, &everybody),
        ("whatsapp-cloud", None, 24, &templates),
        ("whatsapp-cloud", None, 24 * 400, &templates),
        ("messenger", None, 23, &everybody),
        ("messenger", None, 24, &vec!["as person"]),
        ("messenger", None, 24 * 7 - 1, &vec!["as person"]),
        ("messenger", None, 24 * 7, &nobody),
        ("instagram", None, 23, &everybody),
        ("instagram", None, 25, &vec!["as person"]),
        ("instagram", None, 24 * 8, &nobody),
        ("telegram", None, 24 * 400, &everybody),
        ("telegram", Some("business:bc1"), 23, &everybody),
        ("telegram", Some("business:bc1"), 25, &nobody),
        ("waha", None, 24 * 400, &everybody),
        ("gmail", Some("t1"), 24 * 400, &everybody),
    ] {
        let found = allowed(&conversation(kind, thread, Some(HEARD)), hours);
        assert_eq!(&found, expected, "{kind} {thread:?} after {hours} h");
    }
    for (kind, expected) in [("whatsapp-cloud", &templates), ("messenger", &nobody), ("telegram", &everybody)]
    {
        assert_eq!(&allowed(&conversation(kind, None, None), 0), expected, "{kind}, never heard");
    }
}

#[test]
fn a_refusal_says_what_can_be_done() {
    let reason = |kind, sending, hours| {
        let refusal = refusal(&conversation(kind, None, Some(HEARD)), sending, HEARD + hours * HOUR);
        let refusal = refusal.expect("refused");
        assert_eq!(refusal.code, WINDOW_CLOSED);
        refusal.reason
    };
    assert!(reason("whatsapp-cloud", Sending::PERSON, 25).contains("template"));
    assert!(reason("messenger", Sending::PERSON, 25).contains("human_agent"));
    assert!(reason("messenger", Sending::MACHINE, 25).contains("a person can still answer"));
    assert!(reason("messenger", AS_PERSON, 24 * 8).contains("wait until the customer writes"));
}

#[test]
fn who_opted_out_is_answered_by_a_person_who_was_asked() {
    for kind in ["telegram", "waha", "whatsapp-cloud", "messenger", "instagram", "gmail"] {
        let mut silent = conversation(kind, None, Some(HEARD));
        silent.contact.opted_out_at = Some(HEARD);
        assert!(allowed(&silent, 1).is_empty(), "{kind}");
        let mut asks = conversation(kind, None, Some(HEARD));
        asks.contact.opted_out_at = Some(HEARD - HOUR);
        assert_eq!(allowed(&asks, 1), ["person", "as person", "notice"], "{kind}");
        let refusal = refusal(&asks, Sending::MACHINE, HEARD).expect("refused");
        assert_eq!(refusal.code, OPTED_OUT);
    }
}

#[test]
fn nobody_writes_to_a_blocked_person() {
    for kind in ["telegram", "waha", "whatsapp-cloud", "messenger", "instagram", "gmail"] {
        let mut blocked = conversation(kind, None, Some(HEARD));
        blocked.contact.blocked_at = Some(HEARD);
        blocked.contact.opted_out_at = Some(HEARD);
        assert!(allowed(&blocked, 1).is_empty(), "{kind}");
        let refusal = refusal(&blocked, Sending::PERSON, HEARD + HOUR).expect("refused");
        assert_eq!(refusal.code, BLOCKED, "{kind}");
    }
}
