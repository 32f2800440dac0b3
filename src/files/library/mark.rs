//! The mark of a library: a random id in an object of its own, by which nodes know whether theirs is the same one. The
//! first node that writes there makes it.

use std::io;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use uuid::Uuid;

use super::Library;

/// No tenant's folder, so that sweeps leave it alone.
const KEY: &str = "hubbub-library";
const MAX_BYTES: u64 = 64;
/// One that is just being written is empty.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// The mark, if there is one.
pub(super) async fn read(library: &dyn Library) -> io::Result<Option<String>> {
    for _ in 0..TRIES {
        let mut text = String::new();
        match library.open(KEY).await {
            Ok(object) => {
                object.take(MAX_BYTES).read_to_string(&mut text).await?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        let mark = text.trim();
        if !mark.is_empty() {
            let id = mark.parse::<Uuid>().map_err(|_| damaged())?;
            return Ok(Some(id.simple().to_string()));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(damaged())
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the object {KEY} in it is damaged: remove it"))
}

/// The mark, which is `id` if there was none.
pub(super) async fn read_or_make(library: &dyn Library, id: Uuid) -> io::Result<String> {
    if let Some(mark) = read(library).await? {
        return Ok(mark);
    }
    library.put_new(KEY, format!("{}\n", id.simple()).as_bytes()).await?;
    // Another node may have been first.
    read(library)
        .await?
        .ok_or_else(|| io::Error::other(format!("the object {KEY} that was written is not there")))
}
