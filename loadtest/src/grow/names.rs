//! Names and handles of customers, and their search terms by the rules of the server's contact search.

use crate::clock::Dice;

pub(crate) const FIRST: &[&str] = &[
    "Anna",
    "Maria",
    "John",
    "Elena",
    "Peter",
    "Olga",
    "Ivan",
    "Sofia",
    "Lucas",
    "Emma",
    "Noah",
    "Mia",
    "Felix",
    "Nina",
    "Омар",
    "Анна",
    "Мария",
    "Сергей",
    "Ольга",
    "Дмитрий",
    "Наталья",
    "Павел",
    "Ирина",
    "Семён",
    "Тимур",
    "Василиса",
];
pub(crate) const LAST: &[&str] = &[
    "Novak",
    "Smith",
    "Garcia",
    "Keller",
    "Rossi",
    "Larsen",
    "Kowalski",
    "Brown",
    "Silva",
    "Fischer",
    "Nagy",
    "Иванов",
    "Петрова",
    "Смирнов",
    "Кузнецова",
    "Соколов",
    "Королёва",
    "Зайцев",
    "Мороз",
    "Белый",
];
/// Prefix of terms whose digits are reversed.
const FROM_END: char = '\u{1}';

/// The name and the handle of the customer with this number; every second handle is a phone number.
pub(crate) fn of(contact: u32, seed: u64) -> (String, String) {
    let mut dice = Dice::new(seed ^ (u64::from(contact) << 20) ^ 0xC0);
    let mut pick = |from: &[&'static str]| from[dice.roll(from.len() as u64) as usize];
    let (first, last) = (pick(FIRST), pick(LAST));
    let handle = if contact.is_multiple_of(2) {
        format!("+79{:09}", dice.roll(1_000_000_000))
    } else {
        let name = if first.is_ascii() { first.to_lowercase() } else { "guest".to_owned() };
        format!("{name}_{contact}")
    };
    (format!("{first} {last}"), handle)
}

/// A contact's search terms: the name and the handle from the start of each word, numbers from both ends.
pub(crate) fn terms(name: &str, handle: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for text in [name, handle] {
        let folded = fold(text);
        let mut rest = folded.as_str();
        while !rest.is_empty() {
            terms.push(rest.to_owned());
            rest = rest.split_once(' ').map_or("", |(_, after)| after);
        }
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if digits.len() >= 5 {
            terms.push(std::iter::once(FROM_END).chain(digits.chars().rev()).collect());
            terms.push(digits);
        }
    }
    terms.sort();
    terms.dedup();
    terms
}

/// Normalises: lower case, no diacritics, single spaces, no punctuation. Handles only the diacritics of the names
/// above.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'ё' => folded.push('е'),
            'й' => folded.push('и'),
            _ if c.is_alphanumeric() => folded.push(c),
            _ if folded.is_empty() || folded.ends_with(' ') => {}
            _ => folded.push(' '),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_those_of_the_search() {
        assert_eq!(terms("Сергей Королёва", "anna_7"), ["7", "anna 7", "королева", "сергеи королева"]);
        let number = terms("", "+79160104477");
        assert_eq!(number, ["\u{1}77440106197", "79160104477"]);
        // Five or more digits in a name are found from both ends, too.
        assert!(terms("", "mia_123456").contains(&"\u{1}654321".to_owned()));
    }

    #[test]
    fn terms_fit_the_index() {
        for contact in 0..2_000 {
            let (name, handle) = of(contact, 3);
            assert!(terms(&name, &handle).iter().all(|term| term.len() <= 60));
        }
    }
}
