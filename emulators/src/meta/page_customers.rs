//! What happens at a page or an Instagram account: messages, postbacks, referrals, stories and the owner's inbox.

use serde_json::{Value, json};

use super::{
    MetaEmulator,
    grants::HOUR_MS,
    hooks, ids, media,
    notice::Item,
    values::{File, Service},
};

impl MetaEmulator {
    /// A person comes into an existing thread by a link or an ad.
    pub fn customer_is_referred(&self, account: &str, person: &str, reference: &str, source: &str) {
        let referral = json!({ "ref": reference, "source": source, "type": "OPEN_THREAD" });
        self.page_event(account, person, "messaging_referrals", "referral", &referral);
    }

    /// A person opens a thread from an ad with "get started".
    pub fn customer_gets_started(&self, account: &str, person: &str, reference: &str) -> String {
        let referral =
            json!({ "ref": reference, "source": "ADS", "type": "OPEN_THREAD", "ad_id": "120200000000009" });
        let postback = json!({ "title": "Get Started", "payload": "GET_STARTED", "referral": referral });
        self.page_postback(account, person, postback)
    }

    /// A person answers a story of the account's.
    pub fn customer_answers_story(&self, account: &str, person: &str, text: &str) -> String {
        let (id, url) = self.story(24 * HOUR_MS);
        let reply_to = json!({ "story": { "url": url, "id": id } });
        self.page_message(account, person, json!({ "text": text, "reply_to": reply_to }))
    }

    /// A person mentions the account in a story, which can be fetched for so long.
    pub fn customer_mentions_in_story(&self, account: &str, person: &str, lifetime_ms: i64) -> String {
        let (_, url) = self.story(lifetime_ms);
        let mention = json!({ "type": "story_mention", "payload": { "url": url } });
        self.page_message(account, person, json!({ "attachments": [mention] }))
    }

    /// A person shares something of the platform: `share`, `ig_reel`, `ig_post`, `fallback`, `reel`, `post`.
    pub fn customer_shares(&self, account: &str, person: &str, kind: &str, url: &str, title: &str) -> String {
        let share = json!({ "type": kind, "payload": { "url": url, "title": title } });
        self.page_message(account, person, json!({ "attachments": [share] }))
    }

    /// Another app sends a message in the account's name.
    pub fn other_app_says(&self, account: &str, person: &str, text: &str) -> String {
        self.page_echo(account, person, json!({ "text": text, "app_id": 555_000_999_888_777_u64 }))
    }

    /// A message of a thread that another app has taken over.
    pub fn customer_says_in_standby(&self, account: &str, person: &str, text: &str) -> String {
        let service = self.service(account);
        let mid = ids::message(service);
        let item = self.item(person, account, "message", &json!({ "mid": mid, "text": text }));
        hooks::emit(&self.shared, service, account, "standby", Item::Standby(item));
        mid
    }

    pub(super) fn page_message(&self, account: &str, person: &str, mut message: Value) -> String {
        let mid = ids::message(self.service(account));
        message["mid"] = mid.as_str().into();
        self.learn(account, person, &mid, false);
        self.page_event(account, person, "messages", "message", &message);
        mid
    }

    pub(super) fn page_postback(&self, account: &str, person: &str, mut postback: Value) -> String {
        let mid = ids::message(self.service(account));
        postback["mid"] = mid.as_str().into();
        self.learn(account, person, &mid, false);
        self.page_event(account, person, "messaging_postbacks", "postback", &postback);
        mid
    }

    /// Delivers any event of a person at an account, if the field is subscribed.
    pub fn page_event(&self, account: &str, person: &str, field: &str, name: &str, content: &Value) {
        let item = self.item(person, account, name, content);
        hooks::emit(&self.shared, self.service(account), account, field, Item::Messaging(item));
    }

    pub(super) fn page_echo(&self, account: &str, person: &str, mut message: Value) -> String {
        let service = self.service(account);
        let mid = ids::message(service);
        message["mid"] = mid.as_str().into();
        message["is_echo"] = true.into();
        self.learn(account, person, &mid, true);
        let item = self.item(account, person, "message", &message);
        let field = if service == Service::Messenger { "message_echoes" } else { "messages" };
        hooks::emit(&self.shared, service, account, field, Item::Messaging(item));
        mid
    }

    pub(super) fn attachment(&self, id: &str, kind: &str) -> Value {
        let url = media::public_address(&self.shared, id, 30 * 24 * HOUR_MS);
        json!({ "type": kind, "payload": { "url": url } })
    }

    fn story(&self, lifetime_ms: i64) -> (String, String) {
        let id = self.shared.state.change(|state| state.store(File::image("STORY")));
        let url = media::public_address(&self.shared, &id, lifetime_ms);
        (id, url)
    }

    fn item(&self, sender: &str, recipient: &str, name: &str, content: &Value) -> Value {
        json!({ "sender": { "id": sender }, "recipient": { "id": recipient },
            "timestamp": self.shared.now_ms(), name: content })
    }

    fn learn(&self, account: &str, person: &str, id: &str, is_ours: bool) {
        let now_ms = self.shared.now_ms();
        self.shared.state.change(|state| state.learn(id, account, person, is_ours, now_ms));
    }
}
