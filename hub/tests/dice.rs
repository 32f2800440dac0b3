//! Reproducible randomness.

use hub::{Hub, Publication};

/// A small generator whose whole state is its seed.
#[derive(Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
    /// Publishes some of what waits: late, twice, or not at all.
    pub(crate) fn tell(&mut self, hub: &Hub, room: &str, late: &mut Vec<Publication>) {
        for _ in 0..self.roll(3) {
            if late.is_empty() {
                break;
            }
            let pick = self.roll(late.len() as u64) as usize;
            hub.publish(room, late[pick].clone());
            if self.roll(4) > 0 {
                late.remove(pick);
            }
        }
        if self.roll(10) == 0 && !late.is_empty() {
            late.remove(0);
        }
    }
}
