//! Sessions fed with valid frames of which some bytes were changed, dropped or doubled, in both forms. Nothing panics, no
//! other session is affected, nothing is left behind. Runs for `MANGLE_S` seconds (2). `fuzz/` does the same with a fuzzer.

use std::{
    io::Cursor,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hub::{Agreed, Form, Hub, Peer, WebSocket};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::deflate::deflate;
use crate::dice::Dice;
use crate::lull::Lull;
use crate::support::{config, protobuf, rules::Rules, tapelog::TapeLog};

fn command(id: u64, dice: &mut Dice) -> Value {
    let room = format!("room {}", dice.roll(3));
    match dice.roll(9) {
        0 => json!({"id": id, "subscribe": {"channel": room, "data": {"presence": true}, "flag": 3}}),
        1 => {
            json!({"id": id, "subscribe": {"channel": room, "recover": true, "offset": dice.roll(9), "epoch": "first"}})
        }
        2 => json!({"id": id, "unsubscribe": {"channel": room}}),
        3 => json!({"id": id, "publish": {"channel": room, "data": {"text": "some \u{2713} text"}}}),
        4 => json!({"id": id, "presence": {"channel": room}}),
        5 => json!({"id": id, "history": {"channel": room, "limit": dice.roll(5), "since": {"offset": 1}}}),
        6 => {
            json!({"id": id, "rpc": {"method": "echo", "data": [1, null, "x".repeat(dice.roll(300) as usize)]}})
        }
        7 => json!({"id": id, "sub_refresh": {"channel": room, "token": "9"}}),
        _ => json!({"id": id, "refresh": {"token": "9"}}),
    }
}

/// Some messages are compressed.
fn frame(opcode: u8, payload: &[u8], dice: &mut Dice) -> Vec<u8> {
    let deflated = (opcode < 8 && dice.roll(3) == 0).then(|| deflate(payload));
    let mut out = vec![0x80 | opcode | if deflated.is_some() { 0x40 } else { 0 }];
    let payload = deflated.as_deref().unwrap_or(payload);
    match u16::try_from(payload.len()).expect("short frames") {
        short @ 0..=125 => out.push(0x80 | short as u8),
        long => {
            out.push(0xfe);
            out.extend_from_slice(&long.to_be_bytes());
        }
    }
    let mask = (dice.roll(1 << 31) as u32).to_le_bytes();
    out.extend_from_slice(&mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

fn stream(form: Form, dice: &mut Dice) -> Vec<u8> {
    let mut out = Vec::new();
    let mut first = Some(json!({"id": 1, "connect": {"data": {"user": "ann", "rooms": ["own"]}}}));
    for at in 0..2 + dice.roll(4) {
        let commands: Vec<_> = first
            .take()
            .into_iter()
            .chain((0..dice.roll(4)).map(|n| command(2 + at * 10 + n, dice)))
            .collect();
        match form {
            Form::Json => {
                let text = commands.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
                out.extend(frame(1, text.as_bytes(), dice));
            }
            Form::Protobuf => out.extend(frame(2, &protobuf::encode(&commands), dice)),
        }
        if dice.roll(4) == 0 {
            out.extend(frame(9, b"ping", dice));
        }
    }
    out
}

/// Changes some bytes, or none.
fn mangle(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..dice.roll(4) {
        let at = dice.roll(bytes.len() as u64) as usize;
        match dice.roll(4) {
            0 => bytes[at] ^= 1 << dice.roll(8),
            1 => bytes[at] = dice.roll(256) as u8,
            2 => drop(bytes.remove(at)),
            _ => bytes.insert(at, bytes[at]),
        }
    }
}

#[tokio::test]
async fn mangled_streams_end_in_peace() {
    let seconds = std::env::var("MANGLE_S").map_or(2, |text| text.parse().unwrap());
    let config = hub::HubConfig { close_wait: Duration::from_millis(1), ..config() };
    let rules = Arc::new(Rules::default());
    let hub = Hub::new(config, rules, Arc::new(TapeLog::default()));
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut seed = 0;
    let mut connected = 0;
    while Instant::now() < until {
        seed += 1;
        let dice = &mut Dice(seed);
        let form = if dice.roll(2) == 0 { Form::Json } else { Form::Protobuf };
        let mut bytes = stream(form, dice);
        mangle(&mut bytes, dice);
        let socket = WebSocket::new(
            Cursor::new(bytes).chain(Lull(200)),
            tokio::io::sink(),
            Bytes::new(),
            Agreed { form, deflate: true, ..Agreed::default() },
        );
        hub.serve(socket, Peer::default()).await;
        let stats = hub.stats();
        assert_eq!((stats.sessions, stats.subscriptions), (0, 0), "seed {seed}");
        connected = stats.connected;
    }
    assert!(
        connected > seed / 10,
        "{connected} of {seed} connected: the damage is too great to find anything"
    );
}
