//! Whatever providers do to the order, the number and the batches of their deliveries, people see the same conversations.
//!
//! Events of all six providers are generated as each provider writes them and delivered to two servers: to one in order, one
//! by one; to the other repeated, overtaken and in batches, as far as the provider does that. Then every conversation has to
//! be the same: contact, place, and each message with its text, author, time, quoted message, status, reactions, edits,
//! deletion and files.
//!
//! Not compared, because they say in which order messages became known, which is what differs: `seq`, `created_at`, ids,
//! and what follows from them (the list's order, `last_message`, the turn). Messages are compared in the order of the
//! provider's time. Nor is the owner: who answers is decided when something arrives, from what is known then. What the owner
//! typed between two messages of a customer takes the conversation from the AI; if it comes first of the three, it is from
//! before everything that is known. Of a deleted message only that it was deleted is compared: nothing else is shown.
//!
//! Telegram numbers its updates and WAHA dates its deliveries, which orders changes of one second. Meta tells nothing but the
//! second of a change, so changes of one message are generated at different seconds.
//!
//! `HUBBUB_SHUFFLED_SEEDS=20` tries so many further seeds, `HUBBUB_SHUFFLED_SEED=7` one of them.

#[path = "shuffled/chats.rs"]
mod chats;
#[path = "shuffled/deliveries.rs"]
mod deliveries;
#[path = "shuffled/dice.rs"]
mod dice;
#[path = "shuffled/rig.rs"]
mod rig;
#[path = "shuffled/words.rs"]
mod words;

use hubbub::store::Engine;

use self::chats::generate;
use self::deliveries::{in_order, mixed};
use self::rig::Rig;

/// Each finds another order; all are tried with every change of the code.
const SEEDS: [u64; 1] = [1];

fn seeds() -> Vec<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("HUBBUB_SHUFFLED_SEED") {
        return vec![seed];
    }
    let more = number("HUBBUB_SHUFFLED_SEEDS").unwrap_or(0);
    SEEDS.into_iter().chain(100..100 + more).collect()
}

async fn same(engine: Engine) {
    let count = std::env::var("HUBBUB_SHUFFLED_EVENTS").ok().and_then(|text| text.parse().ok());
    for seed in seeds() {
        let now_s = hubbub::clock::Clock::System.now_ms() / 1_000;
        let events = generate(seed, count.unwrap_or_else(|| crate::kit::size(1_500, 5_000)), now_s);
        let (clean, shuffled) = (in_order(&events), mixed(&events, seed));
        println!(
            "seed {seed}: {} events in {} deliveries, and in {} repeated, overtaken and batched",
            events.len(),
            clean.len(),
            shuffled.len()
        );
        let first = Rig::start(engine).await;
        let expected = first.timelines_after(clean).await;
        let second = Rig::start(engine).await;
        let seen = second.timelines_after(shuffled).await;
        let messages: usize = expected.values().map(Vec::len).sum();
        println!("seed {seed}: {} conversations, {messages} lines", expected.len());
        let differences = rig::differences(&expected, &seen);
        assert!(
            differences.is_empty(),
            "seed {seed}, {} differences:\n{}",
            differences.len(),
            differences[..differences.len().min(12)].join("\n")
        );
        assert!(messages > events.len() / 2, "most events are messages");
        first.finish().await;
        second.finish().await;
    }
}

crate::on_both!(any_order_and_number_of_deliveries_gives_the_same_timelines, |engine| same(engine));
