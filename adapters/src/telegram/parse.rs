//! One update to events. Pure; the update id is the delivery's identity, `{chat}:{message_id}` the message's.

use serde_json::Value;

use super::{
    content,
    place::Place,
    quoted,
    wire::{self, Chat, Message, Part, Person},
};
use crate::{Context, Direction, Fields, Kind, NotJson, Origin, REACTION_STAND_IN, bounds, json};

pub(super) fn parse(body: &[u8], context: &Context) -> Result<Vec<Fields>, NotJson> {
    let document = json::document(body)?;
    let (update_id, part, content) = match wire::update(&document) {
        Ok(update) => update,
        Err(reason) => return Ok(vec![Fields::ignored(reason)]),
    };
    let mut events = match part {
        Part::Message => vec![message(content, context).unwrap_or_else(malformed)],
        Part::Edited => vec![edited(content, context).unwrap_or_else(malformed)],
        Part::Callback => vec![callback(content).unwrap_or_else(malformed)],
        Part::Reaction => vec![reaction(content).unwrap_or_else(malformed)],
        Part::PollAnswer => vec![poll_answer(content).unwrap_or_else(malformed)],
        Part::OwnMembership => vec![membership(content).unwrap_or_else(malformed)],
        Part::Connection => vec![connection(content).unwrap_or_else(malformed)],
        Part::DeletedBusiness => deleted(content),
        Part::ChannelPost => vec![Fields::ignored("channel")],
        Part::Unhandled => vec![Fields::ignored("unhandled_update")],
    };
    for event in &mut events {
        event.update_key = Some(update_id.to_string());
        event.dedupe_key.clone_from(&event.update_key);
    }
    Ok(events)
}

fn malformed() -> Fields {
    Fields::ignored("malformed")
}

fn message(value: &Value, context: &Context) -> Option<Fields> {
    let message = Message::of(value)?;
    if let Some(moved) = migration(message) {
        return Some(moved);
    }
    if let Some(titled) = title(message) {
        return Some(titled);
    }
    if let Some(reason) = message.by_nobody() {
        return Some(Fields::ignored(reason));
    }
    let (mut event, place) = base(message, context);
    if let Err(reason) = content::fill(&mut event, message) {
        return Some(Fields::ignored(&reason));
    }
    event.external_message_id = Some(message.id.to_string());
    event.message_key = Some(place.key(message.id));
    event.timestamp_ms = json::millis(value, "date");
    event.reply_to = message.reply_to().map(|id| id.to_string());
    event.reply_key = message.reply_to().map(|id| place.key(id));
    let start = event.text.as_deref().filter(|_| message.chat.is_private()).and_then(start_parameter);
    if let Some(start) = start.map(str::to_owned) {
        event.set("start_param", start);
    }
    Some(event)
}

/// `/start <parameter>` of a deep link.
fn start_parameter(text: &str) -> Option<&str> {
    let (command, parameter) = text.split_once(char::is_whitespace)?;
    let is_start = command == "/start" || command.starts_with("/start@");
    Some(parameter.trim()).filter(|parameter| is_start && !parameter.is_empty())
}

/// Place, author and direction of a message.
fn base(message: Message<'_>, context: &Context) -> (Fields, Place) {
    let mut event = Fields::new(Kind::Text);
    let place = Place::of(message);
    place.describe(&mut event);
    event.is_group = message.chat.is_group() && !place.is_direct();
    event.origin = match message.business {
        Some(connection) => business_origin(message, context.business_connection_owner.get(connection)),
        None => direct_origin(message),
    };
    event.direction = Some(Direction::Inbound);
    if event.origin.is_some() {
        event.direction = Some(Direction::Outbound);
    } else if let Some(author) = message.direct_customer().or_else(|| message.author()) {
        describe(&mut event, author);
    } else if message.chat.is_private() {
        event.external_contact_id.clone_from(&event.external_conversation_id);
    }
    (event, place)
}

/// In the direct messages of a channel whoever is not the customer answers for the channel.
fn direct_origin(message: Message<'_>) -> Option<Origin> {
    let customer = message.direct_customer()?.id();
    (message.author()?.id() != customer).then_some(Origin::HumanDevice)
}

/// Business chats also show what their owner and our bot wrote; the chat's id is the customer's.
fn business_origin(message: Message<'_>, owner: Option<&Value>) -> Option<Origin> {
    if message.written_by_our_bot() {
        return Some(Origin::OurApi);
    }
    let author = message.author()?.id();
    let by_owner = match owner.and_then(json::id) {
        Some(owner) => owner == author.to_string(),
        None => message.chat.is_private(),
    };
    (by_owner && author != message.chat.id()).then_some(Origin::HumanDevice)
}

fn describe(event: &mut Fields, person: Person<'_>) {
    event.external_contact_id = Some(person.id().to_string());
    event.contact_name = person.name();
    event.contact_handle = person.username();
    if let Some(username) = person.username() {
        event.set("username", username);
    }
    if let Some(language) = person.language() {
        event.set("language", language);
    }
}

/// A group that became a supergroup says so on the old chat and on the new one.
fn migration(message: Message<'_>) -> Option<Fields> {
    let here = message.chat.id();
    let (old, new) = match json::integer(message.value, "migrate_to_chat_id") {
        Some(new) => (here, new),
        None => (json::integer(message.value, "migrate_from_chat_id")?, here),
    };
    let mut event = Fields::new(Kind::IdentityChange);
    event.external_conversation_id = Some(old.to_string());
    event.set("new_external_conversation_id", new.to_string());
    event.timestamp_ms = json::millis(message.value, "date");
    event.is_group = true;
    Some(event)
}

/// A topic was made or renamed, or a group was. The general topic of a forum is the group itself.
fn title(message: Message<'_>) -> Option<Fields> {
    let mut event = Fields::new(Kind::Title);
    let place = Place::of_topic(message);
    place.describe(&mut event);
    event.is_group = message.chat.is_group();
    event.timestamp_ms = json::millis(message.value, "date");
    if event.is_group {
        event.chat_title = json::text(message.value, "new_chat_title").or_else(|| message.chat.title());
    }
    let topic = ["forum_topic_created", "forum_topic_edited"];
    let topic = topic.into_iter().find_map(|name| json::object(message.value, name));
    // An edit has the name only if that is what changed.
    event.thread_title = topic.and_then(|topic| json::text(topic, "name")).filter(|_| event.thread.is_some());
    let is_renamed = event.is_group && message.has("new_chat_title");
    (is_renamed || event.thread_title.is_some()).then_some(event)
}

fn edited(value: &Value, context: &Context) -> Option<Fields> {
    let message = Message::of(value)?;
    if let Some(reason) = message.by_nobody() {
        return Some(Fields::ignored(reason));
    }
    let (mut event, place) = base(message, context);
    if let Err(reason) = content::fill(&mut event, message) {
        return Some(Fields::ignored(&reason));
    }
    event.content = Some(event.kind);
    event.kind = Kind::Edited;
    event.external_message_id = Some(message.id.to_string());
    event.target_message_id = Some(message.id.to_string());
    event.target_key = Some(place.key(message.id));
    event.timestamp_ms = json::millis(value, "edit_date");
    Some(event)
}

/// The one who pressed is `from`; the author of the message is our bot. The message may be so old that only its id is
/// left. Under an inline message there is no chat, so nothing can be answered.
fn callback(value: &Value) -> Option<Fields> {
    let id = json::key(value, "id")?;
    let person = Person::of(value, "from")?;
    let Some(message) = value.get("message").filter(|message| !message.is_null()) else {
        return Some(Fields::ignored("no_chat"));
    };
    let message = Message::of(message)?;
    if message.chat.is_channel() {
        return Some(Fields::ignored("channel"));
    }
    let place = Place::of(message);
    let mut event = Fields::new(Kind::Interactive);
    describe(&mut event, person);
    place.describe(&mut event);
    event.is_group = message.chat.is_group() && !place.is_direct();
    if event.is_group {
        event.chat_title = message.chat.title();
    }
    event.direction = Some(Direction::Inbound);
    event.external_message_id = Some(format!("cb:{id}"));
    event.message_key.clone_from(&event.external_message_id);
    event.reply_to = Some(message.id.to_string());
    event.reply_key = Some(place.key(message.id));
    event.is_where_reply_is = message.is_inaccessible();
    event.set("callback_query_id", id);
    event.awaits_answer = true;
    if let Some(payload) = json::text(value, "data") {
        if let Some(label) = quoted::label(message.value, &payload) {
            event.set("label", label);
        }
        event.set("payload", payload);
    }
    Some(event)
}

fn reaction(value: &Value) -> Option<Fields> {
    let (chat, business) = (Chat::of(value)?, wire::business_connection(value).ok()?);
    let message = json::integer(value, "message_id")?;
    if chat.is_channel() {
        return Some(Fields::ignored("channel"));
    }
    let (old, new) = (json::list(value, "old_reaction"), json::list(value, "new_reaction"));
    let mut event = Fields::new(Kind::Reaction);
    if let Some(person) = Person::of(value, "user").or_else(|| Person::of(value, "actor_chat")) {
        describe(&mut event, person);
    }
    event.external_conversation_id = Some(chat.id().to_string());
    event.is_group = chat.is_group();
    event.direction = Some(Direction::Inbound);
    event.timestamp_ms = json::millis(value, "date");
    event.target_message_id = Some(message.to_string());
    event.target_key = Some(Place::in_chat(chat, business).key(message));
    event.removed = Some(new.is_empty());
    // The whole new set is given; what was added is what is told.
    if let Some(added) = new.iter().find(|reaction| !old.contains(reaction)).or(new.last()) {
        event.emoji = Some(shown(added));
        if let Some(custom) = json::text(added, "custom_emoji_id") {
            event.set("custom_emoji_id", custom);
        }
    }
    if new.len() > 1 {
        event.set("emojis", new.iter().take(MAX_REACTIONS).map(shown).collect::<Vec<_>>());
    }
    Some(event)
}

/// A person may have three at once.
const MAX_REACTIONS: usize = 16;

fn shown(reaction: &Value) -> String {
    match reaction.get("type").and_then(Value::as_str) {
        Some("paid") => "⭐".to_owned(),
        _ => json::text(reaction, "emoji").unwrap_or_else(|| REACTION_STAND_IN.to_owned()),
    }
}

/// A vote in a poll of ours. It names neither chat nor message; options by their number, none when it was taken back.
fn poll_answer(value: &Value) -> Option<Fields> {
    let poll = json::text(value, "poll_id")?;
    let person = Person::of(value, "voter_chat").or_else(|| Person::of(value, "user"))?;
    let mut event = Fields::new(Kind::PollVote);
    describe(&mut event, person);
    event.direction = Some(Direction::Inbound);
    event.target_key = Some(format!("poll:{poll}"));
    event.target_message_id = Some(poll);
    let selected = json::list(value, "option_ids").iter().filter_map(Value::as_i64);
    event.set("selected", selected.collect::<Vec<_>>());
    Some(event)
}

/// An account lets the bot act in its place, or no longer. Earlier versions gave the right to answer beside.
fn connection(value: &Value) -> Option<Fields> {
    let id = json::text(value, "id")?;
    let owner = Person::of(value, "user")?;
    let rights = value.get("rights").unwrap_or(&Value::Null);
    let mut event = Fields::new(Kind::Connection);
    event.timestamp_ms = json::millis(value, "date");
    event.set("connection_id", id);
    event.set("owner_id", owner.id().to_string());
    if let Some(name) = owner.name() {
        event.set("owner_name", name);
    }
    event.set("enabled", json::flag(value, "is_enabled").unwrap_or(false));
    let can_reply = json::flag(rights, "can_reply").or_else(|| json::flag(value, "can_reply"));
    event.set("can_reply", can_reply.unwrap_or(false));
    Some(event)
}

/// What became of the bot itself: blocked by the customer, added to a group, thrown out of it.
fn membership(value: &Value) -> Option<Fields> {
    let chat = Chat::of(value)?;
    let person = Person::of(value, "from")?;
    if chat.is_channel() {
        return Some(Fields::ignored("channel"));
    }
    let status = json::text(json::object(value, "new_chat_member")?, "status")?;
    let mut event = Fields::new(Kind::Membership);
    describe(&mut event, person);
    event.external_conversation_id = Some(chat.id().to_string());
    event.is_group = chat.is_group();
    event.timestamp_ms = json::millis(value, "date");
    event.state = Some(match (chat.is_private(), status.as_str()) {
        (true, "kicked") => "blocked".to_owned(),
        (true, "member") => "unblocked".to_owned(),
        (false, "kicked" | "left") => "removed".to_owned(),
        (false, "member" | "administrator") => "added".to_owned(),
        (_, other) => other.to_owned(),
    });
    Some(event)
}

/// Deletions are told for business chats only, several at once.
fn deleted(value: &Value) -> Vec<Fields> {
    let ids = json::list(value, "message_ids");
    let Some(chat) = Chat::of(value).filter(|_| !ids.is_empty()) else { return vec![malformed()] };
    let Ok(business) = wire::business_connection(value) else { return vec![malformed()] };
    let place = Place::in_chat(chat, business);
    let one = |id: &Value| {
        let id = id.as_i64()?;
        let mut event = Fields::new(Kind::Deleted);
        place.describe(&mut event);
        event.target_message_id = Some(id.to_string());
        event.target_key = Some(place.key(id));
        Some(event)
    };
    // Each is given the update's number twice.
    bounds::events(ids, 64, |id| one(id).unwrap_or_else(malformed))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse_one(update: &Value, context: &Context) -> Fields {
        let mut events = parse(update.to_string().as_bytes(), context).unwrap();
        assert_eq!(events.len(), 1);
        events.remove(0)
    }

    fn business(from: i64, extra: &Value) -> Value {
        let mut message = json!({
            "message_id": 5, "business_connection_id": "bc1", "from": {"id": from, "first_name": "Who"},
            "chat": {"id": 5_550_001_001_i64, "type": "private"}, "date": 1_794_312_000, "text": "hi",
        });
        message.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({"update_id": 1, "business_message": message})
    }

    #[test]
    fn business_chats_tell_customer_owner_and_bot_apart() {
        let known = Context {
            business_connection_owner: [("bc1".to_owned(), json!(777))].into(),
            ..Context::default()
        };
        for context in [&known, &Context::default()] {
            let customer = parse_one(&business(5_550_001_001, &json!({})), context);
            assert_eq!((customer.direction, customer.origin), (Some(Direction::Inbound), None));
            let owner = parse_one(&business(777, &json!({})), context);
            assert_eq!(owner.origin, Some(Origin::HumanDevice));
            assert_eq!(owner.external_contact_id, None);
            let bot = parse_one(&business(777, &json!({"sender_business_bot": {"id": 9}})), context);
            assert_eq!((bot.direction, bot.origin), (Some(Direction::Outbound), Some(Origin::OurApi)));
        }
    }

    #[test]
    fn the_root_of_a_topic_is_not_a_reply() {
        let update = json!({"update_id": 1, "message": {
            "message_id": 9, "message_thread_id": 3, "is_topic_message": true, "date": 1_794_312_000,
            "chat": {"id": -1001, "type": "supergroup"}, "from": {"id": 4}, "text": "in a topic",
            "reply_to_message": {"message_id": 3, "forum_topic_created": {"name": "n"}},
        }});
        assert_eq!(parse_one(&update, &Context::default()).reply_to, None);
    }

    #[test]
    fn deletions_keep_their_good_neighbours() {
        let update = json!({"update_id": 1, "deleted_business_messages": {
            "business_connection_id": "bc1", "chat": {"id": 7, "type": "private"}, "message_ids": [1, "x", 3],
        }});
        let events = parse(update.to_string().as_bytes(), &Context::default()).unwrap();
        let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [Kind::Deleted, Kind::Ignored, Kind::Deleted]);
        assert_eq!(events[2].target_key(), Some("bc1:7:3"));
        assert_eq!(events[2].thread.as_deref(), Some("business:bc1"));
        assert_ne!(events[0].once_key(), events[2].once_key());
    }

    #[test]
    fn keys_are_scoped_by_chat() {
        let update = json!({"update_id": 8, "message": {
            "message_id": 12, "chat": {"id": 7, "type": "private"}, "from": {"id": 7}, "date": 1_794_312_000,
            "text": "x", "reply_to_message": {"message_id": 11},
        }});
        let event = parse_one(&update, &Context::default());
        assert_eq!(event.message_key(), Some("7:12"));
        assert_eq!(event.reply_key(), Some("7:11"));
        assert_eq!(event.update_key(), Some("8"));
        assert_eq!(event.once_key().as_deref(), Some("7:12"));
    }

    #[test]
    fn a_shared_card_is_the_writers_phone_only_if_it_is_his_own() {
        let card = |user: i64| {
            json!({"update_id": 1, "message": {
                "message_id": 1, "chat": {"id": 7, "type": "private"}, "from": {"id": 7}, "date": 1_794_312_000,
                "contact": {"phone_number": "+1 202 555 0143", "first_name": "A", "user_id": user},
            }})
        };
        assert_eq!(parse_one(&card(7), &Context::default()).contact_phone.as_deref(), Some("12025550143"));
        assert_eq!(parse_one(&card(8), &Context::default()).contact_phone, None);
    }
}
