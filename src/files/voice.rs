//! A voice note as browsers record it (Opus in WebM) becomes one as chats want it (Opus in Ogg): another container around the
//! same packets, nothing is decoded. Reads and writes in pieces.
//!
//! WebM: RFC 9559 and 8794. Ogg: RFC 3533 and 7845.

#[cfg(test)]
mod tests;

use std::io::{self, Read, Write};

/// Opus has at most 48 frames in a packet, and 1,275 bytes in a frame. A page takes it as a whole.
const MAX_PACKET: u64 = 61_440;
/// `OpusHead` and the names of codecs.
const MAX_VALUE: u64 = 1_024;
/// Samples of a page, of 48,000 in a second.
const PAGE_SAMPLES: u64 = 48_000;
const MAX_SEGMENTS: usize = 255;

/// Elements whose children are read as if they were beside them: so one of unknown length needs no end.
const OPENED: [u32; 5] = [SEGMENT, TRACKS, TRACK, CLUSTER, BLOCK_GROUP];
const SEGMENT: u32 = 0x1853_8067;
const TRACKS: u32 = 0x1654_AE6B;
const TRACK: u32 = 0xAE;
const CLUSTER: u32 = 0x1F43_B675;
const BLOCK_GROUP: u32 = 0xA0;
const TRACK_NUMBER: u32 = 0xD7;
const CODEC: u32 = 0x86;
const CODEC_PRIVATE: u32 = 0x63A2;
const ENCODINGS: u32 = 0x6D80;
const BLOCKS: [u32; 2] = [0xA3, 0xA1];

/// Why it stays as it is.
#[derive(Debug)]
pub enum Unfit {
    /// It is no recording with one track of Opus, or has what recorders do not write (lacing, encryption).
    Other,
    Io(io::Error),
}

impl From<io::Error> for Unfit {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes the packets of a WebM as Ogg; gives their samples. A recording that breaks off ends where it does.
pub fn to_ogg(webm: &mut impl Read, ogg: &mut impl Write, serial: u32) -> Result<u64, Unfit> {
    let mut track: Option<(u64, Vec<u8>)> = None;
    let (mut number, mut is_opus) = (0, false);
    let mut pages: Option<Pages<'_, _>> = None;
    let mut ogg = Some(ogg);
    while let Some((id, size)) = element(webm)? {
        let Some(size) = size else {
            if OPENED.contains(&id) {
                continue;
            }
            return Err(Unfit::Other);
        };
        match id {
            TRACK if track.is_some() || is_opus => return Err(Unfit::Other),
            _ if OPENED.contains(&id) => {}
            TRACK_NUMBER => {
                let bytes = value(webm, size, 8)?;
                number = bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
            }
            CODEC if value(webm, size, MAX_VALUE)? != b"A_OPUS" => return Err(Unfit::Other),
            CODEC => is_opus = true,
            CODEC_PRIVATE => {
                let head = value(webm, size, MAX_VALUE)?;
                if !head.starts_with(b"OpusHead") || head.len() < 19 {
                    return Err(Unfit::Other);
                }
                track = Some((number, head));
            }
            ENCODINGS => return Err(Unfit::Other),
            _ if BLOCKS.contains(&id) => {
                let Some(block) = whole(webm, size)? else { break };
                let Some((of, head)) = track.as_ref().filter(|_| is_opus) else { return Err(Unfit::Other) };
                let packet = packet(&block, *of)?;
                let samples = samples(packet).ok_or(Unfit::Other)?;
                if pages.is_none()
                    && let Some(to) = ogg.take()
                {
                    pages = Some(Pages::begin(to, serial, head)?);
                }
                if let Some(pages) = &mut pages {
                    pages.put(packet, samples)?;
                }
            }
            _ => skip(webm, size)?,
        }
    }
    pages.ok_or(Unfit::Other)?.end()
}

/// A number whose length its first byte tells, without or with the mark of that length. `None`: the end.
fn number(from: &mut impl Read, most: usize, keep_mark: bool) -> Result<Option<(u64, usize)>, Unfit> {
    let mut first = [0];
    if from.read(&mut first)? == 0 {
        return Ok(None);
    }
    let length = first[0].leading_zeros() as usize + 1;
    if length > most {
        return Err(Unfit::Other);
    }
    let mask = if keep_mark { 0xFF } else { (0xFF_u16 >> length) as u8 };
    let mut sum = u64::from(first[0] & mask);
    let mut rest = [0; 8];
    if !fill(from, &mut rest[..length - 1])? {
        return Ok(None);
    }
    for byte in &rest[..length - 1] {
        sum = (sum << 8) | u64::from(*byte);
    }
    Ok(Some((sum, length)))
}

/// The id and the size of the next element; the size is `None` if it is unknown.
fn element(from: &mut impl Read) -> Result<Option<(u32, Option<u64>)>, Unfit> {
    let Some((id, _)) = number(from, 4, true)? else { return Ok(None) };
    let Some((size, length)) = number(from, 8, false)? else { return Ok(None) };
    let unknown = (1 << (7 * length)) - 1;
    Ok(Some((u32::try_from(id).unwrap_or(0), Some(size).filter(|size| *size != unknown))))
}

/// `false`: it ends before.
fn fill(from: &mut impl Read, mut bytes: &mut [u8]) -> io::Result<bool> {
    while !bytes.is_empty() {
        match from.read(bytes) {
            Ok(0) => return Ok(false),
            Ok(read) => bytes = &mut bytes[read..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

fn value(from: &mut impl Read, size: u64, most: u64) -> Result<Vec<u8>, Unfit> {
    if size > most {
        return Err(Unfit::Other);
    }
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    if fill(from, &mut bytes)? { Ok(bytes) } else { Err(Unfit::Other) }
}

/// `None`: it breaks off.
fn whole(from: &mut impl Read, size: u64) -> Result<Option<Vec<u8>>, Unfit> {
    if size > MAX_PACKET {
        return Err(Unfit::Other);
    }
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    Ok(fill(from, &mut bytes)?.then_some(bytes))
}

fn skip(from: &mut impl Read, size: u64) -> io::Result<()> {
    io::copy(&mut from.take(size), &mut io::sink()).map(drop)
}

/// The packet of a block of this track.
fn packet(mut block: &[u8], track: u64) -> Result<&[u8], Unfit> {
    let Some((of, _)) = number(&mut block, 8, false)? else { return Err(Unfit::Other) };
    match block {
        // Two bytes are the time, which follows from the packets; the flags may not tell of several packets.
        [_, _, flags, packet @ ..] if of == track && flags & 0x06 == 0 && !packet.is_empty() => Ok(packet),
        _ => Err(Unfit::Other),
    }
}

/// How long a packet is, by its first bytes (RFC 6716, 3.1), in samples of 48 kHz.
fn samples(packet: &[u8]) -> Option<u64> {
    let config = packet[0] >> 3;
    let frame = match config {
        0..12 => [480, 960, 1_920, 2_880][usize::from(config & 3)],
        12..16 => [480, 960][usize::from(config & 1)],
        _ => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let frames = match packet[0] & 3 {
        0 => 1,
        3 => u64::from(packet.get(1)? & 0x3F),
        _ => 2,
    };
    Some(frame * frames).filter(|samples| (1..=5_760).contains(samples))
}

/// Pages of an Ogg stream. The last one waits, because only the end tells that it is the last.
struct Pages<'a, W> {
    to: &'a mut W,
    serial: u32,
    sequence: u32,
    /// Until the end of the page, and until its beginning.
    samples: u64,
    begun_at: u64,
    segments: Vec<u8>,
    body: Vec<u8>,
}

const FIRST: u8 = 2;
const LAST: u8 = 4;

impl<'a, W: Write> Pages<'a, W> {
    fn begin(to: &'a mut W, serial: u32, head: &[u8]) -> io::Result<Self> {
        let mut pages =
            Self { to, serial, sequence: 0, samples: 0, begun_at: 0, segments: Vec::new(), body: Vec::new() };
        let tags = b"OpusTags\x06\0\0\0hubbub\0\0\0\0";
        for (flags, packet) in [(FIRST, head), (0, tags.as_slice())] {
            pages.add(packet);
            pages.write(flags)?;
        }
        Ok(pages)
    }

    fn put(&mut self, packet: &[u8], samples: u64) -> io::Result<()> {
        let is_full = self.segments.len() + packet.len() / 255 + 1 > MAX_SEGMENTS;
        if is_full || self.samples - self.begun_at >= PAGE_SAMPLES {
            self.write(0)?;
        }
        self.add(packet);
        self.samples += samples;
        Ok(())
    }

    fn add(&mut self, packet: &[u8]) {
        self.segments.extend(std::iter::repeat_n(255, packet.len() / 255));
        self.segments.push((packet.len() % 255) as u8);
        self.body.extend_from_slice(packet);
    }

    fn write(&mut self, flags: u8) -> io::Result<()> {
        let mut page = Vec::with_capacity(27 + self.segments.len() + self.body.len());
        page.extend_from_slice(b"OggS\0");
        page.push(flags);
        page.extend_from_slice(&self.samples.to_le_bytes());
        page.extend_from_slice(&self.serial.to_le_bytes());
        page.extend_from_slice(&self.sequence.to_le_bytes());
        page.extend_from_slice(&[0; 4]);
        page.push(self.segments.len() as u8);
        page.extend_from_slice(&self.segments);
        page.extend_from_slice(&self.body);
        let sum = checksum(&page).to_le_bytes();
        page[22..26].copy_from_slice(&sum);
        self.to.write_all(&page)?;
        self.sequence += 1;
        self.begun_at = self.samples;
        self.segments.clear();
        self.body.clear();
        Ok(())
    }

    fn end(mut self) -> Result<u64, Unfit> {
        self.write(LAST)?;
        self.to.flush()?;
        Ok(self.samples)
    }
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut sum = (at as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 0x8000_0000 == 0 { sum << 1 } else { (sum << 1) ^ 0x04C1_1DB7 };
            bit += 1;
        }
        table[at] = sum;
        at += 1;
    }
    table
}

/// Ogg's CRC: from 0, not reflected.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| (sum << 8) ^ TABLE[((sum >> 24) as u8 ^ byte) as usize])
}
