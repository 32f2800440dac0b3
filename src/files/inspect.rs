//! What an upload is, once it is whole: its type by its bytes, its digest, and how large a picture is. Takes the position out
//! of a picture first, so that the digest is of what is kept. Reads the file in pieces.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::Path;

use aws_lc_rs::digest;

use super::position;
use crate::model::PICTURES;

const PIECE: usize = 64 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    pub sha256: String,
    pub size: u64,
    pub mime: String,
    /// Width and height of a picture that can be decoded, by its head.
    pub pixels: Option<(i64, i64)>,
}

/// Blocks: not for an async task.
pub fn inspect(path: &Path, claimed: Option<&str>) -> io::Result<Inspected> {
    let mut file = File::options().read(true).write(true).open(path)?;
    let mut head = Vec::new();
    (&mut file).take(adapters::HEAD_BYTES as u64).read_to_end(&mut head)?;
    let mime = adapters::settle_type(&head, claimed);
    position::remove(&mut file, &mime)?;
    file.rewind()?;
    let (mut sum, mut size, mut piece) = (digest::Context::new(&digest::SHA256), 0, vec![0; PIECE]);
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        sum.update(&piece[..read]);
        size += read as u64;
    }
    Ok(Inspected { sha256: hex::encode(sum.finish()), size, pixels: pixels(path, &mime), mime })
}

/// From the picture's head alone. Blocks.
pub fn pixels(path: &Path, mime: &str) -> Option<(i64, i64)> {
    if !PICTURES.contains(&mime) {
        return None;
    }
    let format = image::ImageFormat::from_mime_type(mime)?;
    let reader = io::BufReader::new(File::open(path).ok()?);
    let (width, height) = image::ImageReader::with_format(reader, format).into_dimensions().ok()?;
    Some((i64::from(width), i64::from(height)))
}
