//! No body takes memory out of proportion when it is parsed: the worst shapes that are known, of many sizes, against an
//! allocator that counts. The fuzzer's targets `telegram` and `waha` look for others.

#[path = "support/bounded.rs"]
mod bounded;

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bounded::{FOR_A_BYTE, check};
use peak_alloc::PeakAlloc;

#[global_allocator]
static COUNTED: PeakAlloc = PeakAlloc;

/// Bodies of about so many bytes that take far more than that when they are built without bounds.
const PROVIDERS: [&str; 6] = ["telegram", "waha", "whatsapp-cloud", "messenger", "instagram", "gmail"];

fn shapes(size: usize) -> Vec<(&'static str, String)> {
    let fill = |one: &str, less: usize| one.repeat(size.saturating_sub(less) / one.len() + 1);
    let list = |one: &str| {
        let all = fill(one, 0);
        all.trim_end_matches(',').to_owned()
    };
    let telegram = |name: &str, content: String| format!("{{\"update_id\":10000,\"{name}\":{{{content}}}}}");
    let chat = "\"chat\":{\"id\":5550001001,\"type\":\"private\"}";
    let message = |content: String| {
        telegram("message", format!("\"message_id\":5,{chat},\"date\":1794312000,{content}"))
    };
    let deleted = |connection: &str, id: &str| {
        let ids = list(id);
        let content = format!("\"business_connection_id\":\"{connection}\",{chat},\"message_ids\":[{ids}]");
        telegram("deleted_business_messages", content)
    };
    let waha = |id: &str, event: &str, payload: String| {
        format!(
            "{{\"id\":\"{id}\",\"timestamp\":1794312000317,\"event\":\"{event}\",\"session\":\"shop\",\"payload\":{{{payload}}}}}"
        )
    };
    let presences = |id: &str, chat: &str, one: &str| {
        waha(id, "presence.update", format!("\"id\":\"{chat}\",\"presences\":[{}]", list(one)))
    };
    let said = |rest: String| {
        waha("evt_1", "message.any", format!("\"id\":\"false_12025550143@c.us_3EB0AA\",{rest}"))
    };
    let mail = |payload: &str| format!("{{\"id\":\"1\",\"threadId\":\"1\",\"payload\":{{{payload}}}}}");
    let header = |name: &str, value: &str| {
        mail(&format!(
            "\"headers\":[{{\"name\":\"{name}\",\"value\":\"{value}\"}}],\"mimeType\":\"text/plain\""
        ))
    };
    let leaf = |content_type: &str, text: &str| {
        let mime = content_type.split(';').next().unwrap();
        let data = BASE64_URL_SAFE_NO_PAD.encode(text);
        format!(
            "\"mimeType\":\"{mime}\",\"headers\":[{{\"name\":\"Content-Type\",\"value\":\"{content_type}\"}}],\
             \"body\":{{\"data\":\"{data}\"}}"
        )
    };
    let html = |text: &str| mail(&leaf("text/html", text));
    let (long, longest) = ("x".repeat(255), "x".repeat(size / 2));
    let page = |content: String| {
        format!(
            "{{\"object\":\"page\",\"entry\":[{{\"id\":\"1020000000000001\",\"messaging\":[{content}]}}]}}"
        )
    };
    let from = "\"sender\":{\"id\":\"7\"},\"recipient\":{\"id\":\"1020000000000001\"}";
    let written = |rest: String| page(format!("{{{from},\"message\":{{\"mid\":\"m_x\",{rest}}}}}"));
    let cloud = |contacts: &str, name: &str, one: &str| {
        let metadata = "\"metadata\":{\"phone_number_id\":\"1\"}";
        let value = format!("{metadata},\"contacts\":[{contacts}],\"{name}\":[{}]", list(one));
        let change = format!("{{\"field\":\"messages\",\"value\":{{{value}}}}}");
        format!(
            "{{\"object\":\"whatsapp_business_account\",\"entry\":[{{\"id\":\"1\",\"changes\":[{change}]}}]}}"
        )
    };
    let changes = |one: &str| {
        format!(
            "{{\"object\":\"whatsapp_business_account\",\"entry\":[{{\"id\":\"1\",\"changes\":[{}]}}]}}",
            list(one)
        )
    };
    let named = format!("{{\"wa_id\":\"1\",\"profile\":{{\"name\":\"{longest}\"}}}}");
    let online = "{\"lastKnownPresence\":\"o\"},";
    vec![
        ("deleted", deleted("bc1", "7,")),
        ("deleted under a long connection", deleted(&long, "1234567,")),
        ("deleted under an endless connection", deleted(&longest, "7,")),
        ("deleted, nonsense", deleted("bc1", "\"\",")),
        ("presences", presences("evt_1", "120363000000000123@g.us", online)),
        ("presences of a long chat", presences("evt_1", &format!("{}@g.us", "1".repeat(250)), online)),
        ("presences under long ids", presences(&long, &format!("{}@g.us", "1".repeat(250)), online)),
        ("presences under an endless id", presences(&longest, "1@g.us", online)),
        ("presences of an endless chat", presences("e", &format!("{longest}@g.us"), online)),
        ("presences, nonsense", presences("evt_1", "1@g.us", "0,")),
        ("messages", page(list(&format!("{{{from},\"message\":{{\"mid\":\"m\",\"text\":\"x\"}}}},")))),
        ("messages, nonsense", page(list("0,"))),
        ("entries", format!("{{\"object\":\"page\",\"entry\":[{}]}}", list("{},"))),
        ("deliveries", page(list(&format!("{{{from},\"delivery\":{{\"mids\":[1,2,3,4,5,6,7,8,9]}}}},")))),
        ("delivered", page(format!("{{{from},\"delivery\":{{\"mids\":[{}]}}}}", list("\"m\",")))),
        (
            "delivered until then",
            page(format!(
                "{{{from},\"delivery\":{{\"watermark\":1794312039250,\"mids\":[{}]}}}}",
                list("1,")
            )),
        ),
        ("attachments", written(format!("\"attachments\":[{}]", list("{\"type\":\"image\"},")))),
        (
            "links",
            written(format!(
                "\"attachments\":[{}]",
                list("{\"type\":\"fallback\",\"payload\":{\"url\":\"https://x.example.com/\"}},")
            )),
        ),
        ("cards", said(format!("\"vCards\":[{}]", list("\"FN:a\",")))),
        ("phones", said(format!("\"vCards\":[\"{}\"]", fill("TEL:1\\n", 0)))),
        (
            "votes",
            waha(
                "e",
                "poll.vote",
                format!(
                    "\"vote\":{{\"id\":\"true_1@c.us_A\",\"selectedOptions\":[{}]}},\"poll\":{{\"id\":\"true_1@c.us_B\"}}",
                    list("\"\",")
                ),
            ),
        ),
        (
            "options",
            message(format!("\"poll\":{{\"question\":\"?\",\"options\":[{}]}}", list("{\"text\":\"\"},"))),
        ),
        (
            "entities",
            message(format!(
                "\"text\":\"hi\",\"entities\":[{}]",
                list("{\"offset\":0,\"length\":1,\"type\":\"bold\"},")
            )),
        ),
        (
            "buttons",
            message(format!(
                "\"text\":\"hi\",\"reply_markup\":{{\"inline_keyboard\":[{}]}}",
                list("[{\"text\":\"\"}],")
            )),
        ),
        ("photo sizes", message(format!("\"photo\":[{}]", list("{\"file_id\":\"\"},")))),
        ("text", message(format!("\"text\":\"{}\"", fill("é", 0)))),
        ("text of escapes", message(format!("\"text\":\"{}\"", fill("\\u0000\\ud83d", 0)))),
        (
            "engine",
            said(format!("\"body\":\"hi\",\"_data\":{{\"a\":[{}]}}", list("{\"\":{\"\":{\"\":[0]}}},"))),
        ),
        (
            "history",
            format!(
                "{{\"historyId\":\"1\",\"history\":[{}]}}",
                list("{\"messagesAdded\":[{\"message\":{\"id\":\"a\"}}]},")
            ),
        ),
        (
            "added mails",
            format!(
                "{{\"historyId\":\"1\",\"history\":[{{\"messagesAdded\":[{}]}}]}}",
                list(&format!("{{\"message\":{{\"id\":\"{}\"}}}},", "b".repeat(60)))
            ),
        ),
        (
            "parts",
            mail(&format!(
                "\"mimeType\":\"multipart/mixed\",\"parts\":[{}]",
                list("{\"mimeType\":\"a/b\"},")
            )),
        ),
        (
            "parts within parts",
            mail(&format!(
                "\"mimeType\":\"multipart/mixed\",\"parts\":[{}]",
                list(&format!(
                    "{{\"mimeType\":\"multipart/alternative\",\"parts\":[{}{{}}]}},",
                    "{\"body\":{\"data\":\"YQ\"}},".repeat(40)
                ))
            )),
        ),
        ("recipients", header("From", &fill("a@b,", 0))),
        ("groups", header("From", &fill("a:b@c;", 0))),
        ("references", header("References", &fill("<a@b>", 0))),
        ("open brackets", header("References", &fill("<", 0))),
        ("words", header("Subject", &fill("=?utf-8?Q?=C3?= ", 0))),
        ("words of all charsets", header("Subject", &fill("=?iso-2022-jp?B?GyRC?= =?utf-7?Q?+?= ", 0))),
        ("comments", header("From", &fill("((", 0))),
        ("parameters", header("Content-Type", &format!("text/plain;{}", fill("a*0*=''%41;", 0)))),
        ("markup", html(&fill("<p>&lt;", size / 4))),
        ("open tags", html(&fill("<a b='", size / 4))),
        ("open heads", html(&fill("<head><", size / 4))),
        ("letters of two bytes", mail(&leaf("text/plain; charset=iso-8859-1", &"\u{e9}".repeat(size / 4)))),
        ("messages", cloud("", "messages", "{\"id\":\"a\",\"from\":\"1\"},")),
        ("messages of an endless name", cloud(&named, "messages", "{\"id\":\"a\",\"from\":\"1\"},")),
        ("messages, nonsense", cloud("", "messages", "{},")),
        ("receipts", cloud("", "statuses", "{\"id\":\"a\",\"status\":\"read\"},")),
        ("changes", changes("{\"field\":\"a\",\"value\":{}},")),
        ("changes, nonsense", changes("0,")),
        ("entries", format!("{{\"object\":\"whatsapp_business_account\",\"entry\":[{}]}}", list("0,"))),
        (
            "cards of the cloud",
            cloud(
                "",
                "messages",
                &format!(
                    "{{\"id\":\"a\",\"from\":\"1\",\"type\":\"contacts\",\"contacts\":[{}0]}},",
                    "{},".repeat(90)
                ),
            ),
        ),
        ("numbers", format!("[{}]", list("1,"))),
        ("lists", format!("[{}]", list("[],"))),
        ("full lists", format!("[{}]", list("[0],"))),
        ("objects", format!("[{}]", list("{\"\":0},"))),
        ("chains", format!("[{}]", list("{\"\":{\"\":{\"\":{\"\":0}}}},"))),
        (
            "members",
            format!("{{{}}}", (0..size / 6).map(|n| format!("\"{n:x}\":0")).collect::<Vec<_>>().join(",")),
        ),
        ("rows", format!("[{}]", list(&format!("[{}0],", "[0],".repeat(900))))),
        ("rows of objects", format!("[{}]", list(&format!("[{}0],", "{\"\":0},".repeat(900))))),
        ("open lists", fill("[", 0)),
        ("open objects", fill("{\"\":", 0)),
        ("a name without end", format!("{{\"{}", fill("\\ud800", 0))),
        ("no JSON", fill("\\u", 0)),
    ]
}

#[test]
fn no_body_takes_memory_out_of_proportion() {
    let mut worst = (0, "", 0);
    for size in [0, 100, 1_000, 2_000, 3_000, 5_000, 20_000, 70_000, 300_000, 1 << 20] {
        for (name, body) in shapes(size) {
            for provider in PROVIDERS {
                let taken = check(COUNTED, provider, body.as_bytes(), &format!("{name}, {size} bytes"));
                worst = worst.max((taken.saturating_sub(FOR_A_BYTE * body.len()), name, size));
            }
        }
    }
    println!("beyond {FOR_A_BYTE} times its size at most {worst:?}");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for provider in PROVIDERS {
        for file in fs::read_dir(fixtures.join(provider)).unwrap() {
            let path = file.unwrap().path();
            check(COUNTED, provider, &fs::read(&path).unwrap(), &path.display().to_string());
        }
    }
}
