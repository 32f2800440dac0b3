//! The rows that change with every message, written once in their final state: contacts, conversations, read marks,
//! tallies, the queue of the channel that is down.

use std::collections::BTreeMap;

use anyhow::Result;
use uuid::Uuid;

use super::context::Context;
use super::database::row;
use super::feed;
use super::message::DOWN;
use super::names;
use super::plan::DAY_MS;
use super::simulation::Simulation;
use super::table::Table;

/// Retry interval of the channel that is down.
const BLOCK_MS: i64 = 60_000;
/// Number of changes whose message never arrived.
const PENDING: u64 = 200;

pub(crate) fn write(simulation: &mut Simulation<'_>) -> Result<()> {
    newest_events(simulation)?;
    contacts(simulation)?;
    conversations(simulation)?;
    let context = &mut simulation.context;
    queue(
        context,
        simulation.conversations.iter().filter(|one| one.channel == context.accounts.dead).count() as i64,
    )?;
    pending(context)?;
    let Context { accounts, fill, dice, plan, .. } = context;
    accounts.write(fill, plan.now, dice)
}

/// Writes the newest event of each feed, which is kept regardless of its age.
fn newest_events(simulation: &mut Simulation<'_>) -> Result<()> {
    for tenant in 0..simulation.context.accounts.tenants.len() {
        let Some((index, at)) = simulation.context.accounts.tenants[tenant].newest_event else { continue };
        if !simulation.context.keeps_events(at) {
            let one = simulation.conversations[index as usize];
            let contact = simulation.contacts[one.contact as usize];
            feed::write(&mut simulation.context, &one, &contact, Some(one.standing()), None, at)?;
        }
    }
    Ok(())
}

/// Writes contacts in the order of creation, and each tenant's search terms, sorted.
fn contacts(simulation: &mut Simulation<'_>) -> Result<()> {
    let context = &mut simulation.context;
    let mut of_tenant: Vec<Vec<u32>> = vec![Vec::new(); context.accounts.tenants.len()];
    for contact in &simulation.contacts {
        let channel = &context.accounts.channels[contact.channel as usize];
        of_tenant[channel.tenant as usize].push(contact.number);
        let tenant = context.accounts.tenants[channel.tenant as usize].id;
        let (name, handle) = names::of(contact.number, context.seed);
        let (at, chat) = (contact.created_at, contact.chat().to_string());
        context.fill.put(Table::Contacts, row![contact.id, tenant, &name, &handle, at, at])?;
        context.fill.put(Table::Identities, row![channel.id, &chat, contact.id, tenant, at])?;
    }
    for (tenant, numbers) in of_tenant.into_iter().enumerate() {
        let tenant = context.accounts.tenants[tenant].id;
        let mut terms = Vec::new();
        for number in numbers {
            let contact = simulation.contacts[number as usize].id;
            let (name, handle) = names::of(number, context.seed);
            terms.extend(names::terms(&name, &handle).into_iter().map(|term| (term, contact)));
        }
        terms.sort();
        for (term, contact) in terms {
            context.fill.put(Table::Terms, row![tenant, term.as_bytes(), contact])?;
        }
    }
    Ok(())
}

/// Writes the conversations with their read marks, and the tallies by bucket.
fn conversations(simulation: &mut Simulation<'_>) -> Result<()> {
    let context = &mut simulation.context;
    let mut tallies = BTreeMap::<(Uuid, Uuid, &str, Uuid), i64>::new();
    for one in &simulation.conversations {
        one.write(context, &simulation.contacts[one.contact as usize])?;
        let channel = &context.accounts.channels[one.channel as usize];
        let tenant = &context.accounts.tenants[channel.tenant as usize];
        let assignee = one.assignee.map_or(Uuid::nil(), |user| context.accounts.users[user as usize].id);
        *tallies.entry((tenant.id, channel.id, one.standing().bucket, assignee)).or_default() += 1;
        let first = tenant.people.first().copied().filter(|_| context.dice.chance(20));
        let (seq, inbound) = (i64::from(one.seq), i64::from(one.inbound));
        if let Some(first) = first {
            let user = context.accounts.users[first as usize].id;
            context.fill.put(Table::Reads, row![tenant.id, one.id, user, seq, inbound, one.updated_at])?;
        }
        if let Some(mark) = one.read.filter(|mark| Some(mark.user) != first) {
            let user = context.accounts.users[mark.user as usize].id;
            let row = row![tenant.id, one.id, user, i64::from(mark.seq), i64::from(mark.inbound), mark.at];
            context.fill.put(Table::Reads, row)?;
        }
    }
    for ((tenant, channel, bucket, assignee), amount) in tallies {
        context.fill.put(Table::Tallies, row![tenant, channel, bucket, assignee, amount])?;
    }
    Ok(())
}

/// Writes the queue of the channel that is down: blocked after many failures.
fn queue(context: &mut Context<'_>, waiting: i64) -> Result<()> {
    if waiting == 0 {
        return Ok(());
    }
    let channel = &context.accounts.channels[context.accounts.dead as usize];
    let tenant = context.accounts.tenants[channel.tenant as usize].id;
    let next = context.plan.now + BLOCK_MS;
    let row = row![channel.id, 1_i64, tenant, waiting, 0_i64, 0_i64, next, 7_i64, next, DOWN];
    context.fill.put(Table::Queues, row)
}

fn pending(context: &mut Context<'_>) -> Result<()> {
    let mut waiting = BTreeMap::<(Uuid, Uuid), i64>::new();
    for number in 0..PENDING.min(context.plan.sizes.len() as u64 / 10) {
        let at = context.plan.now - context.dice.roll(20 * DAY_MS.cast_unsigned()).cast_signed();
        let id = context.id(at);
        let channel = &context.accounts.channels[context.accounts.draw_channel(&mut context.dice) as usize];
        let tenant = context.accounts.tenants[channel.tenant as usize].id;
        let key = format!("1:{number}");
        let event = r#"{"kind":"status","status":"read","error":null}"#;
        *waiting.entry((tenant, channel.id)).or_default() += 1;
        context.fill.put(Table::Pending, row![id, tenant, channel.id, &key, event, at])?;
    }
    for ((tenant, channel), amount) in waiting {
        context.fill.put(Table::Waiting, row![tenant, channel, amount])?;
    }
    Ok(())
}
