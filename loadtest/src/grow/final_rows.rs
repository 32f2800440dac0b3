//! The rows that change with every message, written once in their final state: contacts, conversations, read marks,
//! tallies, the queue of the channel that is down.

use std::collections::BTreeMap;

use anyhow::Result;
use uuid::Uuid;

use super::context::{Contact, Context};
use super::conversation::Beside;
use super::database::row;
use super::feed;
use super::files;
use super::message::DOWN;
use super::names;
use super::people::{self, Known, Shown};
use super::plan::DAY_MS;
use super::rules;
use super::simulation::Simulation;
use super::sources::{self, Link};
use super::table::Table;

/// Retry interval of the channel that is down.
const BLOCK_MS: i64 = 60_000;
/// Number of changes whose message never arrived.
const PENDING: u64 = 200;

pub(crate) fn write(simulation: &mut Simulation<'_>) -> Result<()> {
    newest_events(simulation)?;
    let known = people::tenants(&mut simulation.context)?;
    let links = contacts(simulation, &known)?;
    conversations(simulation, &known, &links)?;
    rules::companies(&mut simulation.context)?;
    rules::channels(&mut simulation.context)?;
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

/// Writes contacts in the order of creation, and what each tenant knows of its own, in the order of the keys.
fn contacts(simulation: &mut Simulation<'_>, known: &[Known]) -> Result<Vec<Vec<Link>>> {
    let context = &mut simulation.context;
    let mut of_tenant: Vec<Vec<Contact>> = vec![Vec::new(); context.accounts.tenants.len()];
    let tenant_of = |context: &Context<'_>, contact: &Contact| {
        context.accounts.channels[contact.channel as usize].tenant as usize
    };
    let mut places = Vec::with_capacity(simulation.contacts.len());
    for contact in &simulation.contacts {
        let of = &mut of_tenant[tenant_of(context, contact)];
        places.push(of.len());
        of.push(*contact);
    }
    for (contact, place) in simulation.contacts.iter().zip(places) {
        let at_tenant = tenant_of(context, contact);
        let channel = &context.accounts.channels[contact.channel as usize];
        let tenant = context.accounts.tenants[at_tenant].id;
        let (name, handle) = names::of(contact.number, context.seed);
        let (at, chat) = (contact.created_at, contact.chat().to_string());
        let Shown { merged_into, has_merged, labels } =
            people::shown(&known[at_tenant], &of_tenant[at_tenant], place);
        let row = row![contact.id, tenant, &name, &handle, at, at, merged_into, has_merged, labels.as_ref()];
        context.fill.put(Table::Contacts, row)?;
        context.fill.put(Table::Identities, row![channel.id, &chat, contact.id, tenant, at])?;
    }
    let mut links = Vec::new();
    for (at_tenant, contacts) in of_tenant.into_iter().enumerate() {
        let tenant = context.accounts.tenants[at_tenant].id;
        let mut terms = Vec::new();
        for contact in &contacts {
            let (name, handle) = names::of(contact.number, context.seed);
            terms.extend(names::terms(&name, &handle).into_iter().map(|term| (term, contact.id)));
        }
        terms.sort();
        for (term, contact) in terms {
            context.fill.put(Table::Terms, row![tenant, term.as_bytes(), contact])?;
        }
        people::contacts(context, tenant, &known[at_tenant], &contacts)?;
        rules::chats(context, tenant, &contacts)?;
        sources::leads(context, tenant, &contacts)?;
        files::uploads(context, tenant, contacts.len())?;
        let channels: Vec<Uuid> = context
            .accounts
            .channels
            .iter()
            .filter(|channel| channel.tenant as usize == at_tenant)
            .map(|channel| channel.id)
            .collect();
        links.push(sources::links(context, tenant, &channels, contacts.len())?);
    }
    Ok(links)
}

/// Writes the conversations with their read marks, and the tallies by bucket.
fn conversations(simulation: &mut Simulation<'_>, known: &[Known], links: &[Vec<Link>]) -> Result<()> {
    let context = &mut simulation.context;
    let mut tallies = BTreeMap::<(Uuid, Uuid, &str, Uuid), i64>::new();
    for one in &simulation.conversations {
        let contact = &simulation.contacts[one.contact as usize];
        let at_tenant = context.accounts.channels[one.channel as usize].tenant as usize;
        let tenant = context.accounts.tenants[at_tenant].id;
        let labels = people::conversation(context, tenant, &known[at_tenant], one)?;
        let source = sources::touches(context, tenant, &links[at_tenant], contact, one)?;
        one.write(context, contact, &Beside { labels, source })?;
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
