//! Claimed jobs whose worker is gone: their claim has expired, or the node that made it is dead.
//!
//! A claim's id tells the node: a column would be left behind by an older version that claims the job beside this one, and
//! name a node that has nothing to do with the claim.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use super::Job;
use crate::args;
use crate::store::{StoreError, Tx};

const EXPIRED: &str =
    select!("where j.state = 'claimed' and j.claimed_until <= $1 order by j.claimed_until limit $2");
/// Looks at as many jobs as all nodes run at a time.
const OF_NODE: &str = select!(
    "where j.state = 'claimed' and j.claimed_until <= $1 and j.claim >= $2 and j.claim <= $3 order by j.claimed_until limit $4"
);
const STILL_CLAIMED: &str =
    "select id from jobs where tenant = $1 and id = $2 and claim = $3 and claimed_until <= $4";

pub const ALL: &[&str] = &[EXPIRED, OF_NODE, STILL_CLAIMED];

/// The version and the variant of a UUID whose other bits are ours (RFC 9562, version 8).
const VERSION: u64 = 0x8000;
const VERSION_BITS: u64 = 0xf000;
const VARIANT: u64 = 1 << 63;
const COUNT_BITS: u64 = (1 << 62) - 1;

/// The ids of a node's claims: the first half is that of the node's id, which is random and lives as long as the
/// process; the second half counts.
#[derive(Debug)]
pub struct ClaimIds {
    node: u64,
    count: AtomicU64,
}

const fn first_half(node: Uuid) -> u64 {
    (node.as_u64_pair().0 & !VERSION_BITS) | VERSION
}

impl ClaimIds {
    pub const fn of(node: Uuid) -> Self {
        Self { node: first_half(node), count: AtomicU64::new(0) }
    }

    pub(super) fn next(&self) -> Uuid {
        let count = self.count.fetch_add(1, Ordering::Relaxed) & COUNT_BITS;
        Uuid::from_u64_pair(self.node, VARIANT | count)
    }
}

/// The first and the last claim that a node can make.
const fn range(node: Uuid) -> (Uuid, Uuid) {
    let half = first_half(node);
    (Uuid::from_u64_pair(half, VARIANT), Uuid::from_u64_pair(half, VARIANT | COUNT_BITS))
}

/// Claimed jobs whose claim ends by then: of all nodes, or of one.
pub async fn claimed(
    tx: &mut Tx<'_>,
    node: Option<Uuid>,
    until: i64,
    limit: i64,
) -> Result<Vec<Job>, StoreError> {
    let Some(node) = node else { return tx.all(EXPIRED, args![until, limit]).await };
    let (first, last) = range(node);
    tx.all(OF_NODE, args![until, first, last, limit]).await
}

/// Whether the job's claim is still the same one, and ends by then.
pub async fn is_still_claimed(tx: &mut Tx<'_>, job: &Job, until: i64) -> Result<bool, StoreError> {
    let asked = args![job.tenant, job.id, job.claim, until];
    Ok(tx.one::<(Uuid,)>(STILL_CLAIMED, asked).await?.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_tells_its_node_and_is_never_given_twice() {
        let [ours, other] = [0x1234_5678_9abc_4def_8000_0000_0000_0000, u128::MAX].map(Uuid::from_u128);
        let (ids, (first, last)) = (ClaimIds::of(ours), range(ours));
        let claims: Vec<_> = (0..1_000).map(|_| ids.next()).collect();
        assert!(claims.windows(2).all(|two| two[0] < two[1]));
        assert!(claims.iter().all(|claim| (first..=last).contains(claim) && claim.get_version_num() == 8));
        let (first, last) = range(other);
        assert!(claims.iter().all(|claim| !(first..=last).contains(claim)));
        // An older version's, of whatever time.
        let at = |ms| uuid::Builder::from_unix_timestamp_millis(ms, &[0xff; 10]).into_uuid();
        assert!([0, 1_900_000_000_000, (1 << 48) - 1].iter().all(|ms| !(first..=last).contains(&at(*ms))));
    }
}
