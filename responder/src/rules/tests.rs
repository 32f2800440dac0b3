use super::*;
use crate::wire::Contact;

/// Monday, 5 January 1970, noon.
const MONDAY_NOON_MS: i64 = (4 * 24 + 12) * 3_600_000;

fn said(direction: &str, kind: &str, text: Option<&str>) -> TurnMessage {
    TurnMessage {
        direction: direction.into(),
        kind: kind.into(),
        text: text.map(str::to_owned),
        ..TurnMessage::default()
    }
}

fn turn(texts: &[&str]) -> Turn {
    let messages = texts.iter().map(|text| said("in", "text", Some(text))).collect();
    Turn { contact: Contact { name: Some("Mia".into()) }, messages, ..Turn::default() }
}

fn answered(rules: &Rules, turn: &Turn) -> String {
    match rules.decide(turn, MONDAY_NOON_MS) {
        Outcome::Answer(text) => text,
        other => panic!("{other:?}"),
    }
}

fn with_hours(hours: &str) -> Rules {
    Rules { hours: Some(Hours::parse(hours, "Z").unwrap()), ..Rules::default() }
}

#[test]
fn the_first_contact_is_greeted_by_name_and_only_once() {
    let mut turn = turn(&["do you ship abroad?", "to a small island"]);
    let first = answered(&Rules::default(), &turn);
    assert!(first.starts_with("Hello Mia,"), "{first}");
    assert!(
        first.contains("“do you ship abroad?”, “to a small island”") && first.contains("Delivery"),
        "{first}"
    );
    turn.history = vec![said("in", "text", Some("hi")), said("out", "text", Some("hello"))];
    assert!(!answered(&Rules::default(), &turn).contains("Hello"));
    let own = Rules { greeting: Some("Ahoy!".into()), ..Rules::default() };
    turn.history.pop();
    assert!(answered(&own, &turn).starts_with("Ahoy! "));
}

#[test]
fn people_are_called_in_both_languages_and_any_case() {
    for asked in
        ["HUMAN!", "can I talk to a real person?", "Позовите оператора", "хочу поговорить с человеком"]
    {
        let outcome = Rules::default().decide(&turn(&["hello", asked]), MONDAY_NOON_MS);
        assert!(matches!(&outcome, Outcome::Handoff(reason) if !reason.is_empty()), "{asked}: {outcome:?}");
    }
    for other in ["a very real problem, in person", "humanitarian", "operatorship"] {
        assert!(matches!(Rules::default().decide(&turn(&[other]), 0), Outcome::Answer(_)), "{other}");
    }
    let own = Rules { handoff_words: vec!["captain".into()], ..Rules::default() };
    assert!(matches!(own.decide(&turn(&["the captain, please"]), 0), Outcome::Handoff(_)));
    assert!(matches!(own.decide(&turn(&["human"]), 0), Outcome::Answer(_)));
    let said_before = Turn { history: vec![said("in", "text", Some("human"))], ..turn(&["and now?"]) };
    assert!(matches!(Rules::default().decide(&said_before, 0), Outcome::Answer(_)), "only the turn counts");
}

#[test]
fn the_customers_alphabet_decides_the_language() {
    let russian = answered(&Rules::default(), &turn(&["Сколько стоит доставка WiFi?"]));
    assert!(russian.starts_with("Здравствуйте, Mia") && russian.contains("Доставка"), "{russian}");
    let photo = Turn {
        messages: vec![said("in", "image", None)],
        history: vec![said("out", "text", Some("Hello")), said("in", "text", Some("привет"))],
        ..Turn::default()
    };
    assert!(answered(&Rules::default(), &photo).contains("Спасибо за файл"));
    assert!(
        answered(&Rules { language: Some(Language::En), ..Rules::default() }, &photo).contains("the file")
    );
    assert!(answered(&Rules::default(), &turn(&["123"])).starts_with("Hello"));
}

#[test]
fn opening_hours_are_told_and_kept() {
    let open = answered(&with_hours("mon-fri 09:00-18:00"), &turn(&["when are you open?"]));
    assert!(open.contains("We are open mon–fri 09:00–18:00.") && !open.contains("closed"), "{open}");
    let closed = answered(&with_hours("tue-fri 09:00-18:00"), &turn(&["hello"]));
    assert!(closed.contains("closed right now") && !closed.contains("We are open"), "{closed}");
    let russian = answered(&with_hours("tue 09:00-18:00"), &turn(&["когда вы открыты"]));
    assert!(russian.contains("вт 09:00–18:00") && russian.contains("сейчас закрыт"), "{russian}");
    assert!(!answered(&Rules::default(), &turn(&["when are you open?"])).contains("We are open"));
}

#[test]
fn long_messages_are_quoted_short() {
    let long = "ж".repeat(5_000);
    let text = answered(&Rules::default(), &turn(&["one", "two", &long, "three\n\nlines"]));
    assert!(!text.contains("“one”") && text.contains("“three lines”"), "{text}");
    assert!(text.contains(&format!("“{}…”", "ж".repeat(80))) && text.chars().count() < 600, "{text}");
}

#[tokio::test]
async fn words_come_one_by_one_and_make_the_answer() {
    let (pieces, mut shown) = mpsc::channel(1_000);
    let rules = Rules { pace: Duration::ZERO, ..Rules::default() };
    let outcome = rules.answer(&turn(&["hello"]), pieces).await;
    let mut all = Vec::new();
    while let Some(piece) = shown.recv().await {
        all.push(piece);
    }
    assert!(all.len() > 5);
    assert!(matches!(outcome, Outcome::Answer(text) if text == all.concat()));
}
