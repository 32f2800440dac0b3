//! Message texts of 20 to 200 characters, composed of phrases. A key always gives the same text, so that texts need
//! not be stored. No text needs escaping in JSON.

use crate::clock::Dice;

const OPENINGS: &[&str] = &[
    "Hello, is the blue jacket still available in medium?",
    "Good morning! I ordered two days ago, order",
    "Please send me the price list for the spring season.",
    "Здравствуйте, подскажите, когда придёт мой заказ?",
    "Добрый день, можно ли перенести запись на пятницу?",
    "Thank you, that is exactly what I was looking for.",
    "Your parcel left our warehouse this morning.",
    "Спасибо, всё получили, очень понравилось.",
    "I would like to change the delivery address, please.",
    "Да, такой размер есть, отложить для вас до завтра?",
    "We have a free slot tomorrow at half past ten.",
    "Could you tell me whether the shop is open on Sunday?",
];
const MIDDLES: &[&str] = &[
    "It should be the version with the longer sleeves.",
    "Номер телефона тот же, что и в прошлый раз.",
    "The courier calls you an hour before he comes.",
    "I can pay by card or in cash, as you prefer.",
    "If it does not fit you can send it back within 14 days.",
    "Напишите, пожалуйста, если что-то изменится.",
    "My colleague said there would be a discount for two.",
    "We keep it for you until the end of the day.",
];
const ENDINGS: &[&str] =
    &["Thanks!", "Спасибо!", "See you then.", "Жду ответа.", "Best regards, the team.", "No hurry."];

/// Of three of these is the name of a product: words of which each is in few messages.
const SYLLABLES: &[&str] = &[
    "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va", "we",
    "xi", "yo", "zu", "bra", "cle", "dri", "flo", "gru", "kla", "ple", "sti", "tro", "vlu",
];

/// The name of a product. Low numbers are frequent, as words are.
pub(crate) fn product(key: u64) -> String {
    let mut dice = Dice::new(key ^ 0x7072_6f64);
    let most = 1 + dice.roll(SYLLABLES.len() as u64);
    (0..3).map(|_| SYLLABLES[dice.roll(most) as usize]).collect()
}

/// Characters of a message that a list shows.
const PREVIEW: usize = 160;

/// Writes the text of a key over `out`.
pub(crate) fn write(key: u64, out: &mut String) {
    let mut dice = Dice::new(key);
    let mut pick = |from: &[&'static str]| from[dice.roll(from.len() as u64) as usize];
    out.clear();
    out.push_str(pick(OPENINGS));
    let sentences = key % 4;
    for _ in 1..sentences {
        out.push(' ');
        out.push_str(pick(MIDDLES));
    }
    if key.is_multiple_of(5) {
        out.push(' ');
        out.push_str(pick(ENDINGS));
    }
    out.push(' ');
    out.push_str(&product(key));
    out.push_str(" #");
    out.push_str(&(key % 100_000).to_string());
}

/// The beginning of a text, as lists show it.
pub(crate) fn preview(text: &str) -> &str {
    text.char_indices().nth(PREVIEW).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_short_need_no_escapes_and_come_again() {
        let (mut text, mut again) = (String::new(), String::new());
        for key in 0..5_000 {
            write(key, &mut text);
            write(key, &mut again);
            assert_eq!(text, again);
            assert!((20..=200).contains(&text.chars().count()), "{text}");
            assert!(!text.contains(['"', '\\', '\n']));
            assert!(text.starts_with(preview(&text)) && preview(&text).chars().count() <= 160);
        }
    }
}
