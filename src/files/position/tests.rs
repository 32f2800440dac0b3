use std::io::{Read as _, Seek as _, Write as _};

use super::*;

const SECRET: &[u8] = b"41.123456N";

/// EXIF with an orientation (6) and a position.
fn exif() -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0".to_vec();
    block.extend(2_u16.to_le_bytes());
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    block.extend(entry(0x0112, 3, 1, 6));
    block.extend(entry(0x8825, 4, 1, 38));
    block.extend(0_u32.to_le_bytes());
    assert_eq!(block.len(), 38);
    block.extend(1_u16.to_le_bytes());
    block.extend(entry(2, 2, SECRET.len() as u32, 56));
    block.extend(0_u32.to_le_bytes());
    assert_eq!(block.len(), 56);
    block.extend(SECRET);
    block
}

fn has(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

fn removed(bytes: &[u8], mime: &str) -> Vec<u8> {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    remove(&mut file, mime).expect("removed");
    let mut found = Vec::new();
    file.rewind().expect("rewound");
    file.read_to_end(&mut found).expect("read");
    assert_eq!(found.len(), bytes.len());
    found
}

/// An orientation of 6, as it is in the block.
const ORIENTATION: &[u8] = &[0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0];

fn png_chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let sum = crc32(kind.iter().chain(data).copied());
    [&(data.len() as u32).to_be_bytes()[..], &kind, data, &sum.to_be_bytes()].concat()
}

#[test]
fn the_position_goes_and_the_orientation_stays() {
    let exif = exif();
    let app1 = |data: &[u8]| [&[0xff, 0xe1][..], &(data.len() as u16 + 2).to_be_bytes(), data].concat();
    let xmp = [b"http://ns.adobe.com/xap/1.0/\0".as_slice(), b"<GPS>", SECRET].concat();
    let jpeg = [
        b"\xff\xd8".as_slice(),
        &app1(&[EXIF, &exif].concat()),
        &app1(&xmp),
        b"\xff\xda\0\x02picture\xff\xd9",
    ]
    .concat();
    let text = [b"XML:com.adobe.xmp\0".as_slice(), SECRET].concat();
    let png = [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        png_chunk(*b"eXIf", &exif),
        png_chunk(*b"iTXt", &text),
        png_chunk(*b"IEND", b""),
    ]
    .concat();
    let part = |kind: &[u8; 4], data: &[u8]| [kind, &(data.len() as u32).to_le_bytes()[..], data].concat();
    let webp =
        [b"RIFF\0\0\0\0WEBP".to_vec(), part(b"EXIF", &exif), part(b"XMP ", &SECRET.repeat(2))].concat();
    for (mime, bytes) in [("image/jpeg", jpeg), ("image/png", png), ("image/webp", webp)] {
        assert!(has(&bytes, SECRET));
        let clean = removed(&bytes, mime);
        assert!(!has(&clean, SECRET) && !has(&clean, b"<GPS>"), "{mime}");
        assert!(has(&clean, ORIENTATION), "{mime}");
        assert_eq!(removed(&clean, mime), clean, "{mime}: nothing more to do");
        for end in 0..bytes.len() {
            removed(&bytes[..end], mime);
        }
    }
}

#[test]
fn a_changed_chunk_has_the_sum_that_readers_check() {
    assert_eq!(crc32(b"IEND".iter().copied()), 0xae42_6082);
    let png = [b"\x89PNG\r\n\x1a\n".to_vec(), png_chunk(*b"eXIf", &exif())].concat();
    let clean = removed(&png, "image/png");
    let (data, sum) = (&clean[12..clean.len() - 4], &clean[clean.len() - 4..]);
    assert_eq!(crc32(data.iter().copied()).to_be_bytes(), sum);
}

#[test]
fn metadata_that_cannot_be_read_is_blanked() {
    let app1 = [b"\xff\xd8\xff\xe1\0\x18Exif\0\0MM\0*\xff\xff\xff\xff".as_slice(), SECRET, b"\0\0"].concat();
    assert!(!has(&removed(&app1, "image/jpeg"), SECRET));
    // A table that points to itself.
    let mut turning = exif();
    turning[34..38].copy_from_slice(&8_u32.to_le_bytes());
    assert_eq!(tiff::without_position(&mut turning), Err(tiff::Unreadable));
}
