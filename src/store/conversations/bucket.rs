//! The bucket that a conversation is listed and counted in, and since when its customer waits.

use crate::args;
use crate::model::{Conversation, Moved, Standing};
use crate::store::{StoreError, Tx, labelled, tallies};

pub(super) const SET_BUCKET: &str =
    "update conversations set bucket = $3, waiting_since = $4 where tenant = $1 and id = $2";

/// Updates the conversation's bucket and the tallies after a change of its state, owner, assignee or waiting time.
pub(super) async fn update_bucket(
    tx: &mut Tx<'_>,
    conversation: &mut Conversation,
) -> Result<(), StoreError> {
    let to = conversation.standing();
    let from = conversation.counted;
    if from == Some(to) {
        return Ok(());
    }
    conversation.bucket = to.bucket;
    for (standing, change) in [(from, -1), (Some(to), 1)] {
        if let Some(Standing { bucket, assignee }) = standing {
            tallies::add(tx, conversation, bucket, assignee, change).await?;
        }
    }
    conversation.counted = Some(to);
    let first = conversation.moved.map_or(from, |moved| moved.from);
    conversation.moved = Some(Moved { from: first, to });
    tx.put(
        SET_BUCKET,
        args![conversation.tenant, conversation.id, to.bucket.as_str(), conversation.waiting_since],
    )
    .await?;
    labelled::follow(tx, conversation).await
}

/// Marks the customer as waiting from now on, unless already waiting.
pub async fn wait(tx: &mut Tx<'_>, conversation: &mut Conversation) -> Result<(), StoreError> {
    let since = tx.now();
    waits(tx, conversation, conversation.waiting_since.or(Some(since))).await
}

/// Marks the customer as answered.
pub async fn answered(tx: &mut Tx<'_>, conversation: &mut Conversation) -> Result<(), StoreError> {
    waits(tx, conversation, None).await
}

/// Sets the time since which the customer waits; `None`: answered.
pub async fn waits(
    tx: &mut Tx<'_>,
    conversation: &mut Conversation,
    since: Option<i64>,
) -> Result<(), StoreError> {
    if conversation.waiting_since == since {
        return Ok(());
    }
    conversation.waiting_since = since;
    let standing = conversation.standing();
    if conversation.counted != Some(standing) {
        return update_bucket(tx, conversation).await;
    }
    let args = args![conversation.tenant, conversation.id, standing.bucket.as_str(), since];
    tx.put(SET_BUCKET, args).await?;
    labelled::follow(tx, conversation).await
}
