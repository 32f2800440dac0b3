//! The end of a conversation in the simulation: closed, or left open.

use std::cmp::Reverse;

use anyhow::Result;

use super::conversation::{Conversation, Owner};
use super::feed;
use super::plan::DAY_MS;
use super::simulation::{MINUTE_MS, Simulation};
use super::turn::End;

/// Turns older than this have ended.
const RECENT_MS: i64 = 3 * DAY_MS;

impl Simulation<'_> {
    /// After the last message: decides whether and when it is closed.
    pub(super) fn settle(&mut self, conversation: &mut Conversation, index: u32, at: i64) -> Result<()> {
        let recent = at > self.context.plan.now - RECENT_MS;
        if let Some(mut turn) = conversation.turn.filter(|turn| turn.is_open) {
            if recent {
                let end = if self.context.dice.chance(50) { End::Collecting } else { End::Offered };
                turn.write(&mut self.context, conversation.id, conversation.channel, at, end)?;
                conversation.turn = Some(turn);
                return Ok(());
            }
            if self.context.dice.chance(25) {
                let from = conversation.standing();
                turn.write(
                    &mut self.context,
                    conversation.id,
                    conversation.channel,
                    turn.due_at + MINUTE_MS,
                    End::HandedOff("no_responder"),
                )?;
                conversation.turn = None;
                conversation.owned_by(Owner::Nobody, Some("no_responder"));
                let contact = self.contacts[conversation.contact as usize];
                return feed::announce(
                    &mut self.context,
                    index,
                    conversation,
                    &contact,
                    Some(from),
                    None,
                    at,
                );
            }
        } else if !self.context.dice.chance(if recent { 40 } else { 85 }) {
            return self.stay(conversation, index, at);
        }
        let closes = at + self.context.dice.roll(RECENT_MS.cast_unsigned() / 2).cast_signed();
        if closes < self.context.plan.now - MINUTE_MS {
            self.due.push(Reverse((closes, index)));
        }
        Ok(())
    }

    /// Leaves it open; some conversations lose their assignee.
    fn stay(&mut self, conversation: &mut Conversation, index: u32, at: i64) -> Result<()> {
        if conversation.owner != Owner::Human || !self.context.dice.chance(30) {
            return Ok(());
        }
        let from = conversation.standing();
        conversation.assignee = None;
        let contact = self.contacts[conversation.contact as usize];
        feed::announce(&mut self.context, index, conversation, &contact, Some(from), None, at)
    }

    pub(super) fn close(&mut self, conversation: &mut Conversation, index: u32, at: i64) -> Result<()> {
        let from = conversation.standing();
        if let Some(mut turn) = conversation.turn.filter(|turn| turn.is_open) {
            turn.write(
                &mut self.context,
                conversation.id,
                conversation.channel,
                at,
                End::Cancelled("closed"),
            )?;
        }
        conversation.turn = None;
        conversation.waiting_since = None;
        conversation.closed_at = Some(at);
        conversation.epoch += 1;
        self.idle.push(conversation.contact);
        let contact = self.contacts[conversation.contact as usize];
        feed::announce(&mut self.context, index, conversation, &contact, Some(from), None, at)
    }
}
