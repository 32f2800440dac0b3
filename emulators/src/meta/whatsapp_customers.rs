//! What happens at a WhatsApp number: messages with their contacts, the owner's phone, and changes of identity.

use serde_json::{Value, json};

use super::{MetaEmulator, hooks, ids, notice::Item, values::Service, whatsapp_send};

impl MetaEmulator {
    /// A person has both a phone and a business-scoped id; both are in what he sends from now on.
    pub fn introduce(&self, user_id: &str, phone: &str) {
        self.shared.state.change(|state| state.phones.insert(user_id.to_owned(), phone.to_owned()));
    }

    pub fn customer_shares_location(
        &self,
        number: &str,
        person: &str,
        latitude: f64,
        longitude: f64,
    ) -> String {
        let place = json!({ "latitude": latitude, "longitude": longitude, "name": "Sample Cafe",
            "address": "1 Example Street" });
        self.whatsapp_message(number, person, "location", &place, None)
    }

    /// A customer shares a contact: a name and a phone.
    pub fn customer_shares_contact(&self, number: &str, person: &str, name: &str, phone: &str) -> String {
        let contact = json!({ "name": { "formatted_name": name },
            "phones": [{ "phone": phone, "type": "CELL", "wa_id": phone.trim_start_matches('+') }] });
        self.whatsapp_message(number, person, "contacts", &json!([contact]), None)
    }

    /// A customer writes after a click on an ad.
    pub fn customer_comes_from_ad(&self, number: &str, person: &str, text: &str, click: &str) -> String {
        let referral = json!({ "source_url": "https://fb.me/exampleAd", "source_id": "120200000000001",
            "source_type": "ad", "headline": "Autumn sale", "body": "Chat with us", "media_type": "image",
            "ctwa_clid": click });
        self.whatsapp_with(number, person, "text", &json!({ "body": text }), &json!({ "referral": referral }))
    }

    /// A person moves to another phone number, and so to another business-scoped id.
    pub fn customer_changes_number(&self, number: &str, from: &str, to: &str, user_id: &str) {
        let previous = self.shared.state.read(|state| state.user_id_of(from).map(str::to_owned));
        self.introduce(user_id, to);
        let system = json!({ "body": format!("User changed from {from} to {to}"), "wa_id": to, "user_id": user_id,
            "previous_user_id": previous, "type": "user_changed_number" });
        let message = json!({ "from": from, "id": ids::message(Service::WhatsApp),
            "timestamp": self.now_s().to_string(), "type": "system", "system": system });
        let mut value = whatsapp_send::envelope(&self.shared, number);
        value["messages"] = json!([message]);
        self.change(number, "messages", value);
    }

    /// Delivers a change of any field of a number's WABA.
    pub fn change(&self, number: &str, field: &'static str, value: Value) {
        hooks::emit(&self.shared, Service::WhatsApp, number, field, Item::Change(field, value));
    }

    /// The message `quoted`, as the context of an answer.
    pub(super) fn context(&self, number: &str, person: &str, quoted: &str) -> Value {
        let from = self.shared.state.read(|state| {
            let is_ours = state.known(quoted).is_none_or(|known| known.is_ours);
            let own = state.number(number).map(|number| number.phone.clone());
            own.filter(|_| is_ours).unwrap_or_else(|| person.to_owned())
        });
        json!({ "context": { "from": from, "id": quoted } })
    }

    pub(super) fn whatsapp_message(
        &self,
        number: &str,
        person: &str,
        kind: &str,
        content: &Value,
        extras: Option<Value>,
    ) -> String {
        self.whatsapp_with(number, person, kind, content, &extras.unwrap_or(Value::Null))
    }

    fn whatsapp_with(
        &self,
        number: &str,
        person: &str,
        kind: &str,
        content: &Value,
        extras: &Value,
    ) -> String {
        let id = ids::message(Service::WhatsApp);
        let (phone, user_id) = self.identity(person);
        let tail = person.get(person.len().saturating_sub(4)..).unwrap_or(person);
        let name = self.shared.state.read(|state| {
            let person = state.known_person(number, person);
            person.and_then(|person| person.profile.as_ref()?["name"].as_str().map(str::to_owned))
        });
        let name = name.unwrap_or_else(|| format!("Customer {tail}"));
        let mut contact = json!({ "profile": { "name": name } });
        let mut message =
            json!({ "id": id, "timestamp": self.now_s().to_string(), "type": kind, kind: content });
        if let Some(phone) = phone {
            contact["wa_id"] = phone.as_str().into();
            message["from"] = phone.into();
        }
        if let Some(user_id) = user_id {
            contact["user_id"] = user_id.as_str().into();
            message["from_user_id"] = user_id.into();
        }
        for (name, extra) in extras.as_object().into_iter().flatten() {
            message[name.as_str()] = extra.clone();
        }
        let now_ms = self.shared.now_ms();
        self.shared.state.change(|state| state.learn(&id, number, person, false, now_ms));
        let mut value = whatsapp_send::envelope(&self.shared, number);
        value["contacts"] = json!([contact]);
        value["messages"] = json!([message]);
        self.change(number, "messages", value);
        id
    }

    /// The owner's message on the phone (coexistence).
    pub(super) fn whatsapp_echo(&self, number: &str, person: &str, kind: &str, content: &Value) -> String {
        let id = ids::message(Service::WhatsApp);
        let (phone, user_id) = self.identity(person);
        let own = self.shared.state.read(|state| state.number(number).map(|number| number.phone.clone()));
        let mut echo = json!({ "from": own, "id": id, "timestamp": self.now_s().to_string(), "type": kind,
            kind: content });
        if let Some(phone) = phone {
            echo["to"] = phone.into();
        }
        if let Some(user_id) = user_id {
            echo["to_user_id"] = user_id.into();
        }
        let now_ms = self.shared.now_ms();
        self.shared.state.change(|state| state.learn(&id, number, person, true, now_ms));
        let mut value = whatsapp_send::envelope(&self.shared, number);
        value["message_echoes"] = json!([echo]);
        self.change(number, "smb_message_echoes", value);
        id
    }

    /// Phone and business-scoped id.
    fn identity(&self, person: &str) -> (Option<String>, Option<String>) {
        self.shared.state.read(|state| {
            if ids::is_business_scoped(person) {
                (state.phones.get(person).cloned(), Some(person.to_owned()))
            } else {
                (Some(person.to_owned()), state.user_id_of(person).map(str::to_owned))
            }
        })
    }

    pub(super) fn now_s(&self) -> i64 {
        self.shared.now_ms() / 1000
    }
}
