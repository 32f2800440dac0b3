use super::*;

/// An element: its id, and its size in eight bytes.
fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
    let size = (body.len() as u64 | 1 << 56).to_be_bytes();
    [id, &size, body].concat()
}

/// Of unknown size, as recorders write them.
fn open(id: &[u8], body: &[u8]) -> Vec<u8> {
    [id, &[0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], body].concat()
}

const HEAD: &[u8] = b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0";

fn track(codec: &[u8]) -> Vec<u8> {
    let about = [element(&[0xD7], &[1]), element(&[0x86], codec), element(&[0x63, 0xA2], HEAD)].concat();
    element(&[0xAE], &about)
}

fn recording(codec: &[u8], blocks: &[Vec<u8>]) -> Vec<u8> {
    let head = element(&[0x1A, 0x45, 0xDF, 0xA3], b"\x42\x82\x84webm");
    let tracks = element(&[0x16, 0x54, 0xAE, 0x6B], &track(codec));
    let about = element(&[0x15, 0x49, 0xA9, 0x66], &[0xEC; 20]);
    let clusters: Vec<u8> = blocks
        .chunks(40)
        .flat_map(|some| {
            let time = element(&[0xE7], &[0, 0]);
            open(&[0x1F, 0x43, 0xB6, 0x75], &[time, some.concat()].concat())
        })
        .collect();
    [head, open(&[0x18, 0x53, 0x80, 0x67], &[about, tracks, clusters].concat())].concat()
}

fn block(flags: u8, packet: &[u8]) -> Vec<u8> {
    element(&[0xA3], &[&[0x81, 0, 0, flags], packet].concat())
}

/// A packet of one frame of 20 ms, of so many bytes.
fn packet(number: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![number; length];
    bytes[0] = 0x78;
    bytes
}

fn converted(webm: &[u8]) -> Result<(Vec<u8>, u64), Unfit> {
    let mut ogg = Vec::new();
    let samples = to_ogg(&mut &*webm, &mut ogg, 7)?;
    Ok((ogg, samples))
}

/// The packets of a stream, read by the rules of Ogg: sums, order, flags and positions are right.
fn packets(ogg: &[u8]) -> (Vec<Vec<u8>>, u64) {
    let (mut rest, mut all, mut open, mut position) = (ogg, Vec::new(), Vec::new(), 0);
    let mut sequence = 0_u32;
    while !rest.is_empty() {
        assert_eq!(&rest[..5], b"OggS\0");
        let count = usize::from(rest[26]);
        let lacing = &rest[27..27 + count];
        let length = 27 + count + lacing.iter().map(|part| usize::from(*part)).sum::<usize>();
        let mut page = rest[..length].to_vec();
        page[22..26].fill(0);
        assert_eq!(rest[22..26], checksum(&page).to_le_bytes());
        let is_last = length == rest.len();
        let flags = u8::from(sequence == 0) * FIRST + u8::from(is_last) * LAST;
        assert_eq!(rest[5], flags, "page {sequence}");
        assert_eq!(rest[14..18], 7_u32.to_le_bytes());
        assert_eq!(rest[18..22], sequence.to_le_bytes());
        let at = u64::from_le_bytes(rest[6..14].try_into().unwrap());
        assert!(at >= position);
        (position, sequence) = (at, sequence + 1);
        let mut from = 27 + count;
        for part in lacing {
            let to = from + usize::from(*part);
            open.extend_from_slice(&rest[from..to]);
            from = to;
            if *part < 255 {
                all.push(std::mem::take(&mut open));
            }
        }
        rest = &rest[length..];
    }
    assert!(open.is_empty());
    (all, position)
}

#[test]
fn the_sum_is_that_of_ogg() {
    // The first page of a stream that another program wrote.
    let page = b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\x01A";
    let mut by_bits = 0_u32;
    for byte in page {
        by_bits ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            by_bits = if by_bits & 0x8000_0000 == 0 { by_bits << 1 } else { (by_bits << 1) ^ 0x04C1_1DB7 };
        }
    }
    assert_eq!(checksum(page), by_bits);
}

#[test]
fn every_packet_is_there_once_and_the_time_is_right() {
    let sent: Vec<Vec<u8>> = (0..=255)
        .map(|number| packet(number, [1, 40, 254, 255, 256, 510, 1_200][usize::from(number) % 7]))
        .collect();
    let blocks: Vec<Vec<u8>> = sent.iter().map(|packet| block(0x80, packet)).collect();
    let (ogg, samples) = converted(&recording(b"A_OPUS", &blocks)).unwrap();
    let (found, position) = packets(&ogg);
    assert_eq!(found[0], HEAD);
    assert!(found[1].starts_with(b"OpusTags"));
    assert_eq!(found[2..], sent);
    assert_eq!((samples, position), (256 * 960, 256 * 960));
}

#[test]
fn groups_of_blocks_are_read_and_a_cut_end_is_an_end() {
    let grouped = element(&[0xA0], &element(&[0xA1], &[&[0x81, 0, 0, 0], packet(1, 30).as_slice()].concat()));
    let webm = recording(b"A_OPUS", &[grouped, block(0, &packet(2, 300)), block(0, &packet(3, 300))]);
    assert_eq!(packets(&converted(&webm).unwrap().0).0.len(), 5);
    let (found, _) = packets(&converted(&webm[..webm.len() - 20]).unwrap().0);
    assert_eq!(found[2..], [packet(1, 30), packet(2, 300)]);
}

#[test]
fn lengths_are_those_of_the_packets() {
    for (packet, expected) in [
        (&[0x00][..], Some(480)),
        (&[0x18], Some(2_880)),
        (&[0x60], Some(480)),
        (&[0x80], Some(120)),
        (&[0xF9, 0], Some(1_920)),
        (&[0xFB, 3], Some(2_880)),
        (&[0x1B, 3], None),
        (&[0xFB, 0], None),
        (&[0xFB], None),
    ] {
        assert_eq!(samples(packet), expected, "{packet:x?}");
    }
}

#[test]
fn whatever_else_it_is_stays_as_it_is() {
    let good = packet(1, 40);
    let two = [track(b"A_OPUS"), track(b"V_VP8")].concat();
    let encrypted = element(&[0xAE], &element(&[0x6D, 0x80], &[0; 4]));
    let cases = [
        Vec::new(),
        b"no recording at all".to_vec(),
        recording(b"A_VORBIS", &[block(0, &good)]),
        recording(b"A_OPUS", &[]),
        recording(b"A_OPUS", &[block(0x02, &good)]),
        recording(b"A_OPUS", &[element(&[0xA3], &[0x82, 0, 0, 0, 1])]),
        recording(b"A_OPUS", &[element(&[0xA3], &vec![0x81; 70_000])]),
        open(&[0x18, 0x53, 0x80, 0x67], &two),
        open(&[0x18, 0x53, 0x80, 0x67], &encrypted),
        block(0, &good),
    ];
    for webm in cases {
        assert!(converted(&webm).is_err(), "{:x?}", &webm[..webm.len().min(40)]);
    }
}

#[test]
fn any_bytes_are_survived() {
    let whole = recording(b"A_OPUS", &[block(0, &packet(1, 40)), block(0, &packet(2, 700))]);
    let mut seed = 11_u64;
    for _ in 0..20_000 {
        let mut webm = whole.clone();
        for _ in 0..4 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (seed >> 33) as usize % webm.len();
            webm[at] = (seed >> 24) as u8;
        }
        if let Ok((ogg, _)) = converted(&webm) {
            packets(&ogg);
        }
    }
}
