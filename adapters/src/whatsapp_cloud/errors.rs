//! WhatsApp's codes: pure, by the number alone, as titles and texts change.

use crate::meta::fault::{
    Fault, Known,
    Meaning::{self, Down, Failed, Later, Refused},
    RATE, TOKEN, UNREACHABLE, WINDOW_CLOSED,
};

/// Between two messages to one person, once the burst is used up.
pub(super) const PAIR_MS: u64 = 6_000;
const SECOND_MS: u64 = 1_000;
const CLOSED_MS: u64 = 60_000;

/// Each with the code that it is told apart by, and with words for people.
const CODES: &[(i64, Meaning, &str, &str)] = &[
    (4, Later(None), RATE, "Meta asks to slow down"),
    (80_007, Later(Some(CLOSED_MS)), RATE, "Meta asks to slow down"),
    (130_429, Later(Some(SECOND_MS)), RATE, "the number sends faster than WhatsApp allows"),
    (131_056, Later(Some(PAIR_MS)), RATE, "too many messages to this person within a short time"),
    (131_016, Later(Some(SECOND_MS)), "overloaded", "WhatsApp is overloaded"),
    (131_057, Later(Some(CLOSED_MS)), "maintenance", "WhatsApp is being maintained"),
    (133_004, Later(Some(CLOSED_MS)), "unavailable", "WhatsApp is not available"),
    (
        131_047,
        Refused,
        WINDOW_CLOSED,
        "the customer's last message is more than 24 hours old; only a template can be sent",
    ),
    (131_026, Refused, UNREACHABLE, "the message cannot be delivered to this person"),
    (131_021, Refused, "to_self", "a number cannot write to itself"),
    (131_030, Refused, "not_in_test_list", "the recipient is not on the list of the test number"),
    (131_048, Refused, "spam_limit", "too many earlier messages of this number were reported as spam"),
    (131_049, Refused, "engagement_limit", "WhatsApp holds this marketing message back; not before a day"),
    (131_050, Refused, "opted_out", "this person wants no marketing messages"),
    (130_472, Refused, "experiment", "WhatsApp holds this marketing message back for an experiment"),
    (130_497, Refused, "country", "WhatsApp does not allow messages to this country"),
    (131_031, Down, "locked", "WhatsApp has locked the account"),
    (131_042, Down, "payment", "the account's payment has to be set up"),
    (133_010, Down, "not_registered", "the number is not registered at WhatsApp"),
    (131_045, Down, "certificate", "the number's registration at WhatsApp is not valid"),
    (368, Down, "policy", "WhatsApp blocks the account for what it did"),
    (190, Down, TOKEN, "Meta does not accept the channel's access any more"),
    (0, Down, TOKEN, "Meta does not accept the channel's access any more"),
    (10, Down, "permission", "the app lacks a permission for this number"),
    (131_005, Down, "permission", "the app lacks a permission for this number"),
    (131_052, Refused, "media", "the file could not be taken from the customer's message"),
    (131_053, Refused, "media", "WhatsApp could not take the file"),
    (131_051, Refused, "unsupported", "WhatsApp cannot show this kind of message"),
    (131_008, Refused, "parameter", "the message lacks something"),
    (131_009, Refused, "parameter", "WhatsApp does not take the message as it is"),
    (100, Refused, "parameter", "WhatsApp does not take the message as it is"),
];

pub(super) fn table(fault: &Fault) -> Option<Known> {
    if let Some((_, meaning, name, words)) = CODES.iter().find(|(code, ..)| *code == fault.code) {
        return Some(Known::named(*meaning, name, words));
    }
    Some(match fault.code {
        // These do not say how far they came.
        1 | 2 | 131_000 => Known::new(Failed),
        132_000..=132_999 => Known::named(Refused, "template", "the template cannot be sent so"),
        200..=299 => Known::named(Down, "permission", "the app lacks a permission for this number"),
        130_000..=139_999 => Known::new(Refused),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(code: i64) -> Option<Meaning> {
        table(&Fault { code, ..Fault::default() }).map(|known| known.meaning)
    }

    #[test]
    fn every_documented_code_has_its_meaning() {
        for code in [4, 80_007, 130_429, 131_016, 131_056, 131_057, 133_004] {
            assert!(matches!(meaning(code), Some(Later(_))), "{code}");
        }
        for code in [1, 2, 131_000] {
            assert_eq!(meaning(code), Some(Failed), "{code}");
        }
        for code in [0, 10, 190, 200, 230, 299, 368, 131_031, 131_042, 133_010] {
            assert_eq!(meaning(code), Some(Down), "{code}");
        }
        for code in [
            100, 130_472, 130_497, 131_008, 131_009, 131_021, 131_026, 131_030, 131_047, 131_048, 131_049,
            131_050, 131_051, 131_052, 131_053, 132_000, 132_015, 135_000,
        ] {
            assert_eq!(meaning(code), Some(Refused), "{code}");
        }
        assert_eq!(meaning(999_999), None);
    }
}
