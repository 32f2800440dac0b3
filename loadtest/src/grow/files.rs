//! Files of messages: received ones, which are attachments alone, and sent ones, which are uploads that attachments use.
//! There are rows only: the library has none of the bytes.

use anyhow::Result;
use uuid::Uuid;

use super::context::Context;
use super::conversation::Direction;
use super::database::row;
use super::id;
use super::plan::DAY_MS;
use super::table::Table;

/// A file is shorter than that.
const BYTES: u64 = 400_000;
/// Uploads are kept for a day.
const UPLOADS_MS: u64 = 24 * 3_600_000;

/// Writes the file of a message, if it has one: of ten with one of each direction.
pub(crate) fn of_message(
    context: &mut Context<'_>,
    (tenant, message): (Uuid, Uuid),
    direction: Direction,
    at: i64,
) -> Result<()> {
    if direction == Direction::Note || !context.dice.chance((10 * context.plan.kept).min(90)) {
        return Ok(());
    }
    let (attachment, size) = (context.id(at), context.dice.roll(BYTES).cast_signed());
    let file = if direction == Direction::Out { Some(file(context, tenant, size, at)?) } else { None };
    let path = format!("{tenant}/{}", file.unwrap_or(attachment));
    if let Some(file) = file {
        context.fill.put(Table::FileUses, row![tenant, file, "attachment", attachment])?;
    }
    let row = row![
        tenant,
        attachment,
        message,
        0_i64,
        "image",
        "image/jpeg",
        "photo.jpg",
        size,
        "ready",
        "{}",
        &path,
        at,
        file
    ];
    context.fill.put(Table::Attachments, row)
}

fn file(context: &mut Context<'_>, tenant: Uuid, size: i64, at: i64) -> Result<Uuid> {
    let (id, digest) = (context.id(at), id::digest(&mut context.dice));
    let path = format!("{tenant}/{id}");
    let row = row![tenant, id, &digest, size, "image/jpeg", "photo.jpg", "ready", &path, at, at, None::<i64>];
    context.fill.put(Table::Files, row)?;
    Ok(id)
}

/// Writes the uploads of the last day, and files that nothing uses yet.
pub(crate) fn uploads(context: &mut Context<'_>, tenant: Uuid, contacts: usize) -> Result<()> {
    for number in 0..contacts as u64 * context.plan.kept / 10 {
        let at = context.plan.now - context.dice.roll(UPLOADS_MS).cast_signed();
        let file = if number.is_multiple_of(50) { None } else { Some(file(context, tenant, 1_000, at)?) };
        let (id, caller) = (context.id(at), context.id(at - DAY_MS));
        let row =
            row![tenant, id, caller, None::<Uuid>, "image", "photo.jpg", "image/jpeg", 1_000_i64, file, at];
        context.fill.put(Table::Uploads, row)?;
    }
    Ok(())
}
