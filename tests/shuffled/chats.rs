//! What happens in some dozens of chats: who writes, quotes, edits, deletes, reacts, presses, reads, and is renamed.

use serde_json::Value;

use super::deliveries::{Told, Way};
use super::dice::Dice;
use super::words::{ACCOUNTS, Done, Kind, PAGES, Said, WABAS, mail, page, telegram, waha, whatsapp};

/// Chats of each way.
const CHATS: usize = 14;
/// Of these the last are groups, where the provider has groups.
const GROUPS: usize = 4;
/// Changes are made to one of the last messages of a chat.
const RECENT: usize = 12;
const EMOJI: [&str; 4] = ["👍", "❤️", "🔥", "🎉"];
const NAMES: [&str; 3] = ["Ari Sample", "Ari S.", "A. Sample"];

struct Chat {
    way: Way,
    /// 0 or 1: Meta's channels have two accounts each.
    account: usize,
    id: String,
    /// The first word of every text.
    label: String,
    is_group: bool,
    title: String,
    said: Vec<Kept>,
    /// Of each person: how often the name was changed.
    renamed: usize,
}

#[derive(Clone)]
struct Kept {
    id: String,
    at: i64,
    text: String,
    kind: Kind,
    ours: bool,
    by: String,
    name: &'static str,
    deleted: bool,
}

impl Kept {
    fn said<'a>(&'a self, chat: &'a str) -> Said<'a> {
        let Self { id, at, text, kind, ours, name, .. } = self;
        Said { at: *at, id, chat, name, text, kind: *kind, reply_to: None, ours: *ours }
    }
}

pub fn generate(seed: u64, count: usize, now_s: i64) -> Vec<Told> {
    let mut world =
        Story { dice: Dice::new(seed), next: 0, at: now_s - 2 * count as i64 - 60, told: Vec::new() };
    let ways = super::deliveries::WAYS;
    let mut chats: Vec<Chat> =
        ways.into_iter().flat_map(|way| (0..CHATS).map(move |number| Chat::new(way, number))).collect();
    for chat in &mut chats {
        world.says(chat, true);
    }
    while world.told.len() < count {
        let at = world.dice.below(chats.len());
        world.step(&mut chats[at]);
    }
    world.told
}

impl Chat {
    fn new(way: Way, number: usize) -> Self {
        let is_group = matches!(way, Way::Telegram | Way::Waha) && number + GROUPS >= CHATS;
        let id = match (way, is_group) {
            (Way::Telegram, false) => format!("55500010{number:02}"),
            (Way::Telegram, true) => format!("-10098765432{number:02}"),
            (Way::Waha, false) => format!("120255501{number:02}@c.us"),
            (Way::Waha, true) => format!("1203630000000001{number:02}@g.us"),
            (Way::WhatsApp, _) => format!("120255502{number:02}"),
            (Way::Messenger, _) => format!("73000000000000{number:02}"),
            (Way::Instagram, _) => format!("93000000000000{number:02}"),
            (Way::Gmail, _) => format!("customer{number}@example.org"),
        };
        let label = format!("{way:?}-{number}");
        Self {
            way,
            account: number % 2,
            id,
            label,
            is_group,
            title: NAMES[0].into(),
            said: Vec::new(),
            renamed: 0,
        }
    }
}

struct Story {
    dice: Dice,
    next: usize,
    at: i64,
    told: Vec<Told>,
}

impl Story {
    fn step(&mut self, chat: &mut Chat) {
        // Some things happen within one second.
        self.at += i64::from(!self.dice.percent(20));
        match self.dice.below(100) {
            0..58 => self.says(chat, false),
            58..70 => self.changes(chat, |dice| if dice.percent(70) { Change::Edit } else { Change::Delete }),
            70..86 => self.changes(chat, |_| Change::React),
            86..97 => self.reads(chat),
            _ => self.renames(chat),
        }
    }

    fn new_id(&mut self, way: Way) -> String {
        self.next += 1;
        let number = self.next;
        match way {
            Way::Telegram => (number + 10).to_string(),
            Way::Waha => format!("3EB0{number:016X}"),
            Way::WhatsApp => format!("wamid.HB{number:08}"),
            Way::Messenger => format!("m_{number:08}"),
            Way::Instagram => format!("aWdf{number:08}"),
            Way::Gmail => format!("19d{number:013x}"),
        }
    }

    fn tell(&mut self, chat: &Chat, body: Value) {
        let account = match chat.way {
            Way::WhatsApp => WABAS[chat.account],
            Way::Messenger => PAGES[chat.account],
            Way::Instagram => ACCOUNTS[chat.account],
            Way::Telegram | Way::Waha | Way::Gmail => "",
        };
        self.told.push(Told { way: chat.way, account: account.to_owned(), body });
    }

    fn update(&self) -> usize {
        800_000_000 + self.told.len()
    }

    fn says(&mut self, chat: &mut Chat, first: bool) {
        let id = self.new_id(chat.way);
        let ours = !first && !chat.is_group && chat.way != Way::Telegram && self.dice.percent(25);
        let may_press = matches!(chat.way, Way::Telegram | Way::WhatsApp | Way::Messenger | Way::Instagram);
        let may_place = matches!(chat.way, Way::Telegram | Way::WhatsApp | Way::Waha);
        let kind = match self.dice.below(20) {
            _ if first => Kind::Text,
            0..3 => Kind::Photo,
            3 if may_place => Kind::Place,
            4..6 if may_press && !ours => Kind::Press,
            _ => Kind::Text,
        };
        let by = self.person(chat);
        let name = if chat.is_group { "Noor" } else { NAMES[chat.renamed % NAMES.len()] };
        let text = format!("{} {}", chat.label, self.next);
        let kept = Kept { id, at: self.at, text, kind, ours, by, name, deleted: false };
        let quoted = self.dice.percent(15).then(|| self.recent(chat)).flatten().map(|at| &chat.said[at]);
        let quoted = quoted.filter(|one| chat.way != Way::Telegram || one.kind != Kind::Press);
        let quoted = quoted.filter(|_| kind != Kind::Press).map(|one| match chat.way {
            Way::Waha => waha::full(&one.said(&chat.id), &one.by),
            _ => one.id.clone(),
        });
        let said = Said { reply_to: quoted.as_deref(), ..kept.said(&chat.id) };
        let body = match chat.way {
            Way::Telegram => telegram::said(self.update(), &said, &kept.by, &chat.title),
            Way::Waha => waha::said(&said, &kept.by),
            Way::WhatsApp => whatsapp::said(chat.account, &said),
            Way::Messenger => page::said(PAGES[chat.account], &said),
            Way::Instagram => page::said(ACCOUNTS[chat.account], &said),
            Way::Gmail => mail::said(&said, &thread_of(chat)),
        };
        self.tell(chat, body);
        chat.said.push(kept);
    }

    fn person(&mut self, chat: &Chat) -> String {
        match (chat.way, chat.is_group) {
            (Way::Telegram, true) => format!("555000200{}", self.dice.below(3)),
            (Way::Waha, true) => format!("1202555030{}@c.us", self.dice.below(3)),
            _ => chat.id.clone(),
        }
    }

    /// One of the last messages that is still there.
    fn recent(&mut self, chat: &Chat) -> Option<usize> {
        let from = chat.said.len().saturating_sub(RECENT);
        let there: Vec<usize> = (from..chat.said.len()).filter(|at| !chat.said[*at].deleted).collect();
        (!there.is_empty()).then(|| *self.dice.of(&there))
    }

    fn changes(&mut self, chat: &mut Chat, choose: impl Fn(&mut Dice) -> Change) {
        let Some(at) = self.recent(chat) else { return };
        let change = choose(&mut self.dice);
        let target = chat.said[at].clone();
        let is_react = matches!(change, Change::React);
        // Mails stay as they are. Customers change what they wrote; a button that was pressed is no message at Telegram.
        if chat.way == Way::Gmail
            || (!is_react && (target.ours || target.kind != Kind::Text))
            || (chat.way == Way::Telegram && target.kind == Kind::Press)
        {
            return;
        }
        // Where seconds are the finest time there is, two changes of one second have no order that could be known.
        self.at += 1;
        let id = self.new_id(chat.way);
        let text = format!("{} {} edited", chat.label, self.next);
        let what = match change {
            Change::Edit => Done::Edited(&text),
            // A page is not told of deletions, a bot neither.
            Change::Delete if !matches!(chat.way, Way::Messenger | Way::Telegram) => Done::Deleted,
            Change::Delete => return,
            Change::React => {
                Done::Reacted(if self.dice.percent(75) { Some(*self.dice.of(&EMOJI)) } else { None })
            }
        };
        let said = target.said(&chat.id);
        let by = if is_react { self.person(chat) } else { target.by.clone() };
        let body = match chat.way {
            Way::Telegram => {
                let Some(body) = telegram::done(self.update(), self.at, &said, &by, &chat.title, &what)
                else {
                    return;
                };
                body
            }
            // The key of the reaction's target has its writer, the event the one who reacts.
            Way::Waha if is_react => {
                let mut body = waha::done(self.at, &id, &said, &by, &what);
                body["payload"]["reaction"]["messageId"] = waha::full(&said, &target.by).into();
                body
            }
            Way::Waha => waha::done(self.at, &id, &said, &by, &what),
            Way::WhatsApp => {
                whatsapp::done(chat.account, (self.at, &id), (&chat.id, target.name), &target.id, &what)
            }
            Way::Messenger => page::done(PAGES[chat.account], self.at, &chat.id, &target.id, &what),
            Way::Instagram => page::done(ACCOUNTS[chat.account], self.at, &chat.id, &target.id, &what),
            Way::Gmail => return,
        };
        let is_deleted = matches!(what, Done::Deleted);
        self.tell(chat, body);
        chat.said[at].deleted |= is_deleted;
    }

    /// How far something of ours has come.
    fn reads(&mut self, chat: &mut Chat) {
        self.at += 1;
        let from = chat.said.len().saturating_sub(RECENT);
        let ours: Vec<&Kept> = chat.said[from..].iter().filter(|one| one.ours).collect();
        if ours.is_empty() {
            return;
        }
        let target = (*self.dice.of(&ours)).clone();
        let is_read = self.dice.percent(50);
        let said = target.said(&chat.id);
        let body = match chat.way {
            Way::WhatsApp => {
                let status = *self.dice.of(&["sent", "delivered", "read"]);
                whatsapp::status(chat.account, self.at, &chat.id, &target.id, status)
            }
            Way::Waha if is_read => waha::ack(self.at, &said, 3, "READ"),
            Way::Waha => waha::ack(self.at, &said, 2, "DEVICE"),
            Way::Messenger if is_read => page::read(PAGES[chat.account], self.at, &chat.id, None),
            Way::Messenger => page::delivered(PAGES[chat.account], self.at, &chat.id, &target.id),
            Way::Instagram => page::read(ACCOUNTS[chat.account], self.at, &chat.id, Some(&target.id)),
            Way::Telegram | Way::Gmail => return,
        };
        self.tell(chat, body);
    }

    /// A person has another name from now on; of a group it is told by itself.
    fn renames(&mut self, chat: &mut Chat) {
        self.at += 1;
        chat.renamed += 1;
        let name = NAMES[chat.renamed % NAMES.len()];
        if chat.way == Way::Telegram {
            name.clone_into(&mut chat.title);
        }
        if chat.way == Way::Telegram && chat.is_group {
            let (id, by) = (self.new_id(chat.way), self.person(chat));
            let body = telegram::titled(self.update(), self.at, &id, (&chat.id, name), &by);
            self.tell(chat, body);
        }
    }
}

#[derive(Clone, Copy)]
enum Change {
    Edit,
    Delete,
    React,
}

/// A customer's mails are one thread.
fn thread_of(chat: &Chat) -> String {
    format!(
        "19c{:013x}",
        chat.label.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
    )
}
