//! Checks the server's invariants: one statement each, which counts the violations. It works on any database of the
//! server that has only text messages.

use anyhow::{Context, Result};
use uuid::Uuid;

use super::database::{Database, Engine};

/// The description of each check, and the number of violations.
pub(crate) fn run(database: &mut dyn Database) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (what, sql) in statements(database.engine()) {
        eprintln!("  {what}");
        let broken = database.number(&sql).with_context(|| format!("cannot check that {what}: {sql}"))?;
        if broken != 0 {
            problems.push(format!("{what}: not so in {broken} places"));
        }
    }
    Ok(problems)
}

/// The same statements for whoever asks PostgreSQL itself.
pub(crate) fn on_postgres() -> Vec<(&'static str, String)> {
    statements(Engine::Postgres)
}

fn statements(engine: Engine) -> Vec<(&'static str, String)> {
    let count = |what, from: &str| (what, format!("select count(*) from {from}"));
    let last = |member: &str, number| engine.json("c.last_message", member, number);
    let nil = engine.id(Uuid::nil());
    let (seq, at) = (last("seq", true), last("at", true));
    let (direction, text) = (last("direction", false), last("text", false));
    let cursor = engine.json("data", "cursor", true);
    // A person answers all that was written before. An answer of the AI is to the messages of its turn: what the customer
    // wrote meanwhile is the next one's.
    let unanswered = "from messages m where m.tenant = c.tenant and m.conversation = c.id and m.direction = 'in' and m.seq > \
        coalesce((select max(coalesce((select t.last_seq from turns t where t.tenant = o.tenant and t.id = o.turn), o.seq)) \
        from messages o where o.tenant = c.tenant and o.conversation = c.id and o.direction = 'out'), 0)";
    vec![
        count(
            "seq is gap-free in every conversation",
            "(select 1 as x from messages group by tenant, conversation having count(*) <> max(seq) or min(seq) <> 1) v",
        ),
        count(
            "inbound_count of a message is the number of the customer's messages up to it",
            "(select inbound_count, sum(case when direction = 'in' then 1 else 0 end) over \
             (partition by tenant, conversation order by seq) as n from messages) v where inbound_count <> n",
        ),
        count(
            "conversations know their last seq and how many messages the customer wrote",
            "conversations c left join (select tenant, conversation, max(seq) as seq, max(inbound_count) as inbound, \
             max(created_at) as at, max(case when direction = 'note' then 0 else seq end) as spoken from messages \
             group by tenant, conversation) m on m.tenant = c.tenant and m.conversation = c.id where c.last_seq <> coalesce(m.seq, 0) \
             or c.inbound_count <> coalesce(m.inbound, 0) or c.updated_at <> coalesce(m.at, c.opened_at)",
        ),
        count(
            "last_message is the newest message that is not a note",
            &format!(
                "conversations c left join messages m on m.tenant = c.tenant and m.conversation = c.id and m.seq = {seq} \
                 where (c.last_message is null) <> (c.last_seq = 0) or (c.last_seq > 0 and (m.id is null \
                 or m.direction <> {direction} or m.created_at <> {at} or substr(m.text, 1, 160) <> {text})) \
                 or exists (select 1 from messages n where n.tenant = c.tenant and n.conversation = c.id and n.seq > {seq} \
                 and n.direction <> 'note')"
            ),
        ),
        count(
            "a contact has one open conversation on a channel at the most",
            "(select 1 as x from conversations where state = 'open' group by tenant, channel, contact, thread having count(*) > 1) v",
        ),
        count(
            "a conversation's chat is an identity of its contact",
            "conversations c left join identities i on i.tenant = c.tenant and i.channel = c.channel \
             and i.external_id = c.external_id where i.contact is null or i.contact <> c.contact",
        ),
        count(
            "a customer waits since the first message that nothing has answered",
            &format!(
                "conversations c where c.waiting_since is not null and c.waiting_since <> (select min(m.created_at) {unanswered})"
            ),
        ),
        count(
            "whom nothing has answered in an open conversation waits, and nobody else",
            &format!(
                "conversations c where (c.waiting_since is not null) <> (c.state = 'open' and exists (select 1 {unanswered}))"
            ),
        ),
        count(
            "buckets follow from state, owner, assignee and waiting",
            "conversations c where c.bucket <> case when c.state = 'closed' then 'closed' when c.owner = 'ai' then 'ai' \
             when c.assignee is null and c.waiting_since is null then 'unassigned' \
             when c.assignee is null then 'unassigned_waiting' when c.waiting_since is null then 'assigned' \
             else 'assigned_waiting' end or (c.closed_at is not null) <> (c.state = 'closed')",
        ),
        count(
            "tallies are the counts of the conversations",
            &format!(
                "(select 1 as x from (select tenant, channel, bucket, assignee, amount from tallies union all \
                 select tenant, channel, bucket, coalesce(assignee, {nil}), -count(*) from conversations \
                 group by tenant, channel, bucket, assignee) a group by tenant, channel, bucket, assignee \
                 having sum(amount) <> 0) v"
            ),
        ),
        count(
            "changes that wait are counted",
            "(select 1 as x from (select tenant, channel, amount from waiting_changes union all \
             select tenant, channel, -count(*) from pending_changes group by tenant, channel) a group by tenant, channel \
             having sum(amount) <> 0) v",
        ),
        count(
            "a feed has no gaps up to the tenant's cursor",
            "tenants t left join (select tenant, max(cursor_at) as top, min(cursor_at) as low, count(*) as n \
             from events group by tenant) e on e.tenant = t.id where (t.next_cursor > 0 and e.top is null) \
             or e.top <> t.next_cursor or e.n <> e.top - e.low + 1",
        ),
        count("events carry their cursor", &format!("events where {cursor} <> cursor_at")),
        count(
            "contacts are found by something, in their own tenant",
            "contacts c left join (select tenant, contact, count(*) as n from contact_terms group by tenant, contact) t \
             on t.tenant = c.tenant and t.contact = c.id where t.n is null",
        ),
        count(
            "a contact is seen as another one for a reason that holds, and the other way round",
            "(select 1 as x from (select tenant, id, merged_into, 1 as n from contacts where merged_into is not null \
             union all select tenant, contact, into_contact, -1 from contact_merges where state = 'active') a \
             group by tenant, id, merged_into having sum(n) <> 0) v",
        ),
        count(
            "a sent file is used by its attachment",
            "attachments a left join file_uses u on u.tenant = a.tenant and u.file = a.file and u.thing_id = a.id \
             where a.file is not null and u.file is null",
        ),
        count(
            "links know their visits",
            "links l left join (select tenant, link, sum(amount) as amount from visits group by tenant, link) v \
             on v.tenant = l.tenant and v.link = l.id where l.visits < coalesce(v.amount, 0)",
        ),
        count(
            "what was sent has its parts, in the state of the message",
            "messages m left join (select tenant, message, count(*) as n, max(parts) as parts, max(state) as state \
             from deliveries group by tenant, message) d on d.tenant = m.tenant and d.message = m.id where (d.message is not null and m.direction <> 'out') \
             or (m.direction = 'out' and m.client_id is not null and (d.n is null or d.n <> d.parts)) \
             or (d.n = 1 and d.state <> m.status)",
        ),
        count(
            "attempts belong to a delivery of their tenant",
            "attempts a left join deliveries d on d.tenant = a.tenant and d.id = a.delivery where d.id is null",
        ),
        count(
            "an open turn is of an open conversation of the AI, under its epoch",
            "turns t join conversations c on c.tenant = t.tenant and c.id = t.conversation where t.state in ('collecting', 'offered') \
             and (c.state <> 'open' or c.owner <> 'ai' or c.epoch <> t.epoch or (t.lease is null) <> (t.state = 'collecting'))",
        ),
        count(
            "a turn holds so many of the customer's messages as it says",
            "turns t join messages f on f.tenant = t.tenant and f.conversation = t.conversation and f.seq = t.first_seq \
             join messages l on l.tenant = t.tenant and l.conversation = t.conversation and l.seq = t.last_seq where f.direction <> 'in' \
             or l.inbound_count - f.inbound_count + 1 <> t.message_count",
        ),
        count(
            "an answered turn has its answer",
            "turns t left join (select distinct tenant, turn from messages where turn is not null) m on m.tenant = t.tenant and m.turn = t.id \
             where (t.state = 'answered') <> (m.turn is not null)",
        ),
        count(
            "read marks say how many messages the customer had written",
            "reads r left join messages m on m.tenant = r.tenant and m.conversation = r.conversation and m.seq = r.seq \
             where m.id is null or m.inbound_count <> r.inbound_count",
        ),
        count(
            "directories lead to what is there, and to all of it",
            "(select 1 as x from (select tenant, channel as id, 1 as n from hook_paths union all select tenant, id, -1 from channels union all \
             select tenant, api_key, 1 from key_digests union all select tenant, id, -1 from api_keys) a \
             group by tenant, id having sum(n) <> 0) v",
        ),
        count(
            "queues know what waits in them",
            "(select 1 as x from (select tenant, id, class, waiting from queues union all select tenant, queue, class, -count(*) \
             from jobs where state <> 'dead' group by tenant, queue, class) a group by tenant, id, class having sum(waiting) <> 0) v",
        ),
        count(
            "every lane has one first job",
            "(select 1 as x from jobs where state <> 'dead' group by tenant, lane \
             having sum(case when state = 'behind' then 0 else 1 end) <> 1) v",
        ),
        count(
            "sends that wait have a delivery that waits, and the other way round",
            "(select 1 as x from (select tenant, subject as id, 1 as n from jobs where kind = 'deliver' and state <> 'dead' \
             union all select tenant, id, -1 from deliveries where state in ('queued', 'sending')) a group by tenant, id \
             having sum(n) <> 0) v",
        ),
    ]
}
