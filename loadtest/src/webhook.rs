//! Webhooks of an imitated provider: numbered, signed and identical on every repetition.
//!
//! Shapes: Telegram Bot API `Update` with a private text message; WAHA `message` event with an HMAC-SHA-512 of
//! the raw body. To add a provider: a variant of `ProviderKind`, its body, its headers, its chat id.

use std::fmt::Write as _;

use aws_lc_rs::hmac;

use crate::clock;
use crate::target::{ProviderKind, Target};

/// One run of the generator: all its data carries the run's number, so that two runs against the same channel share
/// neither chats nor ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    started_ms: u64,
    pub(crate) messages: usize,
    pub(crate) conversations: usize,
}

impl Run {
    pub(crate) fn new(messages: usize, conversations: usize) -> Self {
        Self { started_ms: clock::unix_ms(), messages, conversations: conversations.clamp(1, 100_000) }
    }

    /// Consecutive messages belong to different conversations.
    pub(crate) fn conversation_of(&self, index: usize) -> usize {
        index % self.conversations
    }

    fn text(&self, index: usize) -> String {
        format!("{}/{index} Do you have this in size 42?", self.started_ms)
    }

    /// The number of the message that carries this text, if it is one of this run.
    pub(crate) fn index_of(&self, text: &str) -> Option<usize> {
        let (run, rest) = text.split_once('/')?;
        let (index, _) = rest.split_once(' ')?;
        let ours = run.parse() == Ok(self.started_ms);
        index.parse().ok().filter(|index| ours && *index < self.messages)
    }

    /// The chat of a conversation, as the provider writes it.
    pub(crate) fn chat(&self, kind: ProviderKind, conversation: usize) -> String {
        match kind {
            // Sixteen digits, below the 2^52 that Telegram promises; the number repeats after 115 days.
            ProviderKind::Telegram => format!("1{:010}{conversation:05}", self.started_ms % 10_000_000_000),
            // Fifteen digits, the maximum of a phone number; tenths of a second, repeats after a day.
            ProviderKind::Waha => {
                format!("1555{:06}{conversation:05}@c.us", self.started_ms / 100 % 1_000_000)
            }
        }
    }
}

/// Builds a whole HTTP request for a message number.
pub(crate) struct Factory {
    pub(crate) run: Run,
    kind: ProviderKind,
    head: String,
    session: String,
    key: hmac::Key,
}

impl Factory {
    pub(crate) fn new(run: Run, target: &Target) -> anyhow::Result<Self> {
        let mut head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n",
            target.hook_path()?,
            target.address()?
        );
        if matches!(target.kind, ProviderKind::Telegram) {
            let _ = write!(head, "X-Telegram-Bot-Api-Secret-Token: {}\r\n", target.secret);
        }
        Ok(Self {
            run,
            kind: target.kind,
            head,
            session: target.session.clone(),
            key: hmac::Key::new(hmac::HMAC_SHA512, target.secret.as_bytes()),
        })
    }

    /// The request of one message, byte for byte the same every time.
    pub(crate) fn request(&self, index: usize) -> Vec<u8> {
        let body = match self.kind {
            ProviderKind::Telegram => self.telegram(index),
            ProviderKind::Waha => self.waha(index),
        };
        self.signed(&body, index)
    }

    /// The request with this body.
    pub(crate) fn signed(&self, body: &str, number: usize) -> Vec<u8> {
        let mut request = String::with_capacity(self.head.len() + body.len() + 320);
        request.push_str(&self.head);
        if matches!(self.kind, ProviderKind::Waha) {
            let tag = hex::encode(hmac::sign(&self.key, body.as_bytes()));
            let _ = write!(
                request,
                "X-Webhook-Request-Id: lt-{}-{number}\r\nX-Webhook-Timestamp: {}\r\n\
                 X-Webhook-Hmac: {tag}\r\nX-Webhook-Hmac-Algorithm: sha512\r\n",
                self.run.started_ms, self.run.started_ms
            );
        }
        let _ = write!(request, "Content-Length: {}\r\n\r\n{body}", body.len());
        request.into_bytes()
    }

    fn telegram(&self, index: usize) -> String {
        let conversation = self.run.conversation_of(index);
        let chat = self.run.chat(self.kind, conversation);
        let update = (self.run.started_ms / 100 % 100_000_000) * 10_000_000 + index as u64;
        let (date, text) = (self.run.started_ms / 1000, self.run.text(index));
        let person =
            format!(r#""id":{chat},"first_name":"Load {conversation}","username":"load_{conversation}""#);
        format!(
            r#"{{"update_id":{update},"message":{{"message_id":{},"from":{{{person},"is_bot":false,"language_code":"en"}},"chat":{{{person},"type":"private"}},"date":{date},"text":"{text}"}}}}"#,
            index / self.run.conversations + 1,
        )
    }

    fn waha(&self, index: usize) -> String {
        let conversation = self.run.conversation_of(index);
        let chat = self.run.chat(self.kind, conversation);
        let (session, ms, text) = (&self.session, self.run.started_ms, self.run.text(index));
        let bare = format!("3EB0{ms:012X}{index:08X}");
        format!(
            r#"{{"id":"evt_{ms:013}{index:013}","timestamp":{ms},"event":"message","session":"{session}","metadata":{{}},"me":{{"id":"12025550100@c.us","pushName":"Demo Shop"}},"payload":{{"id":"false_{chat}_{bare}","timestamp":{},"from":"{chat}","fromMe":false,"source":"app","to":"12025550100@c.us","participant":null,"body":"{text}","hasMedia":false,"media":null,"ack":2,"ackName":"DEVICE","location":null,"vCards":[],"replyTo":null,"_data":{{"Info":{{"PushName":"Load {conversation}","Type":"text"}}}}}},"engine":"GOWS","environment":{{"version":"2026.7.1","engine":"GOWS","tier":"PLUS","browser":null}}}}"#,
            ms / 1000,
        )
    }
}

#[cfg(test)]
pub(crate) mod tests_support {
    /// The text of a message, for tests that imitate the server.
    pub(crate) fn text(run: &super::Run, index: usize) -> String {
        run.text(index)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::Value;

    use super::*;

    fn factory(kind: ProviderKind) -> Factory {
        let target = Target {
            url: "http://127.0.0.1:8080".parse().unwrap(),
            hook: "/hooks/abc".into(),
            kind,
            secret: "hook-secret".into(),
            session: "shop".into(),
            email: None,
            password: None,
            token: None,
            tenant: None,
        };
        Factory::new(Run::new(100, 7), &target).unwrap()
    }

    fn split(request: &[u8]) -> (String, String) {
        let text = String::from_utf8(request.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    #[test]
    fn telegram_updates_are_unique_and_numbered() {
        let factory = factory(ProviderKind::Telegram);
        let (mut updates, mut messages) = (HashSet::new(), HashSet::new());
        for index in 0..100 {
            let (head, body) = split(&factory.request(index));
            assert!(head.starts_with("POST /hooks/abc HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"));
            assert!(head.contains("X-Telegram-Bot-Api-Secret-Token: hook-secret"));
            let update: Value = serde_json::from_str(&body).unwrap();
            updates.insert(update["update_id"].as_u64().unwrap());
            let message = &update["message"];
            assert_eq!(
                message["chat"]["id"].to_string(),
                factory.run.chat(ProviderKind::Telegram, index % 7)
            );
            messages.insert((message["chat"]["id"].as_u64(), message["message_id"].as_u64()));
            assert_eq!(factory.run.index_of(message["text"].as_str().unwrap()), Some(index));
        }
        assert_eq!((updates.len(), messages.len()), (100, 100));
        assert_eq!(factory.request(5), factory.request(5));
    }

    #[test]
    fn waha_events_are_signed_over_their_bytes() {
        let factory = factory(ProviderKind::Waha);
        let (head, body) = split(&factory.request(3));
        let event: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(factory.run.index_of(event["payload"]["body"].as_str().unwrap()), Some(3));
        let tag = head.lines().find_map(|line| line.strip_prefix("X-Webhook-Hmac: ")).unwrap();
        hmac::verify(&factory.key, body.as_bytes(), &hex::decode(tag).unwrap()).unwrap();
    }

    #[test]
    fn runs_in_the_same_second_share_no_chat() {
        let first = Run::new(10, 2);
        let second = Run { started_ms: first.started_ms + 100, ..first };
        for kind in [ProviderKind::Telegram, ProviderKind::Waha] {
            assert_ne!(first.chat(kind, 0), second.chat(kind, 0));
            assert_ne!(first.chat(kind, 0), first.chat(kind, 1));
        }
    }

    #[test]
    fn texts_of_others_are_not_ours() {
        let run = Run::new(10, 2);
        for text in ["hello", "12/3 hi", "a/b c", &run.text(10), ""] {
            assert_eq!(run.index_of(text), None, "{text}");
        }
    }
}
