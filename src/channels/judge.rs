//! What a look at a channel means for its health. Pure: what the provider answered, when the credentials run out, and what
//! the hub has seen of the channel by itself, because a provider may say that all is well while nothing arrives.

use std::collections::BTreeSet;

use adapters::{Expiry, Health, HealthState, Provider, Remedy};

use super::health::Finding;
use crate::model::{HealthCause, HealthLevel};
use crate::store::looks::SentPart;

const DAY_MS: i64 = 24 * 3_600_000;
/// Days before the end of the credentials at which it is told.
const WARN_DAYS: [i64; 3] = [1, 7, 14];
/// Deliveries that wait at the provider; fewer are on their way.
const BACKLOG: u64 = 100;
/// A receipt that takes longer does not come.
const RECEIPT_MS: i64 = 10 * 60_000;
/// Conversations whose newest sends have to lack a receipt: one customer's phone may be off.
const UNCONFIRMED: usize = 3;
/// A call that fails proves nothing about the channel; so many in a row are told.
const FAILURES: i64 = 3;

/// What the hub has seen of the channel.
pub(crate) struct Seen<'a> {
    pub now: i64,
    pub expiry: Option<Expiry>,
    /// Messages that the provider has and did not deliver.
    pub missed: usize,
    /// Newest first.
    pub sent: &'a [SentPart],
}

/// The worst of it.
pub(crate) fn judge(provider: &dyn Provider, health: &Health, seen: &Seen<'_>) -> Finding {
    if health.state != HealthState::Up {
        return Finding::of_provider(provider, health.state, Some(health.detail.to_string()));
    }
    let of_expiry = seen.expiry.and_then(|expiry| running_out(&expiry, seen.now));
    if let Some(found) = of_expiry.as_ref().filter(|found| found.level == HealthLevel::NeedsAttention) {
        return found.clone();
    }
    if seen.missed > 0 {
        let detail = format!("{} messages were not delivered", seen.missed);
        return Finding::new(HealthLevel::Degraded, HealthCause::Silent, Some(detail))
            .remedy(Remedy::Connect);
    }
    if let Some(count) = unconfirmed(seen.sent, seen.now) {
        let detail = format!("{count} messages were not confirmed");
        return Finding::new(HealthLevel::Degraded, HealthCause::Unconfirmed, Some(detail));
    }
    match (health.pending, &health.last_error) {
        // The last error stays after deliveries work again, where the provider counts what waits.
        (None | Some(1..), Some(error)) => {
            Finding::new(HealthLevel::Degraded, HealthCause::DeliveryErrors, Some(error.to_string()))
        }
        (Some(pending @ BACKLOG..), None) => {
            let detail = format!("{pending} deliveries wait at the provider");
            Finding::new(HealthLevel::Degraded, HealthCause::Backlog, Some(detail))
        }
        _ => of_expiry.unwrap_or(Finding::connected()),
    }
}

/// The provider did not answer so many looks in a row.
pub(crate) fn unreachable(failures: i64, reason: &str) -> Option<Finding> {
    let detail = format!("it did not answer {failures} times: {reason}");
    (failures >= FAILURES)
        .then(|| Finding::new(HealthLevel::Degraded, HealthCause::Unreachable, Some(detail)))
}

/// Credentials that end soon, although a machine should have renewed them; or that only a person renews.
fn running_out(expiry: &Expiry, now: i64) -> Option<Finding> {
    let left = expiry.ends_at_ms - now;
    if left <= 0 {
        let found = Finding::new(HealthLevel::NeedsAttention, HealthCause::Expired, None);
        return Some(found.remedy(Remedy::SignIn));
    }
    let days = WARN_DAYS.into_iter().find(|days| left <= days * DAY_MS)?;
    // The same words until the next warning.
    let detail = Some(format!("{days} d"));
    if expiry.needs_person {
        let found = Finding::new(HealthLevel::NeedsAttention, HealthCause::Expires, detail);
        return Some(found.remedy(Remedy::SignIn));
    }
    let overdue_at = expiry.renew_at_ms + (expiry.ends_at_ms - expiry.renew_at_ms) / 2;
    (now > overdue_at).then(|| Finding::new(HealthLevel::Degraded, HealthCause::Expires, detail))
}

/// How many of the newest sends have no receipt, if that is unusual: the ones before them have.
fn unconfirmed(sent: &[SentPart], now: i64) -> Option<usize> {
    let left = |part: &&SentPart| matches!(part.state.as_str(), "sent" | "delivered" | "read" | "played");
    let old = |part: &&SentPart| now - part.updated_at >= RECEIPT_MS;
    let is_open = |part: &&SentPart| part.state == "sent";
    let sent: Vec<&SentPart> =
        sent.iter().filter(left).skip_while(|part| is_open(part) && !old(part)).collect();
    let open: Vec<_> = sent.iter().copied().take_while(is_open).collect();
    let conversations: BTreeSet<_> = open.iter().map(|part| part.conversation).collect();
    let before = &sent[open.len()..];
    let confirmed = before.iter().filter(|part| !is_open(part)).count();
    let usual = confirmed > 0 && confirmed * 2 >= before.len();
    (conversations.len() >= UNCONFIRMED && usual).then_some(open.len())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const NOW: i64 = 1_794_312_000_000;

    fn up() -> Health {
        Health::new(HealthState::Up, "WORKING".into())
    }

    fn waha() -> &'static dyn Provider {
        adapters::provider("waha").expect("it is built")
    }

    fn cause(health: &Health, seen: &Seen<'_>) -> (HealthLevel, Option<HealthCause>) {
        let found = judge(waha(), health, seen);
        (found.level, found.cause)
    }

    fn seen() -> Seen<'static> {
        Seen { now: NOW, expiry: None, missed: 0, sent: &[] }
    }

    fn ends_in(days: i64, needs_person: bool) -> Seen<'static> {
        let ends_at_ms = NOW + days * DAY_MS - 1;
        let expiry = Expiry { renew_at_ms: ends_at_ms - 30 * DAY_MS, ends_at_ms, needs_person };
        Seen { expiry: Some(expiry), ..seen() }
    }

    #[test]
    fn what_a_provider_says_of_itself_is_told_as_it_is() {
        let says = |state, word: &str| judge(waha(), &Health { state, detail: word.into(), ..up() }, &seen());
        assert_eq!(says(HealthState::Up, "WORKING"), Finding::connected());
        let scan = says(HealthState::NeedsPerson, "SCAN_QR_CODE");
        assert_eq!((scan.level, scan.remedy), (HealthLevel::NeedsAttention, Some(Remedy::ScanCode)));
        let passkey = says(HealthState::NeedsPerson, "PASSKEY_REQUIRED");
        assert_eq!(passkey.remedy, Some(Remedy::ConfirmPasskey));
        let failed = says(HealthState::Down, "FAILED");
        assert_eq!((failed.level, failed.detail.as_deref()), (HealthLevel::Down, Some("FAILED")));
    }

    #[test]
    fn the_end_of_credentials_is_told_ahead() {
        let of = |days, needs_person| judge(waha(), &up(), &ends_in(days, needs_person));
        assert_eq!(of(15, true), Finding::connected());
        for (days, word) in [(14, "14 d"), (8, "14 d"), (7, "7 d"), (1, "1 d")] {
            let found = of(days, true);
            assert_eq!(
                (found.level, found.detail.as_deref()),
                (HealthLevel::NeedsAttention, Some(word)),
                "{days}"
            );
            assert_eq!((found.cause, found.remedy), (Some(HealthCause::Expires), Some(Remedy::SignIn)));
        }
        assert_eq!(of(14, false).level, HealthLevel::Degraded, "a machine should have renewed them");
        assert_eq!(of(0, false).cause, Some(HealthCause::Expired));
        // A token of one hour is always near its end.
        let hour = Expiry { renew_at_ms: NOW + 1_800_000, ends_at_ms: NOW + 3_600_000, needs_person: false };
        assert_eq!(judge(waha(), &up(), &Seen { expiry: Some(hour), ..seen() }), Finding::connected());
    }

    #[test]
    fn deliveries_that_do_not_come_are_a_cause() {
        let waits = |pending, error: Option<&str>| {
            cause(&Health { pending: Some(pending), last_error: error.map(Into::into), ..up() }, &seen()).1
        };
        assert_eq!(waits(0, Some("Connection refused")), None, "that was before");
        assert_eq!(waits(1, Some("Connection refused")), Some(HealthCause::DeliveryErrors));
        assert_eq!(waits(99, None), None);
        assert_eq!(waits(100, None), Some(HealthCause::Backlog));
        let uncounted = Health { last_error: Some("it is not watched".into()), ..up() };
        assert_eq!(cause(&uncounted, &seen()).1, Some(HealthCause::DeliveryErrors));
        let silent = cause(&up(), &Seen { missed: 2, ..seen() });
        assert_eq!(silent, (HealthLevel::Degraded, Some(HealthCause::Silent)));
    }

    fn parts(states: &[(u128, &str, i64)]) -> Vec<SentPart> {
        let part = |(conversation, state, age): &(u128, &str, i64)| SentPart {
            conversation: Uuid::from_u128(*conversation),
            state: (*state).to_owned(),
            updated_at: NOW - age * 60_000,
        };
        states.iter().map(part).collect()
    }

    #[test]
    fn sends_that_nobody_confirms_any_more_are_a_cause() {
        let of = |states: &[(u128, &str, i64)]| unconfirmed(&parts(states), NOW);
        let usual = (9, "delivered", 60);
        assert_eq!(of(&[(1, "sent", 11), (2, "sent", 12), (3, "sent", 13), usual]), Some(3));
        let with_new =
            [(4, "sent", 1), (1, "sent", 11), (2, "sent", 12), (3, "failed", 12), (3, "sent", 13), usual];
        assert_eq!(of(&with_new), Some(3), "a new one is still on its way, a failed one never left");
        assert_eq!(of(&[(1, "sent", 11), (1, "sent", 12), (1, "sent", 13), usual]), None, "one phone is off");
        assert_eq!(of(&[(1, "sent", 11), (2, "sent", 12), (3, "sent", 13)]), None, "it never confirms");
        assert_eq!(of(&[(4, "read", 1), (1, "sent", 11), (2, "sent", 12), (3, "sent", 13), usual]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn one_call_that_fails_proves_nothing() {
        assert_eq!(unreachable(FAILURES - 1, "it timed out"), None);
        let told = unreachable(FAILURES, "it timed out").expect("told");
        assert_eq!((told.level, told.cause), (HealthLevel::Degraded, Some(HealthCause::Unreachable)));
    }
}
