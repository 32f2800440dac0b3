//! The files of an outgoing message: an uploaded one is found, judged by what the channel's provider takes, and held for as
//! long as the message has it.

use adapters::Provider;
use uuid::Uuid;

use crate::error::Error;
use crate::files::limits;
use crate::model::{Attachment, AttachmentState, MessageBody, OutAttachment};
use crate::store::Tx;
use crate::store::attachments::{self, Bytes};
use crate::store::files::{self, File, FileState};

/// The message with each uploaded file as what it goes, and the files beside its attachments.
pub(super) async fn resolve(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    provider: &dyn Provider,
    body: &MessageBody,
    has_address: bool,
) -> Result<(MessageBody, Vec<Option<File>>), Error> {
    let (mut body, mut found) = (body.clone(), Vec::new());
    for attachment in &mut body.attachments {
        let Some(id) = attachment.file else {
            found.push(None);
            continue;
        };
        let file = files::load(tx, tenant, id).await?.filter(|file| file.state == FileState::Ready);
        let file = file.ok_or_else(|| {
            Error::invalid("attachments.file", "there is no such file: upload it, then send")
        })?;
        let asked = limits::asked(Some(&attachment.kind), &file.mime)?;
        let about = (file.mime.as_str(), file.size.unsigned_abs());
        let kind = limits::judge(provider, "attachments.file", asked, about, has_address)?;
        limits::word(kind).clone_into(&mut attachment.kind);
        attachment.mime = Some(file.mime.clone());
        let given = attachment.name.as_deref().and_then(adapters::plain_file_name);
        attachment.name = given.or_else(|| file.name.clone());
        found.push(Some(file));
    }
    Ok((body, found))
}

/// Adds a file to a message that is being sent.
pub(super) async fn attach(
    tx: &mut Tx<'_>,
    (tenant, message): (Uuid, Uuid),
    position: usize,
    file: &OutAttachment,
    uploaded: Option<&File>,
) -> Result<Attachment, Error> {
    let state = if uploaded.is_some() { AttachmentState::Ready } else { AttachmentState::Linked };
    let mut shown = Attachment {
        id: tx.new_id(),
        kind: file.kind.clone(),
        mime: file.mime.clone(),
        name: file.name.clone(),
        size: uploaded.map(|file| file.size),
        state,
        error: None,
        url: file.url.clone(),
        width: uploaded.and_then(|file| file.width),
        height: uploaded.and_then(|file| file.height),
        thumbnail: false,
    };
    shown.thumbnail = shown.has_thumbnail();
    let source = attachments::link(file.url.as_deref().unwrap_or_default());
    let bytes = match uploaded {
        Some(file) => Bytes::Uploaded { path: &file.path, file: file.id },
        None => Bytes::Elsewhere { source: &source },
    };
    attachments::insert(tx, tenant, message, position as i64, &shown, bytes).await?;
    if let Some(file) = uploaded {
        files::attach(tx, tenant, file.id, shown.id).await?;
    }
    Ok(shown)
}
