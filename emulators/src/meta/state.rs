//! The state of the emulated Meta: accounts, people, tokens, messages and what has to be delivered.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use serde_json::Value;

use super::{
    accounts::{Instagram, Number, Page, Subscription, Template},
    grants::{Code, SignIn, Token},
    notice::{Mode, Notice},
    scripted::Scripted,
    values::{Call, Delivery, File, Mark, Outage, Receipts, Sent, Service},
};
use crate::serving::{Fail, Recent};

#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) file: File,
    /// The addresses that were given out, with the time until which they serve.
    pub(super) addresses: BTreeMap<String, i64>,
}

/// A customer, as one account knows him.
#[derive(Debug, Clone, Default)]
pub(super) struct Person {
    /// When he last wrote.
    pub(super) wrote_ms: Option<i64>,
    pub(super) is_blocked: bool,
    pub(super) profile: Option<Value>,
    /// WhatsApp: until when messages of ours have used up this pair's rate.
    pub(super) pair_until_ms: i64,
}

/// A message of either side.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) account: String,
    pub(super) person: String,
    pub(super) is_ours: bool,
}

pub(super) struct State {
    pub(super) callback: Option<String>,
    pub(super) numbers: Vec<Number>,
    pub(super) pages: Vec<Page>,
    pub(super) instagrams: Vec<Instagram>,
    pub(super) templates: Vec<Template>,
    /// By WABA, page or Instagram account.
    pub(super) subscriptions: BTreeMap<String, Subscription>,
    pub(super) registered: BTreeSet<String>,
    pub(super) tokens: HashMap<String, Token>,
    pub(super) codes: HashMap<String, Code>,
    pub(super) sign_in: SignIn,
    /// By account and id.
    pub(super) people: BTreeMap<(String, String), Person>,
    /// Business-scoped user id → phone.
    pub(super) phones: BTreeMap<String, String>,
    known: HashMap<String, Known>,
    known_in_order: VecDeque<String>,
    pub(super) media: BTreeMap<String, Stored>,
    /// Digests of the files that were fetched, by their address.
    pub(super) fetched: BTreeMap<String, String>,
    /// Times of the sends of the last second, by account.
    pub(super) recent_sends: BTreeMap<String, VecDeque<i64>>,
    pub(super) receipts: Receipts,
    pub(super) sent: Recent<Sent>,
    pub(super) undelivered: Recent<Sent>,
    pub(super) marks: Recent<Mark>,
    pub(super) calls: Recent<Call>,
    pub(super) deliveries: Recent<Delivery>,
    pub(super) failures: VecDeque<Fail>,
    pub(super) script: Scripted,
    pub(super) outage: Option<Outage>,
    pub(super) mode: Mode,
    pub(super) is_held: bool,
    pub(super) pending: Vec<Notice>,
    pub(super) is_delivering: bool,
    /// Bodies and delayed echoes whose delivery is neither done nor given up.
    pub(super) under_way: usize,
    pub(super) lost: usize,
    /// How many calls a path has had.
    pub(super) calls_of_path: BTreeMap<String, u64>,
}

const KEPT_MESSAGES: usize = 50_000;

impl State {
    pub(super) fn new() -> Self {
        let (numbers, pages, instagrams, templates) = super::accounts::demo();
        Self {
            callback: None,
            numbers,
            pages,
            instagrams,
            templates,
            subscriptions: BTreeMap::new(),
            registered: BTreeSet::new(),
            tokens: HashMap::new(),
            codes: HashMap::new(),
            sign_in: SignIn::default(),
            people: BTreeMap::new(),
            phones: BTreeMap::new(),
            known: HashMap::new(),
            known_in_order: VecDeque::new(),
            media: BTreeMap::new(),
            fetched: BTreeMap::new(),
            recent_sends: BTreeMap::new(),
            receipts: Receipts::Delivered,
            sent: Recent::default(),
            undelivered: Recent::default(),
            marks: Recent::default(),
            calls: Recent::default(),
            deliveries: Recent::default(),
            failures: VecDeque::new(),
            script: Scripted::default(),
            outage: None,
            mode: Mode::default(),
            is_held: false,
            pending: Vec::new(),
            is_delivering: false,
            under_way: 0,
            lost: 0,
            calls_of_path: BTreeMap::new(),
        }
    }

    pub(super) fn number(&self, id: &str) -> Option<&Number> {
        self.numbers.iter().find(|number| number.id == id)
    }

    pub(super) fn page(&self, id: &str) -> Option<&Page> {
        self.pages.iter().find(|page| page.id == id)
    }

    pub(super) fn instagram(&self, id: &str) -> Option<&Instagram> {
        self.instagrams.iter().find(|account| account.id == id)
    }

    /// What an account belongs to.
    pub(super) fn service(&self, account: &str) -> Option<Service> {
        match (self.number(account), self.page(account), self.instagram(account)) {
            (Some(_), ..) => Some(Service::WhatsApp),
            (_, Some(_), _) => Some(Service::Messenger),
            (.., Some(_)) => Some(Service::Instagram),
            _ => None,
        }
    }

    /// The page that an Instagram account is linked with.
    pub(super) fn page_of(&self, instagram: &str) -> Option<&Page> {
        self.pages.iter().find(|page| page.instagram.as_deref() == Some(instagram))
    }

    pub(super) fn has_waba(&self, id: &str) -> bool {
        self.numbers.iter().any(|number| number.waba == id)
    }

    /// The name under which a person is known: the phone, if a business-scoped id has one.
    pub(super) fn name_of<'a>(&'a self, person: &'a str) -> &'a str {
        self.phones.get(person).map_or(person, String::as_str)
    }

    pub(super) fn user_id_of(&self, phone: &str) -> Option<&str> {
        self.phones.iter().find(|(_, known)| *known == phone).map(|(id, _)| id.as_str())
    }

    pub(super) fn person(&mut self, account: &str, person: &str) -> &mut Person {
        let name = self.name_of(person).to_owned();
        self.people.entry((account.to_owned(), name)).or_default()
    }

    pub(super) fn known_person(&self, account: &str, person: &str) -> Option<&Person> {
        self.people.get(&(account.to_owned(), self.name_of(person).to_owned()))
    }

    /// A message exists from now on; a customer's opens the window.
    pub(super) fn learn(&mut self, id: &str, account: &str, person: &str, is_ours: bool, now_ms: i64) {
        let one = self.person(account, person);
        if !is_ours {
            one.wrote_ms = Some(now_ms);
        }
        if id.is_empty() {
            return;
        }
        let known = Known { account: account.to_owned(), person: person.to_owned(), is_ours };
        if self.known.insert(id.to_owned(), known).is_none() {
            self.known_in_order.push_back(id.to_owned());
        }
        if self.known_in_order.len() > KEPT_MESSAGES
            && let Some(oldest) = self.known_in_order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    pub(super) fn known(&self, id: &str) -> Option<&Known> {
        self.known.get(id)
    }

    /// Counts a send of an account; `false`: too many within a second.
    pub(super) fn count_send(&mut self, account: &str, per_second: usize, now_ms: i64) -> bool {
        let times = self.recent_sends.entry(account.to_owned()).or_default();
        while times.front().is_some_and(|time| *time <= now_ms - 1000) {
            times.pop_front();
        }
        if times.len() >= per_second {
            return false;
        }
        times.push_back(now_ms);
        true
    }
}
