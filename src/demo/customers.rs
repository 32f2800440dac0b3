//! Made-up customers: they write in bursts to every account that is connected, wait for an answer and continue after it;
//! now and then they send a file, quote, edit a message, react, press a button, or ask for a person. A seed decides
//! everything but the time that answers take.
//!
//! There are at most [`MAX_PEOPLE`], and the pauses between their messages grow over time.

mod chat;
mod dice;
mod files;
mod heard;
mod lines;
mod person;

use std::time::Duration;

pub(super) use self::chat::{Chat, File};
use self::dice::Dice;
pub(super) use self::heard::AllHeard;
use self::person::Person;
use super::World;
use super::providers::Account;

const MAX_PEOPLE: usize = 40;
/// Steps at full speed; after them the pauses grow.
const LIVELY_STEPS: u64 = 60;
const LONGEST_PAUSE_MS: u64 = 30_000;
/// How often it is looked whether something is connected.
const NOBODY: Duration = Duration::from_millis(500);

/// Writes to the world's channels for as long as the future is polled.
pub(super) async fn live(world: &World, seed: u64) {
    let mut dice = Dice::new(seed);
    let mut people: Vec<Person> = Vec::new();
    let mut step = 0;
    loop {
        world.providers.scans(world.app.store.clock().now_ms());
        let accounts = world.providers.connected();
        let Some(quietest) = quietest(&accounts, &people) else {
            tokio::time::sleep(NOBODY).await;
            continue;
        };
        let heard = AllHeard::of(world);
        let is_ready = |person: &Person| accounts.contains(&person.account()) && person.is_answered(&heard);
        let ready: Vec<usize> = (0..people.len()).filter(|index| is_ready(&people[*index])).collect();
        let is_new_account = people.iter().all(|person| person.account() != quietest);
        let someone_new =
            people.len() < MAX_PEOPLE && (is_new_account || ready.is_empty() || dice.percent(35));
        if someone_new {
            let mut person = Person::new(people.len(), quietest, &mut dice);
            burst(world, &mut person, &heard, &mut dice).await;
            people.push(person);
        } else if let Some(index) = dice.pick(&ready) {
            let person = &mut people[*index];
            if dice.percent(25) {
                person.reacts(world, &heard, &mut dice);
            }
            burst(world, person, &heard, &mut dice).await;
        }
        let slower = 1 + step / LIVELY_STEPS;
        step += 1;
        let pause_ms = dice.between(1_500, 4_500).saturating_mul(slower).min(LONGEST_PAUSE_MS);
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    }
}

/// The account that the fewest people write to.
fn quietest(accounts: &[Account], people: &[Person]) -> Option<Account> {
    let count = |account: &Account| people.iter().filter(|person| person.account() == *account).count();
    accounts.iter().copied().min_by_key(count)
}

/// One to four messages with short gaps, which the hub gathers into one turn.
async fn burst(world: &World, person: &mut Person, heard: &AllHeard, dice: &mut Dice) {
    if dice.percent(12) {
        person.sends_file(world, heard, dice);
        short_gap(dice).await;
    }
    let lines: &[&str] = if person.has_written() && dice.percent(8) {
        person.tongue.asks_for_a_person()
    } else {
        dice.pick(person.tongue.bursts()).copied().unwrap_or_default()
    };
    let quotes = dice.percent(15);
    if person.writes_mails() {
        person.says(world, &lines.join("\n"), heard, quotes);
        return person.now_waits(world);
    }
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            short_gap(dice).await;
        }
        person.says(world, line, heard, quotes && number == 0);
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
