//! Stripe's events: parsing only, for looking at bodies. It carries no messages, so it is no
//! [`Provider`](crate::Provider). An event is a snapshot, and they come in any order: who acts on one asks for the object
//! as it is now.

mod object;

use serde_json::Value;

use crate::{Context, Fields, Kind, NotJson, bounds, json};

pub(crate) const NAME: &str = "stripe";

/// What each kind of event is about: a pattern of its type, and the action. Of sessions the object decides.
const ACTIONS: &[(&str, &str)] = &[
    ("checkout.session.completed", object::CHECKOUT),
    ("checkout.session.async_payment_succeeded", object::CHECKOUT),
    ("checkout.session.async_payment_failed", "payment_failed"),
    ("checkout.session.expired", "checkout_expired"),
    ("customer.subscription.deleted", "subscription_ended"),
    ("customer.subscription.created", "subscription_sync"),
    ("customer.subscription.updated", "subscription_sync"),
    ("customer.subscription.paused", "subscription_sync"),
    ("customer.subscription.resumed", "subscription_sync"),
    ("customer.subscription.trial_will_end", "subscription_sync"),
    ("invoice.paid", "invoice_paid"),
    ("invoice.payment_failed", "invoice_failed"),
    ("invoice.payment_action_required", "invoice_action_required"),
    ("payment_intent.succeeded", "payment_received"),
    ("payment_intent.payment_failed", "payment_failed"),
    ("charge.refunded", "payment_refunded"),
    ("charge.dispute.created", "dispute_opened"),
    ("charge.dispute.closed", "dispute_closed"),
    ("payout.failed", "payout_failed"),
    ("account.updated", "account_sync"),
    ("account.application.deauthorized", "account_disconnected"),
    ("capability.updated", "account_sync"),
    ("person.updated", "account_sync"),
    ("account.external_account.created", "account_sync"),
    ("account.external_account.updated", "account_sync"),
    ("account.external_account.deleted", "account_sync"),
];

/// What a body tells, in the flat form.
pub(crate) fn fields(body: &[u8], context: &Context) -> Result<Vec<Fields>, NotJson> {
    let document = json::document(body)?;
    let mut event = event(&document, context).unwrap_or_else(Fields::ignored);
    event.dedupe_key = json::key(&document, "id");
    event.update_key.clone_from(&event.dedupe_key);
    event.timestamp_ms = json::millis(&document, "created");
    Ok(bounds::kept(vec![event]))
}

fn event(document: &Value, context: &Context) -> Result<Fields, &'static str> {
    let kind = json::text(document, "type").ok_or("malformed")?;
    // A thin event (`v2.core.event`) names an object and does not hold it.
    let action = ACTIONS.iter().find(|(name, _)| *name == kind).map(|(_, action)| *action);
    let action = action.filter(|_| json::text(document, "object").is_none_or(|object| object == "event"));
    let action = action.ok_or("unhandled_event")?;
    let livemode = json::flag(document, "livemode");
    if context.expected_livemode.is_some_and(|expected| livemode.is_some_and(|given| given != expected)) {
        return Err("livemode_mismatch");
    }
    let account = json::key(document, "account");
    if let (Some(account), Some(known)) = (&account, &context.known_accounts)
        && !known.iter().any(|one| one.as_str() == Some(account))
    {
        return Err("unknown_account");
    }
    let object =
        json::object(document, "data").and_then(|data| json::object(data, "object")).ok_or("malformed")?;
    let id = json::key(object, "id").ok_or("malformed")?;
    let mut event = Fields::new(Kind::Billing);
    event.set("event_type", kind.as_str());
    event.set("object_id", id.as_str());
    event.set("stripe_account", account);
    event.set("livemode", livemode);
    object::describe(&mut event, &kind, action, object);
    Ok(event)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(document: &Value, context: &Context) -> Fields {
        fields(document.to_string().as_bytes(), context).unwrap().remove(0)
    }

    fn session(kind: &str, mode: &str, status: &str) -> Value {
        json!({"id": "evt_1", "object": "event", "type": format!("checkout.session.{kind}"), "livemode": true,
            "data": {"object": {"id": "cs_1", "mode": mode, "payment_status": status}}})
    }

    #[test]
    fn a_checkout_is_what_its_session_says() {
        for (kind, mode, status, action, paid) in [
            ("completed", "payment", "paid", "payment_received", true),
            ("completed", "payment", "no_payment_required", "payment_received", true),
            ("completed", "payment", "unpaid", "payment_pending", false),
            ("completed", "subscription", "paid", "subscription_started", true),
            ("completed", "subscription", "unpaid", "payment_pending", false),
            ("async_payment_succeeded", "payment", "paid", "payment_received", true),
            ("async_payment_failed", "payment", "unpaid", "payment_failed", false),
        ] {
            let event = read(&session(kind, mode, status), &Context::default());
            assert_eq!(
                (&event.data["action"], &event.data["paid"]),
                (&json!(action), &json!(paid)),
                "{kind}"
            );
        }
    }

    #[test]
    fn older_shapes_are_read_as_well() {
        let subscription = json!({"id": "evt_1", "type": "customer.subscription.updated", "data": {"object": {
            "id": "sub_1", "customer": {"id": "cus_1", "object": "customer"}, "current_period_end": 1_796_904_000}}});
        let event = read(&subscription, &Context::default());
        assert_eq!(event.data["current_period_end_ms"], 1_796_904_000_000_i64);
        assert_eq!(event.data["customer"], "cus_1");
        let invoice = json!({"id": "evt_1", "type": "invoice.paid", "data": {"object": {
            "id": "in_1", "subscription": "sub_1", "amount_paid": 5}}});
        assert_eq!(read(&invoice, &Context::default()).data["subscription"], "sub_1");
    }

    #[test]
    fn events_of_others_are_left_out() {
        let mut event = session("completed", "payment", "paid");
        event["account"] = "acct_2".into();
        let context =
            |known: &str| Context { known_accounts: Some(vec![known.into()]), ..Context::default() };
        assert_eq!(read(&event, &context("acct_1")).reason.as_deref(), Some("unknown_account"));
        assert_eq!(read(&event, &context("acct_2")).kind, Kind::Billing);
        for odd in [json!(null), json!([]), json!({"type": 7}), json!({"type": "invoice.paid", "data": []})] {
            assert_eq!(read(&odd, &Context::default()).reason.as_deref(), Some("malformed"), "{odd}");
        }
    }
}
