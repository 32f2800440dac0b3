//! Removes dead jobs whose subject was settled in another way, so that nobody has to review them.

use uuid::Uuid;

use super::{Job, Payload, drop_dead};
use crate::args;
use crate::store::{StoreError, Tx};

const ABOUT: &str = select!("where j.tenant = $1 and j.subject = $2 and j.kind = $3 and j.state = 'dead'");

pub const ALL: &[&str] = &[ABOUT];

/// Removes the dead jobs of a kind for a subject.
pub async fn forget_dead<P: Payload>(tx: &mut Tx<'_>, tenant: Uuid, subject: Uuid) -> Result<(), StoreError> {
    for job in tx.all::<Job>(ABOUT, args![tenant, subject, P::KIND]).await? {
        drop_dead(tx, &job).await?;
    }
    Ok(())
}
