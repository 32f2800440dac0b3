//! Small pictures of pictures. A picture is decoded only if it has a bounded number of pixels by its head, and only so many
//! pixels are decoded at a time in this process. What is made is kept in a folder, from which it can be removed at any time.

use std::fs::File;
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use tokio::fs;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::Files;
use crate::model::{Attachment, MAX_PIXELS};
use crate::private;

/// The longer side.
const SIDE: u32 = 320;
/// Of one picture while it is decoded: four bytes a pixel, and as much again for turning it.
const MAX_ALLOC: u64 = MAX_PIXELS as u64 * 4;
/// Thousands of pixels that are decoded at a time.
const AT_A_TIME: u32 = 32_000;

pub struct Thumbnails {
    folder: PathBuf,
    budget: Arc<Semaphore>,
}

impl Thumbnails {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, budget: Arc::new(Semaphore::new(AT_A_TIME as usize)) }
    }

    pub fn root(&self) -> &Path {
        &self.folder
    }
}

impl Files {
    /// The small picture of an attachment that [has one](Attachment::has_thumbnail), as JPEG. Nothing: it cannot be decoded.
    pub async fn thumbnail(
        &self,
        tenant: Uuid,
        attachment: &Attachment,
        path: &str,
        part: Uuid,
    ) -> anyhow::Result<Option<Vec<u8>>> {
        let place = self.thumbnails.folder.join(tenant.to_string()).join(attachment.id.to_string());
        if let Ok(known) = fs::read(&place).await {
            return Ok(Some(known).filter(|known| !known.is_empty()));
        }
        let pixels = attachment.width.unwrap_or(0).saturating_mul(attachment.height.unwrap_or(0));
        let thousands = u32::try_from(pixels / 1_000 + 1).unwrap_or(AT_A_TIME).min(AT_A_TIME);
        let _permits = self.thumbnails.budget.acquire_many(thousands).await?;
        // The library's bytes are read in pieces, and a decoder goes back and forth.
        let staged = self.staging.place(tenant, part);
        let mime = attachment.mime.clone().unwrap_or_default();
        let made = async {
            let mut to = self.staging.append(tenant, part).await?;
            tokio::io::copy(&mut self.libraries.get(path).await?, &mut to).await?;
            tokio::io::AsyncWriteExt::flush(&mut to).await?;
            let from = staged.clone();
            anyhow::Ok(tokio::task::spawn_blocking(move || small(&from, &mime)).await?)
        }
        .await;
        self.staging.remove(tenant, part).await?;
        let made = made?;
        // An empty file: it was tried.
        self.keep(&place, made.as_deref().unwrap_or_default()).await?;
        Ok(made)
    }

    async fn keep(&self, place: &Path, bytes: &[u8]) -> std::io::Result<()> {
        if let Some(folder) = place.parent() {
            private::create_dir(folder)?;
        }
        let part = place.with_extension("part");
        fs::write(&part, bytes).await?;
        fs::rename(part, place).await
    }
}

/// Blocks.
fn small(path: &Path, mime: &str) -> Option<Vec<u8>> {
    let mut reader = ImageReader::new(BufReader::new(File::open(path).ok()?));
    reader.set_format(ImageFormat::from_mime_type(mime)?);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    // The head may have changed its mind since it was looked at.
    if i64::from(width) * i64::from(height) > MAX_PIXELS {
        return None;
    }
    let turned = decoder.orientation().ok()?;
    let mut image = DynamicImage::from_decoder(decoder).ok()?;
    if width > SIDE || height > SIDE {
        image = image.thumbnail(SIDE, SIDE);
    }
    image.apply_orientation(turned);
    let mut bytes = Cursor::new(Vec::new());
    on_white(&image).write_to(&mut bytes, ImageFormat::Jpeg).ok()?;
    Some(bytes.into_inner())
}

/// JPEG knows nothing that shines through.
fn on_white(image: &DynamicImage) -> DynamicImage {
    let mut flat = image.to_rgba8();
    for pixel in flat.pixels_mut() {
        let alpha = u32::from(pixel.0[3]);
        for colour in &mut pixel.0[..3] {
            *colour = ((u32::from(*colour) * alpha + 255 * (255 - alpha)) / 255) as u8;
        }
    }
    DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(flat).to_rgb8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbnail_is_small_and_upright_whatever_it_is_of() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("picture");
        let image = DynamicImage::new_rgba8(1_000, 500);
        for (mime, format) in [
            ("image/png", ImageFormat::Png),
            ("image/gif", ImageFormat::Gif),
            ("image/webp", ImageFormat::WebP),
        ] {
            image.save_with_format(&place, format).expect("saved");
            let small = small(&place, mime).expect("made");
            let made = image::load_from_memory(&small).expect("a picture");
            assert_eq!((made.width(), made.height()), (320, 160), "{mime}");
            assert!(made.to_rgb8().get_pixel(3, 3).0.iter().all(|one| *one > 250), "{mime}: white");
        }
        std::fs::write(&place, b"\x89PNG\r\n\x1a\nnothing").expect("written");
        assert_eq!(small(&place, "image/png"), None);
        assert_eq!(small(&place, "image/svg+xml"), None);
    }
}
