//! What each tenant has stored of files, and how much it may: counted along with every change, so that nobody ever sums
//! up files.

use uuid::Uuid;

use super::{StoreError, Tx};
use crate::args;

const OF: &str =
    "select stored_bytes, stored_files, max_stored_bytes, max_stored_files from tenants where id = $1";
const ADD: &str =
    "update tenants set stored_bytes = stored_bytes + $2, stored_files = stored_files + $3 where id = $1";
const SET: &str = "update tenants set max_stored_bytes = $2, max_stored_files = $3 where id = $1";

pub const ALL: &[&str] = &[OF, ADD, SET];

/// Of one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storage {
    pub bytes: i64,
    pub files: i64,
    /// How much it may have of each, if it is not as the installation says; 0: without a limit.
    pub own: OwnLimits,
}

/// Bytes and files.
pub type OwnLimits = (Option<i64>, Option<i64>);

impl Storage {
    /// Is there room for so much more, under the installation's limits? What is no more is never too much.
    pub fn has_room(&self, usual: (i64, i64), bytes: i64, files: i64) -> bool {
        let within =
            |most: i64, has: i64, more: i64| most <= 0 || more <= 0 || has.saturating_add(more) <= most;
        within(self.own.0.unwrap_or(usual.0), self.bytes, bytes)
            && within(self.own.1.unwrap_or(usual.1), self.files, files)
    }
}

/// Nothing if there is no such tenant.
pub async fn of(tx: &mut Tx<'_>, tenant: Uuid) -> Result<Option<Storage>, StoreError> {
    let row: Option<(i64, i64, Option<i64>, Option<i64>)> = tx.one(OF, args![tenant]).await?;
    Ok(row.map(|(bytes, files, own_bytes, own_files)| Storage { bytes, files, own: (own_bytes, own_files) }))
}

/// Files came, or went if the numbers are negative.
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
            // A file that becomes smaller, or is put in another's place, in a full store.
            ((Some(50), Some(5)), (0, 0), -1, 0, true),
        ];
        for (own, usual, bytes, files, room) in cases {
            assert_eq!(has(own).has_room(usual, bytes, files), room, "{own:?} {usual:?} {bytes} {files}");
        }
    }
}
