//! The texts of the rules in each language, and the word stems by which they recognise a topic.

/// A language of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    En,
    Ru,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Hours,
    Other,
}

pub(super) struct Phrases {
    pub hello: &'static str,
    pub hello_name: &'static str,
    /// `{quotes}`: the customer's messages.
    pub noted: &'static str,
    pub file: &'static str,
    pub closed: &'static str,
    pub offer: &'static str,
    pub handoff: &'static str,
    /// The topic's word stems, and the sentence that answers it.
    pub topics: &'static [(Topic, &'static [&'static str], &'static str)],
}

const EN: Phrases = Phrases {
    hello: "Hello, and thank you for writing!",
    hello_name: "Hello {name}, and thank you for writing!",
    noted: "I have noted what you wrote: {quotes}.",
    file: "Thank you for the file, a colleague will look at it.",
    closed: "The shop is closed right now, so people will read this when it opens.",
    offer: "Is there anything else? Write “human” to talk to a person.",
    handoff: "the customer asks for a person",
    topics: &[
        (Topic::Hours, &["hour", "open", "close", "when"], "We are open {hours}."),
        (Topic::Other, &["deliver", "ship", "courier"], "Delivery takes two to four working days."),
        (Topic::Other, &["price", "cost", "much", "discount"], "The price on the page is the price you pay."),
        (
            Topic::Other,
            &["return", "refund", "exchange", "broken"],
            "You can send anything back within 30 days.",
        ),
        (
            Topic::Other,
            &["stock", "available", "size", "colour", "color"],
            "I am looking up whether we have it.",
        ),
        (Topic::Other, &["thank", "thanks", "great"], "You are welcome!"),
    ],
};

const RU: Phrases = Phrases {
    hello: "Здравствуйте, спасибо, что написали!",
    hello_name: "Здравствуйте, {name}, спасибо, что написали!",
    noted: "Ваше сообщение записано: {quotes}.",
    file: "Спасибо за файл, коллега его посмотрит.",
    closed: "Магазин сейчас закрыт, сотрудники прочтут сообщение после открытия.",
    offer: "Могу ли я помочь чем-то ещё? Напишите «оператор», чтобы поговорить с человеком.",
    handoff: "клиент просит человека",
    topics: &[
        (Topic::Hours, &["час", "открыт", "закрыт", "работает", "когда"], "Мы открыты: {hours}."),
        (Topic::Other, &["достав", "привез", "курьер"], "Доставка занимает от двух до четырёх рабочих дней."),
        (Topic::Other, &["цен", "стоит", "стоимость", "скидк", "сколько"], "Цена на странице окончательная."),
        (
            Topic::Other,
            &["верну", "возврат", "обмен", "сломал"],
            "Любой товар можно вернуть в течение 30 дней.",
        ),
        (Topic::Other, &["налич", "размер", "цвет", "есть"], "Проверяю, есть ли это на складе."),
        (Topic::Other, &["спасиб", "благодар", "отличн"], "Пожалуйста!"),
    ],
};

impl Language {
    pub(super) const fn phrases(self) -> &'static Phrases {
        match self {
            Self::En => &EN,
            Self::Ru => &RU,
        }
    }
}

/// Message kinds that are files.
pub(super) fn is_file(kind: &str) -> bool {
    matches!(kind, "image" | "audio" | "voice" | "video" | "document")
}
