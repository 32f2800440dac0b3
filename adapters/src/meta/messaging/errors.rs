//! The codes of the Messenger Platform beside those of the whole Graph API.

use crate::meta::fault::{Fault, Known, Meaning, UNREACHABLE, WINDOW_CLOSED};

/// Subcodes of a person who cannot be written to, under several codes.
const GONE_PEOPLE: &[i64] = &[1_545_041, 2_018_001, 2_018_108, 2_534_014];
const WINDOW: &[i64] = &[2_018_278, 2_018_065, 2_534_022];
/// Message tags that Meta took away.
const ENDED_TAG: i64 = 1_893_061;
const RESTRICTED: i64 = 1_893_063;

pub(crate) fn table(fault: &Fault) -> Option<Known> {
    let refused = |name, words| Some(Known::named(Meaning::Refused, name, words));
    let has = |subcodes: &[i64]| fault.subcode.is_some_and(|subcode| subcodes.contains(&subcode));
    match fault.code {
        551 | 9010 => refused(UNREACHABLE, "this person cannot be reached"),
        10 | 100 | 200 if has(GONE_PEOPLE) => refused(UNREACHABLE, "this person cannot be reached"),
        10 if fault.subcode == Some(RESTRICTED) => {
            Some(Known::named(Meaning::Down, "restricted", "Meta has restricted the account for some time"))
        }
        // Further subcodes of this code say the same; without any it is about the app.
        10 if has(WINDOW) || fault.subcode.is_some() || fault.message.contains("window") => {
            refused(WINDOW_CLOSED, "the customer wrote too long ago to be answered now")
        }
        100 if fault.subcode == Some(ENDED_TAG) => refused(
            "tag_not_allowed",
            "Meta does not allow this kind of message outside of the window any more",
        ),
        100 => refused("parameter", "Meta does not take the message as it is"),
        3 | 10 | 200..=299 => refused("permission", "Meta does not let the app do this"),
        1200 => Some(Known::new(Meaning::Failed)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        call::{Answer, Verdict},
        meta::fault::judge,
    };

    #[test]
    fn every_documented_error_has_its_verdict() {
        let retry = Verdict::Retry { after_ms: None };
        let cases = [
            (400, 10, Some(2_018_278), Verdict::Rejected, "window_closed"),
            (400, 10, Some(2_534_022), Verdict::Rejected, "window_closed"),
            (400, 10, Some(1_893_063), Verdict::ChannelDown, "restricted"),
            (403, 10, None, Verdict::Rejected, "permission"),
            (400, 551, Some(1_545_041), Verdict::Rejected, "unreachable"),
            (400, 551, None, Verdict::Rejected, "unreachable"),
            (400, 200, Some(1_545_041), Verdict::Rejected, "unreachable"),
            (400, 100, None, Verdict::Rejected, "parameter"),
            (400, 100, Some(2_018_001), Verdict::Rejected, "unreachable"),
            (400, 100, Some(2_534_014), Verdict::Rejected, "unreachable"),
            (400, 100, Some(1_893_061), Verdict::Rejected, "tag_not_allowed"),
            (401, 190, Some(460), Verdict::ChannelDown, "token_refused"),
            (403, 200, None, Verdict::Rejected, "permission"),
            (403, 230, None, Verdict::Rejected, "permission"),
            (400, 4, None, retry, "rate"),
            (400, 613, None, retry, "rate"),
            (400, 80_006, None, retry, "rate"),
            (400, 32, None, retry, "rate"),
            (400, 2, None, retry, "2"),
            (400, 1200, None, retry, "1200"),
            (500, 2, None, Verdict::Unknown, "2"),
            (503, 1200, None, Verdict::Unknown, "1200"),
            (400, 368, None, Verdict::ChannelDown, "policy"),
            (400, 987_654, None, Verdict::Rejected, "987654"),
        ];
        for (status, code, subcode, verdict, name) in cases {
            let error = json!({"error": {"message": "(#1) No.", "code": code, "error_subcode": subcode}});
            let answer = Answer { status, retry_after_s: None, body: error.to_string().into_bytes() };
            let failure = judge(&answer, table).unwrap_err();
            assert_eq!(
                (failure.verdict, failure.code.as_str()),
                (verdict, name),
                "{status} {code} {subcode:?}"
            );
            assert!(failure.reason.contains("(#1) No."), "{}", failure.reason);
        }
    }
}
