//! Phone numbers in one form: E.164, by the metadata of `phonenumber`, and what providers make of them. Some countries
//! changed their numbers while WhatsApp kept its ids, so one person's number has several spellings: [`Phone::keys`] has all
//! of them. Pure; says nothing about whom a number belongs to today.

use phonenumber::country::Id;

use super::fold::is_invisible;
use super::number::digits;

/// Digits of a number in E.164 with its country code.
const LEAST: usize = 7;
const MOST: usize = 15;
/// Digits of a number without its country code. Shorter ones are services: emergency calls, short codes.
const LEAST_NATIONAL: usize = 6;
/// Characters that are read.
const TEXT: usize = 64;

/// A number in E.164: digits with the country code, without the plus.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Phone(String);

impl std::fmt::Display for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "+{}", self.0)
    }
}

/// A country by its two letters, as the metadata knows it.
pub fn country(letters: &str) -> Option<Id> {
    letters.to_ascii_uppercase().parse().ok().filter(|_| letters.len() == 2)
}

/// The number that somebody typed or a file has. `home`: the country of numbers without a country code; without it such
/// numbers are none. Nothing for what is no number, and for ids that are only digits (`…@lid`, `…@g.us`).
pub fn normalise(typed: &str, home: Option<Id>) -> Option<Phone> {
    let seen: String = typed.chars().filter(|c| !is_invisible(*c)).take(TEXT + 1).collect();
    let seen = seen.trim();
    let seen = seen.strip_prefix("tel:").unwrap_or(seen);
    if let Some((id, server)) = seen.split_once('@') {
        return matches!(server, "c.us" | "s.whatsapp.net").then(|| Phone::of_provider(id)).flatten();
    }
    let is_number = seen.chars().count() <= TEXT
        && seen.chars().all(|c| !c.is_alphabetic() && !matches!(c, '@' | '_' | ':' | '#' | '*'));
    let plain = digits(seen);
    if !is_number || !(LEAST_NATIONAL..=MOST + 5).contains(&plain.len()) {
        return None;
    }
    let is_foreign = seen.starts_with(['+', '\u{ff0b}']);
    if is_foreign {
        return abroad(&plain);
    }
    // The prefixes for calls abroad; no national number begins like this. Those of North America are in the metadata.
    let prefix = if home == Some(Id::AU) { "0011" } else { "00" };
    if let Some(rest) = plain.strip_prefix(prefix) {
        return abroad(rest);
    }
    let at_home = home.and_then(|home| national(&plain, home));
    // A number that is valid at home is meant so; otherwise it may have its country code without the plus.
    match at_home {
        Some((phone, true)) => Some(phone),
        other => valid(&plain).or(other.map(|(phone, _)| phone)),
    }
}

/// A number with its country code, whatever the metadata think of it: numbers are given out before they are listed.
fn abroad(digits: &str) -> Option<Phone> {
    let digits = digits.trim_start_matches('0');
    match phonenumber::parse(None, format!("+{digits}")) {
        Ok(number) => Phone::of(&number),
        Err(_) => None,
    }
}

fn valid(digits: &str) -> Option<Phone> {
    let number = phonenumber::parse(None, format!("+{digits}")).ok()?;
    let phone = Phone::of(&number)?;
    phone.is_valid().then_some(phone)
}

/// A number as it is dialled within a country, and whether that country has such numbers.
fn national(digits: &str, home: Id) -> Option<(Phone, bool)> {
    // What Mexico dialled before mobile numbers until 2019, and before far ones.
    let digits = match home {
        Id::MX => ["044", "045", "01"]
            .iter()
            .find_map(|prefix| digits.strip_prefix(prefix).filter(|rest| rest.len() == 10))
            .unwrap_or(digits),
        _ => digits,
    };
    let number = phonenumber::parse(Some(home), digits).ok()?;
    let phone = Phone::of(&number)?;
    let valid = phone.is_valid();
    Some((phone, valid))
}

impl Phone {
    /// The number of digits that a provider vouches for: they have their country code.
    pub fn of_provider(digits: &str) -> Option<Self> {
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        let fits = is_number && (LEAST..=MOST).contains(&digits.len());
        fits.then(|| Self(current(digits)))
    }

    fn of(number: &phonenumber::PhoneNumber) -> Option<Self> {
        let text = number.format().mode(phonenumber::Mode::E164).to_string();
        let code = number.code().value().to_string();
        let digits = digits(&text);
        let is_long = digits.len() >= code.len() + LEAST_NATIONAL;
        Self::of_provider(&digits).filter(|_| is_long)
    }

    /// As the metadata have it, which know ranges and not subscribers.
    pub fn is_valid(&self) -> bool {
        phonenumber::parse(None, self.to_string()).is_ok_and(|number| phonenumber::is_valid(&number))
    }

    /// Digits with the country code.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// The digits of the id that WhatsApp most likely has for it. Only the provider knows: ask it before the first message.
    pub fn whatsapp(&self) -> String {
        if let Some((area, rest)) = brazilian_mobile(&self.0) {
            // The first to get the ninth digit, São Paulo, Rio and Espírito Santo, have it in their ids.
            return if area < 30 { self.0.clone() } else { format!("55{area}{}", &rest[1..]) };
        }
        match self.0.strip_prefix("52") {
            Some(rest) if rest.len() == 10 => format!("521{rest}"),
            _ => self.0.clone(),
        }
    }

    /// Every spelling under which this number may be stored, itself first.
    pub fn keys(&self) -> Vec<String> {
        let mut keys = vec![self.0.clone()];
        if let Some((area, rest)) = brazilian_mobile(&self.0) {
            keys.push(format!("55{area}{}", &rest[1..]));
        }
        if let Some(rest) = self.0.strip_prefix("52").filter(|rest| rest.len() == 10) {
            keys.push(format!("521{rest}"));
        }
        if let Some(rest) = self.0.strip_prefix("54") {
            match rest.strip_prefix('9').filter(|rest| rest.len() == 10) {
                Some(plain) => keys.push(format!("54{plain}")),
                // A number without the 9 may be a fixed one, so it stays itself.
                None if rest.len() == 10 => keys.push(format!("549{rest}")),
                None => {}
            }
        }
        keys
    }
}

/// Whether two numbers may be one: by the spellings that one number has.
pub fn is_same(one: &Phone, other: &Phone) -> bool {
    one.keys().iter().any(|key| other.keys().contains(key))
}

/// The spellings of a typed number, the current one first; nothing if it is no number.
pub fn same_person_keys(typed: &str, home: Option<Id>) -> Vec<String> {
    normalise(typed, home).map(|phone| phone.keys()).unwrap_or_default()
}

/// The number as it is written since its country last changed its plan.
fn current(digits: &str) -> String {
    // Mexico took the 1 out in 2019.
    if let Some(rest) = digits.strip_prefix("521").filter(|rest| rest.len() == 10) {
        return format!("52{rest}");
    }
    // Brazil put a 9 before mobile numbers, which begin with 6 to 9; fixed ones begin with 2 to 5.
    if let Some(rest) = digits.strip_prefix("55").filter(|rest| rest.len() == 10) {
        let (area, number) = rest.split_at(2);
        if number.starts_with(['6', '7', '8', '9']) {
            return format!("55{area}9{number}");
        }
    }
    // Argentina says 15 within the country where others say 9 before the area code.
    if let Some(rest) = digits.strip_prefix("54").filter(|rest| rest.len() == 12 && !rest.starts_with('9')) {
        for area in 2..=4 {
            if let Some(number) = rest[area..].strip_prefix("15") {
                return format!("549{}{number}", &rest[..area]);
            }
        }
    }
    digits.to_owned()
}

/// Area code and the nine digits of a Brazilian mobile number.
fn brazilian_mobile(digits: &str) -> Option<(u32, &str)> {
    let rest = digits.strip_prefix("55").filter(|rest| rest.len() == 11)?;
    let (area, number) = rest.split_at(2);
    let area = area.parse().ok()?;
    number.starts_with('9').then_some((area, number))
}

#[cfg(test)]
mod tests;
