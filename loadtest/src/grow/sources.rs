//! Where customers came from: tracked links with their visits and references, touches, and leads of landing pages.

use anyhow::Result;
use serde_json::json;
use uuid::Uuid;

use super::context::{Contact, Context};
use super::conversation::Conversation;
use super::database::row;
use super::id;
use super::plan::DAY_MS;
use super::table::Table;

const UTM: &str = r#"{"source":"tiktok","medium":"video","campaign":"spring","term":null,"content":null}"#;
/// A link for so many contacts, and so many links of a tenant.
const CONTACTS_OF_LINK: usize = 200;
const MOST_LINKS: usize = 2_000;
/// Days of which a link has visits, and for which its references are kept.
const VISITED_DAYS: i64 = 400;
const CLICK_DAYS: i64 = 9;

/// A link of a tenant.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    id: Uuid,
    channel: Uuid,
}

/// Writes the links of a tenant with so many contacts, their visits, and the references that visitors were given.
pub(crate) fn links(
    context: &mut Context<'_>,
    tenant: Uuid,
    channels: &[Uuid],
    contacts: usize,
) -> Result<Vec<Link>> {
    let now = context.plan.now;
    let today = now / DAY_MS;
    let mut links = Vec::new();
    if channels.is_empty() {
        return Ok(links);
    }
    for number in 0..(1 + contacts / CONTACTS_OF_LINK).min(MOST_LINKS) {
        let made = context.plan.first_day();
        let link = Link { id: context.id(made), channel: channels[number % channels.len()] };
        let code = id::digest(&mut context.dice);
        let days = VISITED_DAYS.min(30 * context.plan.kept.cast_signed());
        let amounts: Vec<i64> = (0..days).map(|_| 1 + context.dice.roll(9).cast_signed()).collect();
        let (visits, name) = (amounts.iter().sum::<i64>(), format!("Link {number}"));
        context.fill.put(Table::LinkCodes, row![&code[..16], tenant, link.id])?;
        let row = row![
            tenant,
            link.id,
            link.channel,
            &code[..16],
            &name,
            "shop_bot",
            UTM,
            true,
            visits,
            visits / 3,
            now,
            made,
            now
        ];
        context.fill.put(Table::Links, row)?;
        for (day, amount) in (today - days + 1..=today).zip(amounts) {
            context.fill.put(Table::Visits, row![tenant, link.id, day, amount])?;
        }
        links.push(link);
    }
    for number in 0..contacts as u64 * context.plan.kept / 2 {
        let link = links[number as usize % links.len()];
        let at = now - context.dice.roll((CLICK_DAYS * DAY_MS).cast_unsigned()).cast_signed();
        let (reference, used) = (format!("{number:06}"), number.is_multiple_of(3).then_some(at + 60_000));
        context.fill.put(Table::Clicks, row![tenant, &reference, link.id, link.channel, UTM, at, used])?;
    }
    Ok(links)
}

/// Writes what led a contact to a conversation; returns the source that the conversation's row shows.
pub(crate) fn touches(
    context: &mut Context<'_>,
    tenant: Uuid,
    links: &[Link],
    contact: &Contact,
    one: &Conversation,
) -> Result<Option<String>> {
    let mut first = None;
    let channel = context.accounts.channels[one.channel as usize].id;
    for number in 0..context.plan.kept {
        let Some(link) = links.get(context.dice.roll(links.len() as u64) as usize) else { break };
        let utm: serde_json::Value = serde_json::from_str(UTM)?;
        let source =
            json!({"kind": "link", "name": "Link", "link": link.id, "campaign": "spring", "utm": utm})
                .to_string();
        let (id, at) = (context.id(one.opened_at), one.opened_at);
        let key = format!("{}:{}:{number}", contact.chat(), one.id.as_simple());
        // Some were told before a conversation was open, and none took them over.
        let of = (!context.dice.chance(5) || number == 0).then_some(one.id);
        let row =
            row![tenant, id, contact.id, channel, of, "link", &key, &key, "234567", link.id, &source, at];
        context.fill.put(Table::Touches, row)?;
        first.get_or_insert(source);
    }
    Ok(first)
}

/// Writes the leads of a tenant.
pub(crate) fn leads(context: &mut Context<'_>, tenant: Uuid, contacts: &[Contact]) -> Result<()> {
    for contact in contacts {
        for number in 0..context.plan.kept {
            let (id, at) = (context.id(contact.created_at), contact.created_at);
            let (key, digest) = (format!("{}-{number}", contact.number), id::digest(&mut context.dice));
            let email = format!("person{}@leads.example.com", contact.number);
            let row = row![
                tenant,
                id,
                None::<Uuid>,
                "landing",
                &key,
                &digest[..32],
                "Anna Novak",
                &email,
                None::<&str>,
                r#"{"size":"M","message":"When can I come?"}"#,
                UTM,
                "{}",
                "I agree",
                at,
                at
            ];
            context.fill.put(Table::Leads, row)?;
        }
    }
    Ok(())
}
