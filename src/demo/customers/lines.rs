//! The customers' texts, in two languages. Names are made up.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tongue {
    En,
    Ru,
}

const NAMES_EN: [&str; 12] = [
    "Arlo", "Brisa", "Coby", "Delfa", "Evander", "Fenna", "Gorry", "Hesper", "Ismo", "Jorah", "Kessa", "Lumi",
];
const NAMES_RU: [&str; 8] =
    ["Аглая", "Богуслав", "Веселина", "Гордей", "Добрыня", "Есения", "Забава", "Ладомир"];

const BURSTS_EN: &[&[&str]] = &[
    &["hi", "do you have the brass lantern", "the small one"],
    &["Hello! How long does delivery take?"],
    &["is the rope ladder in stock?", "and which sizes"],
    &["my order came with a broken handle", "what can I do?", "I can send a photo"],
    &["when are you open on saturday"],
    &["how much is the storm lamp", "with shipping"],
    &["Can I return a compass?", "it is unused"],
    &["thanks!", "that helps a lot"],
    &["ok", "one more thing", "can you engrave a name", "like “Fenna” on the lid"],
    &["the link on your page does not open for me"],
    &["do you repair old barometers?", "mine is my grandfather's"],
    &["great, I will take two"],
];
const BURSTS_RU: &[&[&str]] = &[
    &["здравствуйте", "есть ли у вас медный фонарь", "маленький"],
    &["Сколько идёт доставка?"],
    &["верёвочная лестница в наличии?", "и какие размеры"],
    &["пришёл заказ со сломанной ручкой", "что делать?", "могу прислать фото"],
    &["когда вы открыты в субботу"],
    &["сколько стоит штормовая лампа", "с доставкой"],
    &["Можно ли вернуть компас?", "он новый"],
    &["спасибо!", "очень помогли"],
    &["хорошо", "ещё вопрос", "можно сделать гравировку?"],
    &["отлично, возьму два"],
];

const SUBJECTS_EN: [&str; 4] = ["A question", "My order", "Opening hours", "Lanterns"];
const SUBJECTS_RU: [&str; 3] = ["Вопрос", "Мой заказ", "Фонари"];

impl Tongue {
    /// What mails are about.
    pub(super) const fn subjects(self) -> &'static [&'static str] {
        match self {
            Self::En => &SUBJECTS_EN,
            Self::Ru => &SUBJECTS_RU,
        }
    }

    pub(super) const fn names(self) -> &'static [&'static str] {
        match self {
            Self::En => &NAMES_EN,
            Self::Ru => &NAMES_RU,
        }
    }

    pub(super) const fn bursts(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::En => BURSTS_EN,
            Self::Ru => BURSTS_RU,
        }
    }

    pub(super) const fn asks_for_a_person(self) -> &'static [&'static str] {
        match self {
            Self::En => &["sorry, this is complicated", "can I talk to a human please"],
            Self::Ru => &["это сложный вопрос", "позовите, пожалуйста, оператора"],
        }
    }

    pub(super) const fn caption(self) -> &'static str {
        match self {
            Self::En => "this is how it looks",
            Self::Ru => "вот как это выглядит",
        }
    }

    /// The text that is appended to an edited message.
    pub(super) const fn correction(self) -> &'static str {
        match self {
            Self::En => " (sorry, typo)",
            Self::Ru => " (опечатка)",
        }
    }
}
