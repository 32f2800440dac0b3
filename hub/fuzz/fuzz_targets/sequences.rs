//! Valid commands in any order and with any values, so that the fuzzer tests how they interact. Every byte is a choice;
//! the first chooses the form.

#![no_main]

#[path = "../../tests/support/protobuf.rs"]
#[expect(dead_code, reason = "nothing is read here")]
mod protobuf;

use hub::{Agreed, Form};
use hub_fuzz::{BINARY, TEXT, form, frame, play};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const ROOMS: [&str; 4] = ["own", "room", "#", "a room with a longer name \u{2713}"];
const WORDS: [&str; 6] = ["", "a", "b", "1.5", "-3", "ab"];

struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn flag(&mut self) -> bool {
        self.next() & 1 == 1
    }

    fn of<'t>(&mut self, list: &[&'t str]) -> &'t str {
        list[usize::from(self.next()) % list.len()]
    }

    /// Small numbers, and the limits of the type.
    fn number(&mut self, least: i128, most: i128) -> Value {
        let number = match self.next() {
            255 => most,
            254 => least,
            253 => most - 1,
            252 => most / 2 + 1,
            small => (i128::from(small) - 8).clamp(least, most),
        };
        u64::try_from(number).map_or_else(|_| json!(number as i64), Value::from)
    }

    fn position(&mut self) -> Value {
        json!({"offset": self.number(0, u64::MAX.into()), "epoch": self.of(&["", "", "other"])})
    }

    fn filter(&mut self, depth: u32) -> Value {
        let op = if depth == 0 { "" } else { self.of(&["", "and", "or", "not"]) };
        if op.is_empty() {
            let cmp =
                self.of(&["eq", "neq", "in", "nin", "ex", "nex", "sw", "ew", "ct", "lt", "lte", "gt", "gte"]);
            let (val, vals) = (self.of(&WORDS), [self.of(&WORDS), self.of(&WORDS)]);
            return json!({"key": self.of(&WORDS), "cmp": cmp, "val": val, "vals": vals});
        }
        let nodes: Vec<_> = (0..self.next() % 3).map(|_| self.filter(depth - 1)).collect();
        json!({"op": op, "nodes": nodes})
    }

    fn command(&mut self, id: usize) -> Value {
        let kind = self.next() % 11;
        let room = self.of(&ROOMS);
        match kind {
            0 | 1 => {
                let mut subscribe = json!({"channel": room, "flag": self.next() % 4});
                if self.flag() {
                    subscribe["recover"] = json!(true);
                    subscribe["offset"] = self.number(0, u64::MAX.into());
                    subscribe["epoch"] = json!(self.of(&["", "", "other"]));
                }
                if self.flag() {
                    subscribe["tf"] = self.filter(3);
                } else if self.flag() {
                    subscribe["delta"] = json!("fossil");
                }
                json!({"id": id, "subscribe": subscribe})
            }
            2 => json!({"id": id, "unsubscribe": {"channel": room}}),
            3 | 4 => {
                json!({"id": id, "publish": {"channel": room, "data": [self.next(), "x".repeat(self.next().into())]}})
            }
            5 => json!({"id": id, "presence": {"channel": room}}),
            6 => json!({"id": id, "presence_stats": {"channel": room}}),
            7 | 8 => {
                let limit = self.number(i32::MIN.into(), i32::MAX.into());
                let mut history = json!({"channel": room, "limit": limit, "reverse": self.flag()});
                if self.flag() {
                    history["since"] = self.position();
                }
                json!({"id": id, "history": history})
            }
            9 => json!({"id": id, "rpc": {"method": room, "data": self.next()}}),
            _ => json!({"id": id, "sub_refresh": {"channel": room, "token": "t"}}),
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let (form, mut choices) = (form(*choice), Choices(rest));
    let mut connect = json!({"token": "t"});
    if choices.flag() {
        connect["subs"] = json!({"own": choices.position()});
        connect["subs"]["own"]["recover"] = json!(true);
    }
    let mut commands = vec![json!({"id": 1, "connect": connect})];
    let mut stream = Vec::new();
    let mut send = |commands: &mut Vec<Value>| match form {
        Form::Json => {
            let text = commands.drain(..).map(|command| command.to_string()).collect::<Vec<_>>().join("\n");
            frame(TEXT, text.as_bytes(), &mut stream);
        }
        Form::Protobuf => frame(BINARY, &protobuf::encode(&std::mem::take(commands)), &mut stream),
    };
    for id in 2..100 {
        if choices.0.is_empty() {
            break;
        }
        if choices.next() % 4 == 0 && !commands.is_empty() {
            send(&mut commands);
        }
        commands.push(choices.command(id));
    }
    if !commands.is_empty() {
        send(&mut commands);
    }
    play(Agreed { form, ..Agreed::default() }, stream);
});
