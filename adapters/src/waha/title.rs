//! What a group is called: told by events, and asked for where none has told it. Messages say it with one engine only.

use serde_json::Value;

use super::{
    api::{Api, segment},
    id, wire,
};
use crate::{Account, Client, Fields, Kind, SendError, bounds, json};

/// `group.v2.update` and `group.v2.join`: the group as it is now, or what of it has changed.
pub(super) fn event(payload: &Value) -> Option<Fields> {
    let group = json::object(payload, "group")?;
    let chat = wire::chat(group, "id").filter(|chat| id::is_group(chat))?;
    let Some(title) = title(group) else { return Some(Fields::ignored("no_title")) };
    let mut event = Fields::new(Kind::Title);
    event.external_conversation_id = Some(chat);
    event.is_group = true;
    event.chat_title = Some(title);
    Some(event)
}

pub(super) async fn ask(http: &Client, account: &Account, chat: &str) -> Result<Option<String>, SendError> {
    if !id::is_group(chat) {
        return Ok(None);
    }
    let api = Api::of(http, account)?;
    let group = api.get(&format!("/api/{}/groups/{}", api.session, segment(chat))).await?.json();
    Ok(title(&group).and_then(|title| bounds::name(&title)))
}

/// Each engine has its own form of a group.
pub(super) fn title(group: &Value) -> Option<String> {
    let named = |group: &Value| ["subject", "name", "Name"].iter().find_map(|name| json::text(group, name));
    named(group).or_else(|| named(json::object(group, "groupMetadata")?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_engine_says_it_in_its_way() {
        for group in [
            json!({"id": "1@g.us", "subject": "Bag lovers"}),
            json!({"id": {"_serialized": "1@g.us"}, "name": "Bag lovers", "groupMetadata": {"subject": "x"}}),
            json!({"id": {"_serialized": "1@g.us"}, "groupMetadata": {"subject": "Bag lovers"}}),
            json!({"JID": "1@g.us", "Name": "Bag lovers"}),
        ] {
            assert_eq!(title(&group).as_deref(), Some("Bag lovers"), "{group}");
        }
        assert_eq!(title(&json!({"id": "1@g.us", "Name": {"x": 1}})), None);
    }
}
