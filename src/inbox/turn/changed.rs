//! Something happened to a message after it was written: an edit or a deletion. A turn is what it holds when it is
//! answered.

use crate::error::Error;
use crate::model::{Conversation, Message};
use crate::store::Tx;

/// Called in the transaction that changed the message, when the change is stored, with the conversation locked.
#[expect(clippy::unused_async, reason = "what a turn makes of it is written to the database")]
pub(crate) async fn changed(
    _tx: &mut Tx<'_>,
    _conversation: &mut Conversation,
    _message: &Message,
) -> Result<(), Error> {
    Ok(())
}
