//! What channels and companies have besides: privacy notices and who was told them, templates, how channels fared, titles
//! of threads, answers of machines, and people who are signing in at a provider.

use anyhow::Result;
use uuid::Uuid;

use super::context::{Contact, Context};
use super::database::row;
use super::id;
use super::plan::DAY_MS;
use super::table::Table;

/// Changes of a channel's health within the retention; the channel that is down flaps.
const HEALTH: u64 = 100;
const FLAPPED: u64 = 20_000;
const HEALTH_DAYS: u64 = 89;
const TEMPLATES: u64 = 200;
const SIGN_INS: u64 = 500;

/// The first message that a contact was sent told it of privacy; each version since then was told anew.
pub(crate) fn told(
    context: &mut Context<'_>,
    (tenant, channel, company): (Uuid, Uuid, Uuid),
    contact: &Contact,
    (message, at): (Uuid, i64),
) -> Result<()> {
    if !context.told.insert(contact.number) {
        return Ok(());
    }
    for version in 1..=context.plan.kept.cast_signed() {
        let row = row![tenant, contact.id, channel, version, company, "en", message, at];
        context.fill.put(Table::Receipts, row)?;
    }
    Ok(())
}

pub(crate) fn companies(context: &mut Context<'_>) -> Result<()> {
    for tenant in &context.accounts.tenants {
        for version in 1..=context.plan.kept.cast_signed() {
            let texts = r#"{"en":"We keep what you write for as long as we need it."}"#;
            let row =
                row![tenant.id, tenant.company, version, "en", texts, context.plan.first_day() + version];
            context.fill.put(Table::Notices, row)?;
        }
    }
    Ok(())
}

pub(crate) fn channels(context: &mut Context<'_>) -> Result<()> {
    let now = context.plan.now;
    for number in 0..context.accounts.channels.len() {
        let channel = &context.accounts.channels[number];
        let (tenant, channel) = (context.accounts.tenants[channel.tenant as usize].id, channel.id);
        let changes = if number as u32 == context.accounts.dead { FLAPPED } else { HEALTH };
        for change in 0..changes * context.plan.kept {
            let at = now - context.dice.roll(HEALTH_DAYS * DAY_MS.cast_unsigned()).cast_signed();
            let (id, state) = (context.id(at), if change % 2 == 0 { "down" } else { "connected" });
            context
                .fill
                .put(Table::Health, row![tenant, channel, id, at, state, "unauthorized", None::<&str>])?;
        }
        for template in 0..if number % 20 == 0 { TEMPLATES } else { 0 } {
            let name = format!("order_{template}");
            let parts = r#"[{"type":"BODY","text":"Your order {{1}} is ready."}]"#;
            let row = row![tenant, channel, &name, "en", "UTILITY", "APPROVED", parts, now];
            context.fill.put(Table::Templates, row)?;
        }
    }
    for _ in 0..SIGN_INS {
        let (digest, user, app) = (id::digest(&mut context.dice), context.id(now), context.id(now));
        let Some(tenant) = context.accounts.tenants.first() else { break };
        let row = row![&digest, tenant.id, tenant.company, user, "messenger", app, "open", now + 600_000];
        context.fill.put(Table::SignIns, row)?;
    }
    Ok(())
}

/// Writes a thread's title for one chat of ten, and an answer of a machine for one of twenty.
pub(crate) fn chats(context: &mut Context<'_>, tenant: Uuid, contacts: &[Contact]) -> Result<()> {
    for contact in contacts {
        let (channel, chat) =
            (context.accounts.channels[contact.channel as usize].id, contact.chat().to_string());
        if contact.number.is_multiple_of(10) {
            let row = row![tenant, channel, &chat, "topic:1", "Orders", contact.created_at];
            context.fill.put(Table::Threads, row)?;
        }
        if contact.number.is_multiple_of(20) {
            let at = context.plan.now - 60_000;
            context.fill.put(Table::Answers, row![tenant, channel, &chat, at, 1_i64])?;
        }
    }
    Ok(())
}
