//! Opening hours of a week, written as `mon-fri 09:00-18:00, sat 10:00-14:00`, with a fixed offset from UTC. No
//! holidays and no summer time.

use super::Language;

const DAY_MIN: i64 = 24 * 60;
const MINUTE_MS: i64 = 60_000;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAYS_RU: [&str; 7] = ["пн", "вт", "ср", "чт", "пт", "сб", "вс"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    spans: Vec<Span>,
    utc_offset_min: i64,
}

/// Days (0 is Monday) and minutes of the day; the end is exclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    days: (usize, usize),
    minutes: (i64, i64),
}

impl Hours {
    /// The error is a sentence for the operator.
    pub fn parse(text: &str, utc_offset: &str) -> Result<Self, String> {
        let spans = text.split(',').map(span).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { spans, utc_offset_min: offset(utc_offset)? })
    }

    pub fn is_open(&self, now_ms: i64) -> bool {
        let minutes = now_ms.div_euclid(MINUTE_MS) + self.utc_offset_min;
        // The first day of Unix time was a Thursday.
        let day = (minutes.div_euclid(DAY_MIN) + 3).rem_euclid(7) as usize;
        let minute = minutes.rem_euclid(DAY_MIN);
        self.spans.iter().any(|span| {
            let (first, last) = span.days;
            let on = if first <= last { (first..=last).contains(&day) } else { day >= first || day <= last };
            on && (span.minutes.0..span.minutes.1).contains(&minute)
        })
    }

    pub fn describe(&self, language: Language) -> String {
        let names = match language {
            Language::En => DAYS,
            Language::Ru => DAYS_RU,
        };
        let one = |span: &Span| {
            let (first, last) = span.days;
            let days = if first == last {
                names[first].to_owned()
            } else {
                format!("{}–{}", names[first], names[last])
            };
            format!("{days} {}–{}", clock(span.minutes.0), clock(span.minutes.1))
        };
        self.spans.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

fn clock(minutes: i64) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn span(text: &str) -> Result<Span, String> {
    let text = text.trim();
    let wrong = || format!("{text:?} is not like \"mon-fri 09:00-18:00\"");
    let (days, times) = text.split_once(char::is_whitespace).ok_or_else(wrong)?;
    let (first, last) = days.split_once('-').unwrap_or((days, days));
    let day = |name: &str| DAYS.iter().position(|day| day.eq_ignore_ascii_case(name)).ok_or_else(wrong);
    let (from, to) = times.trim().split_once('-').ok_or_else(wrong)?;
    let minutes = (minute(from).ok_or_else(wrong)?, minute(to).ok_or_else(wrong)?);
    if minutes.0 >= minutes.1 {
        return Err(format!("{text:?} ends before it begins; write a night as two spans"));
    }
    Ok(Span { days: (day(first)?, day(last)?), minutes })
}

/// `09:30` as minutes of the day; 24:00 is the day's end.
fn minute(text: &str) -> Option<i64> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |text: &str| if text.len() == 2 { text.parse::<u8>().ok().map(i64::from) } else { None };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= DAY_MIN).then_some(total)
}

/// `+03:00`, `-05:30` or `Z` as minutes.
fn offset(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not an offset like +03:00");
    if text.eq_ignore_ascii_case("z") {
        return Ok(0);
    }
    let (sign, rest) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(rest), _) => (1, rest),
        (_, Some(rest)) => (-1, rest),
        _ => return Err(wrong()),
    };
    minute(rest).filter(|minutes| *minutes <= 14 * 60).map(|minutes| sign * minutes).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday, 5 January 1970.
    const MONDAY: i64 = 4 * DAY_MIN;

    fn at(day: i64, hour: i64, minute: i64) -> i64 {
        (MONDAY + day * DAY_MIN + hour * 60 + minute) * MINUTE_MS
    }

    #[test]
    fn open_from_the_first_minute_to_before_the_last() {
        let hours = Hours::parse("mon-fri 09:00-18:00, sat 10:00-14:00", "Z").unwrap();
        assert!(hours.is_open(at(0, 9, 0)) && hours.is_open(at(4, 17, 59)) && hours.is_open(at(5, 13, 59)));
        for closed in [at(0, 8, 59), at(4, 18, 0), at(5, 9, 59), at(6, 12, 0)] {
            assert!(!hours.is_open(closed), "{closed}");
        }
    }

    #[test]
    fn the_offset_moves_days_too() {
        let east = Hours::parse("mon 00:00-01:00", "+03:00").unwrap();
        assert!(east.is_open(at(-1, 21, 0)), "Sunday evening in UTC is Monday there");
        let west = Hours::parse("sun 23:00-24:00", "-05:30").unwrap();
        assert!(west.is_open(at(0, 5, 0)) && !west.is_open(at(0, 5, 30)));
    }

    #[test]
    fn days_go_round_the_week() {
        let hours = Hours::parse("SAT-mon 10:00-12:00", "+00:00").unwrap();
        assert!(hours.is_open(at(5, 11, 0)) && hours.is_open(at(6, 11, 0)) && hours.is_open(at(0, 11, 0)));
        assert!(!hours.is_open(at(1, 11, 0)));
        assert_eq!(hours.describe(Language::En), "sat–mon 10:00–12:00");
        assert_eq!(hours.describe(Language::Ru), "сб–пн 10:00–12:00");
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for wrong in [
            "",
            "mon",
            "mon 9:00-18:00",
            "mon 09:00-25:00",
            "fun 09:00-10:00",
            "mon 18:00-09:00",
            "mon 09:60-10:00",
        ] {
            assert!(Hours::parse(wrong, "Z").is_err(), "{wrong}");
        }
        for wrong in ["", "3", "03:00", "+3:00", "+15:00"] {
            assert!(Hours::parse("mon 09:00-18:00", wrong).is_err(), "{wrong}");
        }
    }
}
