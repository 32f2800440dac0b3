//! What is right, for each case by its name: a condition that is waited for, and then holds.

use std::time::Duration;

use serde_json::{Value, json};

use super::Stage;

/// How long what is right may take to come.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long what must not come is waited for.
const QUIET: Duration = Duration::from_millis(2_500);

pub type Right = Result<(), String>;

/// Asks until the answer is nothing (all is right), or gives the last complaint.
async fn until<F: Future<Output = Option<String>>>(ask: impl Fn() -> F) -> Right {
    let begun = tokio::time::Instant::now();
    loop {
        let Some(complaint) = ask().await else { return Ok(()) };
        if begun.elapsed() > PATIENCE {
            return Err(complaint);
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

fn unless(right: bool, complaint: impl Into<String>) -> Option<String> {
    (!right).then(|| complaint.into())
}

/// `None`: nobody knows what is right for a case of this name.
pub async fn check(name: &str, stage: &Stage) -> Option<Right> {
    Some(match name {
        "waha-500-after-the-send" => sent_once(stage).await,
        "waha-technical-messages" => nobody_wrote(stage).await,
        "waha-second-edit" => second_edit(stage).await,
        "waha-reaction-removal-overtaken" => no_reaction(stage).await,
        "telegram-custom-emoji-reaction" => custom_reaction(stage).await,
        "telegram-replaced-photo" => replaced_photo(stage).await,
        "telegram-private-topic" => private_topic(stage).await,
        "telegram-file-path-not-ascii" => all_files(stage).await,
        "waha-quote-of-unknown-message" => quoted(stage).await,
        "telegram-text-link" => linked(stage).await,
        "waha-deleted-before-the-turn" => nothing_left(stage).await,
        "model-reasoning-tags" => no_thoughts(stage).await,
        "waha-business-greeting" => greeted(stage).await,
        "telegram-username" => user_name(stage).await,
        _ => return None,
    })
}

async fn sent_once(stage: &Stage) -> Right {
    let chat = "12025550201@c.us";
    let ours = async || {
        let messages = stage.messages(chat).await;
        messages.into_iter().filter(|message| message["direction"] == "out").collect::<Vec<_>>()
    };
    // Its echo comes 0.6 s after the answer: until then nobody knows.
    until(async || {
        let ours = ours().await;
        let [one] = ours.as_slice() else { return Some(format!("{} messages", ours.len())) };
        let reason = one["error"]["reason"].as_str().unwrap_or_default();
        let told = one["status"] == "unknown" && reason.contains("an inner step failed");
        unless(told, format!("not unknown by the gateway's words: {one}"))
    })
    .await?;
    until(async || {
        let ours = ours().await;
        let has_left = ["sent", "delivered", "read"].iter().any(|status| ours[0]["status"] == *status);
        unless(has_left && ours.len() == 1, format!("not sent, or not once: {ours:?}"))
    })
    .await?;
    tokio::time::sleep(QUIET).await;
    let calls = stage.world.waha.calls();
    let calls = calls.iter().filter(|call| call.path.ends_with("sendText") && call.body["chatId"] == chat);
    let (calls, ours) = (calls.count(), ours().await);
    unless(calls == 1 && ours.len() == 1, format!("{calls} calls, {ours:?}")).map_or(Ok(()), Err)
}

async fn nobody_wrote(stage: &Stage) -> Right {
    tokio::time::sleep(QUIET).await;
    for n in 1..=5 {
        let chat = format!("1202555011{n}@c.us");
        if stage.conversation(&chat).await.is_some() {
            return Err(format!("{chat} has a conversation"));
        }
    }
    let log = stage.log().await;
    let ignored = log.iter().filter(|line| line["outcome"] == "ignored" && line["error"].is_string()).count();
    unless(ignored >= 5, format!("{ignored} ignored with a reason: {log:?}")).map_or(Ok(()), Err)
}

async fn second_edit(stage: &Stage) -> Right {
    let (chat, words) = ("12025550121@c.us", "four boxes, please");
    until(async || {
        let messages = stage.messages(chat).await;
        let preview = stage.listed(chat).await["last_message"]["text"].clone();
        let shown = messages.first().is_some_and(|first| first["text"] == words);
        let answered = messages.len() > 1;
        unless(shown && (answered || preview == words), format!("{messages:?}, list: {preview}"))
    })
    .await?;
    until(async || unless(stage.model.was_asked(words), "the AI was not asked with it")).await
}

async fn no_reaction(stage: &Stage) -> Right {
    let messages = stage.messages("12025550131@c.us").await;
    let right = messages.first().is_some_and(|first| first["reactions"] == json!([]));
    unless(right, format!("{messages:?}")).map_or(Ok(()), Err)
}

async fn custom_reaction(stage: &Stage) -> Right {
    let messages = stage.messages("5550109").await;
    let reactions = messages.first().map(|first| first["reactions"].clone()).unwrap_or_default();
    let shown = reactions[0]["emoji"].as_str().is_some_and(|emoji| !emoji.is_empty() && emoji != "👍");
    let kept =
        reactions[0]["custom"] == "5550000000000000001" && reactions.as_array().map(Vec::len) == Some(1);
    unless(shown && kept, format!("{reactions}")).map_or(Ok(()), Err)
}

async fn replaced_photo(stage: &Stage) -> Right {
    until(async || {
        let messages = stage.messages("5550111").await;
        let files = messages.first().map(|first| first["attachments"].clone()).unwrap_or_default();
        let one = files.as_array().is_some_and(|files| files.len() == 1) && files[0]["state"] == "ready";
        if !one {
            return Some(format!("{files}"));
        }
        let bytes = stage.file(&files[0]).await;
        unless(bytes == b"RIGHT", format!("shown: {}", String::from_utf8_lossy(&bytes)))
    })
    .await
}

async fn private_topic(stage: &Stage) -> Right {
    until(async || {
        let calls = stage.world.telegram.calls();
        let sent: Vec<&Value> = calls
            .iter()
            .filter(|call| call.method == "sendMessage")
            .map(|call| &call.parameters)
            .filter(|parameters| parameters["chat_id"] == 5_550_113 || parameters["chat_id"] == "5550113")
            .collect();
        let right = sent.first().is_some_and(|sent| sent["message_thread_id"].to_string().contains("4242"));
        unless(right, format!("{sent:?}"))
    })
    .await
}

async fn all_files(stage: &Stage) -> Right {
    until(async || {
        for chat in ["5550116", "5550117", "5550118"] {
            let messages = stage.messages(chat).await;
            let file = messages.first().map(|first| first["attachments"][0].clone()).unwrap_or_default();
            if file["state"] != "ready" || stage.file(&file).await != b"%PDF-1.7 example" {
                return Some(format!("{chat}: {file}"));
            }
        }
        None
    })
    .await
}

async fn quoted(stage: &Stage) -> Right {
    let words = "Canvas bag 40 l, 35 EUR";
    let messages = stage.messages("12025550301@c.us").await;
    let shown = messages.first().is_some_and(|first| first["data"]["quoted"]["text"] == words);
    if !shown {
        return Err(format!("{messages:?}"));
    }
    until(async || unless(stage.model.was_asked(words), "the AI was not given it")).await
}

async fn linked(stage: &Stage) -> Right {
    let url = "https://shop.example.com/p/8812";
    let messages = stage.messages("5550120").await;
    let link = messages.first().map(|first| first["data"]["links"][0].clone()).unwrap_or_default();
    if link["url"] != url || link["text"] != "this one" {
        return Err(format!("{messages:?}"));
    }
    until(async || unless(stage.model.was_asked(url), "the AI was not given it")).await
}

async fn nothing_left(stage: &Stage) -> Right {
    let chat = "12025550304@c.us";
    tokio::time::sleep(QUIET).await;
    let listed = stage.listed(chat).await;
    let sent = stage.world.waha.sent().iter().filter(|sent| sent.chat == chat).count();
    let asked = stage.model.was_asked("12 Example Street");
    let right = sent == 0 && !asked && listed["turn"].is_null() && listed.is_object();
    unless(right, format!("{sent} sent, asked: {asked}, {listed}")).map_or(Ok(()), Err)
}

async fn no_thoughts(stage: &Stage) -> Right {
    let sent = async || {
        let sent = stage.world.telegram.sent();
        let to: Vec<String> =
            sent.into_iter().filter(|sent| sent.chat == 5_550_123).filter_map(|sent| sent.text).collect();
        to
    };
    until(async || unless(!sent().await.is_empty(), "nothing was sent")).await?;
    let sent = sent().await;
    unless(sent == ["I am sorry to hear that!"], format!("{sent:?}")).map_or(Ok(()), Err)
}

async fn greeted(stage: &Stage) -> Right {
    let chat = "12025550303@c.us";
    until(async || {
        let listed = stage.listed(chat).await;
        let answered = stage.world.waha.sent().iter().any(|sent| sent.chat == chat);
        let messages = stage.messages(chat).await;
        let greeting = messages.get(1).map(|greeting| greeting["data"]["automatic"].clone());
        let right = listed["owner"] == "ai" && answered && greeting == Some(json!(true));
        unless(right, format!("owner {}, answered: {answered}, {messages:?}", listed["owner"]))
    })
    .await
}

async fn user_name(stage: &Stage) -> Right {
    let listed = stage.listed("5550125").await;
    unless(listed["contact"]["handle"] == "ana_example", format!("{listed}")).map_or(Ok(()), Err)
}
