//! Shared by all writers of rows: the plan, the accounts, the database, the random source.

use std::collections::HashSet;

use uuid::Uuid;

use super::accounts::Accounts;
use super::fill::Fill;
use super::plan::{DAY_MS, Plan};
use crate::clock::Dice;

/// Slightly less than the server's default retention, as if it had just removed older rows.
const FEED_DAYS: i64 = 28;
const ATTEMPT_DAYS: i64 = 88;

pub(crate) struct Context<'d> {
    pub(crate) plan: Plan,
    pub(crate) accounts: Accounts,
    pub(crate) fill: Fill<'d>,
    pub(crate) dice: Dice,
    pub(crate) seed: u64,
    /// Contacts, by number, that were told of privacy.
    pub(crate) told: HashSet<u32>,
    /// Text of the current message.
    pub(crate) text: String,
}

/// A customer.
#[derive(Clone, Copy)]
pub(crate) struct Contact {
    pub(crate) id: Uuid,
    pub(crate) channel: u32,
    pub(crate) number: u32,
    pub(crate) created_at: i64,
}

impl Contact {
    /// The chat's id at the provider.
    pub(crate) fn chat(&self) -> i64 {
        700_000_000 + i64::from(self.number) * 3
    }
}

impl Context<'_> {
    pub(crate) fn id(&mut self, at: i64) -> Uuid {
        super::id::at(at, &mut self.dice)
    }

    /// Whether events and envelopes of this time are within the retention.
    pub(crate) fn keeps_events(&self, at: i64) -> bool {
        at > self.plan.now - FEED_DAYS * DAY_MS
    }

    pub(crate) fn keeps_attempts(&self, at: i64) -> bool {
        at > self.plan.now - ATTEMPT_DAYS * DAY_MS
    }
}
