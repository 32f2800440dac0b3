//! Made-up customers: they write in bursts, wait for an answer and continue after it; now and then they send a file,
//! edit a message, react, or ask for a person. A seed decides everything but the time that answers take.
//!
//! There are at most [`MAX_PEOPLE`], and the pauses between their messages grow over time.

mod dice;
mod files;
mod lines;
mod person;

use std::collections::HashMap;
use std::time::Duration;

use self::dice::Dice;
use self::person::{Heard, Person};
use super::World;

const MAX_PEOPLE: usize = 40;
/// Steps at full speed; after them the pauses grow.
const LIVELY_STEPS: u64 = 60;
const LONGEST_PAUSE_MS: u64 = 30_000;

/// Posts to the world's channels for as long as the future is polled.
pub(super) async fn live(world: &World, seed: u64) {
    let mut dice = Dice::new(seed);
    let mut people: Vec<Person> = Vec::new();
    for step in 0.. {
        let heard = heard(world);
        let ready: Vec<usize> =
            (0..people.len()).filter(|index| people[*index].is_answered(&heard)).collect();
        let someone_new = people.len() < MAX_PEOPLE && (ready.is_empty() || dice.percent(35));
        if someone_new {
            let mut person = Person::new(people.len(), &mut dice);
            burst(world, &mut person, &mut dice).await;
            people.push(person);
        } else if let Some(index) = dice.pick(&ready) {
            let person = &mut people[*index];
            if dice.percent(25) {
                person.reacts(world, &heard);
            }
            burst(world, person, &mut dice).await;
        }
        let slower = 1 + step / LIVELY_STEPS;
        let pause_ms = dice.between(1_500, 4_500).saturating_mul(slower).min(LONGEST_PAUSE_MS);
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    }
}

/// One to four messages with short gaps, which the hub gathers into one turn.
async fn burst(world: &World, person: &mut Person, dice: &mut Dice) {
    if dice.percent(12) {
        person.sends_file(world, dice);
        short_gap(dice).await;
    }
    let lines: &[&str] = if person.has_written() && dice.percent(8) {
        person.tongue.asks_for_a_person()
    } else {
        dice.pick(person.tongue.bursts()).copied().unwrap_or_default()
    };
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            short_gap(dice).await;
        }
        person.says(world, line);
    }
    if dice.percent(8) {
        short_gap(dice).await;
        person.mends(world);
    }
    person.now_waits(world);
}

async fn short_gap(dice: &mut Dice) {
    tokio::time::sleep(Duration::from_millis(dice.between(350, 1_000))).await;
}

/// The last message that was sent to each chat.
fn heard(world: &World) -> HashMap<String, Heard> {
    let telegram = world.telegram.sent().into_iter().map(|sent| {
        (sent.chat.to_string(), Heard { message: sent.message_id.to_string(), at_ms: sent.at_ms })
    });
    let waha =
        world.waha.sent().into_iter().map(|sent| (sent.chat, Heard { message: sent.id, at_ms: sent.at_ms }));
    telegram.chain(waha).collect()
}
