//! One customer: its chat, its language, and the last messages in both directions.

use super::chat::{Chat, File};
use super::dice::Dice;
use super::files;
use super::heard::{AllHeard, Heard};
use super::lines::Tongue;
use crate::demo::World;
use crate::demo::providers::Account;

pub(super) struct Person {
    pub tongue: Tongue,
    chat: Chat,
    /// The id and text of the customer's last message.
    last: Option<(String, String)>,
    waits_since_ms: i64,
}

impl Person {
    pub(super) fn new(number: usize, account: Account, dice: &mut Dice) -> Self {
        let tongue = if dice.percent(65) { Tongue::En } else { Tongue::Ru };
        let names = tongue.names();
        let subject = dice.pick(tongue.subjects()).copied().unwrap_or_default();
        let chat = Chat::new(account, number, names[number % names.len()], subject);
        Self { tongue, chat, last: None, waits_since_ms: 0 }
    }

    pub(super) fn account(&self) -> Account {
        self.chat.account
    }

    /// Where a thought is written in one piece.
    pub(super) fn writes_mails(&self) -> bool {
        matches!(self.chat.account, Account::Mailbox(_))
    }

    pub(super) fn has_written(&self) -> bool {
        self.last.is_some()
    }

    fn heard<'a>(&self, heard: &'a AllHeard) -> Option<&'a Heard> {
        heard.get(self.chat.key())
    }

    /// Whether an answer to the customer's last message has arrived.
    pub(super) fn is_answered(&self, heard: &AllHeard) -> bool {
        self.heard(heard).is_some_and(|heard| heard.at_ms >= self.waits_since_ms)
    }

    pub(super) fn now_waits(&mut self, world: &World) {
        self.waits_since_ms = world.app.store.clock().now_ms();
    }

    /// Quotes what was heard, as people now and then do; an answer to a mail always does.
    pub(super) fn says(&mut self, world: &World, text: &str, heard: &AllHeard, quotes: bool) {
        let heard = self.heard(heard).filter(|heard| quotes || heard.mail.is_some());
        let id = self.chat.says(world, text, heard);
        self.last = Some((id, text.to_owned()));
    }

    pub(super) fn sends_file(&mut self, world: &World, heard: &AllHeard, dice: &mut Dice) {
        let is_picture = dice.percent(60);
        let colour = [(); 3].map(|()| dice.between(20, 220) as u8);
        let caption = is_picture.then(|| self.tongue.caption());
        let bytes = if is_picture { files::picture(colour) } else { files::sound() };
        let heard = heard.get(self.chat.key());
        self.chat.sends(world, File { bytes, is_picture }, caption, heard);
    }

    /// Edits the customer's last message.
    pub(super) fn mends(&mut self, world: &World) {
        let Some((id, text)) = &mut self.last else { return };
        text.push_str(self.tongue.correction());
        self.chat.edits(world, id, text);
    }

    /// Reacts to the last answer, or presses a button under it.
    pub(super) fn reacts(&self, world: &World, heard: &AllHeard, dice: &mut Dice) {
        let Some(heard) = self.heard(heard) else { return };
        match dice.pick(&heard.buttons) {
            Some(button) => self.chat.presses(world, heard, button),
            None => self.chat.reacts(world, heard),
        }
    }
}
