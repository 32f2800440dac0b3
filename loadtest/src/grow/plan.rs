//! The size and start of each conversation: over 400 days, more of them towards the end, and a few are very long.

use anyhow::{Result, ensure};

use crate::clock::Dice;

pub(crate) const DAY_MS: i64 = 24 * 3_600_000;
const DAYS: i64 = 400;
/// Exponent of the size distribution: the smaller, the longer are the longest conversations.
const TAIL: f64 = 1.2;
/// Maximum share of all messages in one conversation.
const LONGEST: u64 = 500;
/// Minimum average time between two messages.
const PACE_MS: i64 = 120_000;

pub(crate) struct Plan {
    pub(crate) now: i64,
    /// Messages of each conversation, in the order of their start.
    pub(crate) sizes: Vec<u32>,
    /// Conversations whose last message is queued.
    dead: u64,
    conversations: u64,
    /// Rows of each kind of what is kept about a contact.
    pub(crate) kept: u64,
}

impl Plan {
    pub(crate) fn new(
        now: i64,
        conversations: u64,
        messages: u64,
        dead: u64,
        dice: &mut Dice,
    ) -> Result<Self> {
        ensure!(conversations > 0 && u32::try_from(conversations).is_ok(), "--conversations is out of range");
        ensure!(messages >= conversations * 3, "give at least three messages for each of --conversations");
        ensure!(
            dead <= conversations / 4,
            "--dead-channel-jobs are a quarter of --conversations at the most"
        );
        let mut plan =
            Self { now, sizes: Vec::with_capacity(conversations as usize), dead, conversations, kept: 1 };
        let most = messages / LONGEST + 20;
        let scale = (messages as f64 / conversations as f64 - 1.0) * (TAIL - 1.0);
        for index in 0..conversations {
            let size = 1.0 + scale * ((1.0 - dice.unit()).powf(-1.0 / TAIL) - 1.0);
            let room = (now - plan.starts_at(index as usize)) / PACE_MS;
            let most = most.min(room.max(3).cast_unsigned());
            plan.sizes.push((size as u64).clamp(plan.least(index as usize), most) as u32);
        }
        plan.fit(messages);
        Ok(plan)
    }

    pub(crate) fn is_dead(&self, index: usize) -> bool {
        let (index, all) = (index as u64, self.conversations);
        index * self.dead / all != (index + 1) * self.dead / all
    }

    pub(crate) fn first_day(&self) -> i64 {
        self.now - DAYS * DAY_MS
    }

    /// The density of starts rises from a half to three halves of the average.
    pub(crate) fn starts_at(&self, index: usize) -> i64 {
        let share = (index as f64 + 0.5) / self.conversations as f64;
        let part = f64::midpoint(-1.0, (1.0 + 8.0 * share).sqrt());
        self.first_day() + (part * (DAYS * DAY_MS) as f64) as i64
    }

    /// A queued message answers an earlier one.
    fn least(&self, index: usize) -> u64 {
        if self.is_dead(index) { 2 } else { 1 }
    }

    /// Lengthens or shortens conversations until their messages add up to the total.
    fn fit(&mut self, messages: u64) {
        let mut have: u64 = self.sizes.iter().map(|size| u64::from(*size)).sum();
        while have != messages {
            for index in 0..self.sizes.len() {
                if have < messages {
                    self.sizes[index] += 1;
                    have += 1;
                } else if have > messages && u64::from(self.sizes[index]) > self.least(index) {
                    self.sizes[index] -= 1;
                    have -= 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_exactly_what_was_asked_for() {
        for (conversations, messages) in [(1_000, 10_000), (200, 2_000), (1_000, 3_000)] {
            let plan = Plan::new(1_794_312_000_000, conversations, messages, 20, &mut Dice::new(9)).unwrap();
            assert_eq!(plan.sizes.len() as u64, conversations);
            assert_eq!(plan.sizes.iter().map(|size| u64::from(*size)).sum::<u64>(), messages);
            let dead: Vec<_> = (0..plan.sizes.len()).filter(|index| plan.is_dead(*index)).collect();
            assert_eq!(dead.len(), 20);
            assert!(dead.iter().all(|index| plan.sizes[*index] >= 2));
            assert!((1..plan.sizes.len()).all(|index| plan.starts_at(index - 1) <= plan.starts_at(index)));
            assert!(plan.starts_at(plan.sizes.len() - 1) < plan.now);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refused = |conversations, messages, dead| {
            Plan::new(0, conversations, messages, dead, &mut Dice::new(9)).is_err()
        };
        assert!(refused(0, 10, 0) && refused(10, 20, 0) && refused(100, 1_000, 30));
    }
}
