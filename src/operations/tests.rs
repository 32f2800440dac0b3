//! What holds for every entry of the table.

use super::*;

#[test]
fn every_entry_is_named_once_and_has_a_face() {
    let table = table();
    let mut names = std::collections::BTreeSet::new();
    for one in &table {
        assert!(names.insert(one.name), "{} is there twice", one.name);
        assert!(one.route.is_some() || one.method.is_some(), "{} cannot be reached", one.name);
        let has_id = one.route.as_ref().is_some_and(|route| route.path.contains("{id}"));
        assert!(!has_id || one.guard.thing.is_some(), "{} names nothing by its id", one.name);
        if one.method.is_some() {
            let argument = one.guard.thing.map_or("id", crate::accounts::Thing::word);
            assert!(argument.chars().all(|c| c.is_ascii_lowercase()), "{}: {argument}", one.name);
        }
    }
    assert!(!methods().is_empty());
}

#[test]
fn every_route_is_described_and_guarded() {
    let description = describe::openapi(&table());
    let paths = description["paths"].as_object().expect("paths");
    assert!(paths.contains_key("/api/v1/session") && paths.contains_key("/api/v1/channels/{id}"));
    let mut ids = std::collections::BTreeSet::new();
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().expect("operations") {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(ids.insert(id) && operation["tags"].is_array(), "{method} {path}: {id}");
            let open = operation["security"].as_array().is_some_and(|ways| ways.contains(&json!({})));
            let may_be_open =
                !path.starts_with("/api/") || path.contains("session") || path.contains("openapi");
            assert!(!open || may_be_open, "{method} {path} is open");
        }
    }
    assert!(description["components"]["schemas"]["Problem"].is_object());
}

#[test]
fn only_what_the_table_names_is_a_name() {
    for method in methods() {
        assert_eq!(name_of(method), Some(method));
    }
    for made_up in ["", "message.sent", "Message.send", "message.send ", &"m".repeat(700_000)] {
        assert_eq!(name_of(made_up), None);
    }
    // An operation without a method of the socket.
    assert_eq!(name_of("session.sign_in"), None);
}
