//! Simulates all conversations together, in the order of time. So the rows of one conversation are scattered over the
//! file as in a real installation, and ids, cursors and the providers' numbers ascend with time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use anyhow::Result;

use super::accounts::Accounts;
use super::context::{Contact, Context};
use super::conversation::{Author, Conversation, Direction, Last, Mark, Owner, Standing};
use super::feed;
use super::fill::Fill;
use super::message::{self, NewMessage};
use super::turn::{End, Turn};

/// Time since the channel went down: ten hours.
const DOWN_MS: i64 = 10 * 3_600_000;
pub(super) const MINUTE_MS: i64 = 60_000;

pub(crate) struct Simulation<'d> {
    pub(crate) context: Context<'d>,
    pub(crate) conversations: Vec<Conversation>,
    pub(crate) contacts: Vec<Contact>,
    /// Customers without an open conversation; some of them write again.
    pub(super) idle: Vec<u32>,
    /// Times of the conversations' next steps: (time, conversation).
    pub(super) due: BinaryHeap<Reverse<(i64, u32)>>,
    /// Planned number of messages.
    messages: u64,
    turns: u64,
    /// Messages written so far.
    written: u64,
    opened_turns: u64,
}

impl<'d> Simulation<'d> {
    pub(crate) fn new(context: Context<'d>, messages: u64, turns: u64) -> Self {
        let conversations = Vec::with_capacity(context.plan.sizes.len());
        let (contacts, idle, due) = (Vec::new(), Vec::new(), BinaryHeap::new());
        Self { context, conversations, contacts, idle, due, messages, turns, written: 0, opened_turns: 0 }
    }

    /// Writes all messages, turns and events, in the order of time.
    pub(crate) fn run(&mut self) -> Result<()> {
        let all = self.context.plan.sizes.len();
        loop {
            let begun = self.conversations.len();
            let start = (begun < all).then(|| self.context.plan.starts_at(begun));
            let due = self.due.peek().map(|Reverse((at, _))| *at);
            match (due, start) {
                (Some(at), start) if start.is_none_or(|start| at <= start) => {
                    if let Some(Reverse((at, index))) = self.due.pop() {
                        self.go_on(at, index)?;
                    }
                }
                (_, Some(start)) => {
                    self.open(start);
                    self.go_on(start, begun as u32)?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Frees the conversations; returns what the report needs.
    pub(crate) fn end(self) -> (Accounts, Fill<'d>) {
        (self.context.accounts, self.context.fill)
    }

    /// True while the share of opened turns is below the planned one.
    fn wants_ai(&self) -> bool {
        u128::from(self.opened_turns) * u128::from(self.messages)
            < u128::from(self.turns) * u128::from(self.written)
    }

    fn open(&mut self, at: i64) {
        let index = self.conversations.len();
        let is_dead = self.context.plan.is_dead(index);
        let again = if !is_dead && !self.idle.is_empty() && self.context.dice.chance(35) {
            let at = self.context.dice.roll(self.idle.len() as u64) as usize;
            Some(self.idle.swap_remove(at))
        } else {
            None
        };
        let contact = again.unwrap_or_else(|| {
            let accounts = &self.context.accounts;
            let channel = if is_dead { accounts.dead } else { accounts.draw_channel(&mut self.context.dice) };
            let (id, number) = (self.context.id(at), self.contacts.len() as u32);
            self.contacts.push(Contact { id, channel, number, created_at: at });
            number
        });
        let size = self.context.plan.sizes[index];
        // The average time between two messages of a conversation is 20 seconds to a day.
        let pace = (20_000.0_f64.ln() + self.context.dice.unit() * 8.37).exp();
        let last = self.context.plan.now - if is_dead { DOWN_MS + MINUTE_MS } else { 2 * MINUTE_MS };
        let end = (at + (pace * f64::from(size)) as i64).min(last);
        let ai = self.wants_ai();
        self.conversations.push(Conversation {
            id: self.context.id(at),
            contact,
            channel: self.contacts[contact as usize].channel,
            owner: if ai { Owner::Ai } else { Owner::Nobody },
            epoch: 1,
            assignee: None,
            handoff: None,
            seq: 0,
            inbound: 0,
            last: None,
            opened_at: at,
            updated_at: at,
            waiting_since: None,
            closed_at: None,
            turn: None,
            read: None,
            remaining: size,
            end,
            burst: 1 + self.context.dice.roll(3).saturating_sub(1) as u32,
            ai,
            listed: false,
        });
    }

    fn go_on(&mut self, at: i64, index: u32) -> Result<()> {
        let mut conversation = self.conversations[index as usize];
        if conversation.remaining == 0 {
            self.close(&mut conversation, index, at)?;
        } else {
            conversation.remaining -= 1;
            let is_dead = self.context.plan.is_dead(index as usize);
            let waits = is_dead && conversation.remaining == 0;
            self.next(&mut conversation, index, at, waits)?;
            if conversation.remaining > 0 {
                let next = self.next_at(&conversation, at, is_dead);
                self.due.push(Reverse((next, index)));
            } else if !is_dead {
                self.settle(&mut conversation, index, at)?;
            }
        }
        self.conversations[index as usize] = conversation;
        Ok(())
    }

    /// Writes the next message: one of the customer's burst, an answer, or a note.
    fn next(&mut self, conversation: &mut Conversation, index: u32, at: i64, waits: bool) -> Result<()> {
        if conversation.burst > 0 && !waits {
            conversation.burst -= 1;
            return self.inbound(conversation, index, at);
        }
        if conversation.owner == Owner::Human && !waits && self.context.dice.chance(4) {
            return self.append(
                conversation,
                index,
                at,
                Direction::Note,
                self.somebody(conversation),
                None,
                false,
            );
        }
        // One answer in six has two messages.
        conversation.burst =
            if self.context.dice.chance(16) { 0 } else { 1 + self.context.dice.roll(4) as u32 / 2 };
        self.answer(conversation, index, at, waits)
    }

    fn inbound(&mut self, conversation: &mut Conversation, index: u32, at: i64) -> Result<()> {
        if conversation.ai
            && conversation.owner == Owner::Human
            && conversation.waiting_since.is_none()
            && self.wants_ai()
            && self.context.dice.chance(30)
        {
            conversation.assignee = None;
            conversation.owned_by(Owner::Ai, None);
        }
        self.append(conversation, index, at, Direction::In, Author::Customer, None, false)
    }

    fn answer(&mut self, conversation: &mut Conversation, index: u32, at: i64, waits: bool) -> Result<()> {
        let chance = self.context.dice.roll(100);
        if conversation.owner == Owner::Ai && (chance >= 5 || waits) {
            let number = conversation.turn.map_or(0, |turn| turn.answers);
            if let Some(turn) = &mut conversation.turn {
                turn.answers += 1;
            }
            let id = conversation.turn.map(|turn| turn.id);
            if let Some(mut turn) = conversation.turn.filter(|turn| turn.is_open) {
                turn.write(&mut self.context, conversation.id, conversation.channel, at, End::Answered)?;
                conversation.turn = Some(turn);
            }
            return self.append(
                conversation,
                index,
                at,
                Direction::Out,
                Author::Responder,
                id.map(|id| (id, number)),
                waits,
            );
        }
        if let Some(mut turn) = conversation.turn.filter(|turn| turn.is_open) {
            let handed = chance >= 2;
            let end = if handed { End::HandedOff("asks for a person") } else { End::Cancelled("taken_over") };
            if handed {
                conversation.owned_by(Owner::Nobody, Some("asks for a person"));
            }
            turn.write(&mut self.context, conversation.id, conversation.channel, at, end)?;
        }
        conversation.turn = None;
        let person = self.somebody(conversation);
        conversation.owned_by(Owner::Human, None);
        if let Author::Person(user) = person {
            conversation.assignee = conversation.assignee.or(Some(user));
            conversation.read = Some(Mark { user, seq: conversation.seq, inbound: conversation.inbound, at });
        }
        self.append(conversation, index, at, Direction::Out, person, None, waits)
    }

    /// The assignee, or one of the tenant's people.
    fn somebody(&self, conversation: &Conversation) -> Author {
        let channel = &self.context.accounts.channels[conversation.channel as usize];
        let people = &self.context.accounts.tenants[channel.tenant as usize].people;
        let anybody = people.get(conversation.contact as usize % people.len().max(1)).copied();
        Author::Person(conversation.assignee.or(anybody).unwrap_or(0))
    }

    #[expect(clippy::too_many_arguments, reason = "a message has so many sides")]
    fn append(
        &mut self,
        conversation: &mut Conversation,
        index: u32,
        at: i64,
        direction: Direction,
        author: Author,
        turn: Option<(uuid::Uuid, u32)>,
        waits: bool,
    ) -> Result<()> {
        let from = conversation.listed.then(|| self.listed_as(index));
        conversation.listed = true;
        conversation.seq += 1;
        conversation.updated_at = at;
        let key = self.context.dice.roll(u64::MAX);
        match direction {
            Direction::In => {
                conversation.inbound += 1;
                conversation.waiting_since = conversation.waiting_since.or(Some(at));
                self.extend_turn(conversation, at);
            }
            Direction::Out => conversation.waiting_since = None,
            Direction::Note => {}
        }
        if direction != Direction::Note {
            conversation.last = Some(Last { seq: conversation.seq, direction, author, key, at });
        }
        let contact = self.contacts[conversation.contact as usize];
        let new = NewMessage { at, direction, author, key, turn, waits };
        let written = message::write(&mut self.context, conversation, &contact, &new)?;
        self.written += 1;
        feed::announce(&mut self.context, index, conversation, &contact, from, Some((&new, &written)), at)
    }

    /// Its standing before this step.
    fn listed_as(&self, index: u32) -> Standing {
        self.conversations[index as usize].standing()
    }

    /// Adds the customer's newest message to a turn, if the AI owns the conversation.
    fn extend_turn(&mut self, conversation: &mut Conversation, at: i64) {
        if conversation.owner != Owner::Ai {
            return;
        }
        match &mut conversation.turn {
            Some(turn) if turn.is_open => turn.arrive(conversation.seq, at),
            _ => {
                conversation.turn =
                    Some(Turn::open(self.context.id(at), conversation.seq, conversation.epoch, at));
                self.opened_turns += 1;
            }
        }
    }

    /// The time of the next message: before `end`, and within seconds in a burst.
    fn next_at(&mut self, conversation: &Conversation, at: i64, is_dead: bool) -> i64 {
        let now = self.context.plan.now;
        if is_dead && conversation.remaining == 1 {
            let first = (now - DOWN_MS).max(at + 1);
            let room = (now - MINUTE_MS - first).max(1).cast_unsigned();
            return first + self.context.dice.roll(room).cast_signed();
        }
        let room = (conversation.end - at).max(0);
        let most = (2 * room / i64::from(conversation.remaining + 1)).min(room);
        let gap = if conversation.burst > 0 && conversation.waiting_since.is_some() { 3_000 } else { most };
        let gap = gap.min(most).cast_unsigned();
        at + 1 + gap as i64 / 10 + self.context.dice.roll(gap).cast_signed() * 9 / 10
    }
}
