//! The accounts of the emulated Meta: WhatsApp numbers with their business accounts, pages and Instagram accounts.

use std::collections::BTreeSet;

/// A WhatsApp number of a business account (WABA).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    pub id: String,
    pub waba: String,
    /// Digits only.
    pub phone: String,
    pub name: String,
}

/// A template that was approved for every number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub name: String,
    pub language: String,
    /// With `{{1}}`, `{{2}}`, …: so many parameters it needs.
    pub body: String,
}

impl Template {
    pub(super) fn parameters(&self) -> usize {
        self.body.matches("{{").count()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub id: String,
    pub name: String,
    /// The Instagram account that is linked with it.
    pub instagram: Option<String>,
}

/// An Instagram professional account. Linked with a [`Page`] it also uses that page's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instagram {
    pub id: String,
    pub username: String,
    /// Its events come from the page's app and are signed with the app's secret; otherwise with Instagram's own.
    pub is_by_page: bool,
}

/// The subscription of our app to what happens at an account.
#[derive(Debug, Clone, Default)]
pub(super) struct Subscription {
    pub(super) fields: BTreeSet<String>,
    /// WhatsApp: the address and nothing else, in place of the app's.
    pub(super) callback: Option<String>,
}

pub(super) const PAGE_FIELDS: [&str; 17] = [
    "messages",
    "message_echoes",
    "message_deliveries",
    "message_reads",
    "message_reactions",
    "message_edits",
    "messaging_postbacks",
    "messaging_referrals",
    "messaging_optins",
    "messaging_handovers",
    "standby",
    "feed",
    "messaging_account_linking",
    "messaging_policy_enforcement",
    "message_context",
    "mention",
    "inbox_labels",
];

pub(super) const INSTAGRAM_FIELDS: [&str; 16] = [
    "messages",
    "message_reactions",
    "message_edit",
    "message_edits",
    "messaging_postbacks",
    "messaging_referral",
    "messaging_referrals",
    "messaging_seen",
    "messaging_optins",
    "messaging_handover",
    "standby",
    "comments",
    "live_comments",
    "mentions",
    "story_insights",
    "message_echoes",
];

/// The accounts of the made-up shop and of a second company.
pub(super) fn demo() -> (Vec<Number>, Vec<Page>, Vec<Instagram>, Vec<Template>) {
    let number = |id: &str, waba: &str, phone: &str, name: &str| Number {
        id: id.into(),
        waba: waba.into(),
        phone: phone.into(),
        name: name.into(),
    };
    let page = |id: &str, name: &str, instagram: Option<&str>| Page {
        id: id.into(),
        name: name.into(),
        instagram: instagram.map(str::to_owned),
    };
    let instagram = |id: &str, username: &str, is_by_page| Instagram {
        id: id.into(),
        username: username.into(),
        is_by_page,
    };
    let numbers = vec![
        number("106500000000001", "102200000000001", "12025550100", "Demo Shop"),
        number("106500000000002", "102200000000002", "12025550101", "Other Shop"),
    ];
    let pages = vec![
        page("1020000000000001", "Demo Shop", Some("17841400000000003")),
        page("1020000000000002", "Other Shop", None),
    ];
    let instagrams = vec![
        instagram("17841400000000001", "demo_shop", false),
        instagram("17841400000000002", "other_shop", false),
        instagram("17841400000000003", "demo_shop_page", true),
    ];
    let template = |name: &str, language: &str, body: &str| Template {
        name: name.into(),
        language: language.into(),
        body: body.into(),
    };
    let templates = vec![
        template("hello_world", "en_US", "Hello World"),
        template("order_ready", "en_US", "Hello {{1}}, your order {{2}} is ready."),
    ];
    (numbers, pages, instagrams, templates)
}
