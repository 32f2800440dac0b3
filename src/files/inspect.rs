//! What an upload is, once it is whole: its type by its bytes, its digest, and how large a picture is. Takes the position out
//! of a picture first, so that the digest is of what is kept, and gives a recorded voice note the container that chats want.
//! Reads the file in pieces.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;

use super::voice::{Unfit, to_ogg};
use super::{limits, position};
use crate::model::PICTURES;
use crate::private;

const PIECE: usize = 64 * 1024;

const OGG: &str = "ogg";
/// Of the only stream in a file.
const SERIAL: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// Where the bytes are that are kept: the file itself, or one beside it.
    pub path: PathBuf,
    /// How the name ends, if it is no longer what was brought.
    pub ending: Option<&'static str>,
    pub sha256: String,
    pub size: u64,
    pub mime: String,
    /// Width and height of a picture that can be decoded, by its head.
    pub pixels: Option<(i64, i64)>,
}

/// `asked`: as what it is brought. Blocks: not for an async task.
pub fn inspect(path: &Path, claimed: Option<&str>, asked: Option<&str>) -> io::Result<Inspected> {
    let mut file = File::options().read(true).write(true).open(path)?;
    let mut head = Vec::new();
    (&mut file).take(adapters::HEAD_BYTES as u64).read_to_end(&mut head)?;
    let mut mime = adapters::settle_type(&head, claimed);
    let (mut path, mut ending) = (path.to_owned(), None);
    if asked == Some(limits::VOICE) && mime.ends_with("/webm") {
        file.rewind()?;
        if let Some(ogg) = remade(&file, &path)? {
            (path, mime, ending) = (ogg, "audio/ogg".to_owned(), Some(OGG));
            file = File::options().read(true).write(true).open(&path)?;
        }
    }
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
    let pixels = pixels(&path, &mime);
    Ok(Inspected { sha256: hex::encode(sum.finish()), size, pixels, mime, path, ending })
}

/// Beside an upload: its voice note in another container. The upload itself stays, because its length is how far it came.
pub fn beside(path: &Path) -> PathBuf {
    path.with_extension(OGG)
}

fn remade(webm: &File, path: &Path) -> io::Result<Option<PathBuf>> {
    let ogg = beside(path);
    let mut to = io::BufWriter::new(private::create_options().truncate(true).open(&ogg)?);
    match to_ogg(&mut io::BufReader::new(webm), &mut to, SERIAL) {
        Ok(_) => {
            to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            Ok(Some(ogg))
        }
        Err(Unfit::Other) => {
            drop(to);
            std::fs::remove_file(&ogg)?;
            Ok(None)
        }
        Err(Unfit::Io(error)) => Err(error),
    }
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
