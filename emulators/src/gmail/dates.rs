//! Times as text: RFC 5322 for mail headers, RFC 3339 for Pub/Sub. Always UTC.

const DAY_S: i64 = 86_400;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// Year, month (1–12) and day of a number of days since 1970, by the proleptic Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The number of days since 1970 of a date.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn clock(at_ms: i64) -> String {
    let second = at_ms.div_euclid(1000).rem_euclid(DAY_S);
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// As in `Tue, 10 Nov 2026 12:01:50 +0000`.
pub(super) fn rfc5322(at_ms: i64) -> String {
    let since = at_ms.div_euclid(1000 * DAY_S);
    let (year, month, day) = civil(since);
    let weekday = WEEKDAYS[usize::try_from(since.rem_euclid(7)).unwrap_or_default()];
    let name = MONTHS[usize::try_from(month - 1).unwrap_or_default()];
    format!("{weekday}, {day:02} {name} {year} {} +0000", clock(at_ms))
}

/// As in `2026-11-10T12:00:00.123Z`.
pub(super) fn rfc3339(at_ms: i64) -> String {
    let (year, month, day) = civil(at_ms.div_euclid(1000 * DAY_S));
    format!("{year:04}-{month:02}-{day:02}T{}.{:03}Z", clock(at_ms), at_ms.rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times_are_written_as_the_rfcs_say() {
        assert_eq!(rfc5322(1_794_312_110_000), "Tue, 10 Nov 2026 12:01:50 +0000");
        assert_eq!(rfc3339(1_794_312_000_123), "2026-11-10T12:00:00.123Z");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!((days(2026, 11, 10), days(1970, 1, 1)), (1_794_312_000 / DAY_S, 0));
    }
}
