//! Events as deliveries: each by itself and in order, or as a provider delivers them on a bad day.

use serde_json::{Value, json};

use super::dice::Dice;

/// Where a provider posts to. Deliveries of two ways are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    Telegram,
    Waha,
    WhatsApp,
    Messenger,
    Instagram,
    Gmail,
}

pub const WAYS: [Way; 6] =
    [Way::Telegram, Way::Waha, Way::WhatsApp, Way::Messenger, Way::Instagram, Way::Gmail];

impl Way {
    /// Deliveries that one may be overtaken by. Telegram has at most 40 under way; a mailbox is read, and a listing may
    /// begin anywhere; a failed delivery of WAHA or Meta is repeated much later.
    const fn overtaken_by(self, late: bool) -> usize {
        match self {
            Self::Telegram => 40,
            Self::Gmail => 100,
            _ if late => 400,
            _ => 60,
        }
    }

    /// Changes in one body, of all accounts.
    const fn most_in_one(self) -> usize {
        match self {
            Self::WhatsApp | Self::Messenger | Self::Instagram => 40,
            _ => 1,
        }
    }
}

/// One event as its provider writes it: a whole body, or the part of an account in one.
#[derive(Clone, Debug)]
pub struct Told {
    pub way: Way,
    /// The account of Meta's.
    pub account: String,
    pub body: Value,
}

#[derive(Clone, Debug)]
pub struct Delivery {
    pub way: Way,
    pub body: Value,
}

pub fn in_order(events: &[Told]) -> Vec<Delivery> {
    events.iter().map(|one| deliver(one.way, &[one])).collect()
}

pub fn mixed(events: &[Told], seed: u64) -> Vec<Delivery> {
    let mut dice = Dice::new(seed ^ 0x5eed);
    let mut all = Vec::new();
    for way in WAYS {
        let mut placed: Vec<(usize, &Told)> = Vec::new();
        for (at, one) in events.iter().filter(|one| one.way == way).enumerate() {
            let mut copies = 1;
            while copies < 4 && dice.percent(15) {
                copies += 1;
            }
            for _ in 0..copies {
                let late = dice.percent(3);
                let still = dice.percent(30);
                placed.push((at + if still { 0 } else { dice.below(way.overtaken_by(late)) }, one));
            }
        }
        placed.sort_by_key(|(at, _)| *at);
        let mut rest = &placed[..];
        let mut bodies = Vec::new();
        while !rest.is_empty() {
            let count = (1 + dice.below(way.most_in_one())).min(rest.len());
            let (now, later) = rest.split_at(count);
            rest = later;
            let now: Vec<&Told> = now.iter().map(|(_, one)| *one).collect();
            bodies.push(deliver(way, &now));
            // The answer was lost: the whole body again.
            if dice.percent(4) {
                bodies.push(deliver(way, &now));
            }
        }
        all.extend(bodies);
    }
    all
}

fn deliver(way: Way, events: &[&Told]) -> Delivery {
    let (object, list) = match way {
        Way::WhatsApp => ("whatsapp_business_account", "changes"),
        Way::Messenger => ("page", "messaging"),
        Way::Instagram => ("instagram", "messaging"),
        Way::Telegram | Way::Waha | Way::Gmail => return Delivery { way, body: events[0].body.clone() },
    };
    let mut entries: Vec<Value> = Vec::new();
    for one in events {
        match entries.last_mut() {
            Some(entry) if entry["id"] == one.account.as_str() => {
                entry[list].as_array_mut().expect("a list").push(one.body.clone());
            }
            _ => entries.push(json!({ "id": one.account, "time": 1_794_312_000_000_u64, list: [one.body] })),
        }
    }
    Delivery { way, body: json!({ "object": object, "entry": entries }) }
}
