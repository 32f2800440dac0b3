use proptest::prelude::*;

use super::{
    super::{deflate::deflate, head::Head},
    *,
};

fn up_to(message: usize) -> MaxBytes {
    MaxBytes { message, inflated: 10 * message }
}

/// A client's frame; `first` is flags and opcode.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        short @ 0..=125 => out.push(0x80 | short as u8),
        middle @ 126..=0xffff => {
            out.push(0xfe);
            out.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            out.push(0xff);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    let mask = [0x37, 0xfa, 0x21, payload.len() as u8];
    out.extend_from_slice(&mask);
    out.extend(payload.iter().enumerate().map(|(n, byte)| byte ^ mask[n % 4]));
    out
}

fn read(bytes: &[u8], max: usize) -> Result<Vec<Event>, Fault> {
    let mut parser = Parser::new(false);
    parser.feed(bytes);
    let mut events = Vec::new();
    while let Some(event) = parser.next(up_to(max))? {
        events.push(event);
    }
    events.retain(|event| *event != Event::Fragment);
    Ok(events)
}

#[test]
fn small_fragments_are_reported() {
    let mut parser = Parser::new(false);
    parser
        .feed(&[frame(0x02, b""), frame(0x00, &[0; 127]), frame(0x00, &[0; 128]), frame(0x80, b"")].concat());
    let told: Vec<_> = std::iter::from_fn(|| parser.next(up_to(1000)).unwrap()).collect();
    assert_eq!(told[..2], [Event::Fragment, Event::Fragment]);
    assert!(matches!(told[2..], [Event::Binary(_)]));
}

fn fault(bytes: &[u8]) -> Fault {
    read(bytes, 1 << 20).expect_err("a fault")
}

#[test]
fn the_examples_of_the_rfc() {
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(read(&hello, 9), Ok(vec![Event::Text("Hello".into())]));
    assert_eq!(Head::text(5).bytes(), [0x81, 0x05]);
    assert_eq!(Head::binary(256).bytes(), [0x82, 0x7e, 0x01, 0x00]);
    assert_eq!(Head::binary(65536).bytes(), [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);
    assert_eq!(Head::pong(5).bytes(), [0x8a, 0x05]);
}

#[test]
fn violations() {
    let mut unmasked = frame(0x81, b"x");
    unmasked[1] &= 0x7f;
    let mut wordy = frame(0x82, &[0; 200]);
    wordy[2..4].copy_from_slice(&[0, 5]);
    for (bytes, what) in [
        (frame(0xc1, b"x"), "reserved bit set"),
        (unmasked, "frame without mask"),
        (wordy, "length not in its shortest form"),
        (frame(0x80, b"x"), "continuation without a message"),
        ([frame(0x01, b"x"), frame(0x81, b"x")].concat(), "new message before the end of another"),
        (frame(0x09, b"x"), "fragmented control frame"),
        (frame(0x89, &[0; 126]), "long control frame"),
        (frame(0x83, b"x"), "unknown opcode"),
        (frame(0x8b, b"x"), "unknown opcode"),
        (frame(0x88, b"x"), "close frame of one byte"),
        (frame(0x88, &1005u16.to_be_bytes()), "invalid close code"),
        (frame(0x88, &5000u16.to_be_bytes()), "invalid close code"),
    ] {
        assert_eq!(fault(&bytes), Fault::Violation(what));
    }
    assert_eq!(fault(&frame(0x81, b"\xff")), Fault::NotUtf8);
    assert_eq!(fault(&[frame(0x01, b"\xc3"), frame(0x80, b"x")].concat()), Fault::NotUtf8);
    assert_eq!(fault(&frame(0x88, b"\x03\xe8\xff")), Fault::NotUtf8);
}

#[test]
fn a_message_is_too_large_by_its_header_alone_and_by_its_sum() {
    let huge = [0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(read(&huge, 100), Err(Fault::TooLarge));
    assert!(read(&frame(0x82, &[0; 100]), 100).is_ok());
    assert_eq!(read(&frame(0x82, &[0; 101])[..4], 100), Err(Fault::TooLarge));
    let sum = [frame(0x02, &[0; 60]), frame(0x89, b"ping"), frame(0x80, &[0; 41])].concat();
    assert_eq!(read(&sum, 100), Err(Fault::TooLarge));
}

#[test]
fn a_character_may_be_cut_by_a_fragment() {
    let bytes = [frame(0x01, b"\xc3"), frame(0x80, b"\xa9")].concat();
    assert_eq!(read(&bytes, 9), Ok(vec![Event::Text("é".into())]));
}

#[test]
fn the_limit_may_shrink_between_fragments() {
    let mut parser = Parser::new(false);
    parser.feed(&frame(0x02, &[0; 60]));
    assert_eq!(parser.next(up_to(100)), Ok(Some(Event::Fragment)));
    assert_eq!(parser.next(up_to(100)), Ok(None));
    parser.feed(&frame(0x00, b""));
    assert_eq!(parser.next(up_to(50)), Err(Fault::TooLarge));
    parser.clear();
    parser.feed(&frame(0x82, &[0; 60])[..20]);
    assert_eq!(parser.next(up_to(100)), Ok(None));
    assert_eq!(parser.next(up_to(50)), Err(Fault::TooLarge));
}

#[test]
fn no_memory_is_kept_between_frames() {
    let mut parser = Parser::new(false);
    for (tail, kept) in [(&b""[..], 0), (b"\x81", 1), (&frame(0x81, &[b'x'; 300])[..100], 100)] {
        parser.feed(&[&frame(0x82, &[7; 5000]), tail].concat());
        assert!(parser.next(up_to(1 << 20)).unwrap().is_some());
        assert_eq!(parser.next(up_to(1 << 20)), Ok(None));
        assert_eq!(parser.input.capacity(), kept);
        parser.clear();
    }
    // A fragment and a ping in one read with much other data.
    parser.feed(&[frame(0x82, &[7; 5000]), frame(0x89, b"ping"), frame(0x02, b"begun")].concat());
    assert!(matches!(parser.next(up_to(1 << 20)), Ok(Some(Event::Binary(_)))));
    let Ok(Some(Event::Ping(ping))) = parser.next(up_to(1 << 20)) else { panic!("no ping") };
    assert_eq!(parser.next(up_to(1 << 20)), Ok(Some(Event::Fragment)));
    assert_eq!(parser.next(up_to(1 << 20)), Ok(None));
    let ping = ping.try_into_mut().expect("nobody else holds it");
    assert!(ping.capacity() < 16 && parser.message.as_ref().unwrap().data.capacity() < 16);
    assert_eq!(parser.input.capacity(), 0);
}

/// "Hello", compressed.
const HELLO: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

fn deflated(bytes: &[u8], max: usize) -> Result<Vec<Event>, Fault> {
    let mut parser = Parser::new(true);
    parser.feed(bytes);
    let mut events = Vec::new();
    while let Some(event) = parser.next(up_to(max))? {
        events.push(event);
    }
    events.retain(|event| *event != Event::Fragment);
    Ok(events)
}

#[test]
fn deflated_messages() {
    let hello = || Ok(vec![Event::Text("Hello".into())]);
    assert_eq!(deflated(&frame(0xc1, HELLO), 5), hello());
    assert_eq!(deflated(&frame(0x81, b"Hello"), 5), hello(), "as it is");
    let pieces = [frame(0x41, &HELLO[..3]), frame(0x89, b""), frame(0x80, &HELLO[3..])].concat();
    assert_eq!(deflated(&pieces, 5), Ok(vec![Event::Ping("".into()), Event::Text("Hello".into())]));
    assert_eq!(deflated(&[frame(0xc1, HELLO), frame(0xc1, HELLO)].concat(), 5).unwrap().len(), 2);
    assert_eq!(deflated(&frame(0xc1, HELLO), 0), Err(Fault::TooLarge));
    let spaces = |count| frame(0xc1, &deflate(&vec![b' '; count].into()).unwrap());
    assert_eq!(deflated(&spaces(1000), 100).unwrap().len(), 1, "it may be longer by ten");
    assert_eq!(deflated(&spaces(1001), 100), Err(Fault::TooLarge));
    assert_eq!(deflated(&frame(0xc1, &[0; 200])[..4], 100), Err(Fault::TooLarge), "by its header");
    assert_eq!(deflated(&frame(0xc1, &[0, 1, 0, 0xfe, 0xff, 0xff, 0]), 100), Err(Fault::NotUtf8));
    assert_eq!(deflated(&frame(0xc2, b"\xff\xff"), 100), Err(Violation("invalid compressed data")));
    assert_eq!(Head::text(5).deflated().bytes(), [0xc1, 5]);
}

#[test]
fn the_bit_of_compression_is_for_the_first_frame_of_a_message() {
    let reserved = Err(Violation("reserved bit set"));
    assert_eq!(read(&frame(0xc1, HELLO), 100), reserved, "not agreed on");
    let again = [frame(0x41, &HELLO[..3]), frame(0xc0, &HELLO[3..])].concat();
    assert_eq!(deflated(&again, 100), reserved);
    for first in [0xc8, 0xc9, 0xca, 0xc3, 0xa1, 0x91, 0xe1] {
        assert_eq!(deflated(&frame(first, HELLO), 100), reserved, "{first:x}");
    }
}

#[derive(Clone, Debug)]
struct Sent {
    data: Vec<u8>,
    text: bool,
    cuts: Vec<usize>,
    ping: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    let data = prop_oneof![
        proptest::collection::vec(0x20u8..0x7f, 0..300),
        (65_530usize..65_550).prop_map(|size| vec![b'x'; size]),
    ];
    let cuts = proptest::collection::vec(0usize..400, 0..4);
    (data, any::<bool>(), cuts, any::<bool>()).prop_map(|(data, text, cuts, ping)| Sent {
        data,
        text,
        cuts,
        ping,
    })
}

fn written(message: &Sent) -> Vec<u8> {
    let mut cuts: Vec<_> = message.cuts.iter().map(|cut| cut % (message.data.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(message.data.len());
    let (mut out, mut from, last) = (Vec::new(), 0, cuts.len() - 1);
    for (n, cut) in cuts.into_iter().enumerate() {
        let opcode = if n > 0 { CONTINUATION } else { 2 - u8::from(message.text) };
        out.extend(frame(if n == last { 0x80 | opcode } else { opcode }, &message.data[from..cut]));
        if message.ping {
            out.extend(frame(0x89, b"still there?"));
            out.extend(frame(0x8a, b""));
        }
        from = cut;
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_the_pieces_the_messages_are_the_same(
        messages in proptest::collection::vec(sent(), 1..5),
        pieces in proptest::collection::vec(1usize..3000, 1..40),
    ) {
        let bytes = messages.iter().flat_map(written).collect::<Vec<_>>();
        let mut parser = Parser::new(false);
        let (mut events, mut rest) = (Vec::new(), &bytes[..]);
        for size in pieces.iter().cycle() {
            let (piece, more) = rest.split_at((*size).min(rest.len()));
            parser.feed(piece);
            while let Some(event) = parser.next(up_to(1 << 20)).unwrap() {
                if !matches!(event, Event::Ping(_) | Event::Pong | Event::Fragment) {
                    events.push(event);
                }
            }
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        let wanted: Vec<_> = messages
            .iter()
            .map(|m| if m.text { Event::Text(m.data.clone().into()) } else { Event::Binary(m.data.clone().into()) })
            .collect();
        prop_assert_eq!(events, wanted);
        prop_assert_eq!(parser.input.capacity(), 0);
    }

    #[test]
    fn any_bytes_are_survived_within_bounds(pieces in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..64), 0..20,
    )) {
        let mut parser = Parser::new(false);
        'all: for piece in pieces {
            parser.feed(&piece);
            loop {
                match parser.next(up_to(1000)) {
                    Ok(Some(Event::Text(data) | Event::Binary(data))) => prop_assert!(data.len() <= 1000),
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => break 'all,
                }
            }
        }
    }

    #[test]
    fn a_flipped_byte_never_panics(message in sent(), at: prop::sample::Index, with: u8) {
        let mut bytes = written(&message);
        let at = at.index(bytes.len());
        bytes[at] ^= with;
        let _ = read(&bytes, 1 << 20);
    }
}
