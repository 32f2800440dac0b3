//! What of an event's object its action needs. Members that moved between versions of the API are read in both places, and
//! a reference may be the object itself.

use serde_json::Value;

use crate::{Fields, json};

/// Stands in the table of actions for what the session decides.
pub(super) const CHECKOUT: &str = "";

pub(super) fn describe(event: &mut Fields, kind: &str, action: &str, object: &Value) {
    let group = kind.rsplit_once('.').map_or(kind, |(group, _)| group);
    let action = if action == CHECKOUT { checkout(object) } else { action };
    event.set("action", action);
    match group {
        "checkout.session" => session(event, object),
        "customer.subscription" => subscription(event, object),
        "invoice" => invoice(event, kind, object),
        "account" if kind == "account.updated" => account(event, object),
        _ => money(event, kind, object),
    }
}

fn is_paid(session: &Value) -> bool {
    matches!(session.get("payment_status").and_then(Value::as_str), Some("paid" | "no_payment_required"))
}

fn checkout(session: &Value) -> &'static str {
    if !is_paid(session) {
        return "payment_pending";
    }
    match session.get("mode").and_then(Value::as_str) {
        Some("subscription") => "subscription_started",
        Some("setup") => "setup_completed",
        _ => "payment_received",
    }
}

fn session(event: &mut Fields, session: &Value) {
    references(event, session, &["customer", "subscription", "payment_intent", "payment_link", "invoice"]);
    amount(event, session, &["amount_total"]);
    event.set("paid", is_paid(session));
    let tenant = json::text(session, "client_reference_id").or_else(|| of_metadata(session));
    put(event, "tenant_ref", tenant);
}

fn subscription(event: &mut Fields, subscription: &Value) {
    references(event, subscription, &["customer"]);
    put(event, "subscription", json::key(subscription, "id"));
    put(event, "status", json::text(subscription, "status"));
    put(event, "cancel_at_period_end", json::flag(subscription, "cancel_at_period_end"));
    let items = json::object(subscription, "items").map_or(&[][..], |items| json::list(items, "data"));
    let end = items.iter().filter_map(|item| json::millis(item, "current_period_end")).max();
    put(event, "current_period_end_ms", end.or_else(|| json::millis(subscription, "current_period_end")));
    put(event, "price", items.first().and_then(|item| reference(item, "price")));
    put(event, "tenant_ref", of_metadata(subscription));
}

fn invoice(event: &mut Fields, kind: &str, invoice: &Value) {
    references(event, invoice, &["customer"]);
    let parent =
        json::object(invoice, "parent").and_then(|parent| json::object(parent, "subscription_details"));
    let subscription = parent.and_then(|details| reference(details, "subscription"));
    put(event, "subscription", subscription.or_else(|| reference(invoice, "subscription")));
    let members = if kind == "invoice.paid" {
        ["amount_paid", "amount_due"]
    } else {
        ["amount_due", "amount_remaining"]
    };
    amount(event, invoice, &members);
    put(event, "next_attempt_ms", json::millis(invoice, "next_payment_attempt"));
    put(event, "tenant_ref", parent.and_then(of_metadata).or_else(|| of_metadata(invoice)));
    event.set("paid", kind == "invoice.paid");
}

fn account(event: &mut Fields, account: &Value) {
    for name in ["charges_enabled", "payouts_enabled", "details_submitted"] {
        put(event, name, json::flag(account, name));
    }
    let requirements = account.get("requirements").unwrap_or(&Value::Null);
    let due = json::list(requirements, "currently_due").iter().filter_map(Value::as_str).take(100);
    event.set("requirements_due", due.collect::<Vec<_>>());
    put(event, "disabled_reason", json::text(requirements, "disabled_reason"));
}

fn money(event: &mut Fields, kind: &str, object: &Value) {
    references(event, object, &["customer", "payment_intent", "charge"]);
    let members: &[&str] = match kind {
        // All refunds of the charge until now.
        "charge.refunded" => &["amount_refunded"],
        "payment_intent.succeeded" => &["amount_received", "amount"],
        _ => &["amount"],
    };
    amount(event, object, members);
    put(event, "status", json::text(object, "status"));
    put(event, "tenant_ref", of_metadata(object));
}

fn of_metadata(object: &Value) -> Option<String> {
    json::object(object, "metadata").and_then(|metadata| json::text(metadata, "tenant_id"))
}

/// The id, of the object itself where it was expanded.
fn reference(object: &Value, name: &str) -> Option<String> {
    json::key(object, name).or_else(|| json::key(json::object(object, name)?, "id"))
}

fn references(event: &mut Fields, object: &Value, names: &[&str]) {
    for name in names {
        put(event, name, reference(object, name));
    }
}

/// In the currency's smallest unit.
fn amount(event: &mut Fields, object: &Value, members: &[&str]) {
    put(event, "amount", members.iter().find_map(|member| json::integer(object, member)));
    put(event, "currency", json::text(object, "currency"));
}

fn put<T: Into<Value>>(event: &mut Fields, name: &str, value: Option<T>) {
    if let Some(value) = value {
        event.set(name, value);
    }
}
