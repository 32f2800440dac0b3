//! Sending as a person would, for providers whose makers advise it: the chat is seen, typing is shown for as long as the text
//! is, and then it is sent. The wait is in the queue: no worker waits. In memory: after a restart it begins anew.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use adapters::{Acknowledge, Provider};
use uuid::Uuid;

use super::Env;
use crate::channels::cache::Connected;
use crate::error::Error;
use crate::inbox::outgoing::Part;
use crate::model::Conversation;
use crate::store::deliveries::Delivery;
use crate::store::{Tx, Verb, conversations, messages};

/// Of a text: reading what was written, and typing the answer.
const FIRST_MS: i64 = 400;
const LETTER_MS: i64 = 20;
const LONGEST_MS: i64 = 4_000;
/// Of a file.
const FILE_MS: i64 = 1_500;
/// Parts from which on those are forgotten whose pause is long over.
const MANY: usize = 10_000;
const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// The end of the pause of each part that waits.
#[derive(Default)]
pub struct HumanPaces(Mutex<HashMap<Uuid, i64>>);

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    /// The pause begins, and ends then.
    Begins(i64),
    /// It lasts until then.
    Lasts(i64),
    Over,
}

impl HumanPaces {
    fn stage(&self, delivery: Uuid, pause_ms: i64, now: i64) -> Stage {
        let mut paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match paces.get(&delivery) {
            Some(until) if *until > now => Stage::Lasts(*until),
            Some(_) => {
                paces.remove(&delivery);
                Stage::Over
            }
            None => {
                if paces.len() >= MANY {
                    paces.retain(|_, until| *until > now);
                }
                if paces.len() >= MANY {
                    return Stage::Over;
                }
                paces.insert(delivery, now + pause_ms);
                Stage::Begins(now + pause_ms)
            }
        }
    }
}

/// How long a person would take for a part. `random`: any number.
fn pause_ms(part: &Part, random: u64) -> i64 {
    let letters = part.text.as_deref().map_or(0, |text| text.chars().count());
    let written = i64::try_from(letters).unwrap_or(i64::MAX / 100) * LETTER_MS;
    let file = if part.media.is_some() { FILE_MS } else { 0 };
    let whole = (FIRST_MS + written + file).min(LONGEST_MS);
    // A quarter more or less: no two are alike.
    whole * 3 / 4 + i64::try_from(random % 1_000).unwrap_or(0) * whole / 2_000
}

/// Until when the part waits; nothing if it may leave now. A pause begins with the marks that the customer sees.
pub(super) async fn wait(
    env: &Env,
    connected: &Connected,
    provider: &dyn Provider,
    delivery: &Delivery,
) -> Result<Option<i64>, Error> {
    if !connected.channel.settings.human_pace || !provider.wants_human_pace() {
        return Ok(None);
    }
    let Ok(part) = serde_json::from_str::<Part>(&delivery.payload) else { return Ok(None) };
    let pause = pause_ms(&part, env.store.ids().next().as_u128() as u64);
    let until = match env.human_paces.stage(delivery.id, pause, env.store.clock().now_ms()) {
        Stage::Over => return Ok(None),
        Stage::Lasts(until) => return Ok(Some(until)),
        Stage::Begins(until) => until,
    };
    let look = LoadChat { tenant: delivery.tenant, conversation: delivery.conversation };
    if let Some((conversation, newest, writer)) = env.store.read(look).await? {
        let account = connected.secrets.account();
        let what = Acknowledge {
            to: conversation.address(),
            message: newest.as_deref(),
            participant: writer.as_deref(),
            callback: None,
        };
        let marks = async {
            if newest.is_some() {
                provider.acknowledge(&env.http, &account, &what).await?;
            }
            provider.typing(&env.http, &account, conversation.address(), true).await
        };
        // Without the marks it is sent all the same.
        match tokio::time::timeout(CALL_TIMEOUT, marks).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, channel = %delivery.channel, "a chat is not marked"),
            Err(_) => tracing::debug!(channel = %delivery.channel, "marking a chat took too long"),
        }
    }
    Ok(Some(until))
}

struct LoadChat {
    tenant: Uuid,
    conversation: Uuid,
}

impl Verb for LoadChat {
    /// The conversation, and the newest message of the customer: its id at the provider, and in a group who wrote it.
    type Out = Option<(Conversation, Option<String>, Option<String>)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let Some(found) = conversations::load(tx, self.tenant, self.conversation).await? else {
            return Ok(None);
        };
        let newest = messages::heard_last_id(tx, &found).await?;
        let heard = if found.is_group { messages::heard(tx, &found, None).await? } else { None };
        Ok(Some((found, newest, heard.and_then(|heard| heard.author))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_waits_once_and_as_long_as_it_is() {
        let (paces, id) = (HumanPaces::default(), Uuid::max());
        assert_eq!(paces.stage(id, 800, 10_000), Stage::Begins(10_800));
        assert_eq!(paces.stage(id, 900, 10_100), Stage::Lasts(10_800));
        assert_eq!(paces.stage(id, 900, 10_800), Stage::Over);
        let text = |letters: usize| Part { text: Some("x".repeat(letters)), ..Part::default() };
        for random in [0, 499, 999] {
            assert!((300..=500).contains(&pause_ms(&text(0), random)));
            assert!((1_800..=3_000).contains(&pause_ms(&text(100), random)));
            assert!((3_000..=5_000).contains(&pause_ms(&text(100_000), random)));
        }
        for n in 0..3 * MANY as u128 {
            paces.stage(Uuid::from_u128(n), 1, n as i64);
        }
        assert!(paces.0.lock().unwrap().len() <= MANY);
    }
}
