//! Generates the files that customers send: an image and a sound in formats that browsers support.

const SIDE: u32 = 96;
const SAMPLES_PER_S: u32 = 8_000;

/// A square of one colour with a lighter disc, as an uncompressed PNG (PNG specification, 2nd edition).
pub(super) fn picture(colour: [u8; 3]) -> Vec<u8> {
    let mut rows = Vec::new();
    for y in 0..SIDE {
        rows.push(0);
        for x in 0..SIDE {
            let (dx, dy) = (x.abs_diff(SIDE / 2), y.abs_diff(SIDE / 2));
            let is_disc = dx * dx + dy * dy < SIDE * SIDE / 9;
            rows.extend(colour.map(|part| if is_disc { part / 2 + 127 } else { part }));
        }
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [&SIDE.to_be_bytes()[..], &SIDE.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    chunk(&mut png, *b"IHDR", &header);
    chunk(&mut png, *b"IDAT", &stored(&rows));
    chunk(&mut png, *b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    png.extend((data.len() as u32).to_be_bytes());
    let from = png.len();
    png.extend(kind);
    png.extend(data);
    let sum = crc(&png[from..]);
    png.extend(sum.to_be_bytes());
}

/// A zlib stream of uncompressed blocks.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks = data.chunks(0xffff);
    let last = blocks.len() - 1;
    for (number, block) in blocks.enumerate() {
        let length = block.len() as u16;
        out.push(u8::from(number == last));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    let (a, b) = data.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    out.extend((b << 16 | a).to_be_bytes());
    out
}

fn crc(data: &[u8]) -> u32 {
    !data.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

/// Two seconds of a low tone, as WAVE with 8-bit samples.
pub(super) fn sound() -> Vec<u8> {
    let samples: Vec<u8> = (0..SAMPLES_PER_S * 2)
        .map(|at| {
            let phase = f64::from(at) / f64::from(SAMPLES_PER_S) * std::f64::consts::TAU;
            let level = (phase * 220.0).sin() * (phase * 1.5).sin();
            (128.0 + 60.0 * level) as u8
        })
        .collect();
    let length = samples.len() as u32;
    let mut wave = b"RIFF".to_vec();
    wave.extend((36 + length).to_le_bytes());
    wave.extend(b"WAVEfmt ");
    wave.extend(16u32.to_le_bytes());
    // PCM, one channel.
    wave.extend([1, 0, 1, 0]);
    wave.extend(SAMPLES_PER_S.to_le_bytes());
    wave.extend(SAMPLES_PER_S.to_le_bytes());
    // One byte per frame, eight bits per sample.
    wave.extend([1, 0, 8, 0]);
    wave.extend(b"data");
    wave.extend(length.to_le_bytes());
    wave.extend(samples);
    wave
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksums_are_the_known_ones() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        let zlib = stored(b"Wikipedia");
        assert_eq!(zlib[zlib.len() - 4..], 0x11e6_0398_u32.to_be_bytes());
    }

    #[test]
    fn lengths_are_true() {
        let wave = sound();
        assert_eq!(u32::from_le_bytes([wave[4], wave[5], wave[6], wave[7]]) as usize, wave.len() - 8);
        let png = picture([200, 80, 20]);
        assert!(png.starts_with(b"\x89PNG") && png.ends_with(&[0xae, 0x42, 0x60, 0x82]));
    }
}
