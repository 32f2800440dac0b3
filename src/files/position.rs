//! Takes the position and other descriptions (XMP) out of a picture, in place: its other metadata, the orientation above all,
//! and its size stay. Metadata that cannot be read is blanked as a whole. Only the metadata is read, never the picture.

#[cfg(test)]
mod tests;
mod tiff;

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

/// A larger block of metadata is blanked unread.
const MOST: usize = 1 << 20;
/// More than any picture has.
const MAX_BLOCKS: usize = 10_000;

/// By the type that the bytes have. A broken file is left as it is: what follows the break is no metadata to anybody.
pub fn remove(file: &mut File, mime: &str) -> io::Result<()> {
    let done = match mime {
        "image/jpeg" => jpeg(file),
        "image/png" => png(file),
        "image/webp" => webp(file),
        _ => Ok(()),
    };
    match done {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        done => done,
    }
}

fn read<const N: usize>(file: &mut File, at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn write(file: &mut File, at: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}

/// What becomes of a block of metadata.
enum Block {
    Stays,
    Becomes(Vec<u8>),
    /// All of it becomes nothing, whatever its length.
    Blank,
}

/// Whether the file has so many bytes there: a block that claims more is broken.
fn holds(file: &File, at: u64, length: usize) -> io::Result<()> {
    let has = file.metadata()?.len();
    if at.saturating_add(length as u64) > has { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

/// EXIF without its position.
fn cleaned(file: &mut File, at: u64, length: usize) -> io::Result<Block> {
    holds(file, at, length)?;
    if length > MOST {
        return Ok(Block::Blank);
    }
    let mut block = vec![0; length];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut block)?;
    let start = if block.starts_with(EXIF) { EXIF.len() } else { 0 };
    Ok(match tiff::without_position(&mut block[start..]) {
        Ok(false) => Block::Stays,
        Ok(true) => Block::Becomes(block),
        Err(tiff::Unreadable) => Block::Blank,
    })
}

fn put(file: &mut File, at: u64, length: usize, block: &Block) -> io::Result<()> {
    match block {
        Block::Stays => Ok(()),
        Block::Becomes(bytes) => write(file, at, bytes),
        Block::Blank => {
            holds(file, at, length)?;
            file.seek(SeekFrom::Start(at))?;
            io::copy(&mut io::repeat(0).take(length as u64), file).map(drop)
        }
    }
}

const EXIF: &[u8] = b"Exif\0\0";
const XMP: &[u8] = b"http://ns.adobe.com/x";

fn jpeg(file: &mut File) -> io::Result<()> {
    let mut at = 2;
    for _ in 0..MAX_BLOCKS {
        let [mark, kind, high, low] = read::<4>(file, at)?;
        if mark != 0xff {
            return Ok(());
        }
        match kind {
            // Filling, and marks without a length.
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            // The picture itself begins.
            0xd9 | 0xda => return Ok(()),
            _ => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                if length < 2 {
                    return Ok(());
                }
                if kind == 0xe1 {
                    app1(file, at + 4, length - 2)?;
                }
                at += 2 + length as u64;
            }
        }
    }
    Ok(())
}

fn app1(file: &mut File, at: u64, length: usize) -> io::Result<()> {
    let mut head = vec![0; length.min(XMP.len())];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut head)?;
    if head.starts_with(EXIF) {
        let block = cleaned(file, at, length)?;
        put(file, at, length, &block)?;
    } else if head == XMP {
        put(file, at, length, &Block::Blank)?;
    }
    Ok(())
}

/// Texts of a PNG that hold metadata of another form.
const PNG_TEXTS: &[&[u8]] = &[b"XML:com.adobe.xmp\0", b"Raw profile type "];

fn png(file: &mut File) -> io::Result<()> {
    let mut at = 8;
    for _ in 0..MAX_BLOCKS {
        let head = read::<8>(file, at)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let (kind, data) = (&head[4..8], at + 8);
        match kind {
            b"IEND" => return Ok(()),
            b"eXIf" => {
                let block = cleaned(file, data, length)?;
                chunk(file, at, *b"eXIf", length, &block)?;
            }
            b"tEXt" | b"zTXt" | b"iTXt" => {
                let mut word = vec![0; length.min(18)];
                file.read_exact(&mut word)?;
                if PNG_TEXTS.iter().any(|known| word.starts_with(known)) {
                    // A chunk that nobody knows and everybody may copy.
                    chunk(file, at, *b"huBb", length, &Block::Blank)?;
                }
            }
            _ => {}
        }
        at = data + length as u64 + 4;
    }
    Ok(())
}

fn chunk(file: &mut File, at: u64, kind: [u8; 4], length: usize, block: &Block) -> io::Result<()> {
    let data = at + 8;
    holds(file, data, length.saturating_add(4))?;
    let sum = match block {
        Block::Stays => return Ok(()),
        Block::Becomes(bytes) => crc32(kind.iter().chain(bytes).copied()),
        Block::Blank => crc32(kind.iter().copied().chain(std::iter::repeat_n(0, length))),
    };
    write(file, at + 4, &kind)?;
    put(file, data, length, block)?;
    write(file, data + length as u64, &sum.to_be_bytes())
}

/// As of ISO 3309, bit by bit: blocks of metadata are short.
fn crc32(bytes: impl Iterator<Item = u8>) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

fn webp(file: &mut File) -> io::Result<()> {
    let mut at = 12;
    for _ in 0..MAX_BLOCKS {
        let head = read::<8>(file, at)?;
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let data = at + 8;
        match &head[..4] {
            b"EXIF" => {
                let block = cleaned(file, data, length)?;
                put(file, data, length, &block)?;
            }
            b"XMP " => put(file, data, length, &Block::Blank)?,
            _ => {}
        }
        at = data + (length + length % 2) as u64;
    }
    Ok(())
}
