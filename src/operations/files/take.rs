//! Takes the next bytes of an upload: into a staged file as they come, then to where all nodes see them.

use axum::body::{Body, HttpBody as _};
use axum::http::StatusCode;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;
use uuid::Uuid;

use super::terms;
use crate::app::{App, AppState};
use crate::error::Error;
use crate::files::staging;
use crate::http::problem::Problem;
use crate::store::files::File;
use crate::store::uploads::Upload;

/// Without a byte for so long a request is given up; the upload can go on.
pub(super) const SILENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Receives a body and keeps it; with the last byte the upload becomes a file.
pub(super) async fn take(
    app: AppState,
    upload: Upload,
    from: u64,
    body: Body,
    turn: staging::Turn,
) -> Result<(u64, Option<File>), Problem> {
    let part = app.files.part(&upload, app.store.ids().next());
    let (at, ended) = receive(&app, (&upload, part), from, body, &turn).await?;
    app.files.keep_piece(&upload, part, (from, at)).await.map_err(kept_not)?;
    ended?;
    if at < upload.size.unsigned_abs() {
        return Ok((at, None));
    }
    app.files.gather(&upload, app.store.ids().next()).await.map_err(kept_not)?;
    let file = app.files.finish(&app.store, &upload, terms(&app)).await?;
    app.files.drop_pieces(&upload).await;
    Ok((at, Some(file)))
}

/// Writes a body to a staged file as it comes; gives the offset after it, and how it ended. What has come stays when the rest
/// does not.
async fn receive(
    app: &App,
    (upload, part): (&Upload, Uuid),
    mut at: u64,
    body: Body,
    turn: &staging::Turn,
) -> Result<(u64, Result<(), Problem>), Problem> {
    let size = upload.size.unsigned_abs();
    if body.size_hint().lower() > size - at {
        return Err(Problem::invalid("body", "is longer than the announced size"));
    }
    let file = app.files.staging.append(upload.tenant, part).await.map_err(kept_not)?;
    let mut file = tokio::io::BufWriter::with_capacity(256 * 1024, file);
    let mut body = std::pin::pin!(body);
    let ended = loop {
        let next = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx));
        let next = tokio::select! {
            next = timeout(SILENCE, next) => next,
            () = turn.newer.cancelled() => break Err(Problem::new(StatusCode::CONFLICT, "upload_taken_over",
                "a newer request goes on with this upload")),
        };
        let frame = match next {
            Err(_) => {
                break Err(Problem::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "too_slow",
                    "nothing came for too long: ask for the offset and go on from there",
                ));
            }
            Ok(Some(Err(_))) => {
                break Err(Problem::new(StatusCode::BAD_REQUEST, "invalid", "the body broke off"));
            }
            Ok(None) => break Ok(()),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(piece) = frame.into_data() else { continue };
        if at + piece.len() as u64 > size {
            break Err(Problem::invalid("body", "is longer than the announced size"));
        }
        file.write_all(&piece).await.map_err(kept_not)?;
        at += piece.len() as u64;
    };
    file.flush().await.map_err(kept_not)?;
    Ok((at, ended))
}

pub(super) fn kept_not(error: std::io::Error) -> Problem {
    Problem::from(Error::from(anyhow::Error::new(error).context("an upload cannot be written")))
}
