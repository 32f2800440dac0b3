//! What the Gmail API tells about a whole mailbox: profile, watch, history and the list of messages.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    mailbox::{Change, Mailbox, Record, Watch},
    oauth::{Form, get},
    push,
    refusal::Refusal,
    search,
    shared::Shared,
    state::{State, Switch},
};

const WATCH_LIFETIME_MS: i64 = 7 * 24 * 3_600_000;
const MAX_RESULTS: usize = 500;
const CHANGES: [Change; 4] = [Change::Added, Change::Deleted, Change::LabelsAdded, Change::LabelsRemoved];
/// The labels that every mailbox has.
const LABELS: [&str; 15] = [
    "INBOX",
    "UNREAD",
    "SENT",
    "DRAFT",
    "SPAM",
    "TRASH",
    "STARRED",
    "IMPORTANT",
    "CHAT",
    "CATEGORY_PERSONAL",
    "CATEGORY_SOCIAL",
    "CATEGORY_PROMOTIONS",
    "CATEGORY_UPDATES",
    "CATEGORY_FORUMS",
    "YELLOW_STAR",
];

type Outcome = Result<Value, Refusal>;

pub(super) fn of<'a>(state: &'a mut State, address: &str) -> Result<&'a mut Mailbox, Refusal> {
    state.mailbox(address).ok_or_else(Refusal::not_found)
}

pub(super) fn check_label(label: &str) -> Result<(), Refusal> {
    let is_own = label.starts_with("Label_");
    if is_own || LABELS.contains(&label) {
        Ok(())
    } else {
        Err(Refusal::invalid(format!("Invalid label: {label}")))
    }
}

pub(super) fn profile(shared: &Shared, address: &str) -> Outcome {
    shared.state.change(|state| {
        let mailbox = of(state, address)?;
        let threads: std::collections::BTreeSet<_> =
            mailbox.mails.values().map(|mail| &mail.thread).collect();
        Ok(json!({ "emailAddress": mailbox.address, "messagesTotal": mailbox.mails.len(),
            "threadsTotal": threads.len(), "historyId": mailbox.history_id.to_string() }))
    })
}

/// Replaces the watch, and notifies at once.
pub(super) fn watch(shared: &Arc<Shared>, address: &str, body: &Value) -> Outcome {
    let topic = body["topicName"].as_str().unwrap_or_default();
    if topic != shared.config.topic {
        let project = shared.config.topic.split("/topics/").next().unwrap_or_default();
        let words = format!("Invalid topicName does not match {project}/topics/*");
        let is_ours = topic.strip_prefix(project).is_some_and(|rest| rest.starts_with("/topics/"));
        return Err(if is_ours {
            let words = format!("Error sending test message to Cloud PubSub {topic} : Resource not found.");
            Refusal::new(404, words, "notFound", "NOT_FOUND")
        } else {
            Refusal::invalid(words)
        });
    }
    let labels: Vec<String> = match &body["labelIds"] {
        Value::Null => Vec::new(),
        Value::Array(labels) => labels.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => return Err(Refusal::invalid("Invalid value at 'label_ids'")),
    };
    labels.iter().try_for_each(|label| check_label(label))?;
    let excludes = match body["labelFilterBehavior"].as_str().or(body["labelFilterAction"].as_str()) {
        None | Some("INCLUDE" | "include") => false,
        Some("EXCLUDE" | "exclude") => true,
        Some(_) => return Err(Refusal::invalid("Invalid value at 'label_filter_behavior'")),
    };
    let now_ms = shared.now_ms();
    let until_ms = now_ms + WATCH_LIFETIME_MS;
    let (answer, notification) = shared.state.change(|state| {
        let mailbox = of(state, address)?;
        mailbox.watch = Some(Watch { labels, excludes, until_ms });
        mailbox.notified_ms = Some(now_ms);
        let (address, history_id) = (mailbox.address.clone(), mailbox.history_id);
        let answer = json!({ "historyId": history_id.to_string(), "expiration": until_ms.to_string() });
        Ok::<_, Refusal>((answer, state.notification(&address, history_id, now_ms)))
    })?;
    push::publish(shared, &notification, std::time::Duration::ZERO);
    Ok(answer)
}

pub(super) fn stop(shared: &Shared, address: &str) -> Outcome {
    shared.state.change(|state| of(state, address).map(|mailbox| mailbox.watch = None))?;
    Ok(Value::Null)
}

fn count(shared: &Shared, query: &Form) -> Result<usize, Refusal> {
    let asked = match get(query, "maxResults") {
        "" => 100,
        text => text.parse().map_err(|_| Refusal::invalid("Invalid value at 'max_results'"))?,
    };
    Ok(asked.clamp(1, MAX_RESULTS).min(shared.config.page_size))
}

/// A page token names the place from which the next page begins.
fn place(query: &Form) -> Result<usize, Refusal> {
    match get(query, "pageToken") {
        "" => Ok(0),
        token => {
            let place = token.strip_prefix("555").and_then(|place| place.parse().ok());
            place.ok_or_else(|| Refusal::invalid("Invalid pageToken"))
        }
    }
}

/// `history.list`: the oldest first; without the member `history` if the page has no record.
pub(super) fn history(shared: &Shared, address: &str, query: &Form) -> Outcome {
    let start: u64 = match get(query, "startHistoryId") {
        "" => return Err(Refusal::invalid("Missing required parameter: startHistoryId")),
        text => {
            text.parse().map_err(|_| Refusal::invalid("Invalid value at 'start_history_id' (TYPE_UINT64)"))?
        }
    };
    let values =
        |name: &'static str| query.iter().filter(move |(known, _)| known == name).map(|(_, value)| value);
    let mut kinds = Vec::new();
    for name in values("historyTypes") {
        let kind = CHANGES.into_iter().find(|change| change.names().0 == name);
        kinds
            .push(kind.ok_or_else(|| Refusal::invalid(format!("Invalid value at 'history_types': {name}")))?);
    }
    let label = values("labelId").next();
    if let Some(label) = label {
        check_label(label)?;
    }
    let (from, count) = (place(query)?, count(shared, query)?);
    shared.state.change(|state| {
        let gives_empty = state.is_on(Switch::EmptyPages) && get(query, "pageToken").is_empty();
        let mailbox = of(state, address)?;
        if start < mailbox.oldest {
            return Err(Refusal::not_found());
        }
        let mut answer = json!({ "historyId": mailbox.history_id.to_string() });
        if gives_empty {
            answer["nextPageToken"] = "5550".into();
            return Ok(answer);
        }
        let fits = |record: &&Record| {
            let labels = record.message["labelIds"].as_array().map_or(&[][..], Vec::as_slice);
            record.id > start
                && (kinds.is_empty() || kinds.contains(&record.change))
                && label.is_none_or(|label| labels.iter().any(|known| known == label))
        };
        let found: Vec<_> = mailbox.records.iter().filter(fits).collect();
        let page: Vec<_> = found.iter().skip(from).take(count).map(|record| written(record)).collect();
        if from + page.len() < found.len() {
            answer["nextPageToken"] = format!("555{}", from + page.len()).into();
        }
        if !page.is_empty() {
            answer["history"] = page.into();
        }
        Ok(answer)
    })
}

fn written(record: &Record) -> Value {
    let short = json!({ "id": record.message["id"], "threadId": record.message["threadId"] });
    let mut entry = json!({ "message": record.message });
    if !record.labels.is_empty() {
        entry["labelIds"] = record.labels.clone().into();
    }
    json!({ "id": record.id.to_string(), "messages": [short], record.change.names().1: [entry] })
}

/// `messages.list`: the newest first.
pub(super) fn messages(shared: &Shared, address: &str, query: &Form) -> Outcome {
    let now_ms = shared.now_ms();
    let search = search::Search::parse(get(query, "q"), now_ms).map_err(Refusal::invalid)?;
    let labels: Vec<_> =
        query.iter().filter(|(name, _)| name == "labelIds").map(|(_, label)| label).collect();
    labels.iter().try_for_each(|label| check_label(label))?;
    let with_hidden = get(query, "includeSpamTrash") == "true" || search.is_anywhere;
    let (from, count) = (place(query)?, count(shared, query)?);
    shared.state.change(|state| {
        let mailbox = of(state, address)?;
        let mut found: Vec<_> = mailbox
            .mails
            .values()
            .filter(|mail| with_hidden || !mail.has("SPAM") && !mail.has("TRASH"))
            .filter(|mail| labels.iter().all(|label| mail.has(label)) && search.fits(mail))
            .collect();
        found.sort_by_key(|mail| std::cmp::Reverse((mail.at_ms, mail.history_id)));
        let page = found.iter().skip(from).take(count);
        let page: Vec<_> = page.map(|mail| json!({ "id": mail.id, "threadId": mail.thread })).collect();
        let mut answer = json!({ "resultSizeEstimate": found.len() });
        if from + page.len() < found.len() {
            answer["nextPageToken"] = format!("555{}", from + page.len()).into();
        }
        if !page.is_empty() {
            answer["messages"] = page.into();
        }
        Ok(answer)
    })
}
