//! Each tenant's stored bytes and files and their limits. The sums are updated with every change, so that no query
//! sums up files.

use uuid::Uuid;

use super::{StoreError, Tx};
use crate::args;

const OF: &str =
    "select stored_bytes, stored_files, max_stored_bytes, max_stored_files from tenants where id = $1";
const ADD: &str =
    "update tenants set stored_bytes = stored_bytes + $2, stored_files = stored_files + $3 where id = $1";
const SET: &str = "update tenants set max_stored_bytes = $2, max_stored_files = $3 where id = $1";

pub const ALL: &[&str] = &[OF, ADD, SET];

/// The usage and limits of one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storage {
    pub bytes: i64,
    pub files: i64,
    /// The tenant's own limits, if they differ from the installation's; 0: no limit.
    pub own: OwnLimits,
}

/// Bytes and files.
pub type OwnLimits = (Option<i64>, Option<i64>);

impl Storage {
    /// Whether that much more fits under the limits; `usual` are the installation's. A decrease always fits.
    pub fn has_room(&self, usual: (i64, i64), bytes: i64, files: i64) -> bool {
        let within =
            |most: i64, has: i64, more: i64| most <= 0 || more <= 0 || has.saturating_add(more) <= most;
        within(self.own.0.unwrap_or(usual.0), self.bytes, bytes)
            && within(self.own.1.unwrap_or(usual.1), self.files, files)
    }
}

/// `None` if there is no such tenant.
pub async fn of(tx: &mut Tx<'_>, tenant: Uuid) -> Result<Option<Storage>, StoreError> {
    let row: Option<(i64, i64, Option<i64>, Option<i64>)> = tx.one(OF, args![tenant]).await?;
    Ok(row.map(|(bytes, files, own_bytes, own_files)| Storage { bytes, files, own: (own_bytes, own_files) }))
}

/// Adds to the tenant's usage; negative numbers subtract.
pub async fn add(tx: &mut Tx<'_>, tenant: Uuid, bytes: i64, files: i64) -> Result<(), StoreError> {
    tx.put(ADD, args![tenant, bytes, files]).await
}

pub async fn set(tx: &mut Tx<'_>, tenant: Uuid, own: OwnLimits) -> Result<(), StoreError> {
    tx.put(SET, args![tenant, own.0, own.1]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_the_tenants_own_or_the_installations() {
        let has = |own| Storage { bytes: 90, files: 9, own };
        let cases = [
            ((None, None), (0, 0), 1_000, 1_000, true),
            ((None, None), (100, 0), 10, 1, true),
            ((None, None), (100, 0), 11, 1, false),
            ((None, None), (0, 9), 0, 1, false),
            ((Some(200), None), (100, 0), 11, 1, true),
            ((Some(0), Some(0)), (100, 9), 1_000, 1, true),
            ((Some(90), None), (0, 0), 1, 0, false),
            // A file that shrinks, or replaces another one, in a full store.
            ((Some(50), Some(5)), (0, 0), -1, 0, true),
        ];
        for (own, usual, bytes, files, room) in cases {
            assert_eq!(has(own).has_room(usual, bytes, files), room, "{own:?} {usual:?} {bytes} {files}");
        }
    }
}
