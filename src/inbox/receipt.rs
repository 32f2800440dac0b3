//! Statuses of sent messages. A message has the status of its least advanced part; a status never goes backwards.

use crate::announce;
use crate::error::Error;
use crate::model::{Channel, Conversation, EventKind, Message, MessageError, MessageStatus};
use crate::store::deliveries::Delivery;
use crate::store::jobs::{self, Deliver};
use crate::store::{Tx, conversations, deliveries, messages};

/// Applies a status to the delivery or message with this external key. `false` if there is none yet.
pub(super) async fn apply(
    tx: &mut Tx<'_>,
    channel: &Channel,
    key: &str,
    status: MessageStatus,
    error: Option<MessageError>,
) -> Result<bool, Error> {
    if let Some(mut delivery) = deliveries::by_key(tx, (channel.tenant, channel.id), key).await? {
        advance(tx, &mut delivery, status, error).await?;
        return Ok(true);
    }
    let Some(id) = messages::seen(tx, (channel.tenant, channel.id), key).await? else { return Ok(false) };
    // Sent from the phone or another program: it has no deliveries.
    let Some(mut message) = messages::load(tx, channel.tenant, id).await? else { return Ok(true) };
    let conversation = conversations::load_locked(tx, channel.tenant, message.conversation).await?;
    if message.status.may_become(status)
        && let Some(mut conversation) = conversation
    {
        message.status = status;
        message.error = error;
        messages::set_status(tx, channel.tenant, &message).await?;
        list_problem(tx, &mut conversation, &message).await?;
        announce::message(tx, EventKind::MessageUpdated, &mut conversation, &message)?;
    }
    Ok(true)
}

/// Sets the status of a delivery if it advances it. `false`: it does not.
pub(super) async fn advance(
    tx: &mut Tx<'_>,
    delivery: &mut Delivery,
    status: MessageStatus,
    error: Option<MessageError>,
) -> Result<bool, Error> {
    if !proves(delivery, status) {
        return Ok(false);
    }
    let was = std::mem::replace(&mut delivery.state, status);
    delivery.error = error;
    if delivery.part > 0 && matches!(status, MessageStatus::Read | MessageStatus::Played) {
        read_before(tx, delivery).await?;
    }
    settled(tx, delivery, was).await?;
    Ok(true)
}

/// Who has read a part of a message has read the parts above it, for which not every provider sends a receipt.
async fn read_before(tx: &mut Tx<'_>, last: &Delivery) -> Result<(), Error> {
    for mut part in deliveries::of_message(tx, last.tenant, last.message).await? {
        if part.part < last.part && matches!(part.state, MessageStatus::Sent | MessageStatus::Delivered) {
            part.state = MessageStatus::Read;
            deliveries::update(tx, &part).await?;
        }
    }
    Ok(())
}

/// Takes a key from the delivery that an echo with the same text was matched to by mistake: that one is unknown again.
pub(crate) async fn claim_key(tx: &mut Tx<'_>, delivery: &Delivery, key: &str) -> Result<(), Error> {
    let place = (delivery.tenant, delivery.channel);
    let Some(mut other) = deliveries::by_key(tx, place, key).await?.filter(|other| other.id != delivery.id)
    else {
        return Ok(());
    };
    other.external_key = None;
    other.external_id = None;
    other.state = MessageStatus::Unknown;
    other.begun_at = Some(tx.now());
    deliveries::update(tx, &other).await?;
    refresh(tx, &other).await
}

/// Whether the status advances the delivery. A given-up delivery that may have been accepted becomes sent when the
/// provider reports it.
pub(super) fn proves(delivery: &Delivery, status: MessageStatus) -> bool {
    let given_up = delivery.state == MessageStatus::Failed && delivery.begun_at.is_some();
    delivery.state.may_become(status) || (given_up && status != MessageStatus::Failed)
}

/// Stores a delivery whose outcome the provider has reported, and updates its message. A job waiting for a retry runs
/// now, so that it ends and does not block its lane; a dead job is deleted.
pub(super) async fn settled(
    tx: &mut Tx<'_>,
    delivery: &mut Delivery,
    was: MessageStatus,
) -> Result<(), Error> {
    let has_left = !matches!(delivery.state, MessageStatus::Queued | MessageStatus::Failed);
    if delivery.sent_at.is_none() && has_left {
        delivery.sent_at = delivery.begun_at.or(Some(tx.now()));
    }
    delivery.begun_at = None;
    deliveries::update(tx, delivery).await?;
    if was == MessageStatus::Queued {
        jobs::hurry::<Deliver>(tx, (delivery.tenant, delivery.channel), delivery.id).await?;
    }
    if was == MessageStatus::Failed {
        jobs::forget_dead::<Deliver>(tx, delivery.tenant, delivery.id).await?;
    }
    refresh(tx, delivery).await
}

/// Recomputes the status of a changed delivery's message, and announces it if it changed.
pub(crate) async fn refresh(tx: &mut Tx<'_>, delivery: &Delivery) -> Result<(), Error> {
    let parts = deliveries::of_message(tx, delivery.tenant, delivery.message).await?;
    let Some(mut message) = messages::load(tx, delivery.tenant, delivery.message).await? else {
        return Ok(());
    };
    let (status, error) = whole(&parts);
    if message.status == status && message.error == error {
        return Ok(());
    }
    message.status = status;
    message.error = error;
    messages::set_status(tx, delivery.tenant, &message).await?;
    if let Some(mut conversation) = conversations::load(tx, delivery.tenant, delivery.conversation).await? {
        list_problem(tx, &mut conversation, &message).await?;
        announce::message(tx, EventKind::MessageUpdated, &mut conversation, &message)?;
    }
    Ok(())
}

/// Lists say of the newest message whether it has to be looked at. Written only when that changes, not for each receipt.
pub(super) async fn list_problem(
    tx: &mut Tx<'_>,
    conversation: &mut Conversation,
    message: &Message,
) -> Result<(), Error> {
    let problem = announce::problem(message);
    match conversation.last_message.as_mut().filter(|last| last.seq == message.seq) {
        Some(last) if last.problem != problem => last.problem = problem,
        _ => return Ok(()),
    }
    Ok(conversations::set_last_message(tx, conversation).await?)
}

/// Fails an unsent part of the AI's answer, because a person took over.
pub(crate) async fn silence(tx: &mut Tx<'_>, delivery: Delivery) -> Result<(), Error> {
    let reason = "a person took over before it was sent".to_owned();
    fail(tx, delivery, MessageError { code: "taken_over".to_owned(), reason }).await
}

/// Fails an unsent part, and the parts of its message after it.
pub(crate) async fn refuse(tx: &mut Tx<'_>, delivery: Delivery, error: MessageError) -> Result<(), Error> {
    deliveries::fail_queued(tx, &delivery, &error.code, &error.reason).await?;
    fail(tx, delivery, error).await
}

async fn fail(tx: &mut Tx<'_>, mut delivery: Delivery, error: MessageError) -> Result<(), Error> {
    delivery.state = MessageStatus::Failed;
    delivery.error = Some(error);
    deliveries::update(tx, &delivery).await?;
    refresh(tx, &delivery).await
}

/// Combines the statuses of the parts; the error is that of a failed, unknown or waiting part.
fn whole(parts: &[Delivery]) -> (MessageStatus, Option<MessageError>) {
    let state = |wanted| parts.iter().find(|part| part.state == wanted);
    if let Some(failed) = state(MessageStatus::Failed) {
        return (MessageStatus::Failed, failed.error.clone().map(|error| partly(parts, error)));
    }
    if let Some(unknown) = state(MessageStatus::Unknown) {
        return (MessageStatus::Unknown, unknown.error.clone());
    }
    let least = [
        MessageStatus::Queued,
        MessageStatus::Sending,
        MessageStatus::Sent,
        MessageStatus::Delivered,
        MessageStatus::Read,
    ];
    let found = least.into_iter().find(|wanted| state(*wanted).is_some()).unwrap_or(MessageStatus::Played);
    // Some parts are sent, others still wait.
    let begun = parts.iter().any(|part| part.state != MessageStatus::Queued);
    // A part waiting for a retry keeps the error of its last attempt.
    let error = parts.iter().find_map(|part| part.error.clone());
    (if found == MessageStatus::Queued && begun { MessageStatus::Sending } else { found }, error)
}

/// The code of a failure of which some parts have arrived all the same begins so.
const PARTLY: &str = "partly_sent:";

/// Says how much of a failed message has left.
fn partly(parts: &[Delivery], error: MessageError) -> MessageError {
    use MessageStatus::{Delivered, Played, Read, Sent};
    let left = parts.iter().filter(|part| matches!(part.state, Sent | Delivered | Read | Played)).count();
    if left == 0 {
        return error;
    }
    let MessageError { code, reason } = error;
    let reason = format!("{left} of {} parts were sent, the rest was not: {reason}", parts.len());
    MessageError { code: format!("{PARTLY}{code}"), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn parts(states: &[MessageStatus]) -> Vec<Delivery> {
        let part = |state: &MessageStatus| Delivery {
            id: Uuid::nil(),
            tenant: Uuid::nil(),
            channel: Uuid::nil(),
            conversation: Uuid::nil(),
            message: Uuid::nil(),
            part: 0,
            parts: 1,
            payload: String::new(),
            state: *state,
            reserved_id: None,
            external_key: None,
            external_id: None,
            tries: 0,
            error: None,
            begun_at: None,
            sent_at: None,
            former_keys: Vec::new(),
        };
        states.iter().map(part).collect()
    }

    #[test]
    fn a_message_is_as_far_as_its_least_part() {
        use MessageStatus::{Delivered, Failed, Played, Queued, Read, Sending, Sent, Unknown};
        for (states, expected) in [
            (&[Queued, Queued][..], Queued),
            (&[Sent, Queued], Sending),
            (&[Sent, Read], Sent),
            (&[Delivered, Read], Delivered),
            (&[Read, Failed], Failed),
            (&[Unknown, Sent], Unknown),
            (&[Played], Played),
        ] {
            assert_eq!(whole(&parts(states)).0, expected, "{states:?}");
        }
    }

    #[test]
    fn a_message_that_left_in_part_says_so() {
        use MessageStatus::{Failed, Sent};
        let mut both = parts(&[Sent, Failed]);
        both[1].error = Some(MessageError { code: "window_closed".into(), reason: "too late".into() });
        let error = whole(&both).1.expect("an error");
        assert_eq!(error.code, "partly_sent:window_closed");
        assert_eq!(error.reason, "1 of 2 parts were sent, the rest was not: too late");
        both[0].state = Failed;
        both[0].error = both[1].error.clone();
        assert_eq!(whole(&both).1.expect("an error").code, "window_closed");
    }

    #[test]
    fn what_was_given_up_and_may_have_left_is_settled_by_the_provider() {
        use MessageStatus::{Delivered, Failed, Queued, Sent, Unknown};
        let part = |state, begun_at| Delivery { begun_at, ..parts(&[state]).remove(0) };
        assert!(proves(&part(Failed, Some(1)), Sent) && proves(&part(Failed, Some(1)), Delivered));
        assert!(!proves(&part(Failed, Some(1)), Failed), "no news");
        assert!(!proves(&part(Failed, None), Sent), "the provider had refused it");
        for state in [Queued, Unknown] {
            assert!(proves(&part(state, Some(1)), Sent) && proves(&part(state, Some(1)), Failed));
        }
        assert!(!proves(&part(Delivered, None), Sent));
    }

    /// Invariant 8, its last sentence: whatever comes in whatever order, a status only moves forward.
    #[test]
    fn statuses_move_forward_only() {
        use MessageStatus::{Delivered, Failed, Played, Read, Sent};
        assert!(!Read.may_become(Delivered) && !Delivered.may_become(Sent) && !Played.may_become(Read));
        assert!(!Delivered.may_become(Failed) && !Read.may_become(Failed));
        assert!(Sent.may_become(Failed) && Failed.may_become(Delivered) && Failed.may_become(Read));
        assert!(!Failed.may_become(Sent));
    }
}
