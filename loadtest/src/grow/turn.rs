//! A turn: the consecutive messages of a customer that the AI answers together, and how it ends.

use anyhow::Result;
use serde::Serialize;
use uuid::Uuid;

use super::context::Context;
use super::database::row;
use super::table::Table;

/// The channels' defaults.
const QUIET_MS: i64 = 4_000;
const LONGEST_WAIT_MS: i64 = 20_000;
const LEASE_MS: i64 = 60_000;

#[derive(Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) id: Uuid,
    pub(crate) first_seq: u32,
    pub(crate) last_seq: u32,
    pub(crate) count: u32,
    pub(crate) opened_at: i64,
    pub(crate) due_at: i64,
    pub(crate) epoch: i64,
    /// Not yet answered, handed off or cancelled.
    pub(crate) is_open: bool,
    /// Number of messages in its answer.
    pub(crate) answers: u32,
}

/// How a turn ends, or its state at the end of the simulation.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Answered,
    HandedOff(&'static str),
    Cancelled(&'static str),
    Collecting,
    Offered,
}

impl Turn {
    pub(crate) fn open(id: Uuid, seq: u32, epoch: i64, at: i64) -> Self {
        let (opened_at, due_at) = (at, at + QUIET_MS);
        Self {
            id,
            first_seq: seq,
            last_seq: seq,
            count: 1,
            opened_at,
            due_at,
            epoch,
            is_open: true,
            answers: 0,
        }
    }

    /// Adds the customer's next message.
    pub(crate) fn arrive(&mut self, seq: u32, at: i64) {
        self.last_seq = seq;
        self.count += 1;
        self.due_at = (at + QUIET_MS).min(self.opened_at + LONGEST_WAIT_MS).max(self.due_at);
    }

    pub(crate) fn write(
        &mut self,
        context: &mut Context<'_>,
        conversation: Uuid,
        channel: u32,
        at: i64,
        end: End,
    ) -> Result<()> {
        let (state, reason) = match end {
            End::Answered => ("answered", None),
            End::HandedOff(reason) => ("handed_off", Some(reason)),
            End::Cancelled(reason) => ("cancelled", Some(reason)),
            End::Collecting => ("collecting", None),
            End::Offered => ("offered", None),
        };
        let offered = matches!(end, End::Offered);
        self.is_open = matches!(end, End::Collecting | End::Offered);
        let lease = offered.then(|| context.id(context.plan.now));
        let until = offered.then_some(context.plan.now + LEASE_MS);
        let attempts = i64::from(matches!(end, End::Answered | End::Offered));
        let channel = &context.accounts.channels[channel as usize];
        let tenant = context.accounts.tenants[channel.tenant as usize].id;
        let row = row![
            self.id,
            tenant,
            channel.company,
            channel.id,
            conversation,
            state,
            self.epoch,
            i64::from(self.first_seq),
            i64::from(self.last_seq),
            i64::from(self.count),
            self.opened_at,
            self.due_at,
            attempts,
            0_i64,
            lease,
            until,
            reason,
            self.opened_at,
            (!self.is_open).then_some(at)
        ];
        context.fill.put(Table::Turns, row)
    }

    pub(crate) fn json(&self, conversation: Uuid) -> TurnJson {
        TurnJson {
            id: self.id,
            conversation,
            state: "collecting",
            first_seq: self.first_seq,
            last_seq: self.last_seq,
            count: self.count,
            opened_at: self.opened_at,
            due_at: self.due_at,
            attempt: 0,
            supersedes: 0,
            lease_until: None,
            reason: None,
        }
    }
}

/// The JSON of a turn in events.
#[derive(Serialize)]
pub(crate) struct TurnJson {
    id: Uuid,
    conversation: Uuid,
    state: &'static str,
    first_seq: u32,
    last_seq: u32,
    count: u32,
    opened_at: i64,
    due_at: i64,
    attempt: i64,
    supersedes: i64,
    lease_until: Option<i64>,
    reason: Option<String>,
}
