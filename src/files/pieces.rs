//! Where the bytes of an upload lie that comes in pieces, each of which may come to another node. With a folder for a library
//! they are one staged file in the data folder that all nodes share. With a bucket each piece is an object whose name says
//! which bytes it has: a listing tells what has come, and a request that ends late on another node replaces nothing.

use std::io;

use tokio::fs;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, sink};
use tokio::time::timeout;
use uuid::Uuid;

use super::Files;
use super::library::{BUCKET_PATIENCE, Library as _};
use crate::rooms::id_in_name;
use crate::store::uploads::Upload;

/// So many pieces may an upload have in a bucket: each request lists them.
pub const MAX_PIECES: usize = 2_000;

/// What has come of an upload.
pub struct Arrived {
    /// From the first byte on, without a gap.
    pub bytes: u64,
    pub has_room: bool,
}

/// The bytes from one number up to another, which it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    from: u64,
    to: u64,
}

impl Piece {
    fn key(self, upload: &Upload) -> String {
        format!("{}{:020}-{:020}", folder(upload), self.from, self.to)
    }

    fn named(key: &str) -> Option<Self> {
        let (from, to) = key.rsplit('/').next()?.split_once('-')?;
        Some(Self { from: from.parse().ok()?, to: to.parse().ok()? }).filter(|piece| piece.from < piece.to)
    }
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the bucket does not answer")
}

fn folder(upload: &Upload) -> String {
    format!("{}/uploads/{}/", upload.tenant, upload.id)
}

/// Tenant and upload of an object that is a piece.
pub fn owner(key: &str) -> Option<(Uuid, Uuid)> {
    let mut names = key.split('/');
    let tenant = id_in_name(names.next()?, "")?;
    names.next().filter(|name| *name == "uploads")?;
    Some((tenant, id_in_name(names.next()?, "")?))
}

/// The pieces that follow one another from the first byte on, each with how many of its bytes those before it have already.
fn in_order(mut pieces: Vec<Piece>) -> Vec<(Piece, u64)> {
    pieces.sort_by_key(|piece| (piece.from, piece.to));
    let (mut end, mut found) = (0, Vec::new());
    for piece in pieces {
        if piece.from > end {
            break;
        }
        if piece.to > end {
            found.push((piece, end - piece.from));
            end = piece.to;
        }
    }
    found
}

impl Files {
    async fn pieces(&self, upload: &Upload) -> io::Result<Vec<Piece>> {
        let Some(bucket) = self.libraries.for_pieces() else { return Ok(Vec::new()) };
        let folder = folder(upload);
        let listed = timeout(BUCKET_PATIENCE, bucket.keys(&folder)).await;
        let keys = listed.unwrap_or_else(|_| Err(late()))?;
        Ok(keys.iter().filter_map(|key| Piece::named(key)).collect())
    }

    pub async fn arrived(&self, upload: &Upload) -> io::Result<Arrived> {
        if self.libraries.for_pieces().is_none() {
            let bytes = self.staging.length(upload.tenant, upload.id).await?;
            return Ok(Arrived { bytes, has_room: true });
        }
        let pieces = self.pieces(upload).await?;
        let has_room = pieces.len() < MAX_PIECES;
        Ok(Arrived { bytes: in_order(pieces).last().map_or(0, |(piece, _)| piece.to), has_room })
    }

    /// The name of the staged file that takes the next bytes; on the way into a bucket one of this request alone.
    pub fn part(&self, upload: &Upload, fresh: Uuid) -> Uuid {
        if self.libraries.for_pieces().is_some() { fresh } else { upload.id }
    }

    /// Keeps the bytes of a part where all nodes see them.
    pub async fn keep_piece(&self, upload: &Upload, part: Uuid, bytes: (u64, u64)) -> io::Result<()> {
        let Some(bucket) = self.libraries.for_pieces() else { return Ok(()) };
        let piece = Piece { from: bytes.0, to: bytes.1 };
        let kept = if piece.from < piece.to {
            bucket.put(&piece.key(upload), &self.staging.place(upload.tenant, part)).await
        } else {
            Ok(())
        };
        self.staging.remove(upload.tenant, part).await?;
        kept
    }

    /// Puts the pieces of a whole upload together as its staged file.
    pub async fn gather(&self, upload: &Upload, part: Uuid) -> io::Result<()> {
        let Some(bucket) = self.libraries.for_pieces() else { return Ok(()) };
        let mut whole = self.staging.append(upload.tenant, part).await?;
        for (piece, known) in in_order(self.pieces(upload).await?) {
            let mut bytes = bucket.open(&piece.key(upload)).await?.take(piece.to - piece.from);
            copy(&mut (&mut bytes).take(known), &mut sink()).await?;
            copy(&mut bytes, &mut whole).await?;
        }
        whole.flush().await?;
        if whole.metadata().await?.len() != upload.size.unsigned_abs() {
            self.staging.remove(upload.tenant, part).await?;
            return Err(io::Error::other("the bucket does not have all pieces of the upload that it lists"));
        }
        fs::rename(self.staging.place(upload.tenant, part), self.staging.place(upload.tenant, upload.id))
            .await
    }

    /// Removes the pieces of an upload. What stays is removed by the sweep, by its age.
    pub async fn drop_pieces(&self, upload: &Upload) {
        let Some(bucket) = self.libraries.for_pieces() else { return };
        let removed = async {
            for key in bucket.keys(&folder(upload)).await? {
                bucket.delete(&key).await?;
            }
            io::Result::Ok(())
        };
        let removed = timeout(BUCKET_PATIENCE, removed).await.unwrap_or_else(|_| Err(late()));
        if let Err(error) = removed {
            tracing::warn!(%error, upload = %upload.id, "pieces of an upload cannot be removed; the sweep removes them");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_whatever_requests_make_one_row() {
        let row = |pieces: &[(u64, u64)]| {
            let pieces = pieces.iter().map(|&(from, to)| Piece { from, to }).collect();
            let found = in_order(pieces).into_iter();
            found.map(|(piece, known)| (piece.from, piece.to, known)).collect::<Vec<_>>()
        };
        assert_eq!(row(&[]), []);
        assert_eq!(row(&[(5, 9)]), [], "the beginning is missing");
        assert_eq!(row(&[(5, 9), (0, 5)]), [(0, 5, 0), (5, 9, 0)]);
        // One that broke off came late, and another begins in the middle.
        assert_eq!(row(&[(0, 5), (0, 2), (2, 7), (9, 12)]), [(0, 2, 0), (0, 5, 2), (2, 7, 3)]);
        assert_eq!(row(&[(0, 9), (3, 6), (9, 10)]), [(0, 9, 0), (9, 10, 0)]);
    }

    #[test]
    fn names_tell_what_an_object_is() {
        let (tenant, id) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let key = format!("{tenant}/uploads/{id}/{:020}-{:020}", 7u64, 1u64 << 40);
        assert_eq!(owner(&key), Some((tenant, id)));
        assert_eq!(Piece::named(&key), Some(Piece { from: 7, to: 1 << 40 }));
        assert_eq!(owner(&format!("{tenant}/{id}")), None, "a file");
        assert_eq!(Piece::named("7-7"), None, "empty");
    }
}
