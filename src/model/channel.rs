//! A channel: one connected provider account, and how turns are gathered on it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ChannelHealth, HealthCause, text_enum};

text_enum!(ChannelState {
    Active = "active",
    /// A person paused it.
    Disabled = "disabled",
    /// A person disconnected it. Its conversations stay, and go on when it is connected again.
    Disconnected = "disconnected",
});

/// How a channel gathers turns and who answers. Every field has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelSettings {
    /// New conversations belong to the AI.
    pub ai: bool,
    /// A turn is due when the customer has been quiet for so long.
    pub quiet_ms: i64,
    /// … or so long after its first message, however much is written.
    pub max_wait_ms: i64,
    /// … or when it has so many messages.
    pub max_messages: i64,
    /// … or at once at one of these words (whole message, case ignored).
    pub flush_words: Vec<String>,
    /// A new message takes the turn back from the responder that is writing.
    pub supersede: bool,
    pub max_supersedes: i64,
    /// How long a responder may work without a word.
    pub lease_ms: i64,
    /// Offers of one turn before people get it.
    pub max_attempts: i64,
    /// No responder for so long: people get it.
    pub nobody_ms: i64,
    /// A message that was written so long before it came is shown to people, and not answered by the AI; 0: answered
    /// however late.
    pub backlog_ms: i64,
    /// Greetings and notices of absence that the business app sends by itself (whole texts): no person speaks in them.
    pub automatic_texts: Vec<String>,
    /// What the business app says within so long after a message that it greets (the first one of a contact on the
    /// channel, or the first after 14 days without any message), it says by itself. Elsewhere a person does; 0: everywhere.
    pub greeting_grace_ms: i64,
    /// After a message typed on the phone the AI is silent for so long, and then answers again; 0: until somebody gives
    /// the conversation back.
    pub silence_ms: i64,
    /// Answers of the AI to one address within an hour, so that two machines do not answer each other for ever; then people
    /// get the conversation. 0: as many as there are turns.
    pub answers_per_hour: i64,
    /// Where the provider's makers advise it, an answer is sent as a person would: the chat is seen, typing is shown, and the
    /// longer the text, the longer the wait (at most five seconds).
    pub human_pace: bool,
    /// Messages by which a customer asks for no more messages (the whole text; case and punctuation ignored).
    pub opt_out_words: Vec<String>,
    /// … and by which they want them again.
    pub opt_in_words: Vec<String>,
}

impl Default for ChannelSettings {
    fn default() -> Self {
        Self {
            ai: true,
            quiet_ms: 4_000,
            max_wait_ms: 20_000,
            max_messages: 10,
            flush_words: Vec::new(),
            supersede: true,
            max_supersedes: 3,
            lease_ms: 60_000,
            max_attempts: 3,
            nobody_ms: 60_000,
            backlog_ms: 3_600_000,
            automatic_texts: Vec::new(),
            greeting_grace_ms: 2_000,
            silence_ms: 0,
            answers_per_hour: 0,
            human_pace: true,
            opt_out_words: words(&["stop", "stop all", "unsubscribe", "стоп", "отписаться", "отписка"]),
            opt_in_words: words(&["start", "unstop", "subscribe", "старт", "подписаться"]),
        }
    }
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

impl ChannelSettings {
    /// Refuses values that would silence a channel or keep it busy forever; returns the field and the problem.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let within = |field: &'static str, value: i64, low: i64, high: i64| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err((field, format!("must be between {low} and {high}, not {value}")))
            }
        };
        within("settings.quiet_ms", self.quiet_ms, 0, 600_000)?;
        within("settings.max_wait_ms", self.max_wait_ms, self.quiet_ms, 3_600_000)?;
        within("settings.max_messages", self.max_messages, 1, 100)?;
        within("settings.max_supersedes", self.max_supersedes, 0, 20)?;
        within("settings.lease_ms", self.lease_ms, 1_000, 900_000)?;
        within("settings.max_attempts", self.max_attempts, 1, 20)?;
        within("settings.nobody_ms", self.nobody_ms, 1_000, 86_400_000)?;
        for (field, words) in [
            ("settings.flush_words", &self.flush_words),
            ("settings.opt_out_words", &self.opt_out_words),
            ("settings.opt_in_words", &self.opt_in_words),
        ] {
            if words.len() > 50 || words.iter().any(|word| word.trim().is_empty() || word.len() > 100) {
                return Err((field, "at most 50 words of 1 to 100 bytes".to_owned()));
            }
        }
        within("settings.backlog_ms", self.backlog_ms, 0, 604_800_000)?;
        within("settings.greeting_grace_ms", self.greeting_grace_ms, 0, 60_000)?;
        within("settings.answers_per_hour", self.answers_per_hour, 0, 1_000)?;
        within("settings.silence_ms", self.silence_ms, 0, 2_592_000_000)?;
        if self.automatic_texts.len() > 20
            || self.automatic_texts.iter().any(|text| text.trim().is_empty() || text.len() > 4_000)
        {
            return Err(("settings.automatic_texts", "at most 20 texts of 1 to 4000 bytes".to_owned()));
        }
        Ok(())
    }
}

/// A channel as stored. `sealed` holds the credentials and the webhook's secret, encrypted.
#[derive(Clone, Debug)]
pub struct Channel {
    pub id: Uuid,
    pub tenant: Uuid,
    pub company: Uuid,
    pub kind: String,
    pub name: String,
    pub state: ChannelState,
    pub hook_token: String,
    pub sealed: String,
    /// The app of the provider through which it is connected.
    pub app: Option<Uuid>,
    pub settings: ChannelSettings,
    pub health: Option<ChannelHealth>,
    /// An operator set the provider's address.
    pub operated: bool,
}

/// What can be sent through a channel beside texts and files.
#[expect(clippy::struct_excessive_bools, reason = "each is a thing that its provider has or has not")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ChannelAbilities {
    pub reactions: bool,
    pub buttons: bool,
    pub templates: bool,
    /// People may answer after the provider's window for machines.
    pub human_agent: bool,
}

impl ChannelAbilities {
    fn of(kind: &str) -> Self {
        let Some(provider) = adapters::provider(kind) else { return Self::default() };
        let can = provider.abilities();
        Self {
            reactions: can.reactions,
            buttons: can.buttons,
            templates: can.templates,
            human_agent: provider.has_human_agent(),
        }
    }
}

/// A channel as people see it: nothing secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChannelView {
    pub id: Uuid,
    pub tenant: Uuid,
    pub company: Uuid,
    pub kind: String,
    pub name: String,
    pub state: ChannelState,
    pub health: Option<ChannelHealth>,
    /// Where the provider posts: append it to the public address of this server. Shown to administrators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook_path: Option<String>,
    pub settings: ChannelSettings,
    #[serde(default)]
    pub abilities: ChannelAbilities,
}

impl Channel {
    /// Whether this is why the channel is not simply connected.
    pub fn is_found(&self, cause: HealthCause) -> bool {
        self.health.as_ref().is_some_and(|health| health.is(cause))
    }

    pub fn view(&self, with_hook: bool) -> ChannelView {
        ChannelView {
            id: self.id,
            tenant: self.tenant,
            company: self.company,
            kind: self.kind.clone(),
            name: self.name.clone(),
            state: self.state,
            health: self.health.clone(),
            hook_path: with_hook.then(|| format!("/hooks/{}", self.hook_token)),
            settings: self.settings.clone(),
            abilities: ChannelAbilities::of(&self.kind),
        }
    }
}
