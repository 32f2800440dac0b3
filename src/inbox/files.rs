//! The attachments of a received message: each is inserted with a download job in the same transaction.

use adapters::{MediaRef, MediaState};
use uuid::Uuid;

use crate::error::Error;
use crate::model::{Attachment, AttachmentState, Channel, Message};
use crate::store::attachments::{Bytes, Stored};
use crate::store::jobs::{self, FetchMedia, Slot};
use crate::store::{Tx, attachments};

/// Adds an attachment and its download job.
pub(super) async fn attach(
    tx: &mut Tx<'_>,
    channel: &Channel,
    message: Uuid,
    position: i64,
    media: &MediaRef,
) -> Result<Attachment, Error> {
    let lost = media.state == MediaState::Unavailable;
    let file = Attachment {
        id: tx.new_id(),
        kind: serde_json::to_value(media.kind)
            .ok()
            .and_then(|kind| kind.as_str().map(str::to_owned))
            .unwrap_or_default(),
        mime: media.mime.clone(),
        name: media.name.clone(),
        size: media.size.and_then(|size| i64::try_from(size).ok()),
        url: None,
        width: None,
        height: None,
        thumbnail: false,
        state: if lost { AttachmentState::Failed } else { AttachmentState::Pending },
        error: lost.then(|| "the provider does not give this file out".to_owned()),
    };
    let source = serde_json::to_string(media).unwrap_or_default();
    attachments::insert(tx, channel.tenant, message, position, &file, Bytes::Elsewhere { source: &source })
        .await?;
    if !lost {
        let lane = format!("media:{}", file.id);
        let slot = Slot { tenant: channel.tenant, queue: channel.id, lane: &lane, position: 0 };
        jobs::push(tx, &slot, &FetchMedia { attachment: file.id }).await?;
    }
    Ok(file)
}

/// Replaces a message's attachments; unchanged ones are not downloaded again. `false` if nothing changed. An empty list
/// changes nothing, because an edit of a caption contains no files.
pub(super) async fn replace(
    tx: &mut Tx<'_>,
    channel: &Channel,
    message: &mut Message,
    files: &[MediaRef],
) -> Result<bool, Error> {
    if files.is_empty() {
        return Ok(false);
    }
    let mut old = attachments::stored_of(tx, channel.tenant, message.id).await?;
    let (mut shown, mut changed) = (Vec::new(), false);
    for (position, media) in files.iter().enumerate() {
        let known = old.iter().position(|stored| is_same(stored, media));
        if let Some(known) = known {
            shown.push(old.swap_remove(known).shown);
        } else {
            changed = true;
            shown.push(attach(tx, channel, message.id, position as i64, media).await?);
        }
    }
    for stored in &old {
        changed = true;
        attachments::remove(tx, channel.tenant, stored).await?;
    }
    message.attachments = shown;
    Ok(changed)
}

/// Compares the provider's stable file id, if there is one, otherwise the whole reference.
fn is_same(stored: &Stored, media: &MediaRef) -> bool {
    let Ok(known) = serde_json::from_str::<MediaRef>(&stored.source) else { return false };
    let unique = |media: &MediaRef| media.reference.get("file_unique_id").cloned();
    match (unique(&known), unique(media)) {
        (Some(one), Some(other)) => one == other,
        _ => known.reference == media.reference,
    }
}
